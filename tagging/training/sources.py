"""Sources of training data: tables of files and labels, folders of audio, generated pieces."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from catalog.audio_frames import UnreadableAudio
from catalog.importing.tables import BadValue, Table, TableReport, UnreadableTable, text, weight
from catalog.importing.walking import BadFile, printable, walk
from catalog.names import artist_key, label_key

from .spectrograms import key_of, key_of_generated

NO_VOCABULARY = 0
"""The source of annotations that deny nothing by omission, such as curators'."""

_LONGEST_LABEL = 100
_LABEL_SEPARATORS = re.compile(r"\s*[;|]\s*")
_SCHEMA = """
CREATE TABLE recordings (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, name TEXT NOT NULL, folder TEXT NOT NULL, artist TEXT NOT NULL,
    start INTEGER, frames INTEGER, kept_out INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE labels (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, name TEXT NOT NULL, kind TEXT NOT NULL);
CREATE TABLE annotations (
    recording INTEGER NOT NULL, label INTEGER NOT NULL, origin INTEGER NOT NULL, weight REAL NOT NULL,
    PRIMARY KEY (recording, label, origin)
) WITHOUT ROWID;
"""

Complain = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Annotation:
    """A recording has a label, or does not have it.

    Attributes
    ----------
    name, kind : str
        The label's; its kind is `other` where it is unknown.
    weight : float
        How many people gave the label; 0 or less denies it.
    """

    name: str
    kind: str = "other"
    weight: float = 1.0


class Collection:
    """Recordings and their annotations, in a temporary SQLite file, so that memory does not grow with their number.

    A source with a vocabulary denies every label of it that it does not give a recording it annotates. Annotations
    without one (a curator's single corrections) leave all other labels unknown.

    Parameters
    ----------
    complain : callable
        Called with a message for everything that is left out.
    """

    def __init__(self, complain: Complain) -> None:
        # SQLite makes a temporary file for a database without a name.
        self.rows = sqlite3.connect("")
        self.rows.execute("PRAGMA journal_mode = OFF")
        self.rows.executescript(_SCHEMA)
        self.complain = complain
        self._origins = NO_VOCABULARY

    def origin(self) -> int:
        """Register a source with a vocabulary of its own; returns its number."""
        self._origins += 1
        return self._origins

    def add_file(self, path: Path, artist: str = "") -> int | None:
        """Add a file; returns its number, or None with a complaint where it does not exist."""
        try:
            return self._add(key_of(path), str(path), str(path.parent), artist)
        except UnreadableAudio as error:
            self.complain(f"{printable(str(path))}: {error}")
            return None

    def add_generated(self, count: int) -> None:
        """Add generated pieces, each by an artist of its own."""
        for seed in range(count):
            key = key_of_generated(seed)
            self._add(key, key, "", key)

    def annotate(self, recording: int, annotation: Annotation, origin: int = NO_VOCABULARY) -> None:
        """Add a source's annotation of a recording; the weights of equal ones are summed."""
        key = label_key(annotation.name)
        self.rows.execute(
            "INSERT OR IGNORE INTO labels (key, name, kind) VALUES (?, ?, ?)", [key, annotation.name, annotation.kind]
        )
        self.rows.execute(
            "INSERT INTO annotations SELECT ?, id, ?, ? FROM labels WHERE key = ? "
            "ON CONFLICT DO UPDATE SET weight = weight + excluded.weight",
            [recording, origin, annotation.weight, key],
        )

    def keys(self) -> Iterator[str]:
        """Iterate over the recordings' keys, in the order of their names."""
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
        Comma or tab, UTF-8, a header line. `file`: relative to the table's own folder, or absolute. `label`: one per
        line; or `labels`: several, separated by `;` or `|`. `weight`, optional: how many people gave the label; equal
        lines are summed, 0 denies the label. `artist`, optional.

    Raises
    ------
    UnreadableTable
        If the table does not exist, or lacks a column.
    """
    report = TableReport()
    origin = collection.origin()
    with Table(path, ["file"], ["label", "labels", "weight", "artist"], report) as table:
        if not (table.has("label") or table.has("labels")):
            raise UnreadableTable(f"{path}: the header line lacks a column: label, or labels")
        for line, values in table:
            try:
                annotations = _annotations(values)
            except BadValue as error:
                report.pass_over(line, str(error))
                continue
            number = collection.add_file(path.parent / values["file"], values.get("artist", ""))
            if number is not None:
                for annotation in annotations:
                    collection.annotate(number, annotation, origin)
    for line, why in report.bad_lines:
        collection.complain(f"{path}, line {line}: {why}")
    if report.bad > len(report.bad_lines):
        collection.complain(f"{path}: {report.bad - len(report.bad_lines)} more lines cannot be used")


def _annotations(values: dict[str, str]) -> list[Annotation]:
    """Parse the annotations of a table's line."""
    if not values["file"]:
        raise BadValue("no file")
    number = weight(values["weight"]) if values.get("weight") else 1.0
    names = [values["label"]] if "label" in values else []
    names += [name for name in _LABEL_SEPARATORS.split(values.get("labels", "")) if name]
    if not names:
        raise BadValue("no label")
    annotations = [Annotation(text(name, "label", _LONGEST_LABEL), weight=number) for name in names]
    for annotation in annotations:
        try:
            label_key(annotation.name)
        except ValueError as error:
            raise BadValue(str(error)) from error
    return annotations


def audio_files(place: Path, complain: Complain) -> Iterator[Path]:
    """Iterate over the audio files of a folder and its subfolders; or return the file itself.

    Raises
    ------
    ValueError
        If the folder or file does not exist.
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
    """Add audio without annotations, for teachers to label."""
    for place in places:
        for path in audio_files(place, collection.complain):
            collection.add_file(path)


def keep_out(collection: Collection, places: Iterable[Path]) -> None:
    """Hold recordings out of training: files, or all files of a folder.

    Raises
    ------
    ValueError
        If a folder or file does not exist, or none of the files is in the collection.
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
    """Choose a recording's artist: the source's, else the file's tags', else its folder."""
    return artist_key(artist) or artist_key(tagged) or f"folder {folder}"
