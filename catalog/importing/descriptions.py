"""What a table says songs are called, on disk until it is asked for: one of a million songs takes no memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from .tables import BadValue, Table, TableReport, name, text, year

LASTFM_ARTIST = "lastfm:artist:"
"""What the identifiers of Last.fm's artists begin with."""

_ASKED_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Description:
    """What is known of a song without its file.

    Attributes
    ----------
    title, artist, album : str
        Empty where unknown, but for the title.
    year : int or None
    duration_s : float or None
        Seconds.
    artists : tuple of str
        The artists one by one, where the source lists them.
    """

    title: str
    artist: str = ""
    album: str = ""
    year: int | None = None
    duration_s: float | None = None
    artists: tuple[str, ...] = ()


class Descriptions:
    """Descriptions of songs by identifier."""

    def __init__(self) -> None:
        self._rows = sqlite3.connect("")
        self._rows.execute("CREATE TABLE songs (identifier TEXT PRIMARY KEY, title, artist, album, year) WITHOUT ROWID")

    def read_songs(self, path: Path, report: TableReport) -> None:
        """Take in a table of song, title and, where it has those columns, artist, release and year.

        Raises
        ------
        UnreadableTable
            If there is no such file, or its header line lacks a column.
        """
        with Table(path, ["song", "title"], ["artist", "release", "year"], report) as table:
            self._store(_songs(table, report))

    def read_artists(self, path: Path, report: TableReport) -> None:
        """Take in Last.fm's `artists.dat`: each artist is a song whose title and artist are both its name.

        Raises
        ------
        UnreadableTable
            If there is no such file, or its header line lacks a column.
        """
        with Table(path, ["id", "name"], [], report) as table:
            self._store(_artists(table, report))

    def of(self, names: Collection[str]) -> dict[str, Description]:
        """The descriptions of those of the songs that have one, by identifier."""
        found: dict[str, Description] = {}
        remaining = iter(names)
        while some := list(islice(remaining, _ASKED_AT_ONCE)):
            query = f"SELECT * FROM songs WHERE identifier IN ({', '.join('?' * len(some))})"  # noqa: S608
            for identifier, *described in self._rows.execute(query, some):
                found[identifier] = Description(*described)
        return found

    def _store(self, rows: Iterator[tuple[str, str, str, str, int | None]]) -> None:
        self._rows.executemany("INSERT OR REPLACE INTO songs VALUES (?, ?, ?, ?, ?)", rows)


def artist_identifier(number: str) -> str:
    """The identifier of one of Last.fm's artists.

    Raises
    ------
    BadValue
        If the number is none.
    """
    return f"{LASTFM_ARTIST}{whole_number(number, 'artist')}"


def whole_number(value: str, what: str) -> int:
    """One of Last.fm's numbers of artists, listeners and tags.

    Raises
    ------
    BadValue
        If it is none.
    """
    if not (value.isascii() and value.isdecimal() and len(value) < 15):
        raise BadValue(f"the {what} is a whole number, not {value[:50] or 'nothing'}")
    return int(value)


def _songs(table: Table, report: TableReport) -> Iterator[tuple[str, str, str, str, int | None]]:
    for number, row in table:
        try:
            identifier = text(row["song"], "song", 200)
            title = name(row["title"], "title")
            artist = row.get("artist", "") and name(row["artist"], "artist")
            album = row.get("release", "") and name(row["release"], "release")
        except BadValue as error:
            report.pass_over(number, str(error))
        else:
            report.rows += 1
            yield identifier, title, artist, album, year(row.get("year", ""))


def _artists(table: Table, report: TableReport) -> Iterator[tuple[str, str, str, str, int | None]]:
    for number, row in table:
        try:
            identifier = artist_identifier(row["id"])
            artist = name(row["name"], "name")
        except BadValue as error:
            report.pass_over(number, str(error))
        else:
            report.rows += 1
            yield identifier, artist, artist, "", None
