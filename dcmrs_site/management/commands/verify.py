"""`manage.py verify FILE`."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from dcmrs_site.backup import restoring
from dcmrs_site.backup.archive import DamagedBackupError

from ._backup_progress import shown


class Command(BaseCommand):
    """The command; `help` says what it does."""

    help = "Read all of a backup and say whether it is whole; exit status 1 where it is not. Nothing is changed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the command's arguments."""
        parser.add_argument("file", metavar="FILE", type=Path)

    def handle(self, *_args: Any, file: Path, **_options: Any) -> None:
        """Run the command."""
        try:
            with shown() as progress:
                manifest = restoring.verify(file, progress)
        except (DamagedBackupError, OSError) as error:
            raise CommandError(f"{file} is not whole: {error}") from error
        self.stdout.write(
            f"{file} is whole: made {manifest.made_at} by DCMRS {manifest.version}, {manifest.songs} songs, "
            f"{manifest.accounts} accounts, {len(manifest.files)} files, {manifest.bytes / 1e6:.1f} MB."
        )
