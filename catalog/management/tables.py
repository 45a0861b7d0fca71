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


class TableCommand(BaseCommand):
    """A command that imports one table and says what became of its lines."""

    def import_table(
        self,
        import_: Callable[[Progress], Imported],
        file: str,
        what: str,
        more: Callable[[Imported], str] = lambda _: "",
        *,
        in_full: bool = False,
    ) -> Imported:
        """Import a file with progress on standard error, and print the bad lines and what was stored.

        Parameters
        ----------
        import_ : callable
        file : str
            Path of the table.
        what : str
            What a row of it is, in the plural.
        more : callable
            What else is to be said of it, after all of that.
        in_full : bool
            Whether a file of which lines are left out has failed: programs write exports, and no line of one is bad
            that is whole.
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
        missing = [*lines.incomplete, *([f"{lines.bad} of its records are left out"] if in_full and lines.bad else [])]
        if missing:
            raise CommandError(f"{file} was read only in part: {'; '.join(missing)}. What was read is stored.")
        return imported

    def _print_bad(self, lines: TableReport, line: str) -> None:
        for number, why in lines.bad_lines:
            self.stdout.write(f"{line} {number} is left out: {why}")
        if lines.bad > len(lines.bad_lines):
            self.stdout.write(f"and {lines.bad - len(lines.bad_lines)} more lines")
