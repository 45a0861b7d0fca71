"""`manage.py import_music PATH...`."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from ...importing.walking import printable
from ...services.import_report import ImportReport
from ...services.library import files_at, import_path


class Command(BaseCommand):
    """The command; `help` says what it does."""

    help = (
        "Bring music into the library: audio files, and folders with everything below them. The files stay where "
        "they are. What is known already is only compared, so doing it again is cheap, and goes on where an "
        "interrupted import stopped."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the command's arguments."""
        parser.add_argument("paths", nargs="+", metavar="PATH", help="an audio file or a folder")
        parser.add_argument(
            "--gone",
            action="store_true",
            help="songs whose file is gone are so for good, even where most of a folder's are",
        )
        parser.add_argument(
            "--again", action="store_true", help="read every file anew, also those that seem to be as they were"
        )

    def handle(self, *_args: Any, paths: list[str], gone: bool, again: bool, **_options: Any) -> None:
        """Run the command."""
        report, refused = ImportReport(), []
        present = [Path(path) for path in paths if Path(path).exists()]
        refused += [f"{printable(path)}: no such file or folder" for path in paths if not Path(path).exists()]
        with tqdm(total=sum(map(files_at, present)), unit="file", desc="Importing", file=sys.stderr) as bar:
            for path in present:
                bad_before = len(report.bad)
                try:
                    import_path(path, report, bar.update, again=again, confirmed=gone)
                except ValueError as error:
                    refused.append(f"{printable(str(path))}: {error}")
                except KeyboardInterrupt:
                    bar.close()
                    self._print(report)
                    self.stderr.write("Interrupted: what is done is kept. The same command goes on from here.")
                    sys.exit(130)
                if path.is_file() and len(report.bad) > bad_before:
                    refused.append(f"{printable(str(path))}: {report.bad[-1].reason}")
        self._print(report)
        refused += report.problems
        if refused:
            raise CommandError("; ".join(refused))

    def _print(self, report: ImportReport) -> None:
        for path, song_path in report.duplicates:
            self.stdout.write(f"Duplicate: {path} is {song_path}")
        for path, seconds in report.short:
            self.stdout.write(f"Shorter than it says: {path}: only {seconds:.1f} s are there")
        for one in report.bad:
            self.stdout.write(f"Not usable: {one.path}: {one.reason}")
        for problem in report.problems:
            self.stdout.write(f"Left alone: {problem}")
        notes = []
        if report.returned:
            notes.append(f"{report.returned} of the known were missing and are back")
        if report.updated:
            notes.append(f"{report.updated} of the known changed because files are read more truly now")
        self.stdout.write(f"{report.summary} ({'; '.join(notes)})" if notes else report.summary)
