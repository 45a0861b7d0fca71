"""Where training data comes from: tables of files and labels, folders of audio, pieces that are rendered here."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from catalog.audio import UnreadableAudio
from catalog.importing.tables import BadValue, Table, TableReport, UnreadableTable, text, weight
from catalog.importing.walking import BadFile, printable, walk
from catalog.names import artist_key, label_key

from .spectrograms import key_of, key_of_generated

NO_VOCABULARY = 0
"""The source of single words, that is silent on everything else."""

_LONGEST_LABEL = 100
_LABEL_SEPARATORS = re.compile(r"\s*[;|]\s*")
_SCHEMA = """
CREATE TABLE recordings (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, name TEXT NOT NULL, folder TEXT NOT NULL, artist TEXT NOT NULL,
    start INTEGER, frames INTEGER, kept_out INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE labels (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, name TEXT NOT NULL, kind TEXT NOT NULL);
CREATE TABLE words (
    recording INTEGER NOT NULL, label INTEGER NOT NULL, origin INTEGER NOT NULL, weight REAL NOT NULL,
    PRIMARY KEY (recording, label, origin)
) WITHOUT ROWID;
"""

Complain = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Word:
    """That a recording has a label, or has not.

    Attributes
    ----------
    name, kind : str
        The label's; its kind is `other` where nobody knows it.
    weight : float
        How many people said so; 0 or less: that it has not.
    """

    name: str
    kind: str = "other"
    weight: float = 1.0


class Collection:
    """Recordings and what is said of them, in a temporary file: memory does not grow with their number.

    Every source that has a vocabulary knows all of it of each recording that it speaks of: what it does not say, it
    denies. One without (a curator, who corrects a label here and there) is silent on everything else.

    Parameters
    ----------
    complain : callable
        Told, in a line for people, of everything that is left out.
    """

    def __init__(self, complain: Complain) -> None:
        # A database without a name is a temporary file of SQLite's own.
        self.rows = sqlite3.connect("")
        self.rows.execute("PRAGMA journal_mode = OFF")
        self.rows.executescript(_SCHEMA)
        self.complain = complain
        self._origins = NO_VOCABULARY

    def origin(self) -> int:
        """A new source, with a vocabulary of its own."""
        self._origins += 1
        return self._origins

    def add_file(self, path: Path, artist: str = "") -> int | None:
        """A file's number; None, with a complaint, where it is not there."""
        try:
            return self._add(key_of(path), str(path), str(path.parent), artist)
        except UnreadableAudio as error:
            self.complain(f"{printable(str(path))}: {error}")
            return None

    def add_generated(self, count: int) -> None:
        """Pieces that are composed and rendered here, each by an artist of its own."""
        for seed in range(count):
            key = key_of_generated(seed)
            self._add(key, key, "", key)

    def say(self, recording: int, word: Word, origin: int = NO_VOCABULARY) -> None:
        """Take note of what a source says; the weights of the same words are summed."""
        key = label_key(word.name)
        self.rows.execute(
            "INSERT OR IGNORE INTO labels (key, name, kind) VALUES (?, ?, ?)", [key, word.name, word.kind]
        )
        self.rows.execute(
            "INSERT INTO words SELECT ?, id, ?, ? FROM labels WHERE key = ? "
            "ON CONFLICT DO UPDATE SET weight = weight + excluded.weight",
            [recording, origin, word.weight, key],
        )

    def keys(self) -> Iterator[str]:
        """The recordings' keys, in the order of their names."""
        return (key for (key,) in self.rows.execute("SELECT key FROM recordings ORDER BY name"))

    def __len__(self) -> int:
        (length,) = self.rows.execute("SELECT count(*) FROM recordings").fetchone()
        return int(length)

    def _add(self, key: str, name: str, folder: str, artist: str) -> int:
        self.rows.execute(
            "INSERT INTO recordings (key, name, folder, artist) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE "
            "SET artist = excluded.artist WHERE artist = ''",
            [key, name, folder, artist],
        )
        (number,) = self.rows.execute("SELECT id FROM recordings WHERE key = ?", [key]).fetchone()
        return int(number)


def add_table(collection: Collection, path: Path) -> None:
    """Add the files and labels of a table.

    Parameters
    ----------
    collection : Collection
    path : Path
        Comma or tab, UTF-8, a header line. `file`: relative to the table's own folder, or absolute. `label`: one a
        line; or `labels`: several, parted by `;` or `|`. `weight`, where there is one: how many people said so; lines
        that say the same are summed, 0 denies the label. `artist`, where there is one.

    Raises
    ------
    UnreadableTable
        If there is no such table, or it has no such columns.
    """
    report = TableReport()
    origin = collection.origin()
    with Table(path, ["file"], ["label", "labels", "weight", "artist"], report) as table:
        if not (table.has("label") or table.has("labels")):
            raise UnreadableTable(f"{path}: the header line lacks a column: label, or labels")
        for line, values in table:
            try:
                words = _words(values)
            except BadValue as error:
                report.pass_over(line, str(error))
                continue
            number = collection.add_file(path.parent / values["file"], values.get("artist", ""))
            if number is not None:
                for word in words:
                    collection.say(number, word, origin)
    for line, why in report.bad_lines:
        collection.complain(f"{path}, line {line}: {why}")
    if report.bad > len(report.bad_lines):
        collection.complain(f"{path}: {report.bad - len(report.bad_lines)} more lines cannot be used")


def _words(values: dict[str, str]) -> list[Word]:
    """What a line of a table says."""
    if not values["file"]:
        raise BadValue("no file")
    number = weight(values["weight"]) if values.get("weight") else 1.0
    names = [values["label"]] if "label" in values else []
    names += [name for name in _LABEL_SEPARATORS.split(values.get("labels", "")) if name]
    if not names:
        raise BadValue("no label")
    words = [Word(text(name, "label", _LONGEST_LABEL), weight=number) for name in names]
    for word in words:
        try:
            label_key(word.name)
        except ValueError as error:
            raise BadValue(str(error)) from error
    return words


def audio_files(place: Path, complain: Complain) -> Iterator[Path]:
    """The audio files of a folder and of all folders in it; or the file itself.

    Raises
    ------
    ValueError
        If there is no such folder or file.
    """
    if not place.exists():
        raise ValueError(f"{place}: no such folder or file")
    root, within = (place, "") if place.is_dir() else (place.parent, place.name)
    for found in walk(root.resolve(), within):
        if isinstance(found, BadFile):
            complain(f"{printable(str(root / found.path))}: {found.reason}")
        else:
            yield root / found.path


def add_folders(collection: Collection, places: Iterable[Path]) -> None:
    """Add audio of which nothing is said: for teachers to label."""
    for place in places:
        for path in audio_files(place, collection.complain):
            collection.add_file(path)


def keep_out(collection: Collection, places: Iterable[Path]) -> None:
    """Name the recordings that are kept out of training: files, or all files of a folder.

    Raises
    ------
    ValueError
        If there is no such folder or file, or none of them is in the collection.
    """
    marked = 0
    for place in places:
        for path in audio_files(place, collection.complain):
            with suppress(UnreadableAudio):
                update = "UPDATE recordings SET kept_out = 1 WHERE key = ?"
                marked += collection.rows.execute(update, [key_of(path)]).rowcount
    if not marked:
        raise ValueError("None of the recordings to keep out is among those that there are to learn from.")


def artist_of(artist: str, tagged: str, folder: str) -> str:
    """Whom a recording counts as by: the source's word, else the file's tags', else the name of its folder."""
    return artist_key(artist) or artist_key(tagged) or f"folder {folder}"
