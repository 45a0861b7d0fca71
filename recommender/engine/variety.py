"""Lists that are not one artist after another."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .interface import Positions, Vector

UNKNOWN_ARTIST = -1
"""An unknown artist: nobody's equal, not even another unknown one's."""

GAP = 3
"""How many songs of others stand between two of one artist, where there are enough others."""


NEAR = 0.6
"""Where it matters how well songs fit, one goes before another only if it fits at least this part as well."""


def spread_artists(
    songs: Positions, artists: NDArray[np.integer[Any]], n: int, gap: int = GAP, fit: Vector | None = None
) -> Positions:
    """The first n of a list, moved so that the same artist does not come again at once.

    At each place stands the best remaining song whose artist is not among the `gap` songs before it; where every
    remaining song's artist is, the distance shrinks until one fits.

    Parameters
    ----------
    songs : positions, best first
    artists : int, shape (n_songs,)
        A number for each artist, `UNKNOWN_ARTIST` for an unknown one.
    n : int
        How many songs are wanted.
    gap : int
    fit : float64, shape (n_songs,), optional
        How well songs fit: then no song goes before one that it is not `NEAR` to, whoever the artists are.

    Returns
    -------
    positions, n or all there are
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
