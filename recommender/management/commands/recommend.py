"""Recommendations on the command line: the raw ranking, songs without a file included."""

from __future__ import annotations

import json
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from recommender.services import recommending
from recommender.services.reasons import LabelReason
from recommender.services.recommending import Recommendation
from recommender.services.taste import taste_of
from recommender.snapshots import build

from ._progress import build_progress


class Command(BaseCommand):
    """The command; `help` says what it does."""

    help = "Recommends songs to users, each with its reasons, best first."

    def add_arguments(self, parser: CommandParser) -> None:
        """Define the command line."""
        parser.add_argument("user", nargs="+", metavar="USER", help="username")
        parser.add_argument(
            "--method",
            metavar="METHOD",
            help="content: songs whose labels the user likes; labels_and_sound: the same by labels and sound "
            "together; cooccurrence: what those play who play the same; latent: "
            "by factors of listeners and songs; hybrid: all of these; popular: what is played most; default: hybrid "
            "where it is fitted, else content",
        )
        parser.add_argument("--labels", metavar="LABEL,LABEL", help="what the user wants now, beside their profile")
        parser.add_argument("-n", type=int, default=20, metavar="N", help="how many songs (default: %(default)s)")
        parser.add_argument("--format", choices=["table", "json"], default="table")

    def handle(self, **options: Any) -> None:
        """Run the command."""
        if options["n"] < 1:
            raise CommandError(f"-n is a number of songs, 1 or more, not {options['n']}")
        users = [_user(name) for name in dict.fromkeys(options["user"])]
        query = _query(options["labels"])
        try:
            with build_progress() as progress:
                build.refresh(progress, options["method"])
            method = options["method"] or ("hybrid" if "hybrid" in recommending.methods() else "content")
            found = {
                user.get_username(): recommending.recommend(user, method, query=query, n=options["n"], every_song=True)
                for user in users
            }
        except (ValueError, OSError) as error:
            raise CommandError(str(error)) from error
        for user in users:
            if not found[user.get_username()]:
                self.stderr.write(f"Nothing for {user}: {_why_nothing(user, options['method'], query)}")
        if options["format"] == "json":
            for songs in found.values():
                recommending.fetch_names_elsewhere(songs)
            lists = {name: [one.as_json() for one in songs] for name, songs in found.items()}
            self.stdout.write(json.dumps(lists if len(options["user"]) > 1 else next(iter(lists.values()))))
        else:
            for name, songs in found.items():
                self._table(name if len(found) > 1 else "", songs)

    def _table(self, name: str, songs: list[Recommendation]) -> None:
        if name:
            self.stdout.write(f"{name}:")
        width = max((len(str(one.song)) for one in songs), default=0)
        for one in songs:
            self.stdout.write(f"{one.rank:>4}  {one.score:>9.4f}  {one.song!s:<{min(width, 60)}}  {_reasons(one)}")


def _user(name: str) -> User:
    try:
        return User.objects.get_by_natural_key(name)
    except User.DoesNotExist:
        raise CommandError(f"no user is called {name!r}") from None


def _query(labels: str | None) -> dict[str, float] | None:
    if labels is None:
        return None
    names = [name.strip() for name in labels.split(",") if name.strip()]
    if not names:
        raise CommandError("--labels needs the name of a label")
    return dict.fromkeys(names, 1.0)


def _reasons(recommendation: Recommendation) -> str:
    return ", ".join(
        f"{reason.label} {reason.weight:+.3f}"
        if isinstance(reason, LabelReason)
        else f"{reason.song} ({reason.weight:g})"
        for reason in recommendation.reasons
    )


def _why_nothing(user: User, method: str | None, query: dict[str, float] | None) -> str:
    if method == "popular":
        return "no song that is new to them has been played by anybody."
    if method in ("cooccurrence", "latent"):
        return "they have played nothing that anybody else plays. Try --method content."
    if query is None and taste_of(user).empty:
        return "the profile is empty, nothing rated or played. Try --labels happy,calm or --method popular."
    return "no song that is new to them has a label that speaks for it."
