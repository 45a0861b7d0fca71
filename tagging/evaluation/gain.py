"""Whether new answers tell songs apart better than old ones do, or whether that was chance.

Both are compared in the same songs: songs are drawn with replacement, all of an artist together, and the difference of
the areas under both ROC curves is taken in every draw [1]_. How many of the draws show no gain says how sure it is;
with a few artists, roughly.

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
    """Two answers to whether songs have a label.

    Attributes
    ----------
    verdicts : bool, shape (n,)
        Whether they have it; both occur.
    before : float, shape (n,)
        Any scores will do.
    after : float, shape (n_draws, n)
        Scores from several ways of holding songs out; each is an answer, and their areas are averaged.
    artists : int, shape (n,)
        The same number for songs of the same artist, also in other labels' answers.
    """

    verdicts: NDArray[np.bool_]
    before: Floats
    after: Floats
    artists: NDArray[np.int64]

    def pairs(self) -> tuple[Floats, Floats]:
        """Whether before and after put a song with the label above one without, shape (n_yes, n_no) each."""
        after = np.mean([_above(scores, self.verdicts) for scores in self.after], axis=0)
        return _above(self.before, self.verdicts), after


@dataclass(frozen=True, slots=True)
class Gain:
    """How much better new answers are.

    Attributes
    ----------
    before, after : float
        ROC-AUC, the mean over all labels.
    no_better, by_lot : float
        In which share of all draws the new answers are no better than the old ones, and no better than chance.
    """

    before: float
    after: float
    no_better: float
    by_lot: float

    @property
    def value(self) -> float:
        """The difference."""
        return self.after - self.before


def gain(answers: Sequence[Paired], n_resamples: int = RESAMPLES) -> Gain:
    """The gain of new answers over old ones, on average over one label or several.

    Parameters
    ----------
    answers : sequence of Paired
        One a label; at least one.
    n_resamples : int

    Raises
    ------
    ValueError
        If a label has only one verdict.
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
    """In every draw, the mean over pairs, and 1; both 0 where it holds no pair, and says nothing of the label.

    Parameters
    ----------
    pairs : shape (n_yes, n_no)
    yes, no : shape (n_resamples, n_yes), (n_resamples, n_no)
        How often each song is drawn.

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
    """The share of the draws that say something in which a mean is 0 or less; 1 where none does."""
    sums = resampled[0, resampled[1] > 0]
    return float((sums <= 1e-12).mean()) if sums.size else 1.0
