"""Artist diversity: reorders a ranking so that songs of one artist are not adjacent."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .interface import Positions, Vector

UNKNOWN_ARTIST = -1
"""The number of an unknown artist; unknown artists are never equal."""

GAP = 3
"""Songs between two songs of one artist, if there are enough others."""


NEAR = 0.6
"""A song may overtake another only if its score is at least this share of the other's."""


def spread_artists(
    songs: Positions, artists: NDArray[np.integer[Any]], n: int, gap: int = GAP, fit: Vector | None = None
) -> Positions:
    """The first n songs of a ranking, reordered by artist.

    Each position takes the best remaining song whose artist is not among the `gap` songs before it; if there is none,
    the gap shrinks until there is.

    Parameters
    ----------
    songs : positions, best first
    artists : int, shape (n_songs,)
        A number per artist, or `UNKNOWN_ARTIST`.
    n : int
        Songs to return.
    gap : int
    fit : float64, shape (n_songs,), optional
        Scores; if given, no song overtakes one whose score it does not reach to `NEAR`.

    Returns
    -------
    positions, at most n
    """
    remaining = list(zip(songs.tolist(), artists[songs].tolist(), strict=True))
    chosen: list[tuple[int, int]] = []
    while remaining and len(chosen) < n:
        for distance in range(gap, -1, -1):
            recent = {artist for _, artist in chosen[max(len(chosen) - distance, 0) :]} - {UNKNOWN_ARTIST}
            enough = 0.0 if fit is None else NEAR * fit[remaining[0][0]]
            fitting = next(
                (
                    i
                    for i, (song, artist) in enumerate(remaining)
                    if artist not in recent and (fit is None or fit[song] >= enough)
                ),
                None,
            )
            if fitting is not None:
                chosen.append(remaining.pop(fitting))
                break
    return np.array([song for song, _ in chosen], dtype=np.intp)
