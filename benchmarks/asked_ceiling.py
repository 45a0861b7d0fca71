"""How much of what is asked for can be told at all from what taggers hear: fits to what people said of other artists.

The recordings are parted into two halves by artist. For each question the label that finds most on one half ranks the
other, and so does a ridge regression of all labels and the embedding; the two halves' rankings, side by side by their
fractional ranks, give a first ten of the whole library, which is counted as `asked` counts. What a search without such
a fit finds less than that may be mended; what the fit does not find is not in the numbers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommender.engine.adventure import fractional_ranks
from recommender.engine.interface import TrainingData, Vector
from recommender.engine.ranking import top

FIRST = 10
_STRENGTHS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
"""Of the regression, as shares of all variance; chosen by the errors on left-out recordings of the fitted half."""

Mask = NDArray[np.bool_]


class Ceiling(NamedTuple):
    """Of the first ten, how many are of what is asked for: by one label, and by labels and embedding together."""

    label: float
    together: float


def half_of(artist: str) -> bool:
    """Which of two halves an artist is in."""
    return bool(hashlib.sha256(artist.encode()).digest()[0] & 1)


def ceiling(data: TrainingData, of_it: Collection[int], artists: Sequence[str]) -> Ceiling:
    """The ceiling of one question.

    Parameters
    ----------
    data : TrainingData
        With labels and embeddings.
    of_it : collection of positions
        The recordings that are of what is asked for.
    artists : sequence of str, length n_songs
    """
    truth = np.zeros(data.n_songs, dtype=bool)
    truth[list(of_it)] = True
    half = np.array([half_of(artist) for artist in artists])
    labels = data.term_frequencies.toarray()
    return Ceiling(
        _found(_by_label(labels, truth, half), truth),
        _found(_by_regression(_features(labels, data.embeddings), truth, half), truth),
    )


def _by_label(labels: Vector, truth: Mask, half: Mask) -> Vector:
    """Each half ranked by the label that finds most on the other, shape (n_songs,)."""
    scores = np.zeros(len(truth))
    for own in _both(half):
        found = [_found(np.where(own, 0, column), truth) for column in labels.T]
        scores[own] = fractional_ranks(labels[own, int(np.argmax(found))])
    return scores


def _by_regression(features: Vector, truth: Mask, half: Mask) -> Vector:
    """Each half ranked by a regression on the other, shape (n_songs,)."""
    scores = np.zeros(len(truth))
    for own in _both(half):
        others = features[~own]
        weights = others.T @ _regression(others @ others.T, truth[~own] - truth[~own].mean())
        scores[own] = fractional_ranks(features[own] @ weights)
    return scores


def _regression(products: Vector, wanted: Vector) -> Vector:
    """Dual weights of the ridge regression whose strength has the smallest errors on recordings left out one by one."""
    values, vectors = np.linalg.eigh(products)
    found = []
    for strength in _STRENGTHS:
        inverse = 1 / (values + strength * values.sum())
        dual = vectors @ (inverse * (vectors.T @ wanted))
        left_out = dual / (vectors**2 @ inverse)
        found.append((float(left_out @ left_out), dual))
    best: Vector = min(found, key=lambda one: one[0])[1]
    return best


def _both(half: Mask) -> Iterator[Mask]:
    yield from (half, ~half)


def _features(labels: Vector, embeddings: NDArray[Any] | None) -> Vector:
    """Labels and embedding of each recording, each of the two weighing the same."""
    sides = [labels] if embeddings is None else [labels, embeddings.astype(np.float64)]
    centred = [side - side.mean(axis=0) for side in sides]
    return np.hstack([side / max(float(np.linalg.norm(side)), 1e-12) for side in centred])


def _found(scores: Vector, truth: Mask) -> float:
    """How many of the first ten are of what is asked for."""
    return float(truth[top(scores, FIRST)].sum())
