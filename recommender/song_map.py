"""The map as it is shown: which songs lie where, and which labels say what they are like."""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catalog.services import song_index
from catalog.song_index import SongIndex

from . import snapshot
from .engine.content import Content
from .engine.interface import Positions
from .snapshot import Recommenders

MOST_SHOWN = 100_000
"""So many songs are drawn; of more, a part that is spread evenly over the library."""

LABELS = 5
"""So many of a song's strongest labels are known to the map."""

NO_LABEL = 255
"""Stands where a song has fewer labels, or one that few other songs have."""

WIDTH = 65_535
"""Places are whole numbers from 0 to this, on both axes by the same scale."""


@dataclass(frozen=True, eq=False)
class Shown:
    """The songs that are drawn, for everybody the same.

    Attributes
    ----------
    song_ids : int64, shape (n,)
        Primary keys, ascending; all of them can be played now.
    places : uint16, shape (n, 2)
        From the left, and from the top.
    labels : uint8, shape (n, LABELS)
        Numbers of `label_names`, a song's strongest first, `NO_LABEL` where there are no more.
    label_names, label_kinds : list of str
        Those that stand most often among the strongest of a song first.
    left_out : int
        How many songs can be played and are not on the map: nobody has listened to them yet.
    not_drawn : int
        How many are on the map and not drawn, as there are too many.
    """

    song_ids: NDArray[np.int64]
    places: NDArray[np.uint16]
    labels: NDArray[np.uint8]
    label_names: list[str]
    label_kinds: list[str]
    left_out: int
    not_drawn: int

    @property
    def in_all(self) -> int:
        """How many songs are on the map, drawn or not."""
        return len(self.song_ids) + self.not_drawn

    @cached_property
    def packed(self) -> bytes:
        """All of it for `static/js/map_points.js`.

        The length of a JSON text as a whole number of 32 bits, the text, padded to a multiple of four; for each song
        how much larger its key is than that of the one before, 32 bits; its place from the left, then from the top, 16
        bits each; its labels, 8 bits each, the strongest of all songs first. Numbers begin with their lowest byte.
        """
        about = {
            "songs": len(self.song_ids),
            "first": int(self.song_ids[0]) if len(self.song_ids) else 0,
            "labels": [list(pair) for pair in zip(self.label_names, self.label_kinds, strict=True)],
            "per_song": LABELS,
            "width": WIDTH,
        }
        text = json.dumps(about, ensure_ascii=False, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)
        columns = [
            np.diff(self.song_ids, prepend=self.song_ids[:1]).astype("<u4"),
            np.ascontiguousarray(self.places.T).astype("<u2"),
            np.ascontiguousarray(self.labels.T),
        ]
        return b"".join([np.array(len(text), "<u4").tobytes(), text, *(column.tobytes() for column in columns)])

    @cached_property
    def zipped(self) -> bytes:
        """The same, compressed."""
        return gzip.compress(self.packed, 6, mtime=0)

    @cached_property
    def version(self) -> str:
        """Another one whenever anything that is drawn is another."""
        return hashlib.sha256(self.packed).hexdigest()[:20]

    def as_json(self) -> dict[str, Any]:
        """The same for programs, as columns."""
        return {
            "width": WIDTH,
            "labels": self.label_names,
            "songs": self.song_ids.tolist(),
            "x": self.places[:, 0].tolist(),
            "y": self.places[:, 1].tolist(),
            "strongest": [[label for label in of_song if label != NO_LABEL] for of_song in self.labels.tolist()],
            "left_out": self.left_out,
            "not_drawn": self.not_drawn,
        }


_last: tuple[Recommenders | None, SongIndex, Shown] | None = None


def shown() -> Shown:
    """The map as it is now: songs that are deleted or have lost their file since it was made are not on it."""
    global _last
    recommenders, index = snapshot.current(), song_index.current()
    if _last is None or _last[0] is not recommenders or _last[1] is not index:
        _last = recommenders, index, _shown(recommenders, index)
    return _last[2]


def _shown(recommenders: Recommenders | None, index: SongIndex) -> Shown:
    playable = np.array([index.songs[at].pk for at in np.flatnonzero(index.all()).tolist()], dtype=np.int64)
    on_map = recommenders.map if recommenders else None
    if recommenders is None or on_map is None:
        nothing = np.zeros((0, 2), np.uint16)
        return Shown(playable[:0], nothing, np.zeros((0, LABELS), np.uint8), [], [], len(playable), 0)
    ids = recommenders.catalogue.song_ids[on_map.songs]
    here = np.flatnonzero(np.isin(ids, playable, assume_unique=True))
    drawn = here[np.unique(np.linspace(0, len(here) - 1, min(len(here), MOST_SHOWN)).astype(np.int64))]
    labels, names = _strongest(recommenders.content, on_map.songs[drawn])
    catalogue = recommenders.catalogue
    return Shown(
        song_ids=ids[drawn],
        places=_whole(on_map.places[drawn]),
        labels=labels,
        label_names=catalogue.label_names[names].tolist(),
        label_kinds=catalogue.label_kinds[names].tolist(),
        left_out=len(playable) - len(here),
        not_drawn=len(here) - len(drawn),
    )


def _whole(places: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Places as whole numbers, in the middle of a square."""
    if not len(places):
        return np.zeros((0, 2), np.uint16)
    low, high = places.min(axis=0), places.max(axis=0)
    side = float((high - low).max()) or 1.0
    whole = np.rint(WIDTH * ((places - (low + high) / 2) / side + 0.5)).clip(0, WIDTH)
    return np.asarray(whole, dtype=np.uint16)


def _strongest(content: Content, songs: Positions) -> tuple[NDArray[np.uint8], Positions]:
    """The labels that say most of each song, strongest first, as numbers; and the positions of the labels numbered."""
    weights = content.weights[songs]
    rows = np.repeat(np.arange(len(songs)), np.diff(weights.indptr))
    said = weights.data > 0
    rows, columns, data = rows[said], weights.indices[said], weights.data[said]
    order = np.lexsort((columns, -data, rows))
    rows, columns = rows[order], columns[order]
    place = np.arange(len(rows)) - np.searchsorted(rows, rows)
    kept = place < LABELS
    counts = np.bincount(columns[kept], minlength=weights.shape[1])
    names = np.argsort(-counts, kind="stable")[: min(NO_LABEL, np.count_nonzero(counts))]
    numbers = np.full(weights.shape[1], NO_LABEL, dtype=np.uint8)
    numbers[names] = np.arange(len(names), dtype=np.uint8)
    labels = np.full((len(songs), LABELS), NO_LABEL, dtype=np.uint8)
    labels[rows[kept], place[kept]] = numbers[columns[kept]]
    return labels, names
