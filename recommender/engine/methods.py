"""The methods of recommending, by the names that people use, and the parts that they are put together from."""

from __future__ import annotations

from collections.abc import Mapping

from .content import Content
from .cooccurrence import Cooccurrence
from .hybrid import Hybrid, Weights
from .interface import Part, Recommender
from .latent import Latent
from .popularity import Popularity
from .song_map import SongMap
from .sound import Sound
from .towers import Towers

METHODS: dict[str, type[Recommender]] = {
    "content": Content,
    "cooccurrence": Cooccurrence,
    "latent": Latent,
    "hybrid": Hybrid,
    "popular": Popularity,
}
"""Every method, in the order that lists of them have."""

BEST_FIRST = ["hybrid", "content"]
"""Which method answers where nobody names one: the first of these that is fitted."""

PARTS: dict[str, type[Part]] = {
    "content": Content,
    "popular": Popularity,
    "sound": Sound,
    "map": SongMap,
    "cooccurrence": Cooccurrence,
    "latent": Latent,
    "towers": Towers,
    "weights": Weights,
}
"""What is fitted, each without the others: the hybrid is put together from them."""

AT_ONCE = ["content", "popular", "sound"]
"""The parts that are fitted in less time than others take to be moved: whenever songs or labels change."""


def methods_of(parts: Mapping[str, Part]) -> dict[str, Recommender]:
    """The methods that fitted parts make up."""
    methods: dict[str, Recommender] = {
        name: part for name, part in parts.items() if name in METHODS and isinstance(part, METHODS[name])
    }
    if {"content", "cooccurrence", "latent", "towers", "popular", "weights"} <= set(parts):
        methods["hybrid"] = Hybrid.of_parts(parts)
    return {name: methods[name] for name in METHODS if name in methods}
