"""Baselines: random, counts, and item neighbours and BPR of `implicit`.

Baselines are evaluated only: they have no explanations and are never stored.
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

from ..interface import ListenerBatch, PlayMatrix, Positions, ScoringPart, TrainingData, Vector

Scores: TypeAlias = Callable[[ListenerBatch, Positions], Vector]
"""Scores of all songs, shape (n_listeners, n_songs), for a batch of listeners and their rows in the training data."""

Fit: TypeAlias = Callable[[TrainingData], Scores]


EACH_ALONE = sys.maxsize
"""One group per listener."""


@dataclass(frozen=True)
class Method:
    """A method under evaluation.

    Attributes
    ----------
    name : str
    settings : mapping of description to fit
        Fits by hyperparameters. An inner split chooses among several; the first is used if there are too few plays.
    baseline : bool
        Whether it is a baseline.
    same_for_all : bool
        Whether all listeners get the same scores.
    by_plays_alone : bool
        Whether it uses plays only, so that it has no scores for unplayed songs.
    own_label_groups : int
        Number of groups for the evaluation without own labels: each group is evaluated with a method fitted without
        the group's labels. `EACH_ALONE` leaves out only a listener's own labels, in every split; groups are evaluated
        in the first split only, because each needs a fit. 0 to skip.
    """

    name: str
    settings: Mapping[str, Fit] = field(repr=False)
    baseline: bool = True
    same_for_all: bool = False
    by_plays_alone: bool = False
    own_label_groups: int = 0


def of_recommender(
    name: str, recommender: type[ScoringPart], *, same_for_all: bool = False, own_label_groups: int = 0
) -> Method:
    """Wrap a recommender of the engine for evaluation."""

    def fit(data: TrainingData) -> Scores:
        fitted = recommender.fit(data)
        return lambda batch, _listeners: fitted.scores(batch)

    return Method(name, {"": fit}, baseline=False, same_for_all=same_for_all, own_label_groups=own_label_groups)


_BM25: list[dict[str, float]] = [{"K1": 1.2, "B": 0.75}, {"K1": 100, "B": 0.8}]


def baselines(seed: int = 0) -> list[Method]:
    """All baselines, random first."""
    return [
        Method("random", {"": lambda data: _random(data, seed)}),
        Method("most played", {"": lambda data: _constant(data.plays)}, same_for_all=True),
        Method("most labelled", {"": lambda data: _constant(_labels_given(data))}, same_for_all=True),
        Method("item cosine", _item_neighbours("CosineRecommender", [{}]), by_plays_alone=True),
        Method("BM25", _item_neighbours("BM25Recommender", _BM25), by_plays_alone=True),
        Method("BPR", _pairwise_rankings(seed), by_plays_alone=True),
    ]


def _random(data: TrainingData, seed: int) -> Scores:
    n_songs = data.n_songs
    return lambda _batch, listeners: np.stack(
        [np.random.default_rng([seed, 3, listener]).random(n_songs) for listener in listeners.tolist()]
    )


def _constant(values: NDArray[Any]) -> Scores:
    row = values.astype(np.float64)
    return lambda _batch, listeners: np.broadcast_to(row, (len(listeners), len(row)))


def _labels_given(data: TrainingData) -> NDArray[np.int64]:
    """Number of labels of each song, shape (n_songs,)."""
    return np.diff(data.term_frequencies.indptr).astype(np.int64)


def _item_neighbours(kind: str, weightings: list[dict[str, float]]) -> dict[str, Fit]:
    """Item-neighbour models of `implicit`: several sizes and transformations of play counts."""

    def fit(data: TrainingData, neighbours: int, transform: str, weighting: dict[str, float]) -> Scores:
        # Import only for fitting.
        from implicit import nearest_neighbours
        from implicit.utils import ParameterWarning

        model = getattr(nearest_neighbours, kind)(K=neighbours, num_threads=1, **weighting)
        with warnings.catch_warnings():
            # implicit warns about the type of its own weighted matrix.
            warnings.simplefilter("ignore", ParameterWarning)
            model.fit(csr_matrix(_transformed(data.played, transform)), show_progress=False)
        similarity = csr_array(model.similarity)
        return lambda batch, _listeners: (_transformed(batch.played, transform) @ similarity).toarray()

    def setting(neighbours: int, transform: str, weighting: dict[str, float]) -> Fit:
        return lambda data: fit(data, neighbours, transform, weighting)

    return {
        ", ".join([f"K={neighbours}", transform, *(f"{name}={value:g}" for name, value in weighting.items())]): setting(
            neighbours, transform, weighting
        )
        for neighbours in (100, 20, 500, 2000)
        for transform in _TRANSFORMS
        for weighting in weightings
    }


_TRANSFORMS: Mapping[str, Callable[[NDArray[Any]], NDArray[Any]]] = {
    "log plays": np.log1p,
    "played": np.ones_like,
    "plays": np.asarray,
}
"""Transformations of play counts."""


def _transformed(played: PlayMatrix, transform: str) -> csr_array[Any]:
    data = _TRANSFORMS[transform](played.data).astype(np.float64)
    return csr_array((data, played.indices, played.indptr), shape=played.shape)


def _pairwise_rankings(seed: int) -> dict[str, Fit]:
    """Bayesian personalized ranking (S. Rendle and others, 2009)."""

    def fit(data: TrainingData, factors: int, rate: float) -> Scores:
        # Import only for fitting.
        from implicit.bpr import BayesianPersonalizedRanking

        # Several threads would make the fit nondeterministic.
        model = BayesianPersonalizedRanking(
            factors=factors, learning_rate=rate, iterations=100, random_state=seed, num_threads=1
        )
        model.fit(csr_matrix(_transformed(data.played, "played").astype(np.float32)), show_progress=False)
        users, items = model.user_factors, model.item_factors
        return lambda _batch, listeners: (users[listeners] @ items.T).astype(np.float64)

    def setting(factors: int, rate: float) -> Fit:
        return lambda data: fit(data, factors, rate)

    return {
        f"{factors} factors, rate {rate:g}": setting(factors, rate)
        for factors, rate in ((64, 0.05), (64, 0.01), (32, 0.05))
    }
