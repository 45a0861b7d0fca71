"""Popularity recommender: by plays; unplayed songs by the popularity predicted from their features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from .features import Features
from .interface import (
    Contribution,
    IndexMapping,
    ListenerBatch,
    Positions,
    Progress,
    SongContribution,
    TrainingData,
    Vector,
    no_progress,
)
from .ridge import ridge

REGULARIZATION = 3.0
"""Regularization of the regression that predicts listeners."""

_FOLDS = 5
_FEWEST_SONGS = 20
"""With fewer played songs with features, nothing is predicted."""


class Expectation(NamedTuple):
    """Predicted numbers of listeners, with measures of accuracy.

    Attributes
    ----------
    listeners : float64, shape (n_songs,)
        Predicted log(1 + listeners), at least 0.
    deviation : float
        Root mean square error of log(1 + listeners) in cross-validation; NaN if too few songs are known.
    rank_correlation : float
        Spearman correlation of predicted and true listeners in cross-validation; NaN if too few songs are known.
    """

    listeners: Vector
    deviation: float
    rank_correlation: float


@dataclass(frozen=True, eq=False)
class Popularity:
    """The popularity recommender, the same for all listeners.

    Attributes
    ----------
    plays : int64, shape (n_songs,)
        Plays of each song.
    listeners : int64, shape (n_songs,)
        Listeners of each song.
    expected : float64, shape (n_songs,)
        Predicted log(1 + listeners).
    deviation, rank_correlation : float
        Accuracy of the prediction (`Expectation`).
    """

    plays: NDArray[np.int64]
    listeners: NDArray[np.int64]
    expected: Vector
    deviation: float
    rank_correlation: float

    @classmethod
    def fit(cls, data: TrainingData, progress: Progress = no_progress) -> Self:
        """Count plays and listeners, and fit the prediction."""
        expectation = expected_listeners(data, progress)
        return cls(data.plays, data.listeners, *expectation)

    def refreshed(self, data: TrainingData, mapping: IndexMapping) -> Self:  # noqa: ARG002
        """Refit, which is as fast as remapping."""
        return self.fit(data)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The recommender that `arrays` was called on."""
        return cls(arrays["plays"], arrays["listeners"], arrays["expected"], *arrays["sureness"].tolist())

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Plays, listeners and predictions."""
        return {
            "plays": self.plays,
            "listeners": self.listeners,
            "expected": self.expected,
            "sureness": np.array([self.deviation, self.rank_correlation]),
        }

    def scores(self, batch: ListenerBatch) -> Vector:
        """The plays of every song, the same for each listener, shape (n_listeners, n_songs).

        Unplayed songs score x / (1 + x) < 1, x being the prediction, so they rank behind all played songs.
        """
        expected = self.expected / (1 + self.expected)
        scores = np.where(self.plays > 0, self.plays, expected)
        return np.broadcast_to(scores, (batch.n_listeners, len(scores)))

    def explain(self, batch: ListenerBatch, songs: Positions, k: int) -> Sequence[Sequence[Contribution]]:  # noqa: ARG002
        """Each song explains itself, with its score as the contribution."""
        scores = self.scores(batch)[0]
        return [[SongContribution(int(song), float(scores[song]))] for song in songs]

    def expected_between(self, song: int) -> tuple[float, float, float]:
        """Predicted listeners of a song, and the interval of one standard deviation; NaN if nothing is predicted."""
        middle = float(self.expected[song])
        low, middle, high = np.expm1([max(middle - self.deviation, 0.0), middle, middle + self.deviation]).tolist()
        return middle, low, high


def expected_listeners(
    data: TrainingData, progress: Progress = no_progress, *, regularization: float = REGULARIZATION
) -> Expectation:
    """Predict listeners from features by ridge regression, with 5-fold cross-validation."""
    rows = Features.fit(data).rows_and_amounts(data)
    counted = np.log1p(data.listeners)
    known = np.flatnonzero((data.listeners > 0) & (np.diff(rows.indptr) > 0))
    if len(known) < _FEWEST_SONGS:
        return Expectation(np.zeros(data.n_songs), float("nan"), float("nan"))
    # Import only for predicting: it takes a second of processor time.
    from scipy.stats import spearmanr

    def learned(songs: Positions) -> tuple[Vector, float]:
        mean = float(counted[songs].mean())
        targets = (counted[songs] - mean)[:, np.newaxis]
        return ridge(rows[songs], targets, regularization, progress)[:, 0], mean

    told = np.empty(len(known))
    fold = np.random.default_rng(0).permutation(len(known)) % _FOLDS
    for number in range(_FOLDS):
        coefficients, mean = learned(known[fold != number])
        told[fold == number] = np.asarray(rows[known[fold == number]] @ coefficients) + mean
    coefficients, mean = learned(known)
    expected = np.where(np.diff(rows.indptr) > 0, np.asarray(rows @ coefficients) + mean, 0)
    alike = np.ptp(told) == 0 or np.ptp(counted[known]) == 0
    return Expectation(
        listeners=np.maximum(expected, 0),
        deviation=float(np.sqrt(np.mean((told - counted[known]) ** 2))),
        rank_correlation=float("nan") if alike else float(spearmanr(told, counted[known]).statistic),
    )
