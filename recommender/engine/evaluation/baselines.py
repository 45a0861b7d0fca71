"""What a method must beat: chance, counts, and the item neighbours and pairwise ranking of `implicit`.

Baselines are measured like every other method, but recommend to nobody: they have no reasons and are never stored.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, csr_matrix

from ..interface import Evidence, PlayMatrix, Positions, Scoring, Tastes, Vector

Scores: TypeAlias = Callable[[Tastes, Positions], Vector]
"""Scores of all songs, shape (n_listeners, n_songs), for listeners who have these tastes and rows of the plays."""

Fit: TypeAlias = Callable[[Evidence], Scores]


EACH_ALONE = sys.maxsize
"""As many groups as there are listeners."""


@dataclass(frozen=True)
class Method:
    """Something that is measured.

    Attributes
    ----------
    name : str
    settings : mapping of description to fit
        What it can be fitted with. Where there are several, an inner split decides; the first is used where plays are
        too few for one.
    baseline : bool
        Whether it is only here to be beaten.
    same_for_all : bool
        Whether every listener is told the same.
    by_plays_alone : bool
        Whether it knows nothing of a song but who plays it: on unplayed songs it has nothing to choose by.
    own_label_groups : int
        Where listeners gave labels themselves: into how many groups they are cut, each of which is asked by a method
        that was fitted without any label of theirs. `EACH_ALONE` takes out a listener's own and nobody else's, in
        every split; groups take out more, and as their fits are expensive it is done in the first split only. 0
        where it is not looked at.
    """

    name: str
    settings: Mapping[str, Fit] = field(repr=False)
    baseline: bool = True
    same_for_all: bool = False
    by_plays_alone: bool = False
    own_label_groups: int = 0


def of_recommender(
    name: str, recommender: type[Scoring], *, same_for_all: bool = False, own_label_groups: int = 0
) -> Method:
    """A method of the engine as something that is measured."""

    def fit(evidence: Evidence) -> Scores:
        fitted = recommender.fit(evidence)
        return lambda tastes, _listeners: fitted.scores(tastes)

    return Method(name, {"": fit}, baseline=False, same_for_all=same_for_all, own_label_groups=own_label_groups)


_BM25: list[dict[str, float]] = [{"K1": 1.2, "B": 0.75}, {"K1": 100, "B": 0.8}]


def baselines(seed: int = 0) -> list[Method]:
    """All of them, chance first."""
    return [
        Method("random", {"": lambda evidence: _random(evidence, seed)}),
        Method("most played", {"": lambda evidence: _constant(evidence.plays)}, same_for_all=True),
        Method("most labelled", {"": lambda evidence: _constant(_labels_given(evidence))}, same_for_all=True),
        Method("item cosine", _item_neighbours("CosineRecommender", [{}]), by_plays_alone=True),
        Method("BM25", _item_neighbours("BM25Recommender", _BM25), by_plays_alone=True),
        Method("BPR", _pairwise_rankings(seed), by_plays_alone=True),
    ]


def _random(evidence: Evidence, seed: int) -> Scores:
    n_songs = evidence.n_songs
    return lambda _tastes, listeners: np.stack(
        [np.random.default_rng([seed, 3, listener]).random(n_songs) for listener in listeners.tolist()]
    )


def _constant(values: NDArray[Any]) -> Scores:
    row = values.astype(np.float64)
    return lambda _tastes, listeners: np.broadcast_to(row, (len(listeners), len(row)))


def _labels_given(evidence: Evidence) -> NDArray[np.int64]:
    """How many labels each song has, shape (n_songs,)."""
    return np.diff(evidence.term_frequencies.indptr).astype(np.int64)


def _item_neighbours(kind: str, weightings: list[dict[str, float]]) -> dict[str, Fit]:
    """The neighbourhoods of `implicit`, of several sizes, over plays, their logarithms and the bare fact of them."""

    def fit(evidence: Evidence, neighbours: int, damping: str, weighting: dict[str, float]) -> Scores:
        # Native code, of which web processes have no need.
        from implicit import nearest_neighbours
        from implicit.utils import ParameterWarning

        model = getattr(nearest_neighbours, kind)(K=neighbours, num_threads=1, **weighting)
        with warnings.catch_warnings():
            # It warns of what it does itself: its weighting makes another kind of matrix.
            warnings.simplefilter("ignore", ParameterWarning)
            model.fit(csr_matrix(_damped(evidence.played, damping)), show_progress=False)
        similarity = csr_array(model.similarity)
        return lambda tastes, _listeners: (_damped(tastes.played, damping) @ similarity).toarray()

    def setting(neighbours: int, damping: str, weighting: dict[str, float]) -> Fit:
        return lambda evidence: fit(evidence, neighbours, damping, weighting)

    return {
        ", ".join([f"K={neighbours}", damping, *(f"{name}={value:g}" for name, value in weighting.items())]): setting(
            neighbours, damping, weighting
        )
        for neighbours in (100, 20, 500, 2000)
        for damping in _DAMPED
        for weighting in weightings
    }


_DAMPED: Mapping[str, Callable[[NDArray[Any]], NDArray[Any]]] = {
    "log plays": np.log1p,
    "played": np.ones_like,
    "plays": np.asarray,
}
"""What a number of plays counts."""


def _damped(played: PlayMatrix, damping: str) -> csr_array[Any]:
    data = _DAMPED[damping](played.data).astype(np.float64)
    return csr_array((data, played.indices, played.indptr), shape=played.shape)


def _pairwise_rankings(seed: int) -> dict[str, Fit]:
    """Bayesian personalized ranking (S. Rendle and others, 2009): a played song stands above one that is not."""

    def fit(evidence: Evidence, factors: int, rate: float) -> Scores:
        # Native code, of which web processes have no need.
        from implicit.bpr import BayesianPersonalizedRanking

        # Several threads would write over each other's steps, and no two fits be the same.
        model = BayesianPersonalizedRanking(
            factors=factors, learning_rate=rate, iterations=100, random_state=seed, num_threads=1
        )
        model.fit(csr_matrix(_damped(evidence.played, "played").astype(np.float32)), show_progress=False)
        users, items = model.user_factors, model.item_factors
        return lambda _tastes, listeners: (users[listeners] @ items.T).astype(np.float64)

    def setting(factors: int, rate: float) -> Fit:
        return lambda evidence: fit(evidence, factors, rate)

    return {
        f"{factors} factors, rate {rate:g}": setting(factors, rate)
        for factors, rate in ((64, 0.05), (64, 0.01), (32, 0.05))
    }
