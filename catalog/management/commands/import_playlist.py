"""`manage.py import_playlist FILE... --user NAME`."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from ...importing.m3u import LARGEST_FILE_BYTES
from ...importing.walking import printable, reason
from ...services.playlist_files import import_playlist
from ...services.playlists import PlaylistRefused


class Command(BaseCommand):
    """The command; `help` says what it does."""

    help = (
        "Bring in playlists that other players have written, M3U or M3U8. Their songs are found by the end of their "
        "paths, else by artist and title; those that are not in the library are named, and the command fails."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the command's arguments."""
        parser.add_argument("files", nargs="+", metavar="FILE")
        parser.add_argument("--user", required=True, metavar="NAME", help="whose playlists they are to be")

    def handle(self, *_args: Any, files: list[str], user: str, **_options: Any) -> None:
        """Run the command."""
        owner = User.objects.filter(username=user).first()
        if owner is None:
            raise CommandError(f"there is no user {user}")
        failed = []
        for file in map(Path, files):
            try:
                with file.open("rb") as opened:
                    content = opened.read(LARGEST_FILE_BYTES + 1)
                made = import_playlist(owner, content, file.stem)
            except (OSError, PlaylistRefused) as error:
                failed.append(f"{printable(str(file))}: {reason(error) if isinstance(error, OSError) else error}")
                continue
            for path in made.missing:
                self.stdout.write(f"Not here: {printable(path)}")
            self.stdout.write(f"{made.playlist.name}: {made.found} songs, {len(made.missing)} not found")
            if made.missing:
                failed.append(
                    f"{printable(str(file))} was read only in part: {len(made.missing)} of its songs are not here"
                )
        if failed:
            raise CommandError("; ".join(failed))
