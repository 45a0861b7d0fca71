"""`manage.py make_demo`."""

from __future__ import annotations

import sys
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from ...demo.programme import programme
from ...demo.rendering import render_library
from ...importing.walking import reason
from ...services import demo
from ...services.import_report import ImportReport
from ...services.library import import_path


class Command(BaseCommand):
    """The command; `help` says what it does."""

    help = (
        "Make the demo library: compose and record its music into DCMRS_HOME/demo, bring it into the library, and "
        "simulate a few listeners. What is there and right stays as it is; broken off, it goes on from there."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Run the command."""
        tracks = programme()
        folder = demo.folder()
        try:
            with tqdm(total=len(tracks), unit="track", desc="Recording", file=sys.stderr) as bar:
                for _ in render_library(folder, tracks):
                    bar.update()
            report = ImportReport()
            with tqdm(total=len(tracks), unit="file", desc="Importing", file=sys.stderr) as bar:
                import_path(folder, report, bar.update)
            made = demo.make_listeners()
        except KeyboardInterrupt:
            raise CommandError("interrupted; the same command goes on from here", returncode=130) from None
        except BrokenProcessPool:
            raise CommandError("a recording process was killed; the same command goes on from here") from None
        except OSError as error:
            raise CommandError(f"{error.filename or folder}: {reason(error)}") from error
        for problem in report.problems:
            raise CommandError(problem)
        for bad in report.bad:
            raise CommandError(f"{bad.path}: {bad.reason}")
        self.stdout.write(f"{len(tracks)} tracks in {folder}: {report.summary}; {made} new simulated listeners")
