"""Training data as arrays: spectrograms' places, targets, and the split into training and held-out recordings."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalog.importing.walking import printable

from .sources import Collection, Complain, artist_of
from .spectrograms import Mel, Spectrograms

FEWEST_OF_A_LABEL = 3
"""Fewest recordings with a label that is trained."""

FEWEST_RECORDINGS = 10

MOST_LABELS = 1000
"""Most labels of a tagger."""

_SHORTEST_FRAMES = 64
_KEPT_OUT = 0.15
_MOST_KEPT_OUT = 1000
_SMALLEST_CERTAINTY = 0.01
_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class VocabularyLabel:
    """A label of the vocabulary: one output of the network."""

    key: str
    name: str
    kind: str


@dataclass(frozen=True)
class Dataset:
    """Recordings in the order of their names, and their targets.

    Attributes
    ----------
    labels : tuple of VocabularyLabel
        The teachers' first, then those that only people's annotations have.
    spectrograms : Path
        The folder of all spectrograms.
    frames : float16, shape (n_frames, 96)
        All spectrograms in decibels, memory-mapped.
    places : int64, shape (n, 2)
        Each recording's first frame, and number of frames.
    generated : bool, shape (n,)
        Whether it was rendered here.
    targets : float16, shape (n, n_labels)
        0: without the label; in (0, 1]: with the label, and its certainty; NaN: unknown. Memory-mapped.
    training, kept_out : bool, shape (n,)
        The split; a recording without annotations by a held-out artist is in neither.
    digest : str
        Changes with the recordings, the labels, the targets and the split.
    """

    labels: tuple[VocabularyLabel, ...]
    spectrograms: Path
    frames: Mel
    places: NDArray[np.int64]
    generated: NDArray[np.bool_]
    targets: NDArray[np.float16]
    training: NDArray[np.bool_]
    kept_out: NDArray[np.bool_]
    digest: str

    def mel(self, row: int) -> Mel:
        """Return a recording's spectrogram, shape (n_frames, 96), decibels; memory-mapped."""
        first, count = self.places[row]
        return self.frames[first : first + count]

    def labelled(self, rows: NDArray[np.bool_]) -> NDArray[np.intp]:
        """Select the rows with a known target, from a mask of shape (n,); int, ascending."""
        chosen = np.flatnonzero(rows)
        blocks = (chosen[first : first + _AT_ONCE] for first in range(0, chosen.size, _AT_ONCE))
        known = [block[~np.isnan(self.targets[block]).all(axis=1)] for block in blocks]
        return np.concatenate([np.zeros(0, np.intp), *known])


def make_dataset(
    collection: Collection,
    spectrograms: Spectrograms,
    taught: Sequence[VocabularyLabel],
    kinds: Mapping[str, str],
    folder: Path,
    seed: int,
) -> Dataset:
    """Build a dataset from a collection whose spectrograms are computed.

    Parameters
    ----------
    collection : Collection
        Recordings that cannot be read, or are shorter than 1.4 s, are reported and removed from it.
    spectrograms : Spectrograms
    taught : sequence of VocabularyLabel
        The teachers' labels.
    kinds : mapping of label key to kind
        Of labels whose source does not state it.
    folder : Path
        The targets are written to `said.f16` there.
    seed : int
        Of the choice of held-out artists.

    Returns
    -------
    Dataset

    Raises
    ------
    ValueError
        If there are too few recordings or labels, or no artist can be held out.
    """
    rows = collection.rows
    _place(collection, spectrograms)
    labels = _vocabulary(rows, taught, kinds, collection.complain)
    n = len(collection)
    ordered = "SELECT {} FROM recordings ORDER BY name"
    places = _array(rows, ordered.format("start, frames"), (n, 2), np.int64)
    artists = _array(rows, ordered.format("dense_rank() OVER (ORDER BY artist)"), (n,), np.int32)
    generated = _array(rows, ordered.format("folder = ''"), (n,), np.bool_)
    named = _array(rows, ordered.format("kept_out"), (n,), np.bool_)
    targets = _targets(rows, labels, folder / "said.f16", n)
    everything = Dataset(
        labels, spectrograms.folder, spectrograms.frames(), places, generated, targets, ~named, named, ""
    )
    labelled = everything.labelled(np.ones(n, bool))
    if not taught and labelled.size < FEWEST_RECORDINGS:
        raise ValueError(
            f"{labelled.size} recordings with labels can be read: {FEWEST_RECORDINGS} are the least to learn from."
        )
    eligible = np.zeros(n, bool)
    eligible[labelled if labelled.size else np.flatnonzero(~generated if not generated.all() else generated)] = True
    if named.any():
        training, kept_out = ~named, named
    else:
        out = keep_artists_out(artists, eligible, seed)
        training, kept_out = ~out, out & eligible
    if labelled.size and not eligible[training].any():
        raise ValueError("Every recording with labels is kept out: there is nothing left to learn from.")
    digest = _digest(collection, labels, targets, kept_out)
    return replace(everything, training=training, kept_out=kept_out, digest=digest)


def keep_artists_out(artists: NDArray[np.integer], eligible: NDArray[np.bool_], seed: int) -> NDArray[np.bool_]:
    """Choose held-out artists, and with each all of its recordings.

    Parameters
    ----------
    artists : int, shape (n,)
        Equal for recordings by one artist.
    eligible : bool, shape (n,)
        Recordings that can be evaluated on.
    seed : int

    Returns
    -------
    bool, shape (n,)
        True for about 15 % of the eligible recordings, at most 1,000 of them, and at least one artist's.

    Raises
    ------
    ValueError
        If all eligible recordings are by one artist.
    """
    sizes = np.bincount(artists, weights=eligible).astype(np.int64)
    candidates = np.flatnonzero(sizes)
    if candidates.size < 2:
        raise ValueError(
            "All recordings are by one artist, so none can be kept out to compare by. Artists are taken from the "
            "column artist, the library, or the files' tags; without any, each folder counts as one. Or name "
            "recordings to --keep-out."
        )
    wanted = min(max(_KEPT_OUT * sizes.sum(), 1.0), _MOST_KEPT_OUT)
    out: list[int] = []
    taken = 0
    for artist in np.random.default_rng([seed, 1]).permutation(candidates).tolist():
        if taken + sizes[artist] <= wanted:
            out.append(artist)
            taken += int(sizes[artist])
    # The smallest artist, where every one exceeds the share.
    return np.isin(artists, out or [int(candidates[np.argmin(sizes[candidates])])])


def _place(collection: Collection, spectrograms: Spectrograms) -> None:
    """Store each recording's place and artist; report and remove unreadable and short ones."""
    bad = []
    for number, key, name, folder, artist in _chunked(
        collection.rows, "SELECT id, key, name, folder, artist FROM recordings WHERE id > ? ORDER BY id LIMIT ?"
    ):
        place = spectrograms.place(key)
        if place is None or place.frames < _SHORTEST_FRAMES:
            why = place.error if place is not None and place.error else "too short"
            collection.complain(f"{printable(name)}: {why}")
            bad.append((number,))
        else:
            collection.rows.execute(
                "UPDATE recordings SET start = ?, frames = ?, artist = ? WHERE id = ?",
                [place.start, place.frames, artist_of(artist, place.artist, folder), number],
            )
    collection.rows.executemany("DELETE FROM recordings WHERE id = ?", bad)
    collection.rows.executemany("DELETE FROM annotations WHERE recording = ?", bad)
    if not len(collection):
        raise ValueError("There is nothing to learn from: not one recording can be read.")


def _chunked(rows: sqlite3.Connection, query: str) -> Iterator[tuple[int, str, str, str, str]]:
    """Yield a query's rows in chunks, so that they may be changed meanwhile."""
    last = 0
    while chunk := rows.execute(query, [last, _AT_ONCE]).fetchall():
        yield from chunk
        last = chunk[-1][0]


def _vocabulary(
    rows: sqlite3.Connection, taught: Sequence[VocabularyLabel], kinds: Mapping[str, str], complain: Complain
) -> tuple[VocabularyLabel, ...]:
    """Return the teachers' labels, then those annotated on enough recordings, the most frequent first."""
    annotated = rows.execute(
        "SELECT key, name, kind, count(DISTINCT recording) AS n FROM annotations JOIN labels ON labels.id = label "
        "WHERE weight > 0 GROUP BY key ORDER BY n DESC, key"
    ).fetchall()
    known = {label.key for label in taught}
    enough = [row for row in annotated if row[3] >= FEWEST_OF_A_LABEL]
    if not taught and not enough:
        what = "there are no labels" if not annotated else f"no label is said of {FEWEST_OF_A_LABEL} recordings or more"
        raise ValueError(f"There is nothing to learn: {what}.")
    annotated_labels = [
        VocabularyLabel(key, name, kind if kind != "other" else kinds.get(key, kind))
        for key, name, kind, _ in enough
        if key not in known
    ]
    labels = (*taught, *annotated_labels)
    if len(labels) > MOST_LABELS:
        complain(f"the {len(labels) - MOST_LABELS} rarest labels are left out: a tagger has {MOST_LABELS} at most")
    return labels[:MOST_LABELS]


def _array(rows: sqlite3.Connection, query: str, shape: tuple[int, ...], dtype: type) -> NDArray:  # type: ignore[type-arg]
    """Read a query's numbers into an array of a shape."""
    numbers = (number for row in rows.execute(query) for number in row)
    return np.fromiter(numbers, dtype, int(np.prod(shape))).reshape(shape)


def _targets(rows: sqlite3.Connection, labels: Sequence[VocabularyLabel], path: Path, n: int) -> NDArray[np.float16]:
    """Write the targets of all recordings to a file, and map it: see `Dataset`."""
    targets = np.memmap(path, np.float16, "w+", shape=(n, len(labels)))
    column_of = {label.key: column for column, label in enumerate(labels)}
    columns = {number: column_of.get(key) for number, key in rows.execute("SELECT id, key FROM labels")}
    vocabularies: dict[int, list[int]] = {}
    for origin, label in rows.execute("SELECT DISTINCT origin, label FROM annotations ORDER BY origin, label"):
        if origin and (column := columns[label]) is not None:
            vocabularies.setdefault(origin, []).append(column)
    # Annotations without a vocabulary come last and override the others.
    annotations = rows.execute(
        "SELECT place, origin, label, weight FROM annotations JOIN "
        "(SELECT id, row_number() OVER (ORDER BY name) - 1 AS place FROM recordings) ON id = recording "
        "ORDER BY place, origin DESC"
    )
    filled = 0
    for place, of_recording in groupby(annotations, itemgetter(0)):
        targets[filled:place] = np.nan
        targets[place] = _row(of_recording, columns, vocabularies, len(labels))
        filled = place + 1
    targets[filled:] = np.nan
    targets.flush()
    return np.memmap(path, np.float16, "r", shape=(n, len(labels)))


def _row(
    annotations: Iterable[tuple[int, int, int, float]],
    columns: Mapping[int, int | None],
    vocabularies: Mapping[int, list[int]],
    n_labels: int,
) -> NDArray[np.float32]:
    """Combine all sources' annotations of one recording, shape (n_labels,)."""
    row = np.full(n_labels, np.nan, np.float32)
    for origin, of_origin in groupby(annotations, itemgetter(1)):
        of_vocabulary = [
            (column, annotation[3]) for annotation in of_origin if (column := columns[annotation[2]]) is not None
        ]
        if not origin:
            for column, weight in of_vocabulary:
                row[column] = weight > 0
            continue
        known = vocabularies.get(origin, [])
        row[known] = np.nan_to_num(row[known])
        strongest = max((weight for _, weight in of_vocabulary), default=0.0)
        for column, weight in of_vocabulary:
            if weight > 0:
                row[column] = max(row[column], weight / strongest, _SMALLEST_CERTAINTY)
    return row


def _digest(
    collection: Collection,
    labels: Sequence[VocabularyLabel],
    targets: NDArray[np.float16],
    kept_out: NDArray[np.bool_],
) -> str:
    digest = hashlib.sha256("\n".join(label.key for label in labels).encode())
    for key in collection.keys():  # noqa: SIM118 (it is no mapping)
        digest.update(b"\0" + key.encode(errors="surrogateescape"))
    for first in range(0, len(targets), _AT_ONCE):
        digest.update(np.ascontiguousarray(targets[first : first + _AT_ONCE]).data)
    digest.update(kept_out.tobytes())
    return digest.hexdigest()
