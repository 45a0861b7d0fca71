"""`manage.py restore FILE`."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection

from dcmrs_site import processes, startup
from dcmrs_site.backup import restoring
from dcmrs_site.backup.archive import DamagedBackupError
from dcmrs_site.supervision import CannotStart

from ._backup_progress import shown


class Command(BaseCommand):
    """The command; `help` says what it does."""

    help = (
        "Restore a backup into DCMRS_HOME and the database that is set, SQLite or PostgreSQL, whichever the backup was "
        "made from. It is checked as a whole before anything is replaced, and what was here is kept beside it."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the command's arguments."""
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument("--replace", action="store_true", help="there are songs or accounts here: replace them")

    def handle(self, *_args: Any, file: Path, replace: bool, **_options: Any) -> None:
        """Run the command."""
        try:
            # Held until the end: no server starts meanwhile.
            lock = processes.hold_home()
        except CannotStart as error:
            raise CommandError(str(error)) from error
        try:
            with lock, shown() as progress:
                if connection.vendor != "sqlite":
                    startup.migrate(self.stderr.write)
                manifest, replaced = restoring.restore(file.expanduser().absolute(), replace=replace, progress=progress)
        except restoring.NotEmptyError as error:
            raise CommandError(f"There are {error} here already: --replace puts the backup in their place.") from error
        except DamagedBackupError as error:
            raise CommandError(f"{file} cannot be restored, and nothing was changed: {error}") from error
        except (OSError, DatabaseError) as error:
            raise CommandError(f"{file} could not be restored: {error}") from error
        self.stdout.write(f"Restored: {manifest.songs} songs, {manifest.accounts} accounts, as of {manifest.made_at}.")
        if replaced is not None:
            self.stdout.write(f"What was here is in {replaced}; delete it once all is well.")
        if not manifest.secrets:
            self.stdout.write("Everybody logs in again: the backup holds no secret key.")
        self.stdout.write("Start the server: recommendations are computed anew within minutes, the slow ones at night.")
