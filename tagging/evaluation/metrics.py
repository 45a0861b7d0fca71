"""Evaluation metrics with bootstrap intervals over recordings.

Recordings are drawn with replacement [1]_. A resample is a column of how often it holds each recording, so that a
metric of a thousand resamples is a few products and cumulative sums instead of a loop.

References
----------
.. [1] B. Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 7, 1979.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logit

RESAMPLES = 1000
BEST = 5
_SEED = 20_180_611
_AT_ONCE = 1 << 21
_LEVEL = 0.95
# float32 probabilities round to 0 and 1; beyond these bounds their log-odds are not meaningful.
_SMALLEST, _LARGEST = 1e-6, 1 - 1e-6
# Relative variance below which a constant differs from its mean by rounding only.
_ROUNDING = 1e-9

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric and its interval.

    Attributes
    ----------
    value : float
        Of all recordings; NaN where it is not defined.
    low, high : float
        Bounds of the central 95 % of the resamples; NaN where there are none.
    """

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, value: float, resampled: Floats) -> Figure:
        """Summarize a value and its resamples, shape (n_resamples,), NaN where they are not defined."""
        defined = resampled[np.isfinite(resampled)]
        if not defined.size:
            return cls(float(value), float("nan"), float("nan"))
        low, high = np.quantile(defined, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
        return cls(float(value), float(low), float(high))


@dataclass(frozen=True, slots=True)
class Ranking:
    """ROC-AUC and PR-AUC by label, and their macro means.

    Attributes
    ----------
    roc_auc, pr_auc : dict of int to Figure
        By the label's column; labels without a positive or without a negative recording are left out.
    macro_roc_auc, macro_pr_auc : Figure
        Means over those labels; in a resample, over the labels with both kinds in it.
    """

    roc_auc: dict[int, Figure]
    pr_auc: dict[int, Figure]
    macro_roc_auc: Figure
    macro_pr_auc: Figure


@dataclass(frozen=True, slots=True)
class Calibration:
    """Reliability of probabilities.

    Attributes
    ----------
    error : float
        Expected calibration error, in [0, 1].
    n : int64, shape (n_bins,)
        Predictions in each bin.
    predicted, observed : float64, shape (n_bins,)
        Each bin's mean probability, and the share of it that is true.
    """

    error: float
    n: NDArray[np.int64]
    predicted: Floats
    observed: Floats


def log_odds(probabilities: ArrayLike) -> Floats:
    """Compute log(p / (1 - p)), with p clipped to a millionth from 0 and 1.

    Parameters
    ----------
    probabilities : float, any shape

    Returns
    -------
    float64, the same shape
    """
    clipped: Floats = np.clip(np.asarray(probabilities, np.float64), _SMALLEST, _LARGEST)
    odds: Floats = logit(clipped)
    return odds


def ranking(probabilities: ArrayLike, truth: NDArray[np.bool_], n_resamples: int = RESAMPLES) -> Ranking:
    """Compute ROC-AUC and PR-AUC by label, and their macro means.

    Parameters
    ----------
    probabilities : float, shape (n_recordings, n_labels)
        Scores of any monotone scale; equal ones share one threshold.
    truth : bool, shape (n_recordings, n_labels)
    n_resamples : int

    Returns
    -------
    Ranking
        ROC-AUC: the probability that a positive recording has a higher score than a negative one, ties counting half.
        PR-AUC: average precision, that is the precision at each threshold weighted by the recall that it adds.

    Raises
    ------
    ValueError
        If the shapes differ, or no label has both a positive and a negative recording.
    """
    scores = np.asarray(probabilities)
    if scores.shape != truth.shape or scores.ndim != 2:
        raise ValueError(f"scores and truth must have one shape (n, n_labels), not {scores.shape} and {truth.shape}")
    judged = np.flatnonzero(truth.any(axis=0) & ~truth.all(axis=0)) if len(truth) else np.zeros(0, np.intp)
    if not judged.size:
        raise ValueError("no label has both a recording that it is true of and one that it is not")
    curves = [_Curve.of(scores[:, column], truth[:, column]) for column in judged]
    areas = np.stack([curve.areas(np.ones((len(truth), 1)))[:, 0] for curve in curves])
    resampled = np.concatenate(
        [np.zeros((len(curves), 2, 0))]
        + [np.stack([curve.areas(counts) for curve in curves]) for counts in _resamples(len(truth), n_resamples)],
        axis=2,
    )
    defined = np.isfinite(resampled)
    with np.errstate(invalid="ignore"):
        macro = np.where(defined, resampled, 0.0).sum(axis=0) / defined.sum(axis=0)
    roc, pr = (
        {column: Figure.of(areas[place, of], resampled[place, of]) for place, column in enumerate(judged.tolist())}
        for of in (0, 1)
    )
    of_all = areas.mean(axis=0)
    return Ranking(roc, pr, Figure.of(of_all[0], macro[0]), Figure.of(of_all[1], macro[1]))


def areas_of(scores: NDArray[np.floating], truth: NDArray[np.bool_], counts: Floats) -> Floats:
    """Areas under the ROC and the precision-recall curve of one label, for several weightings of the recordings.

    Parameters
    ----------
    scores : float, shape (n,)
    truth : bool, shape (n,)
    counts : float64, shape (n, n_resamples)
        How often each recording counts.

    Returns
    -------
    float64, shape (2, n_resamples)
        NaN where a resample holds no positive or no negative recording.
    """
    return _Curve.of(scores, truth).areas(counts)


def agreement(probabilities: ArrayLike, teacher: ArrayLike, n_resamples: int = RESAMPLES) -> Figure:
    """Compute how far two taggers agree on the differences between recordings.

    The correlation of their log-odds over all recordings and labels, after each label's mean over the recordings is
    removed: knowing only each label's frequency gives 0.

    Parameters
    ----------
    probabilities, teacher : float, shape (n_recordings, n_labels)
    n_resamples : int

    Returns
    -------
    Figure
        In [-1, 1].

    Raises
    ------
    ValueError
        If the shapes differ, or the arrays are empty.
    """
    ours, theirs = log_odds(probabilities), log_odds(teacher)
    if ours.shape != theirs.shape or ours.ndim != 2 or not ours.size:
        raise ValueError(f"both must have one shape (n, n_labels) and hold something, not {ours.shape}, {theirs.shape}")
    # The resamples' means lie near these, so that sums of squares are computed without cancellation.
    ours -= ours.mean(axis=0)
    theirs -= theirs.mean(axis=0)
    value = _correlations(np.ones((len(ours), 1)), ours, theirs)[0]
    resampled = [_correlations(counts, ours, theirs) for counts in _resamples(len(ours), n_resamples)]
    return Figure.of(float(value), np.concatenate(resampled) if resampled else np.zeros(0))


def calibration(probabilities: ArrayLike, truth: ArrayLike, n_bins: int = 15) -> Calibration:
    """Compute the expected calibration error [1]_ over all recordings and labels.

    Parameters
    ----------
    probabilities : float, shape (n_recordings, n_labels)
    truth : bool or float in [0, 1], shape (n_recordings, n_labels)
    n_bins : int
        Bins of equally many predictions, as most probabilities of a tagger are small; fewer where many are equal.

    Raises
    ------
    ValueError
        If the shapes differ, or the arrays are empty.

    References
    ----------
    .. [1] M. Naeini, G. Cooper, M. Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning",
       AAAI 2015.
    """
    predicted, observed = np.asarray(probabilities, np.float64), np.asarray(truth, np.float64)
    if predicted.shape != observed.shape or predicted.ndim != 2 or not predicted.size:
        raise ValueError(
            f"both must have one shape (n, n_labels) and hold something, not {predicted.shape}, {observed.shape}"
        )
    edges = np.unique(np.quantile(predicted, np.linspace(0, 1, n_bins + 1)[1:-1]))
    bins = np.searchsorted(edges, predicted.ravel(), side="right")
    n, sum_predicted, sum_observed = (
        np.bincount(bins, weights, edges.size + 1) for weights in (None, predicted.ravel(), observed.ravel())
    )
    filled = n > 0
    n, sum_predicted, sum_observed = n[filled], sum_predicted[filled], sum_observed[filled]
    error = float(np.abs(sum_predicted - sum_observed).sum() / predicted.size)
    return Calibration(error, n.astype(np.int64), sum_predicted / n, sum_observed / n)


def mean(values: ArrayLike, n_resamples: int = RESAMPLES) -> Figure:
    """Average a number over recordings.

    Parameters
    ----------
    values : float, shape (n,)
        One per recording; at least one.
    n_resamples : int

    Raises
    ------
    ValueError
        If there are no recordings.
    """
    numbers = np.asarray(values, np.float64)
    if not numbers.size:
        raise ValueError("no recordings")
    resampled = [numbers @ counts / numbers.size for counts in _resamples(numbers.size, n_resamples)]
    return Figure.of(float(numbers.mean()), np.concatenate(resampled) if resampled else np.zeros(0))


def best_kept(before: ArrayLike, after: ArrayLike, n_best: int = BEST) -> Floats:
    """Compute the share of each recording's most probable labels that stay among its most probable.

    Parameters
    ----------
    before, after : float, shape (n_recordings, n_labels)
        Probabilities; of equal ones the first label ranks higher.
    n_best : int
        Fewer where there are not as many labels.

    Returns
    -------
    float64, shape (n_recordings,)
        Shares, in [0, 1].
    """
    one, other = (np.argsort(-np.asarray(each), axis=1, kind="stable")[:, :n_best] for each in (before, after))
    kept: Floats = (one[:, :, np.newaxis] == other[:, np.newaxis]).any(axis=2).mean(axis=1)
    return kept


@dataclass(frozen=True, slots=True)
class _Curve:
    """One label's recordings, sorted by descending score.

    Attributes
    ----------
    order : int, shape (n,)
    positive : float64, shape (n, 1)
        1 where the label is true of the recording at this place, else 0.
    last_of_ties : int, shape (n_thresholds,)
        The last place of each run of equal scores.
    """

    order: NDArray[np.intp]
    positive: Floats
    last_of_ties: NDArray[np.intp]

    @classmethod
    def of(cls, scores: NDArray[np.floating], truth: NDArray[np.bool_]) -> _Curve:
        order = np.argsort(-scores, kind="stable")
        descending = scores[order]
        last_of_ties = np.flatnonzero(np.append(descending[1:] != descending[:-1], True))
        return cls(order, truth[order, np.newaxis].astype(np.float64), last_of_ties)

    def areas(self, counts: Floats) -> Floats:
        """Compute the areas under the ROC and the precision-recall curve.

        Parameters
        ----------
        counts : shape (n, n_resamples)
            How often each recording counts.

        Returns
        -------
        shape (2, n_resamples)
            NaN where a resample holds no positive or no negative recording.
        """
        drawn = counts[self.order]
        so_far = np.cumsum(drawn, axis=0)[self.last_of_ties]
        drawn *= self.positive
        true_so_far = np.cumsum(drawn, axis=0)[self.last_of_ties]
        true_here = np.diff(true_so_far, axis=0, prepend=0.0)
        n, n_true = so_far[-1], true_so_far[-1]
        # Negatives below each threshold, and half of those at it.
        false_so_far = so_far - true_so_far
        below = (n - n_true) - (false_so_far + np.concatenate([np.zeros_like(n)[np.newaxis], false_so_far[:-1]])) / 2
        with np.errstate(invalid="ignore", divide="ignore"):
            roc = np.einsum("ij,ij->j", true_here, below) / (n_true * (n - n_true))
            # Thresholds above a resample's first recording have no recall and add nothing.
            precision = true_so_far / np.maximum(so_far, 1.0)
            average_precision = np.einsum("ij,ij->j", true_here, precision) / n_true
        average_precision[n_true == n] = np.nan
        return np.stack([roc, average_precision])


def _resamples(n: int, n_resamples: int) -> Iterator[Floats]:
    """Yield how often each of n recordings is drawn, shape (n, n_columns), a bounded number of resamples at once."""
    random = np.random.default_rng(_SEED)
    at_once = max(_AT_ONCE // max(n, 1), 1)
    for first in range(0, n_resamples, at_once):
        columns = min(at_once, n_resamples - first)
        drawn = random.integers(n, size=(n, columns)) * columns + np.arange(columns)
        yield np.bincount(drawn.ravel(), minlength=n * columns).reshape(n, columns).astype(np.float64)


def _correlations(counts: Floats, ours: Floats, theirs: Floats) -> Floats:
    """Correlate log-odds with each label's mean over the resample removed; shape (n_resamples,).

    Parameters
    ----------
    counts : shape (n, n_resamples)
    ours, theirs : shape (n, n_labels)
    """
    n = counts.sum(axis=0)
    our_means, their_means = counts.T @ ours / n[:, np.newaxis], counts.T @ theirs / n[:, np.newaxis]

    def products(one: Floats, other: Floats, one_mean: Floats, other_mean: Floats) -> Floats:
        summed: Floats = (one * other).sum(axis=1) @ counts - n * (one_mean * other_mean).sum(axis=1)
        return summed

    together = products(ours, theirs, our_means, their_means)
    our_spread = products(ours, ours, our_means, our_means)
    their_spread = products(theirs, theirs, their_means, their_means)
    varied = (our_spread > n * _ROUNDING) & (their_spread > n * _ROUNDING)
    spread = np.sqrt(np.where(varied, our_spread * their_spread, 1.0))
    correlations: Floats = np.where(varied, together / spread, 0.0)
    return correlations
