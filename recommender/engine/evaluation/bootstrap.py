"""Bootstrap confidence intervals of means over listeners and of their differences.

Resamples listeners with replacement (B. Efron, R. Tibshirani: An introduction to the bootstrap, 1993). All methods
share the same resamples (paired bootstrap), so that the difficulty of a listener cancels in differences.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..interface import Vector

DRAWS = 2000
"""Number of bootstrap resamples."""

CONFIDENCE = 0.95
"""Confidence level of the intervals."""

AT_ONCE = 1 << 22
"""Values of one block of resamples, 32 MB."""


class Difference(NamedTuple):
    """A difference of means with its confidence interval."""

    difference: float
    low: float
    high: float

    @property
    def better(self) -> bool:
        """Whether the whole interval is above 0."""
        return self.low > 0

    @property
    def worse(self) -> bool:
        """Whether the whole interval is below 0."""
        return self.high < 0


def means(values: Vector, weights: Vector | None = None) -> Vector:
    """The mean over listeners in each split, averaged over splits.

    Parameters
    ----------
    values : float64, shape (n_listeners, n_splits, ...)
        NaN where a listener is not in a split, equally along all further axes.
    weights : float64, shape (n_draws, n_listeners), optional
        Weight of each listener per resample; default 1.

    Returns
    -------
    float64, shape (...), or (n_draws, ...) with weights
    """
    n_listeners, n_splits = values.shape[:2]
    asked = ~np.isnan(values.reshape(n_listeners, n_splits, -1)[..., 0])
    drawn = np.ones((1, n_listeners)) if weights is None else weights
    sums = np.tensordot(drawn, np.nan_to_num(values), axes=1)
    counts = (drawn @ asked).reshape(len(drawn), n_splits, *(1 for _ in values.shape[2:]))
    by_split = np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)
    averaged: Vector = np.nanmean(by_split, axis=1)
    return averaged[0] if weights is None else averaged


def draws(values: Vector, seed: int = 0, n_draws: int = DRAWS) -> Vector:
    """`means` of bootstrap resamples, the same resamples along all further axes.

    Parameters
    ----------
    values : float64, shape (n_listeners, n_splits, ...)
        As `means` takes them.
    seed : int
    n_draws : int

    Returns
    -------
    float64, shape (n_draws, ...)
    """
    n_listeners = len(values)
    rng = np.random.default_rng([seed, 4])
    chance = np.full(n_listeners, 1 / n_listeners)
    block = max(1, AT_ONCE // n_listeners)
    return np.concatenate(
        [
            means(values, rng.multinomial(n_listeners, chance, size=min(block, n_draws - begin)).astype(np.float64))
            for begin in range(0, n_draws, block)
        ]
    )


def difference(one: float, other: float, draws_of_one: Vector, draws_of_other: Vector) -> Difference:
    """The difference of two means with its bootstrap percentile interval.

    Parameters
    ----------
    one, other : float
    draws_of_one, draws_of_other : float64, shape (n_draws,)
        From the same resamples.
    """
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(draws_of_one - draws_of_other, [tail, 1 - tail])
    return Difference(float(one - other), float(low), float(high))
