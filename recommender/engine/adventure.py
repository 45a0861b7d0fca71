"""The dial from familiar to adventurous: a ranking with more, or less, of what the listener knows.

It works on top of a ranking and within its best songs, so that even at its ends nothing is shown that does not fit.
Among them every song has two places: how well it fits, and how familiar it is; the dial says how much the second
counts. In the middle it counts nothing, and the ranking stays as it is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .interface import Matrix, Positions, Vector

MOST = 0.8
"""What familiarity counts at either end of the dial; how well a song fits counts the rest."""

_DENSE = 1_000_000
"""So many numbers of known songs and labels, 8 MB, are written out with their zeros."""


def nearness(
    weights: Matrix, songs: Positions, known: Positions, artists: NDArray[np.integer[Any]], known_artists: set[int]
) -> Vector:
    """How near songs are to what a listener knows: the largest cosine with a known song, 1 where the artist is known.

    Parameters
    ----------
    weights : csr_array, shape (n_songs, n_labels)
        Label weights, every row of norm 1 or empty.
    songs, known : positions
        Of the songs in question, and of those that the listener knows.
    artists : int, shape (n_songs,)
        A number for each artist.
    known_artists : set of such numbers

    Returns
    -------
    float64, shape of `songs`, 0 to 1
        0 everywhere where nothing is known.
    """
    by_known = np.isin(artists[songs], list(known_artists))
    if not len(known):
        return by_known.astype(np.float64)
    theirs = weights[known].T
    # Few labels make small dense columns, which are multiplied three times as fast.
    dense = theirs.shape[0] * theirs.shape[1] <= _DENSE
    products = weights[songs] @ theirs.toarray() if dense else (weights[songs] @ theirs).toarray()
    cosines = np.asarray(products).max(axis=1)
    return np.where(by_known, 1.0, np.clip(cosines, 0.0, 1.0))


def familiarity(near: Vector, listeners: NDArray[np.integer[Any]]) -> Vector:
    """How familiar each of some songs is among them, 0 to 1: half by how near it is, half by how many play it.

    Parameters
    ----------
    near : float64, shape (n,)
        `nearness`.
    listeners : int, shape (n,)
        How many people have played each.

    Returns
    -------
    float64, shape (n,)
    """
    return (places(near) + places(listeners.astype(np.float64))) / 2


def turned(scores: Vector, familiar: Vector, dial: float) -> Vector:
    """Scores of some songs after the dial: (1 - w) fit + w familiarity, or its opposite, w being `MOST` x |dial|.

    Both are places among these songs, 0 to 1, so that methods whose scores lie differently are turned alike.

    Parameters
    ----------
    scores : float64, shape (n,)
        How well each fits.
    familiar : float64, shape (n,)
        `familiarity`.
    dial : float
        -1 for the most familiar, 0 for the ranking as it is, 1 for the most adventurous.

    Returns
    -------
    float64, shape (n,)
        `scores` themselves at 0; elsewhere above 0, and equal where score and familiarity are.

    Raises
    ------
    ValueError
        If `dial` lies outside -1 to 1.
    """
    if not -1 <= dial <= 1:
        raise ValueError(f"the dial lies between -1 and 1, not at {dial}")
    if dial == 0:
        return scores
    weight = MOST * abs(dial)
    wanted = familiar if dial < 0 else 1 - familiar
    return (1 - weight) * places(scores) + weight * wanted


def places(values: Vector) -> Vector:
    """The place of each value among all, above 0 for the smallest and 1 at most; equal values share their mean place.

    Parameters
    ----------
    values : float64, shape (n,)

    Returns
    -------
    float64, shape (n,)
        (smaller + (equal + 1) / 2) / n, `equal` counting the value itself.
    """
    ordered = np.sort(values)
    smaller = np.searchsorted(ordered, values, side="left")
    up_to = np.searchsorted(ordered, values, side="right")
    return (smaller + (up_to - smaller + 1) / 2) / max(len(values), 1)
