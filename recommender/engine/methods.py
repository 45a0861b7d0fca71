"""The registry of methods, by their public names, and of the model parts they are composed of."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import cast

from .content import Content
from .cooccurrence import Cooccurrence
from .hybrid import Hybrid
from .hybrid_weights import WEIGHED_PARTS, Weights
from .interface import ModelPart, Recommender
from .labels_and_sound import LabelsAndSound
from .latent import Latent
from .popularity import Popularity
from .song_evidence import SongEvidence
from .song_map import SongMap
from .sound import Sound
from .sound_graph import SoundGraph
from .two_tower import TwoTower

METHODS: dict[str, type[Recommender]] = {
    "content": Content,
    "labels_and_sound": LabelsAndSound,
    "cooccurrence": Cooccurrence,
    "latent": Latent,
    "hybrid": Hybrid,
    "popular": Popularity,
}
"""Every method, in display order."""

DEFAULT_METHODS = ["hybrid", "labels_and_sound", "content"]
"""Pages rank by the first of these that is fitted."""

PARTS: dict[str, type[ModelPart]] = {
    "content": Content,
    "popular": Popularity,
    "sound": Sound,
    "song_evidence": SongEvidence,
    "map": SongMap,
    "paths": SoundGraph,
    "cooccurrence": Cooccurrence,
    "latent": Latent,
    "towers": TwoTower,
    "weights": Weights,
}
"""The parts of a snapshot, fitted independently; the hybrid is composed of some of them."""

FAST_PARTS = ["content", "popular", "sound", "song_evidence"]
"""Parts that every content build refits, because fitting is as fast as remapping."""


_NEEDED = {
    "labels_and_sound": {"content"},
    "hybrid": {"content", "popular", "weights", *WEIGHED_PARTS} - {"labels_and_sound"},
}
"""The parts without which a composed method cannot be; snapshots of older versions lack some of the others."""

_COMPOSED: Mapping[str, type[LabelsAndSound | Hybrid]] = {"labels_and_sound": LabelsAndSound, "hybrid": Hybrid}


def method_names(parts: Collection[str]) -> list[str]:
    """The methods that these fitted parts provide, in the order of `METHODS`."""
    available = {*parts, *(name for name, needed in _NEEDED.items() if needed.issubset(parts))}
    return [name for name in METHODS if name in available]


def methods_of(parts: Mapping[str, ModelPart]) -> dict[str, Recommender]:
    """The recommenders that fitted parts provide, by method name."""
    return {
        name: _COMPOSED[name].of_parts(parts) if name in _COMPOSED else cast(Recommender, parts[name])
        for name in method_names(parts)
    }
