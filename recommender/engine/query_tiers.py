"""Orders songs for a query in tiers: those with all that was asked for stand before those that lack some of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .asking import words_first
from .diversity import NEAR
from .interface import Vector

_LEAST = 0.1
"""The least score of a tier that has others below, relative to its best."""

_STEP = _LEAST * NEAR * 0.9
"""The best score of a tier, relative to that of the tier above: no song overtakes a higher tier for its artist."""


def tiered(
    tiers: NDArray[np.int64], match: Vector, candidates: NDArray[np.bool_], taste: Vector, share: float
) -> Vector:
    """Scores of songs for a query, by tier, and in each tier as `words_first` orders its songs.

    Parameters
    ----------
    tiers : int, shape (n_songs,)
        0 and above; the songs of a higher tier come first.
    match, candidates, taste, share
        As for `words_first`.

    Returns
    -------
    float64, shape (n_songs,)
        Between 0 and 1; 0 for songs that are no candidates.
    """
    scores = np.zeros(len(match))
    best = 1.0
    for tier in np.unique(tiers[candidates])[::-1]:
        among = candidates & (tiers == tier)
        own = words_first(match, among, taste, share)[among]
        lowest = tier == tiers[candidates].min()
        scores[among] = best * (own if lowest else _LEAST + (1 - _LEAST) * own)
        best *= _STEP
    return scores
