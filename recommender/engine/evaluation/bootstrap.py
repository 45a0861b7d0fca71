"""How sure a mean over listeners, or a difference of two, is.

Listeners are drawn again, with replacement, as many as there are, and everything is averaged anew: what varies from
one draw to the next would have varied with other listeners (B. Efron, R. Tibshirani: An introduction to the bootstrap,
1993). All methods are averaged over the same draws, so that what makes a listener easy or hard for all of them drops
out of their differences.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..interface import Vector

DRAWS = 2000
"""How often listeners are drawn again."""

CONFIDENCE = 0.95
"""How probable it is that an interval holds the true value."""

_AT_ONCE = 1 << 22
"""Numbers of one block of draws, 32 MB."""


class Difference(NamedTuple):
    """By how much one mean is above another, and the interval around it."""

    difference: float
    low: float
    high: float

    @property
    def better(self) -> bool:
        """Whether the one is better: the whole interval is above 0."""
        return self.low > 0

    @property
    def worse(self) -> bool:
        """Whether the one is worse: the whole interval is below 0."""
        return self.high < 0


def means(values: Vector, weights: Vector | None = None) -> Vector:
    """The mean over listeners in each split, averaged over splits.

    Parameters
    ----------
    values : float64, shape (n_listeners, n_splits, ...)
        Not a number where a listener was not asked in a split; in the same places along all further axes.
    weights : float64, shape (n_draws, n_listeners), optional
        How often each listener counts, once for all draws without.

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
    """`means` of listeners drawn again, the same draws for everything along the further axes.

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
    block = max(1, _AT_ONCE // n_listeners)
    return np.concatenate(
        [
            means(values, rng.multinomial(n_listeners, chance, size=min(block, n_draws - begin)).astype(np.float64))
            for begin in range(0, n_draws, block)
        ]
    )


def difference(one: float, other: float, draws_of_one: Vector, draws_of_other: Vector) -> Difference:
    """By how much one mean is above another, with the interval that its draws lie in.

    Parameters
    ----------
    one, other : float
    draws_of_one, draws_of_other : float64, shape (n_draws,)
        Of the same draws.
    """
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(draws_of_one - draws_of_other, [tail, 1 - tail])
    return Difference(float(one - other), float(low), float(high))
