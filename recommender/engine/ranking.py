"""Rankings: the top of scores, and the fusion of several rankings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .interface import Positions, Vector

_ONE_IN = 64
_SPARE = 8

CALM = 60
"""Constant of reciprocal rank fusion (k in the paper)."""


def top(
    scores: Vector, n: int, *, leave_out: Positions | None = None, among: NDArray[np.bool_] | None = None
) -> Positions:
    """The songs with the highest scores, highest first; ties by position.

    Parameters
    ----------
    scores : float64, shape (n_songs,)
        Only scores above 0 are listed.
    n : int
        Most songs.
    leave_out : positions of songs, optional
        Songs to leave out.
    among : bool, shape (n_songs,), optional
        Only these songs are listed.

    Returns
    -------
    positions, at most n
    """
    if leave_out is not None:
        among = np.ones(len(scores), dtype=np.bool_) if among is None else among.copy()
        among[leave_out] = False
    songs = _candidates(scores, n, among)
    if len(songs) > n > 0:
        # Partition before sorting; keep all ties at the threshold, so that position decides among them.
        edge = np.partition(scores[songs], len(songs) - n)[len(songs) - n]
        songs = songs[scores[songs] >= edge]
    return songs[np.argsort(-scores[songs], kind="stable")][: max(n, 0)]


def best(scores: Vector, n: int) -> Positions:
    """The n highest scores of any sign, highest first; ties by position. Sorts no more than these."""
    at = np.arange(len(scores))
    if len(scores) > n > 0:
        at = np.flatnonzero(scores >= np.partition(scores, len(scores) - n)[len(scores) - n])
    return at[np.argsort(-scores[at], kind="stable")][: max(n, 0)]


def fused(rankings: Sequence[Positions], n_songs: int) -> Vector:
    """Reciprocal rank fusion: sums of 1 / (CALM + rank).

    Ranks are comparable where scores are not (G. Cormack, C. Clarke, S. Buettcher: Reciprocal rank fusion
    outperforms Condorcet and individual rank learning methods, 2009).

    Parameters
    ----------
    rankings : sequence of positions of songs
        Best first, no song twice in one of them.
    n_songs : int

    Returns
    -------
    float64, shape (n_songs,)
        0 for songs in no ranking.

    Examples
    --------
    >>> fused([np.array([2, 0]), np.array([2])], 3).round(4)
    array([0.0161, 0.    , 0.0328])
    """
    scores = np.zeros(n_songs)
    for ranked in rankings:
        scores[ranked] += 1 / (CALM + np.arange(1, len(ranked) + 1))
    return scores


def _candidates(scores: Vector, n: int, among: NDArray[np.bool_] | None) -> Positions:
    """A superset of the top n; in a large catalogue preselected by a threshold from a sample."""
    sample = scores[::_ONE_IN] if among is None else scores[::_ONE_IN][among[::_ONE_IN]]
    enough = 2 * max(n, 0) // _ONE_IN + _SPARE
    if len(sample) > enough:
        edge = np.partition(sample, len(sample) - enough)[len(sample) - enough]
        if edge > 0:
            high = _among(np.flatnonzero(scores >= edge), among)
            if len(high) >= n:
                return high
    return _among(np.flatnonzero(scores > 0), among)


def _among(songs: Positions, among: NDArray[np.bool_] | None) -> Positions:
    return songs if among is None else songs[among[songs]]
