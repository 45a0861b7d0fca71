"""The index of songs and labels: which primary key stands at which position of the engine's arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..engine.interface import IndexMapping, LabelContribution, Positions
from ..engine.query_tokens import word_key

_WITHOUT_MUSIC = frozenset({"spoken word", "no music heard", "speech", "audiobook", "podcast"})
"""Labels of recordings that are no music, by `word_key`: what taggers give, and what tags of files say."""


@dataclass(frozen=True, eq=False)
class SongLabelIndex:
    """Maps primary keys of songs and labels to positions in the engine's arrays.

    Attributes
    ----------
    song_ids : int64, shape (n_songs,)
        Primary keys, ascending.
    playable : bool, shape (n_songs,)
        Whether the song has a file.
    artists : int32, shape (n_songs,)
        A number per artist, `UNKNOWN_ARTIST` if unknown.
    label_ids : int64, shape (n_labels,)
        Primary keys, ascending.
    label_names, label_kinds : str, shape (n_labels,)
    label_background : bool, shape (n_labels,)
        Labels that say little to a listener; none in snapshots of older versions.
    """

    song_ids: NDArray[np.int64]
    playable: NDArray[np.bool_]
    artists: NDArray[np.int32]
    label_ids: NDArray[np.int64]
    label_names: NDArray[np.str_]
    label_kinds: NDArray[np.str_]
    label_background: NDArray[np.bool_]

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Restore an index from its `arrays`."""
        none = np.zeros(len(arrays["label_ids"]), dtype=np.bool_)
        return cls(
            **{field.name: arrays[field.name] for field in fields(cls) if field.name != "label_background"},
            label_background=arrays.get("label_background", none),
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All arrays by attribute name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def songs(self, ids: Any) -> Positions:
        """Positions of the songs with these primary keys; unknown keys are skipped."""
        return _positions(self.song_ids, ids)

    def labels(self, ids: Any) -> Positions:
        """Positions of the labels with these primary keys; unknown keys are skipped."""
        return _positions(self.label_ids, ids)

    @cached_property
    def label_positions(self) -> dict[int, int]:
        """The position of each label by its primary key."""
        return {pk: position for position, pk in enumerate(self.label_ids.tolist())}

    @cached_property
    def says_no_music(self) -> NDArray[np.bool_]:
        """Which labels say that a recording is no music, shape (n_labels,)."""
        return np.array([word_key(name) in _WITHOUT_MUSIC for name in self.label_names.tolist()], dtype=np.bool_)

    def shown_first(self, parts: Sequence[LabelContribution], most: int) -> list[LabelContribution]:
        """The first contributions that say something to a listener; where none does, those that the song has clearly.

        Labels in the background say nothing, and neither do those that the song hardly has, unless it has no others.

        Parameters
        ----------
        parts : sequence of LabelContribution
            More than are wanted (`n_asked_for`), in order.
        most : int
        """
        told = [part for part in parts if not self.label_background[part.label]] or list(parts)
        return ([part for part in told if part.clear] or told)[:most]

    def n_asked_for(self, most: int) -> int:
        """Contributions to ask for so that `most` are left without labels in the background."""
        return most + int(np.count_nonzero(self.label_background))

    def mapping_from(self, before: SongLabelIndex) -> IndexMapping:
        """Map the positions of this index to those of an earlier one."""
        return IndexMapping(
            songs=_former_positions(before.song_ids, self.song_ids),
            labels=_former_positions(before.label_ids, self.label_ids),
            n_songs_at_fit=len(before.song_ids),
        )


def _positions(known: NDArray[np.int64], ids: Any) -> Positions:
    wanted = np.asarray(ids, dtype=np.int64)
    if not len(known):
        return np.empty(0, dtype=np.intp)
    at = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    found: Positions = at[known[at] == wanted]
    return found


def _former_positions(before: NDArray[np.int64], now: NDArray[np.int64]) -> NDArray[np.intp]:
    """The position in `before`, ascending, of each key of `now`; -1 for new keys."""
    if not len(before):
        return np.full(len(now), -1, dtype=np.intp)
    at = np.minimum(np.searchsorted(before, now), len(before) - 1)
    return np.where(before[at] == now, at, -1)
