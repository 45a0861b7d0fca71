"""From scores to a list."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .interface import Positions, Vector


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
    allowed = scores > 0
    if among is not None:
        allowed &= among
    if leave_out is not None:
        allowed[leave_out] = False
    songs = np.flatnonzero(allowed)
    if len(songs) > n > 0:
        # A sort of what is left only; all songs that tie at the edge stay, so that position decides among them.
        edge = np.partition(scores[songs], len(songs) - n)[len(songs) - n]
        songs = songs[scores[songs] >= edge]
    return songs[np.argsort(-scores[songs], kind="stable")][: max(n, 0)]
