"""Recommending what is played most, and of what nobody has played yet, what songs of its kind lead one to expect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from .features import Features
from .interface import Evidence, Moved, Positions, Progress, Reason, SongReason, Tastes, Vector, silent
from .ridge import ridge

DAMPING = 3.0
"""The regularization of the regression that expects listeners."""

_FOLDS = 5
_FEWEST_SONGS = 20
"""With fewer songs that people play and that have labels, all new songs are expected to be alike."""


class Expectation(NamedTuple):
    """How many listeners songs should have, going by their labels and sound.

    Attributes
    ----------
    listeners : float64, shape (n_songs,)
        The expected log(1 + listeners), not below 0.
    deviation : float
        How far from that log(1 + listeners) turned out to be, root mean square, for songs held out; not a number
        where too few songs are known.
    rank_correlation : float
        Spearman's, of the expected and the true number, for songs held out; not a number where too few are known.
    """

    listeners: Vector
    deviation: float
    rank_correlation: float


@dataclass(frozen=True, eq=False)
class Popularity:
    """The same songs for everybody: those played most.

    Attributes
    ----------
    plays : int64, shape (n_songs,)
        How often each song was played, by everybody together.
    listeners : int64, shape (n_songs,)
        How many people have played each song.
    expected : float64, shape (n_songs,)
        The log(1 + listeners) that songs of the same labels and sound have.
    deviation, rank_correlation : float
        How sure that is (`Expectation`).
    """

    plays: NDArray[np.int64]
    listeners: NDArray[np.int64]
    expected: Vector
    deviation: float
    rank_correlation: float

    @classmethod
    def fit(cls, evidence: Evidence, progress: Progress = silent) -> Self:
        """Count, and learn from the counts what to expect of songs that nobody has played."""
        expectation = expected_listeners(evidence, progress)
        return cls(evidence.plays, evidence.listeners, *expectation)

    def refreshed(self, evidence: Evidence, since: Moved) -> Self:  # noqa: ARG002
        """Count anew, which takes no longer than to move the counts."""
        return self.fit(evidence)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The recommender that `arrays` was called on."""
        return cls(arrays["plays"], arrays["listeners"], arrays["expected"], *arrays["sureness"].tolist())

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Plays and listeners of each song, and what was to be expected."""
        return {
            "plays": self.plays,
            "listeners": self.listeners,
            "expected": self.expected,
            "sureness": np.array([self.deviation, self.rank_correlation]),
        }

    def scores(self, tastes: Tastes) -> Vector:
        """The plays of every song, the same for each listener, shape (n_listeners, n_songs).

        A song that nobody has played stands behind all that somebody has: x / (1 + x) of what is expected of it.
        """
        expected = self.expected / (1 + self.expected)
        scores = np.where(self.plays > 0, self.plays, expected)
        return np.broadcast_to(scores, (tastes.n_listeners, len(scores)))

    def reasons(self, tastes: Tastes, songs: Positions, k: int) -> Sequence[Sequence[Reason]]:  # noqa: ARG002
        """Each song is its own reason, with the number of its plays or what is expected in their place."""
        scores = self.scores(tastes)[0]
        return [[SongReason(int(song), float(scores[song]))] for song in songs]

    def expected_between(self, song: int) -> tuple[float, float, float]:
        """How many listeners a song should have: the number expected, and between which two it is two times in three.

        Not numbers where too little is known.
        """
        middle = float(self.expected[song])
        low, middle, high = np.expm1([max(middle - self.deviation, 0.0), middle, middle + self.deviation]).tolist()
        return middle, low, high


def expected_listeners(evidence: Evidence, progress: Progress = silent, *, damping: float = DAMPING) -> Expectation:
    """Learn how many listeners songs have from their labels and sound, and how well that can be told.

    How well is measured on songs held out, a fifth at a time.
    """
    # Large: fitting only.
    from scipy.stats import spearmanr

    rows = Features.fit(evidence).rows_and_amounts(evidence)
    counted = np.log1p(evidence.listeners)
    known = np.flatnonzero((evidence.listeners > 0) & (np.diff(rows.indptr) > 0))
    if len(known) < _FEWEST_SONGS:
        return Expectation(np.zeros(evidence.n_songs), float("nan"), float("nan"))

    def learned(songs: Positions) -> tuple[Vector, float]:
        mean = float(counted[songs].mean())
        targets = (counted[songs] - mean)[:, np.newaxis]
        return ridge(rows[songs], targets, np.ones(len(songs)), damping, progress)[:, 0], mean

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
