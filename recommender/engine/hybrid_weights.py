"""The weights of the hybrid's parts, which depend on how many listeners a song has.

They are fitted on held-out plays by a conditional logit (D. McFadden: Conditional logit analysis of qualitative choice
behavior, 1973), which predicts the played song among sampled negatives.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from .content import Content
from .cooccurrence import Cooccurrence
from .interface import IndexMapping, ListenerBatch, Progress, TooLittleError, TrainingData, Vector, no_progress
from .latent import Latent
from .popularity import Popularity
from .sparse import only_stored
from .two_tower import TwoTower

WEIGHED_PARTS = ["content", "cooccurrence", "latent", "towers"]
"""The parts that the hybrid weighs, in the order of the columns of its weights."""

KNOTS = np.array([0.0, 2.0, 4.0, 6.0])
"""Knots of the weights in log2(listeners): 1, 4, 16 and 64 listeners, linear between."""

_HELD_OUT = 5
"""1/n of the songs, and 1/n of the plays of the other songs, are held out of the inner split."""

_FEWEST_LISTENERS = 20
_FEWEST_SONGS_EACH = 5
_FEWEST_HELD_OUT = 50

_MOST_LISTENERS = 2000
_POSITIVES_EACH = 6
_NEGATIVES = 100
"""Sizes of the sample for fitting the weights: listeners, positives per listener, and negatives per positive."""

PRIOR_STRENGTH = 10.0
"""Strength of the Gaussian prior on the weights, in units of plays."""

_PRIOR_SHARES = (0.0, 0.25, 0.5)
_LATENT_SHARES = (0.5, 0.75, 0.9, 1.0)
"""Candidate shares, in the weights of unplayed songs, of the prior, and of the latent factors alone."""

_SEED = 2018

# Prior means of the weights: for songs without listeners, then for each knot.
PRIOR_MEANS = {
    "content": [0.5, 0.3, 0.2, 0.1, 0.1],
    "cooccurrence": [0.0, 0.3, 0.5, 0.7, 0.7],
    "latent": [1.0, 0.7, 0.7, 0.7, 0.7],
    "towers": [0.7, 0.5, 0.4, 0.3, 0.3],
    "prediction": [0.1, 0.0, 0.0, 0.0, 0.0],
    "constant": [0.0, 0.2, 0.5, 1.0, 1.5],
}
FEATURES = list(PRIOR_MEANS)


PART_TYPES: dict[str, Any] = {"content": Content, "cooccurrence": Cooccurrence, "latent": Latent, "towers": TwoTower}


@dataclass(frozen=True, eq=False)
class Weights:
    """The fitted weights of the hybrid.

    Attributes
    ----------
    values : float64, shape (1 + n_knots, n_parts + 2)
    """

    values: Vector

    @classmethod
    def fit(cls, data: TrainingData, progress: Progress = no_progress) -> Self:
        """Fit the weights on plays held out from the parts.

        Raises
        ------
        TooLittleError
            If there are too few plays for an inner split.
        """
        return cls.fit_with_priors(data, [PRIOR_STRENGTH], progress)[0]

    @classmethod
    def fit_with_priors(
        cls, data: TrainingData, prior_strengths: Sequence[float], progress: Progress = no_progress
    ) -> list[Self]:
        """Fit the weights for several prior strengths; the slow parts are fitted once."""
        inner = _inner_split(data)
        parts = fitted_parts(inner.data, progress)
        progress("weights of the parts")
        choices = _choices(parts, inner, progress)
        return [cls(_weights(choices, prior_strength, progress)) for prior_strength in prior_strengths]

    def refreshed(self, data: TrainingData, mapping: IndexMapping) -> Self:  # noqa: ARG002
        """Return the same weights, which do not depend on songs."""
        return self

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Restore weights from their `arrays`."""
        return cls(arrays["values"])

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The weight matrix."""
        return {"values": self.values}


def fitted_parts(data: TrainingData, progress: Progress = no_progress) -> dict[str, Any]:
    """Fit all parts that the hybrid weighs, by name."""
    parts = {name: kind.fit(data, progress) for name, kind in PART_TYPES.items()}
    return {**parts, "popular": Popularity.fit(data, progress)}


class _InnerSplit(NamedTuple):
    """An inner split of the training data.

    Attributes
    ----------
    data : TrainingData
    held_out : csr_array, shape (n_listeners, n_songs)
    cold : bool, shape (n_songs,)
        Songs whose plays are all held out.
    """

    data: TrainingData
    held_out: csr_array[np.int32, tuple[int, int]]
    cold: NDArray[np.bool_]


def _inner_split(data: TrainingData) -> _InnerSplit:
    """Hold out all plays of a fifth of the songs with content, and a fifth of the other plays."""
    played = data.played
    if np.count_nonzero(np.diff(played.indptr) >= _FEWEST_SONGS_EACH) < _FEWEST_LISTENERS:
        raise TooLittleError(
            f"{_FEWEST_LISTENERS} listeners of {_FEWEST_SONGS_EACH} songs or more are needed to fit a hybrid"
        )
    rng = np.random.default_rng(_SEED)
    candidates = np.flatnonzero(data.described & (data.listeners > 0))
    cold = np.zeros(data.n_songs, dtype=bool)
    cold[rng.choice(candidates, len(candidates) // _HELD_OUT, replace=False)] = True
    out = cold[played.indices] | (rng.random(played.nnz) < 1 / _HELD_OUT)
    inner = _InnerSplit(replace(data, played=only_stored(played, ~out), sessions=None), only_stored(played, out), cold)
    if inner.held_out.nnz < _FEWEST_HELD_OUT or not inner.data.played.nnz:
        raise TooLittleError(f"{played.nnz} songs with plays are too few to fit a hybrid")
    return inner


class _Choices(NamedTuple):
    """Held-out plays (positives), each with sampled negatives.

    Attributes
    ----------
    values : float32, shape (n_choices, 1 + against, (1 + n_knots) x (n_parts + 2))
        Standardized part scores x popularity basis; index 0 is the positive.
    possible : bool, shape (n_choices, 1 + against)
        False for negatives that the listener has played.
    cold : bool, shape (n_choices, 1 + against)
        `_InnerSplit.cold` of the songs.
    counts : float32, shape (n_choices,)
        Weight of each choice; a listener's choices sum to 1.
    """

    values: NDArray[np.float32]
    possible: NDArray[np.bool_]
    cold: NDArray[np.bool_]
    counts: NDArray[np.float32]


def _choices(parts: Mapping[str, Any], inner: _InnerSplit, progress: Progress) -> _Choices:
    """Sample choices; for a cold positive, half of the negatives are cold."""
    rng = np.random.default_rng(_SEED + 1)
    data, held_out = inner.data, inner.held_out
    both = np.flatnonzero((np.diff(held_out.indptr) > 0) & (np.diff(data.played.indptr) > 0))
    basis = popularity_basis(data.listeners).astype(np.float32)
    expected = standardized(parts["popular"].expected[np.newaxis])[0]
    n_songs, cold = data.n_songs, np.flatnonzero(inner.cold)
    values, possible, is_cold, counts = [], [], [], []
    for listener in np.sort(rng.permutation(both)[:_MOST_LISTENERS]):
        progress("weights of the parts")
        batch = ListenerBatch.from_plays(data.played[[listener]], data.term_frequencies.shape[1])
        values_of_song = np.empty((n_songs, len(FEATURES)), dtype=np.float32)
        for column, name in enumerate(WEIGHED_PARTS):
            values_of_song[:, column] = standardized(variance_stabilized(name, parts[name].scores(batch)))[0]
        values_of_song[:, -2], values_of_song[:, -1] = expected, 1
        out = held_out.indices[held_out.indptr[listener] : held_out.indptr[listener + 1]]
        positives = rng.permutation(out)[:_POSITIVES_EACH]
        negatives = rng.integers(0, n_songs, (len(positives), _NEGATIVES))
        for row in np.flatnonzero(inner.cold[positives]):
            negatives[row, : _NEGATIVES // 2] = rng.choice(cold, _NEGATIVES // 2)
        choice_songs = np.column_stack([positives, negatives])
        values.append(
            (basis[choice_songs][..., np.newaxis] * values_of_song[choice_songs][..., np.newaxis, :]).reshape(
                *choice_songs.shape, -1
            )
        )
        new = ~np.isin(negatives, np.union1d(out, batch.played.indices))
        possible.append(np.column_stack([np.ones(len(positives), dtype=bool), new]))
        is_cold.append(inner.cold[choice_songs])
        counts.append(np.full(len(positives), 1 / len(positives), dtype=np.float32))
    return _Choices(*(np.concatenate(of_listeners) for of_listeners in (values, possible, is_cold, counts)))


def _weights(choices: _Choices, prior_strength: float, progress: Progress) -> Vector:
    """The maximum-a-posteriori weights of the conditional logit."""
    # Import only for fitting.
    from scipy.optimize import minimize

    prior_means = np.array([PRIOR_MEANS[name] for name in FEATURES]).T
    shape = choices.possible.shape
    flat_values = choices.values.reshape(-1, prior_means.size)

    def loss(weights: Vector) -> tuple[float, Vector]:
        progress("weights of the parts")
        sums = (flat_values @ weights.astype(np.float32)).reshape(shape)
        sums[~choices.possible] = -np.inf
        chances = np.exp(sums - sums.max(axis=1, keepdims=True))
        chances /= chances.sum(axis=1, keepdims=True)
        missed = -float(choices.counts @ np.log(np.maximum(chances[:, 0], 1e-30)))
        slopes = chances * choices.counts[:, np.newaxis]
        slopes[:, 0] -= choices.counts
        deviation = weights - prior_means.ravel()
        gradient = (slopes.ravel() @ flat_values).astype(np.float64) + prior_strength * deviation
        return missed + prior_strength / 2 * float(deviation @ deviation), gradient

    found = minimize(loss, prior_means.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": 100})
    return _blend_cold_weights(np.asarray(found.x, dtype=np.float64).reshape(prior_means.shape), prior_means, choices)


def _blend_cold_weights(fitted: Vector, prior_means: Vector, choices: _Choices) -> Vector:
    """Blend the weights of unplayed songs with their prior or the latent factors, by the share with the best AUC.

    The AUC is that of the inner split's cold songs among one another. The likelihood is also of unplayed songs without
    any content, which no part tells apart, and a few overconfident scores decide it. The norm of the weights is kept,
    so that unplayed songs keep their level among all songs.
    """
    own, prior = fitted[0, :-1], prior_means[0, :-1]
    against = choices.possible[:, 1:] & choices.cold[:, 1:]
    asked = choices.cold[:, 0] & against.any(axis=1)
    if not asked.any():
        return fitted
    values, against, counts = choices.values[asked, :, : len(own)], against[asked], choices.counts[asked]

    def area(weights: Vector) -> float:
        sums = values @ weights.astype(np.float32)
        below = np.heaviside(sums[:, :1] - sums[:, 1:], 0.5)
        return float(counts @ ((below * against).sum(axis=1) / against.sum(axis=1)))

    latent = np.array([name == "latent" for name in FEATURES[:-1]], dtype=np.float64)
    directions = [_between(own, prior, share) for share in _PRIOR_SHARES]
    directions += [_between(own, latent, share) for share in _LATENT_SHARES]
    best = fitted.copy()
    best[0, :-1] = np.linalg.norm(own) * max(directions, key=area)
    return best


def _between(one: Vector, other: Vector, share: float) -> Vector:
    """The direction between two, with a share of the second; of norm 1, or 0."""
    mixed = (1 - share) * one / (np.linalg.norm(one) or 1.0) + share * other / (np.linalg.norm(other) or 1.0)
    direction: Vector = mixed / (np.linalg.norm(mixed) or 1.0)
    return direction


def popularity_basis(listeners: NDArray[np.int64]) -> Vector:
    """Interpolation weights of each song: without listeners, then each knot; rows sum to 1."""
    basis = np.zeros((len(listeners), 1 + len(KNOTS)))
    popular = np.log2(np.maximum(listeners, 1))
    for knot in range(len(KNOTS)):
        basis[:, 1 + knot] = np.interp(popular, KNOTS, np.eye(len(KNOTS))[knot])
    basis[listeners == 0] = 0
    basis[listeners == 0, 0] = 1
    return basis


def variance_stabilized(name: str, scores: Vector) -> Vector:
    """Scores on an additive scale: square roots of mean Jaccard indices, most of which are tiny."""
    return np.sqrt(scores) if name == "cooccurrence" else scores


def standardized(scores: Vector) -> Vector:
    """Standardize rows; constant rows become 0."""
    centred = scores - scores.mean(axis=1, keepdims=True)
    spread = centred.std(axis=1, keepdims=True)
    divided: Vector = np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 1e-12)
    return divided
