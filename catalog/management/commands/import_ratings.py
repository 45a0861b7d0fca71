"""`manage.py import_ratings FILE`."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from ...services.tables import import_rating_table
from ..tables import TableCommand


class Command(TableCommand):
    """The command; `help` says what it does."""

    help = (
        "Import ratings: UTF-8, comma or tab, a header line with username, song and stars (1 to 5). Unknown songs "
        "and listeners are made; a rating replaces the one that the listener gave the song before."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the command's arguments."""
        parser.add_argument("file", metavar="FILE")

    def handle(self, *_args: Any, file: str, **_options: Any) -> None:
        """Run the command."""
        self.import_table(lambda progress: import_rating_table(Path(file), progress), file, "ratings")
