"""Ranks songs for a query and a taste at once: what is asked for decides what is in the list, taste only the order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .adventure import fractional_ranks
from .interface import QUERY_SHARE, Vector
from .ranking import best as best_of

NEAR_BEST = 0.8
"""A song is ordered by taste too if it matches the query at least so well, relative to the best matches.

Chosen on recordings that people labelled (`benchmarks/asked.py`): lower values let taste bring in songs that are not
of what is asked for, higher ones leave taste nothing to order."""

_BEST = 10
"""The mean of so many matches is the best match; a single song may be an outlier."""


def words_first(match: Vector, candidates: NDArray[np.bool_], taste: Vector, share: float) -> Vector:
    """Scores of songs for a query: candidates that match it well by query and taste, then the others by query alone.

    Of the songs that match well, score = 1/2 + (a rank(match) + (1 - a) rank(taste)) / 2 with fractional ranks among
    them, a being the query's share; the others follow below 1/2. A share below `QUERY_SHARE` lowers what counts as
    well in proportion, so that a query that is not sure of itself bends little, and one of share 0 nothing.

    Parameters
    ----------
    match : float64, shape (n_songs,)
        How well each song matches the query.
    candidates : bool, shape (n_songs,)
        The songs that may be listed.
    taste : float64, shape (n_songs,)
        Any scores of the songs for the listener; all equal where nothing is known.
    share : float
        Weight of the query beside the taste, 0 to 1.

    Returns
    -------
    float64, shape (n_songs,)
        Between 0 and 1; 0 for songs that are no candidates.
    """
    scores = np.zeros(len(match))
    songs = np.flatnonzero(candidates)
    if not len(songs):
        return scores
    matched, liked = match[songs], taste[songs]
    best = matched[best_of(matched, _BEST)].mean()
    edge = NEAR_BEST * min(share / QUERY_SHARE, 1.0)
    well = matched >= edge * best if edge and best > 0 else np.ones(len(songs), dtype=bool)
    if (liked == liked[0]).all():
        share = 1.0
    scores[songs[well]] = (
        1 + share * fractional_ranks(matched[well]) + (1 - share) * fractional_ranks(liked[well])
    ) / 2
    scores[songs[~well]] = fractional_ranks(matched[~well]) / 2 * (1 - 1e-9)
    return scores
