"""The models of one snapshot, with the index of the songs and labels that their arrays refer to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ..engine.content import Content
from ..engine.cooccurrence import Cooccurrence
from ..engine.interface import ModelPart, Recommender
from ..engine.labels_and_sound import LabelsAndSound
from ..engine.methods import DEFAULT_METHODS, PARTS, methods_of
from ..engine.popularity import Popularity
from ..engine.song_map import SongMap
from ..engine.sound import Sound
from ..engine.sound_graph import SoundGraph
from .song_label_index import SongLabelIndex

_INDEX_PREFIX = "catalogue"
"""Prefix of the index's array files."""


@dataclass(frozen=True, eq=False)
class ModelBundle:
    """The fitted models of a snapshot.

    Attributes
    ----------
    index : SongLabelIndex
    parts : dict of str to ModelPart
        Every fitted part by name; content and popular are always there.
    """

    index: SongLabelIndex
    parts: dict[str, ModelPart]

    @cached_property
    def methods(self) -> dict[str, Recommender]:
        """Every fitted method by name."""
        return methods_of(self.parts)

    @property
    def content(self) -> Content:
        """The content recommender."""
        return cast(Content, self.parts["content"])

    @cached_property
    def labels_and_sound(self) -> LabelsAndSound:
        """The recommender by labels and sound, which answers queries."""
        return cast(LabelsAndSound, self.methods["labels_and_sound"])

    @property
    def popular(self) -> Popularity:
        """The popularity recommender."""
        return cast(Popularity, self.parts["popular"])

    @property
    def cooccurrence(self) -> Cooccurrence | None:
        """The co-occurrence recommender, if fitted."""
        return cast("Cooccurrence | None", self.parts.get("cooccurrence"))

    @property
    def sound(self) -> Sound | None:
        """Embedding similarity; None in snapshots of older versions."""
        return cast("Sound | None", self.parts.get("sound"))

    @property
    def map(self) -> SongMap | None:
        """The song map; None in snapshots of older versions."""
        return cast("SongMap | None", self.parts.get("map"))

    @property
    def paths(self) -> SoundGraph | None:
        """The neighbour graph by sound; None before the first full build of a large library."""
        return cast("SoundGraph | None", self.parts.get("paths"))

    @property
    def best(self) -> str:
        """The method that pages rank by: the first of `DEFAULT_METHODS` that is fitted."""
        return next(name for name in DEFAULT_METHODS if name in self.methods)

    @cached_property
    def has_music(self) -> NDArray[np.bool_]:
        """Which songs are music, shape (n_songs,): all but those whose labels only say that they are none."""
        weights, says_none = self.content.weights, self.index.says_no_music
        speaks, otherwise = (weights @ kind.astype(np.float64) for kind in (says_none, ~says_none))
        music: NDArray[np.bool_] = (speaks <= 0) | (otherwise > 0)
        return music

    def may_be_recommended(self, asked: Mapping[int, float] | None = None) -> NDArray[np.bool_]:
        """Which songs pages may recommend, shape (n_songs,).

        Speech and noise stay in the library and in search; they come to nobody who has not asked for them.

        Parameters
        ----------
        asked : mapping of label, by primary key, to weight, optional
            A query: one for speech lists it.
        """
        wanted = self.index.labels([label for label, weight in (asked or {}).items() if weight > 0])
        return np.ones_like(self.has_music) if self.index.says_no_music[wanted].any() else self.has_music

    def like_song(self, song: int) -> NDArray[np.bool_]:
        """Which songs may be listed as similar to one, shape (n_songs,): music to music, anything to speech."""
        return self.has_music if self.has_music[song] else np.ones_like(self.has_music)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All arrays by file name: the part's name, a dot, and the array's name."""
        parts = {name: part.arrays() for name, part in self.parts.items()}
        return {
            **index_arrays(self.index),
            **{f"{name}.{key}": parts[name][key] for name in parts for key in parts[name]},
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> ModelBundle:
        """Restore a bundle from its `arrays`.

        Raises
        ------
        KeyError
            If an array is missing.
        """
        by_prefix: defaultdict[str, dict[str, NDArray[Any]]] = defaultdict(dict)
        for name, array in arrays.items():
            prefix, _, short = name.partition(".")
            by_prefix[prefix][short] = array
        index = SongLabelIndex.from_arrays(by_prefix[_INDEX_PREFIX])
        if missing := {"content", "popular"} - set(by_prefix):
            raise KeyError(min(missing))
        return cls(index, {name: PARTS[name].from_arrays(by_prefix[name]) for name in PARTS if name in by_prefix})


def index_arrays(index: SongLabelIndex) -> dict[str, NDArray[Any]]:
    """The arrays of an index by file name."""
    return {f"{_INDEX_PREFIX}.{name}": array for name, array in index.arrays().items()}
