"""Ground truth of recordings, from published files of tags and from tables."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalog.importing.walking import printable, reason
from catalog.names import label_key
from tagging.training.sources import Collection, Complain, add_table

MAGNATAGATUNE_SPLITS = {"train": "0123456789ab", "validation": "c", "test": "def"}
"""The folders of each part of MagnaTagATune's usual split."""

_JAMENDO_TAGS_FROM = 5
_LOW_BITRATE = ".low.mp3"
_LONGEST_FIELD = 1 << 20


@dataclass(frozen=True, slots=True)
class Truth:
    """Labels of recordings.

    Attributes
    ----------
    recordings : list of Path
        Those whose files exist.
    labels : list of str
        Keys (`catalog.names.label_key`); labels with one key are one label.
    true : bool, shape (n_recordings, n_labels)
    """

    recordings: list[Path]
    labels: list[str]
    true: NDArray[np.bool_]


def read_truth(path: Path, audio: Path | None, split: str, complain: Complain) -> Truth:
    """Read a file of recordings and labels in one of three formats.

    Parameters
    ----------
    path : Path
        MagnaTagATune's `annotations_final.csv`; one of MTG-Jamendo's `autotagging*.tsv`, whole or a split's; or a table
        of files and labels as training reads it (`tagging.training.sources.add_table`).
    audio : Path, optional
        The folder that paths in published files are relative to; those in a table are relative to its own folder.
    split : str
        One of `MAGNATAGATUNE_SPLITS`; ignored for the other formats, whose files are splits.
    complain : callable
        Called with a message for each line or recording that is left out.

    Raises
    ------
    ValueError
        If the file cannot be read, names no existing recording, or needs a folder of audio.
    UnreadableTable
        If it is a table without the required columns.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = file.readline().rstrip("\r\n")
    except OSError as error:
        raise ValueError(f"{path}: {reason(error)}") from error
    except UnicodeDecodeError:
        raise ValueError(f"{path}: not UTF-8") from None
    columns = [column.strip('"') for column in header.split("\t")]
    if columns[0] == "clip_id" and columns[-1] == "mp3_path":
        rows = _magnatagatune(path, columns[1:-1], MAGNATAGATUNE_SPLITS[split], complain)
        vocabulary: Sequence[str] = columns[1:-1]
    elif columns[0] == "TRACK_ID" and "PATH" in columns:
        rows, vocabulary = _jamendo(path, columns.index("PATH"), complain), ()
    elif audio is not None:
        raise ValueError(f"{path} names files from its own folder on: a folder of audio has no part in it")
    else:
        return _found(path, *_table(path, complain), complain)
    if audio is None:
        raise ValueError(f"{path} names files without their folder: say with --audio where they are")
    listed = [(_in(audio, name), labels) for name, labels in rows]
    return _found(path, listed, vocabulary, complain)


def _found(
    path: Path, listed: Sequence[tuple[Path, Iterable[str]]], vocabulary: Iterable[str], complain: Complain
) -> Truth:
    """Keep the listed recordings that exist, with their labels as a table."""
    if not listed:
        raise ValueError(f"{path} names no recording")
    here = [(recording, labels) for recording, labels in listed if recording.is_file()]
    if len(here) < len(listed):
        missing = next(recording for recording, _ in listed if not recording.is_file())
        which = f"{len(listed) - len(here)} of {len(listed)} recordings are not there, {printable(str(missing))} first"
        if not here:
            raise ValueError(f"{path}: {which}")
        complain(f"{path}: {which}")
    keys = {label_key(name): None for name in vocabulary}
    rows: dict[Path, set[str]] = {}
    for recording, labels in here:
        rows.setdefault(recording, set()).update(map(label_key, labels))
    keys |= {key: None for labels in rows.values() for key in sorted(labels)}
    places = {key: place for place, key in enumerate(keys)}
    true = np.zeros((len(rows), len(places)), np.bool_)
    for row, labels in enumerate(rows.values()):
        true[row, [places[key] for key in labels]] = True
    return Truth(list(rows), list(places), true)


def _magnatagatune(
    path: Path, labels: Sequence[str], folders: str, complain: Complain
) -> Iterator[tuple[str, list[str]]]:
    """Yield the clips of some folders and their labels, which are columns of 0 and 1."""
    for number, fields in _lines(path, complain):
        marks = fields[1:-1]
        if len(marks) != len(labels) or not set(marks) <= {"0", "1"}:
            complain(f"{path}, line {number}: not a clip with {len(labels)} times 0 or 1")
        elif fields[-1][:1] in folders:
            yield fields[-1], [label for label, mark in zip(labels, marks, strict=True) if mark == "1"]


def _jamendo(path: Path, place: int, complain: Complain) -> Iterator[tuple[str, list[str]]]:
    """Yield tracks and their labels: `category---name` in the sixth column and all further ones."""
    for number, fields in _lines(path, complain):
        names = [tag.split("---", 1)[-1].strip() for tag in fields[_JAMENDO_TAGS_FROM:]]
        if len(fields) <= place or not fields[place] or not all(names):
            complain(f"{path}, line {number}: not a track with its tags")
        else:
            yield fields[place], names


def _table(path: Path, complain: Complain) -> tuple[list[tuple[Path, list[str]]], list[str]]:
    """Read the existing files of a table and their labels; and all labels, also those that are only denied."""
    collection = Collection(complain)
    add_table(collection, path)
    said = collection.rows.execute(
        "SELECT recordings.name, labels.name, weight FROM annotations JOIN recordings ON recordings.id = recording "
        "JOIN labels ON labels.id = label ORDER BY recordings.name"
    ).fetchall()
    listed: dict[Path, list[str]] = {}
    for name, label, weight in said:
        true = listed.setdefault(Path(name), [])
        if weight > 0:
            true.append(label)
    return list(listed.items()), sorted({label for _, label, _ in said})


def _lines(path: Path, complain: Complain) -> Iterator[tuple[int, list[str]]]:
    """Yield the fields of the lines after the header, with the lines' numbers."""
    csv.field_size_limit(_LONGEST_FIELD)
    with path.open(encoding="utf-8-sig", newline="", errors="replace") as file:
        lines = csv.reader(file, delimiter="\t")
        next(lines, None)
        try:
            for fields in lines:
                if fields:
                    yield lines.line_num, fields
        except csv.Error as error:
            complain(f"{path}, line {lines.line_num}, and all after it: {error}")


def _in(audio: Path, name: str) -> Path:
    """Locate a published file; MTG-Jamendo's smaller download has other names."""
    whole = audio / name
    low = whole.with_suffix(_LOW_BITRATE)
    return low if not whole.is_file() and low.is_file() else whole
