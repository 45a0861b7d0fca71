"""Gain in ROC-AUC of new scores over old ones, with its uncertainty by a paired bootstrap over artists.

Artists are drawn with replacement, and the difference of both ROC-AUC is taken in every resample [1]_. The share of
resamples without a gain measures its uncertainty, roughly where there are few artists.

References
----------
.. [1] B. Efron, R. Tibshirani, "An introduction to the bootstrap", 1993, chapters 13 and 16.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000
_SEED = 20_180_611
_AT_ONCE = 1 << 22

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Paired:
    """Old and new scores of one label, on the same songs.

    Attributes
    ----------
    verdicts : bool, shape (n,)
        Whether a song has the label; both values occur.
    before : float, shape (n,)
        Scores of any monotone scale.
    after : float, shape (n_draws, n)
        Scores of several cross-validations, whose ROC-AUC are averaged.
    artists : int, shape (n,)
        Equal for songs of the same artist, across labels too.
    """

    verdicts: NDArray[np.bool_]
    before: Floats
    after: Floats
    artists: NDArray[np.int64]

    def pairs(self) -> tuple[Floats, Floats]:
        """Compare every pair of a positive and a negative song; old and new, shape (n_yes, n_no) each, 0.5 for ties."""
        after = np.mean([_above(scores, self.verdicts) for scores in self.after], axis=0)
        return _above(self.before, self.verdicts), after


@dataclass(frozen=True, slots=True)
class Gain:
    """The gain of new scores over old ones.

    Attributes
    ----------
    before, after : float
        Macro ROC-AUC over the labels.
    no_better, no_better_than_chance : float
        Shares of resamples in which the new scores are not better than the old ones, and not better than 0.5.
    """

    before: float
    after: float
    no_better: float
    no_better_than_chance: float


def gain(answers: Sequence[Paired], n_resamples: int = RESAMPLES) -> Gain:
    """Compute the gain of new scores over old ones, macro-averaged over labels.

    Parameters
    ----------
    answers : sequence of Paired
        One per label; at least one.
    n_resamples : int

    Returns
    -------
    Gain

    Raises
    ------
    ValueError
        If there is no label, or one has only one verdict.
    """
    if not answers or any(one.verdicts.all() or not one.verdicts.any() for one in answers):
        raise ValueError("each label needs songs that have it and songs that have it not")
    artists = np.unique(np.concatenate([one.artists for one in answers]))
    rng = np.random.default_rng(_SEED)
    drawn = rng.multinomial(artists.size, np.full(artists.size, 1 / artists.size), n_resamples).astype(np.float64)
    areas = [one.pairs() for one in answers]
    differences, levels = np.zeros((2, n_resamples)), np.zeros((2, n_resamples))
    for one, (old, new) in zip(answers, areas, strict=True):
        counts = drawn[:, np.searchsorted(artists, one.artists)]
        yes, no = counts[:, one.verdicts], counts[:, ~one.verdicts]
        differences += _resampled(new - old, yes, no)
        levels += _resampled(new - 0.5, yes, no)
    before, after = (float(np.mean([pairs[place].mean() for pairs in areas])) for place in (0, 1))
    return Gain(before, after, _not_above_zero(differences), _not_above_zero(levels))


def _above(scores: Floats, verdicts: NDArray[np.bool_]) -> Floats:
    yes, no = scores[verdicts, np.newaxis], scores[~verdicts]
    above: Floats = (yes > no) + 0.5 * (yes == no)
    return above


def _resampled(pairs: Floats, yes: Floats, no: Floats) -> Floats:
    """Compute each resample's mean over pairs, and 1; both are 0 where it holds no pair.

    Parameters
    ----------
    pairs : shape (n_yes, n_no)
    yes, no : shape (n_resamples, n_yes), (n_resamples, n_no)
        How often each song was drawn.

    Returns
    -------
    shape (2, n_resamples)
    """
    means = np.zeros((2, len(yes)))
    at_once = max(_AT_ONCE // pairs.shape[1], 1)
    for first in range(0, len(yes), at_once):
        part = slice(first, first + at_once)
        n = yes[part].sum(axis=1) * no[part].sum(axis=1)
        means[0, part] = ((yes[part] @ pairs) * no[part]).sum(axis=1) / np.maximum(n, 1.0)
        means[1, part] = n > 0
    return means


def _not_above_zero(resampled: Floats) -> float:
    """Compute the share of resamples with a mean of 0 or less, among those with a pair; 1 where there is none."""
    sums = resampled[0, resampled[1] > 0]
    return float((sums <= 1e-12).mean()) if sums.size else 1.0
