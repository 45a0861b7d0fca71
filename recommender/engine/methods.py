"""The methods of recommending, by the names that people use."""

from __future__ import annotations

from .content import Content
from .cooccurrence import Cooccurrence
from .hybrid import Hybrid
from .interface import Recommender
from .latent import Latent
from .popularity import Popularity

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
