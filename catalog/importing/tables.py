"""Reading tables of labels, ratings and plays: one line at a time, sums on disk, bad lines named and passed over.

A table is UTF-8 with one header line; its columns are parted by tabs where the header holds one, else by commas.
"""

from __future__ import annotations

import csv
import math
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from .walking import reason

COLUMN_NAMES: Mapping[str, tuple[str, ...]] = {
    "song": ("song", "track_id", "song_id"),
    "label": ("label",),
    "weight": ("weight",),
    "username": ("username", "user"),
    "stars": ("stars", "rating"),
}
"""The columns, each with every name it may have in a header line; the first is its own."""

_LONGEST_LINE = 100_000
_NAMED_LINES = 100
_REPLACE = "INSERT INTO sums VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"
_ADD = "INSERT INTO sums VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = value + excluded.value"


class UnreadableTable(Exception):
    """A table cannot be read at all; the message says why, for people."""


class BadValue(ValueError):
    """A value in a line cannot be used; the message says why, for people."""


@dataclass(slots=True)
class TableReport:
    """How the lines of a table were.

    Attributes
    ----------
    rows : int
        Lines that could be used.
    bad : int
        Lines that could not.
    bad_lines : list of (int, str)
        Number, from 1 for the header, and what is wrong, of the first of them.
    """

    rows: int = 0
    bad: int = 0
    bad_lines: list[tuple[int, str]] = field(default_factory=list)

    def pass_over(self, line: int, why: str) -> None:
        """Take note of a bad line."""
        self.bad += 1
        if len(self.bad_lines) < _NAMED_LINES:
            self.bad_lines.append((line, why))


class Table:
    """A table's lines as texts by column; a context manager.

    Parameters
    ----------
    path : Path
    required : sequence of str
        Columns, by their own names in `COLUMN_NAMES`, that the header must have.
    optional : sequence of str
        Columns that it may have.
    report : TableReport
        Told of every line that cannot be split into columns.

    Raises
    ------
    UnreadableTable
        On entering, if there is no such file, or its header lacks a column.
    """

    def __init__(self, path: Path, required: Sequence[str], optional: Sequence[str], report: TableReport) -> None:
        self._path = path
        self._required = required
        self._optional = optional
        self._report = report
        self.read_bytes = 0
        """How much of the file has been read."""

    def __enter__(self) -> Table:
        try:
            self._file: BinaryIO = self._path.open("rb")
        except OSError as error:
            raise UnreadableTable(f"{self._path}: {reason(error)}") from error
        try:
            self._read_header()
        except (OSError, UnreadableTable) as error:
            self._file.close()
            why = reason(error) if isinstance(error, OSError) else str(error)
            raise UnreadableTable(f"{self._path}: {why}") from error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Line numbers, and values by the column's own name, without surrounding space."""
        for number, line in enumerate(iter(lambda: self._file.readline(_LONGEST_LINE), b""), start=2):
            self.read_bytes += len(line)
            if len(line) == _LONGEST_LINE and not line.endswith(b"\n"):
                self._skip_line()
                self._report.pass_over(number, "the line is too long")
            elif line.strip():
                try:
                    values = self._split(line)
                except BadValue as error:
                    self._report.pass_over(number, str(error))
                else:
                    yield number, values

    def _read_header(self) -> None:
        line = self._file.readline(_LONGEST_LINE)
        if not line:
            raise UnreadableTable("the file is empty")
        try:
            header = line.decode("utf-8-sig").rstrip("\r\n")
        except UnicodeDecodeError:
            raise UnreadableTable("the header line is not UTF-8") from None
        self.read_bytes = len(line)
        self._tabs = "\t" in header
        names = [name.strip().lower() for name in self._columns(header)]
        self._width = len(names)
        self._places: dict[str, int] = {}
        for column in (*self._required, *self._optional):
            place = next((names.index(name) for name in COLUMN_NAMES[column] if name in names), None)
            if place is not None:
                self._places[column] = place
            elif column in self._required:
                wanted = ", ".join(" or ".join(COLUMN_NAMES[column]) for column in self._required)
                raise UnreadableTable(f"the header line lacks a column: wanted {wanted}, found {header[:200]}")

    def _split(self, line: bytes) -> dict[str, str]:
        try:
            text = line.decode().rstrip("\r\n")
        except UnicodeDecodeError:
            raise BadValue("not UTF-8") from None
        if "\0" in text:
            raise BadValue("a null character")
        columns = self._columns(text)
        if len(columns) != self._width:
            raise BadValue(f"{len(columns)} columns, and {self._width} in the header")
        return {column: columns[place].strip() for column, place in self._places.items()}

    def _columns(self, text: str) -> list[str]:
        if self._tabs:
            return text.split("\t")
        try:
            return next(csv.reader([text], strict=True), [])
        except csv.Error as error:
            raise BadValue(f"not a line of a table: {error}") from error

    def _skip_line(self) -> None:
        while (rest := self._file.readline(_LONGEST_LINE)) and not rest.endswith(b"\n"):
            pass


class Sums:
    """Values by a pair of primary keys, on disk while they are gathered: memory does not grow with the table.

    Parameters
    ----------
    add_up : bool
        Whether the values of a pair are summed; else the last one stays.
    """

    def __init__(self, *, add_up: bool) -> None:
        # A database without a name is a temporary file of SQLite's own.
        self._rows = sqlite3.connect("")
        self._rows.execute("CREATE TABLE sums (one INTEGER, two INTEGER, value REAL, PRIMARY KEY (one, two))")
        self._insert = _ADD if add_up else _REPLACE

    def add(self, rows: Iterable[tuple[int, int, float]]) -> None:
        """Add values to those of their pairs."""
        self._rows.executemany(self._insert, rows)

    def chunks(self, size: int) -> Iterator[list[tuple[int, int, float]]]:
        """All pairs with their values, in the order of the pairs, so many at a time."""
        rows = self._rows.execute("SELECT one, two, value FROM sums ORDER BY one, two")
        while chunk := rows.fetchmany(size):
            yield chunk

    def __len__(self) -> int:
        (length,) = self._rows.execute("SELECT count(*) FROM sums").fetchone()
        return int(length)


def text(value: str, what: str, longest: int) -> str:
    """A name from a table.

    Raises
    ------
    BadValue
        If it is empty, longer than `longest` characters, or holds what is not to be seen.
    """
    if not value:
        raise BadValue(f"no {what}")
    if len(value) > longest:
        raise BadValue(f"the {what} is longer than {longest} characters")
    if not value.isprintable():
        raise BadValue(f"the {what} holds control characters")
    return value


def weight(value: str) -> float:
    """A weight from a table: any number from 0 on.

    Raises
    ------
    BadValue
        If it is no such number.
    """
    number = _number(value)
    if not 0 <= number < math.inf:
        raise BadValue(f"a weight is a number from 0 on, not {value[:50]}")
    return number


def stars(value: str) -> int:
    """Stars from a table: 1 to 5.

    Raises
    ------
    BadValue
        If they are no such number.
    """
    number = _number(value)
    if number not in range(1, 6):
        raise BadValue(f"stars are a whole number from 1 to 5, not {value[:50]}")
    return int(number)


def _number(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        return math.nan
