"""What the commands that import a table have in common: their progress and their report."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeVar

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from ..importing.tables import TableReport, UnreadableTable
from ..services.import_lookup import ImportedTable, Progress

Imported = TypeVar("Imported", bound=ImportedTable)

_NAMED = 10


class TableCommand(BaseCommand):
    """A command that imports one table and says what became of its lines."""

    def import_table(
        self,
        import_: Callable[[Progress], Imported],
        file: str,
        what: str,
        more: Callable[[Imported], str] = lambda _: "",
    ) -> Imported:
        """Import a file with progress on standard error, and print the bad lines and what was stored.

        A file that could be read only in part has failed, and so has one beside it; what was read is stored.

        Parameters
        ----------
        import_ : callable
        file : str
            Path of the table.
        what : str
            What a row of it is, in the plural.
        more : callable
            What else is to be said of it, after all of that.
        """
        with tqdm(file=sys.stderr, bar_format="{desc}: {percentage:3.0f}%|{bar}|") as bar:

            def show(doing: str, done: int, total: int) -> None:
                bar.total, bar.n = total, done
                bar.set_description(doing)

            try:
                imported = import_(show)
            except UnreadableTable as error:
                raise CommandError(str(error)) from error
            except KeyboardInterrupt:
                bar.close()
                self.stderr.write("Interrupted: what is stored is kept. The same command does the rest.")
                sys.exit(130)
        for name, beside in imported.beside.items():
            self._print_bad(beside, f"{name}: line")
        lines = imported.lines
        self._print_bad(lines, "Line")
        if lines.bad and not lines.rows:
            raise CommandError(f"{file}: not one line could be used")
        self.stdout.write(
            f"{lines.rows} lines, {imported.stored} {what}, {imported.new_songs} new songs, "
            f"{imported.new_users} new listeners, {lines.bad} lines left out"
        )
        if said := more(imported):
            self.stdout.write(said)
        parts = [(file, lines), *imported.beside.items()]
        if unread := [f"{name} was read only in part: {said}" for name, of in parts if (said := _left_out(of))]:
            raise CommandError(f"{'. '.join(unread)}. What was read is stored.")
        return imported

    def _print_bad(self, lines: TableReport, line: str) -> None:
        for number, why in lines.bad_lines:
            self.stdout.write(f"{line} {number} is left out: {why}")
        if lines.bad > len(lines.bad_lines):
            self.stdout.write(f"and {lines.bad - len(lines.bad_lines)} more lines")


def _left_out(lines: TableReport) -> str:
    """How many lines of a file were read and which were not; empty where all of them were."""
    said = []
    if lines.bad:
        named = ", ".join(str(number) for number, _ in lines.bad_lines[:_NAMED])
        more = f" and {lines.bad - _NAMED} more" if lines.bad > _NAMED else ""
        said = [f"{lines.rows} lines were read and {lines.bad} left out ({named}{more})"]
    return "; ".join([*said, *lines.incomplete])
