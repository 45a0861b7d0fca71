"""What people said of the recordings in a folder, read as questions that labels of the vocabulary answer.

A folder holds recordings and a table, `labels.csv`: `file`, `artist`, and what was said, in columns that are called
`genre` or `genres`, `moods`, `quadrant`, `vocals`, or, with `n_annotators`, by an emotion that so many of them felt.
Beside it may lie `lastfm_artist_tags.csv` (how many listeners gave the artist a tag) and `magnatagatune_tags.csv` (of
how many clips a tag was said). `truth.toml` says which labels answer to which name.
"""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalog.importing.walking import printable, reason
from catalog.names import label_key
from tagging.labels.vocabulary import Vocabulary, vocabulary

TABLE = "labels.csv"
FEWEST = 4
"""A question is asked of at least so many recordings that it is true of, and as many that it is not."""

_ARTIST_TAGS, _CLIP_TAGS = "lastfm_artist_tags.csv", "magnatagatune_tags.csv"
# An artist's tag counts if two listeners gave it; one alone may have meant anything.
_FEWEST_LISTENERS = 2
# An emotion counts that a third of those asked felt.
_FELT = 1 / 3
# A tag of a song's clips counts that was said of half of them.
_SAID = 1 / 2
_MANY = ";"

Row = Mapping[str, str]
Complain = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Question:
    """One thing that is true of some recordings and not of others.

    Attributes
    ----------
    group : str
        What kind of question it is: what is averaged together.
    name : str
        As the people said it.
    labels : tuple of int
        The labels of the vocabulary that answer it; their mean, where there are several.
    asked, true : bool, shape (n_recordings,)
        Of which recordings it is asked, and of which it is true.
    """

    group: str
    name: str
    labels: tuple[int, ...]
    asked: NDArray[np.bool_]
    true: NDArray[np.bool_]

    def answers(self, by_label: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """The answer to it, shape (n_recordings,), of a list of labels; None where the list has none of its labels.

        Parameters
        ----------
        by_label : float64, shape (n_recordings, n_labels)
            NaN where a label cannot be predicted.
        """
        answering = by_label[:, list(self.labels)]
        there = np.isfinite(answering).all(axis=0)
        return answering[:, there].mean(axis=1) if there.any() else None


@dataclass(frozen=True, slots=True)
class Labelled:
    """The recordings of some folders, and what people said of them.

    Attributes
    ----------
    recordings : list of Path
    artists : int64, shape (n_recordings,)
        Which recordings are by one artist.
    questions : list of Question
    """

    recordings: list[Path]
    artists: NDArray[np.int64]
    questions: list[Question]


def read_labelled(
    folders: Sequence[Path], complain: Callable[[str], object], words: Vocabulary | None = None
) -> Labelled:
    """Read what was said of the recordings of some folders; each folder's questions are asked of its own.

    Parameters
    ----------
    folders : sequence of Path
    complain : callable
        Told, in a line for people, of everything that is left out.
    words : Vocabulary, optional

    Raises
    ------
    ValueError
        If a folder has no table that can be read, or none of its recordings is there.
    """
    words = words or vocabulary()
    tables = [_here(folder, complain) for folder in folders]
    n = sum(map(len, tables))
    recordings: list[Path] = []
    questions: list[Question] = []
    artists: list[str] = []
    for folder, rows in zip(folders, tables, strict=True):
        place = slice(len(recordings), len(recordings) + len(rows))
        recordings += [folder / row["file"] for row in rows]
        # A recording whose artist is not named is alone.
        artists += [label_key(row.get("artist", "").strip() or row["file"]) for row in rows]
        for group, name, labels, asked, true in _questions(folder, rows, words):
            if min(np.count_nonzero(true & asked), np.count_nonzero(asked & ~true)) < FEWEST:
                continue
            of_all = np.zeros((2, n), np.bool_)
            of_all[:, place] = asked, true & asked
            questions.append(Question(group, name, labels, *of_all))
    numbers = {artist: number for number, artist in enumerate(dict.fromkeys(artists))}
    return Labelled(recordings, np.array([numbers[artist] for artist in artists], np.int64), questions)


def _here(folder: Path, complain: Callable[[str], object]) -> list[Row]:
    """The lines of a folder's table whose recordings are there."""
    rows = _lines(folder / TABLE)
    if rows and "file" not in rows[0]:
        raise ValueError(f"{folder / TABLE}: there is no column called file")
    here = [row for row in rows if (folder / (row["file"] or " ")).is_file()]
    if not here:
        raise ValueError(f"{folder / TABLE} names no recording that is there")
    if len(here) < len(rows):
        complain(f"{printable(str(folder / TABLE))}: {len(rows) - len(here)} of {len(rows)} recordings are not there")
    return here


def _lines(path: Path) -> list[Row]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path}: {reason(error) if isinstance(error, OSError) else error}") from error


@cache
def _names() -> Mapping[str, Mapping[str, list[str]]]:
    return tomllib.loads((Path(__file__).parent / "truth.toml").read_text(encoding="utf-8"))


Asked = tuple[str, str, tuple[int, ...], NDArray[np.bool_], NDArray[np.bool_]]


def _questions(folder: Path, rows: Sequence[Row], words: Vocabulary) -> Iterator[Asked]:
    places = words.places()
    columns = rows[0].keys()
    said = {
        column: [[one.strip() for one in (row[column] or "").split(_MANY) if one.strip()] for row in rows]
        for column in ("genre", "genres", "moods", "quadrant")
        if column in columns
    }
    for column, group, table in (
        ("genre", "genre", "genres"),
        ("genres", "genres", "genres"),
        ("moods", "moods", "moods"),
    ):
        if column in said:
            for name in sorted({one for of_row in said[column] for one in of_row}):
                if not (labels := _answering(name, table, places)):
                    continue
                true = np.array([name in of_row for of_row in said[column]])
                yield group, name, labels, np.array([bool(of_row) for of_row in said[column]]), true
                if column == "genres":
                    # Unions of what an album was called are noisy; one genre is meant.
                    yield "one genre", name, labels, np.array([len(of_row) == 1 for of_row in said[column]]), true
    for name, labels_of in _names()["quadrants"].items() if "quadrant" in said else ():
        labels = tuple(places[label_key(label)] for label in labels_of)
        true = np.array([name in of_row for of_row in said["quadrant"]])
        yield "quadrants", name, labels, np.array([bool(of_row) for of_row in said["quadrant"]]), true
    if "vocals" in columns:
        asked, true = (np.array([row["vocals"] in marks for row in rows]) for marks in (("0", "1"), ("1",)))
        yield "voices", "vocals", (places["vocals"],), asked, true
    if "n_annotators" in columns:
        for name in _names()["emotions"]:
            if name in columns:
                true = np.array([_number(row[name]) >= _FELT * max(_number(row["n_annotators"]), 1) for row in rows])
                yield "emotions", name, _answering(name, "emotions", places), np.ones(len(rows), np.bool_), true
    yield from _artists_tags(folder, rows, words)
    yield from _clips_tags(folder, rows, words)


def _artists_tags(folder: Path, rows: Sequence[Row], words: Vocabulary) -> Iterator[Asked]:
    """What listeners said of the artists: asked of those of whom anything was said."""
    if not (folder / _ARTIST_TAGS).is_file():
        return
    places = words.places()
    given: dict[str, set[int]] = {}
    spoken_of: set[str] = set()
    for line in _lines(folder / _ARTIST_TAGS):
        spoken_of.add(line["file"])
        place = places.get(label_key(line["tag"])) if line["tag"].strip() else None
        if place is not None and _number(line["n_taggers"]) >= _FEWEST_LISTENERS:
            given.setdefault(line["file"], set()).add(place)
    asked = np.array([row["file"] in spoken_of for row in rows])
    for place, name in enumerate(words.names):
        yield "artists' tags", name, (place,), asked, np.array([place in given.get(row["file"], ()) for row in rows])


def _clips_tags(folder: Path, rows: Sequence[Row], words: Vocabulary) -> Iterator[Asked]:
    """What was said of songs' clips."""
    if not (folder / _CLIP_TAGS).is_file():
        return
    lines = {line["file"]: line for line in _lines(folder / _CLIP_TAGS)}
    asked = np.array([row["file"] in lines for row in rows])
    places = words.places()
    said: dict[int, set[str]] = {}
    for file, line in lines.items():
        for name, count in line.items():
            if name in ("file", "n_clips") or _number(count) < _SAID * max(_number(line["n_clips"]), 1):
                continue
            if (place := places.get(label_key(name))) is not None:
                said.setdefault(place, set()).add(file)
    for place, name in enumerate(words.names):
        yield "clips' tags", name, (place,), asked, np.array([row["file"] in said.get(place, ()) for row in rows])


def _answering(name: str, table: str, places: Mapping[str, int]) -> tuple[int, ...]:
    """The labels that answer to a name: those that the table has for it, else the label that is called so."""
    listed = _names()[table].get(name)
    if listed is None:
        return (places[key],) if (key := label_key(name)) in places else ()
    return tuple(places[label_key(label)] for label in listed)


def _number(text: str | None) -> float:
    try:
        return float(text or 0)
    except ValueError:
        return 0.0
