"""`manage.py import_labels FILE --format csv`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from ...services.tables import import_label_table
from ..tables import TableCommand


class Command(TableCommand):
    help = (
        "Import labels of songs. csv: UTF-8, comma or tab, a header line with song, label and, if wanted, weight; "
        "rows of the same song and label are summed, and replace what an earlier import said of the two."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE")
        parser.add_argument("--format", choices=["csv"], required=True)

    def handle(self, *_args: Any, file: str, **_options: Any) -> None:
        self.import_table(import_label_table, file, "labels on songs")
