"""`manage.py import_plays FILE --format triplets|lastfm|listenbrainz|lastfm-scrobbles|spotify`."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from ...services.plays import LISTENS, ImportedPlays, import_listens, import_play_counts
from ..tables import TableCommand


class Command(TableCommand):
    """The command; `help` says what it does."""

    help = (
        "Import plays. triplets: listener, song and plays in each line, without a header line. lastfm: "
        "user_artists.dat, with artists.dat beside it; each artist is a song called as they are. listenbrainz, "
        "lastfm-scrobbles and spotify: events of listening, from ListenBrainz's export, from a table or JSON that an "
        "exporter has written of a Last.fm account, and from Spotify's streaming history, where half a minute or half "
        "the song count as a play; the file, the zip as it was downloaded, or its folder. Rows of the same listener "
        "and song are summed, and replace what an earlier import of the same format said of the two; an event counts "
        "once, however often it is imported. Plays find your own files by identifier, then by artist and title; other "
        "songs are made, without audio, and so are unknown listeners, who cannot log in."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the command's arguments."""
        parser.add_argument("file", metavar="FILE")
        parser.add_argument("--format", choices=["triplets", "lastfm", *LISTENS], required=True)
        parser.add_argument(
            "--songs",
            metavar="FILE",
            help="what the songs are called: a table with song and title, and, if wanted, artist, release and year",
        )
        parser.add_argument(
            "--user", default="", metavar="NAME", help="the listener where an export of events names none"
        )

    def handle(
        self,
        *_args: Any,
        file: str,
        format: str,
        songs: str | None,
        user: str,
        **_options: Any,
    ) -> None:
        """Run the command."""
        if format in LISTENS:
            if songs:
                raise CommandError(f"--songs names the songs of triplets and lastfm: {format} names its own")
            self.import_table(
                lambda progress: import_listens(Path(file), user, progress, format), file, "new plays", _match_rate
            )
        else:
            if user:
                raise CommandError(f"--user goes with {', '.join(LISTENS)}: {format} names every listener")
            names = Path(songs) if songs else None
            self.import_table(
                lambda progress: import_play_counts(Path(file), format, names, progress),
                file,
                "songs of listeners",
                _match_rate,
            )


def _match_rate(done: ImportedPlays) -> str:
    return (
        f"{done.songs_with_file} of {done.songs} songs ({_percent(done.songs_with_file, done.songs)}) and "
        f"{done.plays_with_file} of {done.plays} plays ({_percent(done.plays_with_file, done.plays)}) "
        "are of files in the library" + (f"; {done.too_short} were too short to count" if done.too_short else "")
    )


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / max(whole, 1):.1f} %"
