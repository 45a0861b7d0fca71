"""From scores to a list."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .interface import Positions, Vector

_ONE_IN = 64
_SPARE = 8

CALM = 60
"""What is added to places before they are added up: the first few of one list do not outweigh all of the other."""


def top(
    scores: Vector, n: int, *, leave_out: Positions | None = None, among: NDArray[np.bool_] | None = None
) -> Positions:
    """The songs of the highest scores, highest first; of equal scores the song that stands first.

    Parameters
    ----------
    scores : float64, shape (n_songs,)
        Only songs with a score above 0 are listed.
    n : int
        How many at most.
    leave_out : positions of songs, optional
        Songs that are not listed.
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
        # A sort of what is left only; all songs that tie at the edge stay, so that position decides among them.
        edge = np.partition(scores[songs], len(songs) - n)[len(songs) - n]
        songs = songs[scores[songs] >= edge]
    return songs[np.argsort(-scores[songs], kind="stable")][: max(n, 0)]


def fused(rankings: Sequence[Positions], n_songs: int) -> Vector:
    """Scores that put first what stands high in several rankings: the sum of 1 / (CALM + place).

    Places are comparable where scores are not (G. Cormack, C. Clarke, S. Buettcher: Reciprocal rank fusion
    outperforms Condorcet and individual rank learning methods, 2009).

    Parameters
    ----------
    rankings : sequence of positions of songs
        Best first, no song twice in one of them.
    n_songs : int

    Returns
    -------
    float64, shape (n_songs,)
        0 for songs that stand in none.

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
    """Songs among which the first n are: of a large catalogue the few that a sample of it says stand high."""
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
