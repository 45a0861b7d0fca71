"""What tables say of pairs of primary keys, on disk while it is gathered: memory does not grow with the table."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter

_REPLACE = "INSERT INTO sums VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"
_ADD = "INSERT INTO sums VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = value + excluded.value"


def _temporary_rows() -> sqlite3.Connection:
    # A database without a name is a temporary file of SQLite's own, and nothing in it is ever taken back.
    rows = sqlite3.connect("")
    rows.execute("PRAGMA journal_mode = OFF")
    rows.execute("PRAGMA cache_size = -32000")
    return rows


class Sums:
    """Values by a pair of primary keys.

    Parameters
    ----------
    add_up : bool
        Whether the values of a pair are summed; else the last one stays.
    """

    def __init__(self, *, add_up: bool) -> None:
        self._rows = _temporary_rows()
        self._rows.execute(
            "CREATE TABLE sums (one INTEGER, two INTEGER, value REAL, PRIMARY KEY (one, two)) WITHOUT ROWID"
        )
        self._insert = _ADD if add_up else _REPLACE

    def add(self, rows: Iterable[tuple[int, int, float]]) -> None:
        """Add values to those of their pairs."""
        # Neighbours in the table are neighbours on the disk.
        self._rows.executemany(self._insert, sorted(rows, key=itemgetter(0, 1)))

    def chunks(self, size: int) -> Iterator[list[tuple[int, int, float]]]:
        """All pairs with their values, in the order of the pairs, so many at a time."""
        rows = self._rows.execute("SELECT one, two, value FROM sums ORDER BY one, two")
        while chunk := rows.fetchmany(size):
            yield chunk

    def __len__(self) -> int:
        (length,) = self._rows.execute("SELECT count(*) FROM sums").fetchone()
        return int(length)


class Voices:
    """The people who gave each pair of primary keys, each counted once."""

    def __init__(self) -> None:
        self._rows = _temporary_rows()
        self._rows.execute(
            "CREATE TABLE voices (one INTEGER, two INTEGER, who INTEGER, PRIMARY KEY (one, two, who)) WITHOUT ROWID"
        )

    def add(self, rows: Iterable[tuple[int, int, float]]) -> None:
        """Add the primary keys of people who gave a pair."""
        self._rows.executemany("INSERT OR IGNORE INTO voices VALUES (?, ?, ?)", rows)

    def chunks(self, size: int) -> Iterator[list[tuple[int, int, float]]]:
        """All pairs with how many people gave them, ordered, a batch at a time."""
        rows = self._rows.execute("SELECT one, two, count(*) FROM voices GROUP BY one, two ORDER BY one, two")
        while chunk := rows.fetchmany(size):
            yield chunk

    def of(self, chunk: Sequence[tuple[int, int, float]]) -> list[tuple[int, int, int]]:
        """The people who gave the pairs of a chunk: pair and primary key."""
        (first, second, _), (last, last_second, _) = chunk[0], chunk[-1]
        return self._rows.execute(
            "SELECT one, two, who FROM voices WHERE (one, two) BETWEEN (?, ?) AND (?, ?)",
            (first, second, last, last_second),
        ).fetchall()

    def __len__(self) -> int:
        (length,) = self._rows.execute("SELECT count(*) FROM (SELECT 1 FROM voices GROUP BY one, two)").fetchone()
        return int(length)
