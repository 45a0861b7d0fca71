"""`manage.py backup FILE`."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from dcmrs_site.backup import making

from ._backup_progress import shown


class Command(BaseCommand):
    """The command; `help` says what it does."""

    help = (
        "Write everything that cannot be made again into one file, while the server runs: database, uploads, covers, "
        "taggers. Your own music is not in it, nor snapshots, which are built again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the command's arguments."""
        parser.add_argument("file", metavar="FILE", type=Path, help="a tar file that is not there yet")
        parser.add_argument(
            "--secrets",
            action="store_true",
            help="the secret key and the values of all settings too: who has the file can then log in as anybody",
        )

    def handle(self, *_args: Any, file: Path, secrets: bool, **_options: Any) -> None:
        """Run the command."""
        try:
            with shown() as progress:
                manifest = making.make(file.expanduser().absolute(), secrets=secrets, progress=progress)
        except FileExistsError as error:
            raise CommandError(f"{file} is there already: name another file.") from error
        except OSError as error:
            raise CommandError(
                f"{file} cannot be written: {os.strerror(error.errno) if error.errno else error}"
            ) from error
        self.stdout.write(
            f"{file}: {manifest.songs} songs, {manifest.accounts} accounts, {len(manifest.files)} files, "
            f"{manifest.bytes / 1e6:.1f} MB."
        )
