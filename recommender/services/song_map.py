"""The song map for display: places and strongest labels of the playable songs."""

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

from ..engine.content import Content
from ..engine.interface import Positions
from ..snapshots import current
from ..snapshots.bundle import ModelBundle

MOST_SHOWN = 100_000
"""Most songs drawn; an evenly spaced sample of a larger library."""

LABELS = 5
"""Labels per song."""

NO_LABEL = 255
"""Marks a missing or unnumbered label."""

WIDTH = 65_535
"""Largest coordinate; both axes have the same scale."""


@dataclass(frozen=True, eq=False)
class Shown:
    """The drawn songs, the same for all listeners.

    Attributes
    ----------
    song_ids : int64, shape (n,)
        Primary keys of playable songs, ascending.
    places : uint16, shape (n, 2)
        x from the left, y from the top.
    labels : uint8, shape (n, LABELS)
        Indices into `label_names`, strongest first, padded with `NO_LABEL`.
    label_names, label_kinds : list of str
        The most frequent labels first.
    left_out : int
        Number of playable songs without an embedding.
    not_drawn : int
        Number of songs on the map that are not drawn.
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
        """Number of songs on the map, drawn or not."""
        return len(self.song_ids) + self.not_drawn

    @cached_property
    def packed(self) -> bytes:
        """The binary format that `static/js/map_points.js` reads, little-endian.

        uint32 length of the JSON header; the header, padded to 4 bytes; then columns: uint32 differences of consecutive
        primary keys, uint16 x, uint16 y, and `LABELS` columns of uint8 labels, strongest first.
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
        """`packed`, gzip-compressed."""
        return gzip.compress(self.packed, 6, mtime=0)

    @cached_property
    def version(self) -> str:
        """Hash of `packed`, used as ETag."""
        return hashlib.sha256(self.packed).hexdigest()[:20]

    def as_json(self) -> dict[str, Any]:
        """The map as JSON columns."""
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


_last: tuple[ModelBundle | None, SongIndex, Shown] | None = None


def shown() -> Shown:
    """The current map, cached, without songs that were deleted or lost their file since the snapshot."""
    global _last
    bundle, searchable = current.bundle(), song_index.current()
    if _last is None or _last[0] is not bundle or _last[1] is not searchable:
        _last = bundle, searchable, _shown(bundle, searchable)
    return _last[2]


def forget() -> None:
    """Clear the cached map."""
    global _last
    _last = None


def _shown(bundle: ModelBundle | None, searchable: SongIndex) -> Shown:
    playable = np.array([searchable.songs[at].pk for at in np.flatnonzero(searchable.all()).tolist()], dtype=np.int64)
    on_map = bundle.map if bundle else None
    if bundle is None or on_map is None:
        nothing = np.zeros((0, 2), np.uint16)
        return Shown(playable[:0], nothing, np.zeros((0, LABELS), np.uint8), [], [], len(playable), 0)
    ids = bundle.index.song_ids[on_map.songs]
    here = np.flatnonzero(np.isin(ids, playable, assume_unique=True))
    drawn = here[np.unique(np.linspace(0, len(here) - 1, min(len(here), MOST_SHOWN)).astype(np.int64))]
    index = bundle.index
    labels, names = _strongest(bundle.content, index.label_background, on_map.songs[drawn])
    return Shown(
        song_ids=ids[drawn],
        places=_whole(on_map.places[drawn]),
        labels=labels,
        label_names=index.label_names[names].tolist(),
        label_kinds=index.label_kinds[names].tolist(),
        left_out=len(playable) - len(here),
        not_drawn=len(here) - len(drawn),
    )


def _whole(places: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Scale places to integers, centred in a square."""
    if not len(places):
        return np.zeros((0, 2), np.uint16)
    low, high = places.min(axis=0), places.max(axis=0)
    side = float((high - low).max()) or 1.0
    whole = np.rint(WIDTH * ((places - (low + high) / 2) / side + 0.5)).clip(0, WIDTH)
    return np.asarray(whole, dtype=np.uint16)


def _strongest(
    content: Content, background: NDArray[np.bool_], songs: Positions
) -> tuple[NDArray[np.uint8], Positions]:
    """The strongest labels of each song, numbered by frequency, and the label positions by number.

    Labels in the background say little of a place on the map: no song has them there.
    """
    weights = content.weights[songs]
    rows = np.repeat(np.arange(len(songs)), np.diff(weights.indptr))
    said = (weights.data > 0) & ~background[weights.indices]
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
