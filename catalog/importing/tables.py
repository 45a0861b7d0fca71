"""Reading tables of labels, ratings and plays: one line at a time, bad lines named and passed over.

A table is UTF-8 with one header line; its columns are parted by tabs where the header holds one, else by commas.
"""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BufferedReader
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from .walking import reason

COLUMN_NAMES: Mapping[str, tuple[str, ...]] = {
    "song": ("song", "track_id", "song_id"),
    "label": ("label",),
    "weight": ("weight",),
    "title": ("title",),
    "artist": ("artist",),
    "release": ("release", "album"),
    "year": ("year",),
    "user_id": ("userid",),
    "artist_id": ("artistid",),
    "tag_id": ("tagid",),
    "tag": ("tagvalue",),
    "id": ("id",),
    "name": ("name",),
    "tags": ("tags",),
    "username": ("username", "user"),
    "stars": ("stars", "rating"),
    "file": ("file", "path"),
    "labels": ("labels",),
}
"""The columns, each with every name it may have in a header line; the first is its own."""

LARGEST_COUNT = 2**31 - 1
"""The most plays of one song by one listener that every database can hold."""

LONGEST_NAME = 300
"""Characters of a title, artist or album."""

_Row = TypeVar("_Row")

LONGEST_LINE = 100_000
"""Characters; a longer line is a fault."""

BLOCK_BYTES = 1 << 19
"""How much of a table is read at once."""

_NAMED_LINES = 100


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
    incomplete : list of str
        Why the table, or a file of an export, could not be read to its end.
    """

    rows: int = 0
    bad: int = 0
    bad_lines: list[tuple[int, str]] = field(default_factory=list)
    incomplete: list[str] = field(default_factory=list)

    def pass_over(self, line: int, why: str) -> None:
        """Take note of a bad line."""
        self.bad += 1
        if len(self.bad_lines) < _NAMED_LINES:
            self.bad_lines.append((line, why))


class Lines:
    """A text file's lines, one at a time, with their numbers; a context manager.

    Parameters
    ----------
    path : Path
    report : TableReport
        Told of every line that cannot be read.
    encoding : str
        `utf-8` or `latin-1`.

    Raises
    ------
    UnreadableTable
        On entering, if there is no such file.
    """

    def __init__(self, path: Path, report: TableReport, encoding: str = "utf-8") -> None:
        self.path = path
        self._report = report
        self._encoding = encoding
        self.read_bytes = 0
        """How much of the file has been read."""
        self.ends_within_a_line = False
        """Whether the last line that was read has no end, as that of a file that was cut off."""

    def __enter__(self) -> Self:
        try:
            self._file: BufferedReader = self.path.open("rb")
        except OSError as error:
            raise UnreadableTable(f"{self.path}: {reason(error)}") from error
        try:
            self._begin()
        except (OSError, UnreadableTable) as error:
            self._file.close()
            why = reason(error) if isinstance(error, OSError) else str(error)
            raise UnreadableTable(f"{self.path}: {why}") from error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return os.fstat(self._file.fileno()).st_size

    def blocks(self, first: int = 1) -> Iterator[tuple[int, bytes]]:
        """Whole lines as they stand in the file, thousands at a time, and the number of the first of them."""
        number, begun = first, b""
        while read := self._file.read(BLOCK_BYTES):
            self.read_bytes += len(read)
            whole, newline, begun = (begun + read).rpartition(b"\n")
            if newline:
                yield number, whole + newline
                number += whole.count(b"\n") + 1
            if len(begun) >= LONGEST_LINE:
                self._skip_line()
                self._report.pass_over(number, "the line is too long")
                number, begun = number + 1, b""
        self.ends_within_a_line = bool(begun)
        if begun:
            yield number, begun

    def lines(self, first: int = 1) -> Iterator[tuple[int, str]]:
        """Line numbers, from `first` on, and texts without their ends; empty lines are passed over."""
        for number, block in self.blocks(first):
            yield from self.lines_of(number, block)

    def lines_of(self, first: int, block: bytes) -> Iterator[tuple[int, str]]:
        """The same of the lines of one block."""
        for number, line in enumerate(block.removesuffix(b"\n").split(b"\n"), start=first):
            if len(line) >= LONGEST_LINE:
                self._report.pass_over(number, "the line is too long")
            elif line.strip():
                try:
                    text = line.decode(self._encoding).rstrip("\r\n")
                except UnicodeDecodeError:
                    self._report.pass_over(number, "not UTF-8")
                    continue
                if "\0" in text:
                    self._report.pass_over(number, "a null character")
                else:
                    yield number, text.removeprefix("\ufeff") if number == 1 else text

    def _begin(self) -> None:
        # A folder can be opened, and says so when it is read.
        if not self._file.peek(1):
            raise UnreadableTable("the file is empty")

    def _skip_line(self) -> None:
        while (rest := self._file.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
            self.read_bytes += len(rest)


class Table(Lines):
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
    encoding : str
        `utf-8` or `latin-1`.
    open_end : bool
        Whether a line may have more columns than the header; they are in `columns`.

    Raises
    ------
    UnreadableTable
        On entering, if there is no such file, or its header lacks a column.
    """

    def __init__(
        self,
        path: Path,
        required: Sequence[str],
        optional: Sequence[str],
        report: TableReport,
        encoding: str = "utf-8",
        *,
        open_end: bool = False,
    ) -> None:
        super().__init__(path, report, encoding)
        self._required = required
        self._optional = optional
        self._open_end = open_end
        self.others: dict[str, int] = {}
        """The other columns of the header: their places, by the names they have there."""
        self.columns: list[str] = []
        """All columns of the line read last."""

    def __iter__(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Line numbers, and values by the column's own name, without surrounding space."""
        for number, line in self.lines(first=2):
            try:
                values = self._split(line)
            except BadValue as error:
                self._report.pass_over(number, str(error))
            else:
                yield number, values

    def has(self, column: str) -> bool:
        """Whether the header names an optional column."""
        return column in self._places

    def place(self, column: str) -> int:
        """Which column of the file, from 0, one of the header's is."""
        return self._places[column]

    def _begin(self) -> None:
        line = self._file.readline(LONGEST_LINE)
        if not line:
            raise UnreadableTable("the file is empty")
        try:
            header = line.decode("utf-8-sig" if self._encoding == "utf-8" else self._encoding).rstrip("\r\n")
        except UnicodeDecodeError:
            raise UnreadableTable("the header line is not UTF-8") from None
        self.read_bytes = len(line)
        self._tabs = "\t" in header
        try:
            written = [name.strip() for name in self._columns(header)]
        except BadValue as error:
            raise UnreadableTable(f"the header line is {error}") from None
        names = [name.lower() for name in written]
        self._width = len(names)
        self._places: dict[str, int] = {}
        for column in (*self._required, *self._optional):
            place = next((names.index(name) for name in COLUMN_NAMES[column] if name in names), None)
            if place is not None:
                self._places[column] = place
            elif column in self._required:
                wanted = ", ".join(" or ".join(COLUMN_NAMES[column]) for column in self._required)
                raise UnreadableTable(f"the header line lacks a column: wanted {wanted}, found {header[:200]}")
        taken = set(self._places.values())
        self.others = {name: place for place, name in enumerate(written) if place not in taken}

    def _split(self, line: str) -> dict[str, str]:
        columns = self._columns(line)
        if len(columns) < self._width or (len(columns) > self._width and not self._open_end):
            raise BadValue(f"{len(columns)} columns, and {self._width} in the header")
        self.columns = columns
        return {column: columns[place].strip() for column, place in self._places.items()}

    def _columns(self, text: str) -> list[str]:
        if self._tabs:
            return text.split("\t")
        try:
            return next(csv.reader([text], strict=True), [])
        except csv.Error as error:
            raise BadValue(f"not a line of a table: {error}") from error


def batches(rows: Iterable[_Row], size: int) -> Iterator[list[_Row]]:
    """The rows, so many at a time."""
    remaining = iter(rows)
    while batch := list(islice(remaining, size)):
        yield batch


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


def name(value: str, what: str, longest: int = LONGEST_NAME) -> str:
    """What something is called, in one line of what can be seen, cut where it is too long.

    Raises
    ------
    BadValue
        If nothing is left.
    """
    seen = "".join(char if char.isprintable() else " " for char in value)
    if not (shown := " ".join(seen.split())[:longest].strip()):
        raise BadValue(f"no {what}")
    return shown


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


def mark(value: str, label: str) -> float:
    """A label's 0 or 1 from a wide table.

    Raises
    ------
    BadValue
        If it is neither.
    """
    number = _number(value)
    if number not in (0, 1):
        raise BadValue(f"in the column of {label} stands 0 or 1, not {value[:50] or 'nothing'}")
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


def play_count(value: str) -> int:
    """A number of plays from a table: a whole number from 1 on.

    Raises
    ------
    BadValue
        If it is no such number.
    """
    number = int(value) if value.isascii() and value.isdecimal() and len(value) < 15 else _number(value)
    if not 1 <= number <= LARGEST_COUNT or number % 1:
        raise BadValue(f"plays are a whole number from 1 to {LARGEST_COUNT}, not {value[:50] or 'nothing'}")
    return int(number)


def year(value: str) -> int | None:
    """A year from a table; None where there is none, however that is written."""
    return int(value) if len(value) == 4 and value.isascii() and value.isdecimal() and int(value) else None


def _number(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        return math.nan
