"""`manage.py demo`: what bin/demo does once everything is installed."""

from __future__ import annotations

import secrets
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from catalog.models import PlayCount, Song
from dcmrs_site import processes, startup
from dcmrs_site.supervision import CannotStart
from recommender.models import Evaluation, Snapshot
from tagging.taggers import registry
from tagging.taggers.recommended import recommended

AT_ONCE = 200
"""Songs that are labelled before the server starts; when there are more, its worker labels them all."""

ACCOUNT = "demo"


class Command(BaseCommand):
    """The command; `help` says what it does."""

    help = (
        "Fill the library, label every song, compute recommendations, make an account, and run the server. What is "
        "done already is not done again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the command's arguments."""
        parser.add_argument("--music", metavar="DIR", help="a folder of music in place of the demo library")
        parser.add_argument("--weights", metavar="DIR", help="have the published taggers in this folder listen too")
        parser.add_argument("--port", type=int, default=8000, help="port of the web server (8000)")

    def handle(self, *args: Any, music: str | None, weights: str | None, port: int, **options: Any) -> None:
        """Run the command."""
        try:
            processes.require_redis()
            lock, listener = processes.hold_home(), processes.listen("127.0.0.1", port)
        except CannotStart as error:
            raise CommandError(str(error)) from error
        try:
            startup.migrate(self.stdout.write)
            self._install_taggers(weights)
            songs_before = Song.objects.count()
            self._fill_library(music)
            if self._label() or Song.objects.count() != songs_before or not Snapshot.objects.exists():
                with self._step("Computing recommendations"):
                    call_command("recompute")
            startup.collect_static_files(self.stdout.write)
        except KeyboardInterrupt:
            raise CommandError("Interrupted: what is done is kept, and the next start goes on from here.") from None
        self._show_account()
        self.stdout.flush()
        processes.supervise(lock, listener, list(later()))

    @contextmanager
    def _step(self, what: str) -> Iterator[None]:
        """Say what is being done, and how long it took."""
        self.stdout.write(what)
        started = time.monotonic()
        yield
        self.stdout.write(f"  {time.monotonic() - started:.0f} s")

    def _install_taggers(self, weights: str | None) -> None:
        """Have published taggers listen beside the project's own, where the owner has their weights."""
        if not weights:
            return
        with self._step(f"Installing the taggers in {weights}"):
            try:
                registry.install_from_folder(weights)
            except registry.TaggerError as error:
                self.stderr.write(f"  {error}")

    def _fill_library(self, music: str | None) -> None:
        if music:
            with self._step(f"Bringing in {music}"):
                call_command("import_music", music)
        elif not Song.objects.exists():
            with self._step("Composing and recording the demo library"):
                call_command("make_demo")

    def _label(self) -> bool:
        """Label what waits, unless it is much; whether anything was labelled."""
        waiting = Song.objects.filter(tagging_state=Song.Tagging.PENDING, missing_since=None).exclude(path="").count()
        if not waiting or not registry.installed():
            return False
        if waiting > AT_ONCE:
            self.stdout.write(f"{waiting} songs wait for their labels: the worker gives them while you listen.")
            return False
        with self._step(f"Listening to {waiting} songs"):
            call_command("tag_songs", "--inline")
        return True

    def _show_account(self) -> None:
        """Say how to log in; the account is made at the first start."""
        file = settings.DCMRS_HOME / "demo_account"
        password = file.read_text() if file.exists() else _new_password(file)
        user = User.objects.filter(username=ACCOUNT).first()
        if user is None:
            user = User.objects.create_superuser(ACCOUNT, password=password)
        if user.check_password(password):
            self.stdout.write(f"Log in as {ACCOUNT} with the password {password} (an administrator's account)")
        else:
            self.stdout.write(f"Log in as {ACCOUNT} with the password that you chose.")


def later() -> Iterator[list[str]]:
    """What is still to be done while the server runs; each says itself what it has and what cannot be reached."""
    if not all(tagger.weights for tagger in recommended()):
        yield ["taggers", "install", "recommended"]
    if PlayCount.objects.exists() and not Evaluation.objects.exists():
        # Compare has its bars from that.
        yield ["evaluate_recommenders", "--queue"]


def _new_password(file: Path) -> str:
    """A random password, kept in a private file so that the next start can show it."""
    password = secrets.token_urlsafe(9)
    file.touch(mode=0o600, exist_ok=False)
    file.write_text(password)
    return password
