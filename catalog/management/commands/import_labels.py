"""`manage.py import_labels FILE --format lastfm|jamendo|csv`."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from ...services.tables import import_label_table
from ..tables import TableCommand


class Command(TableCommand):
    """The command; `help` says what it does."""

    help = (
        "Import labels of songs. csv: UTF-8, comma or tab, a header line with song, label and, if wanted, weight, or "
        "with song and a column of 0 and 1 for each label. lastfm: user_taggedartists.dat, with tags.dat and "
        "artists.dat beside it; a label weighs as many people as gave it. jamendo: a track a line, its labels at the "
        "end, as genre---rock. Rows of the same song and label are summed, and replace what an earlier import of the "
        "same format said of the two. Unknown songs are made, without audio."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the command's arguments."""
        parser.add_argument("file", metavar="FILE")
        parser.add_argument("--format", choices=["lastfm", "jamendo", "csv"], required=True)

    def handle(self, *_args: Any, file: str, format: str, **_options: Any) -> None:
        """Run the command."""
        self.import_table(lambda progress: import_label_table(Path(file), format, progress), file, "labels on songs")
