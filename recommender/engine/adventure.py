"""The dial from familiar to adventurous: reranks the best songs of a ranking by familiarity.

Reranking is limited to the top of a ranking, so that songs fit the listener at every position of the dial. Scores and
familiarity are both converted to fractional ranks; the dial is the weight between them. At 0 the ranking is unchanged.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from .interface import Matrix, Positions, Vector

DIAL_WEIGHT = 0.8
"""Weight of familiarity at either end of the dial; the score has the rest."""

_DENSE = 1_000_000
"""Largest known songs x labels matrix that is made dense, 8 MB."""


class KnownSongs:
    """What a listener knows, prepared once to compare many rankings with.

    Parameters
    ----------
    weights : csr_array, shape (n_songs, n_labels)
        Label weights, every row of norm 1 or empty.
    known : positions
        The songs that the listener knows.
    artists : int, shape (n_songs,)
        A number per artist.
    known_artists : set of artist numbers
    """

    def __init__(
        self, weights: Matrix, known: Positions, artists: NDArray[np.integer[Any]], known_artists: set[int]
    ) -> None:
        self._weights, self._artists = weights, artists
        self._known_artists = np.fromiter(known_artists, artists.dtype, len(known_artists))
        theirs = weights[known].T
        # Dense columns multiply three times as fast if there are few labels.
        self._known = theirs.toarray() if theirs.shape[0] * theirs.shape[1] <= _DENSE else theirs

    def similarity(self, songs: Positions) -> Vector:
        """Similarity of songs to what is known: the largest cosine with a known song, or 1 for a known artist.

        Parameters
        ----------
        songs : positions

        Returns
        -------
        float64, shape of `songs`, 0 to 1
            All 0 if nothing is known.
        """
        known_artist = np.isin(self._artists[songs], self._known_artists)
        if not self._known.shape[1]:
            return known_artist.astype(np.float64)
        products = self._weights[songs] @ self._known
        cosines = np.asarray(products.toarray() if issparse(products) else products).max(axis=1)
        return np.where(known_artist, 1.0, np.clip(cosines, 0.0, 1.0))


def familiarity_ranks(similarity: Vector, listeners: NDArray[np.integer[Any]]) -> Vector:
    """Familiarity of songs relative to one another: the mean of the fractional ranks of similarity and popularity.

    Parameters
    ----------
    similarity : float64, shape (n,)
        `KnownSongs.similarity`.
    listeners : int, shape (n,)
        Number of listeners of each song.

    Returns
    -------
    float64, shape (n,)
    """
    return (fractional_ranks(similarity) + fractional_ranks(listeners.astype(np.float64))) / 2


def apply_dial(scores: Vector, familiarity: Vector, dial: float) -> Vector:
    """Scores of some songs after the dial: (1 - w) fit + w familiarity (or 1 - familiarity), w = `DIAL_WEIGHT` |dial|.

    Fit and familiarity are fractional ranks, so that the dial works alike for score distributions of all methods.

    Parameters
    ----------
    scores : float64, shape (n,)
        Scores of the songs.
    familiarity : float64, shape (n,)
        `familiarity_ranks`.
    dial : float
        -1 most familiar, 0 unchanged, 1 most adventurous.

    Returns
    -------
    float64, shape (n,)
        `scores` at 0; else above 0, with ties where score and familiarity tie.

    Raises
    ------
    ValueError
        If `dial` is outside -1 to 1.
    """
    if not -1 <= dial <= 1:
        raise ValueError(f"the dial lies between -1 and 1, not at {dial}")
    if dial == 0:
        return scores
    weight = DIAL_WEIGHT * abs(dial)
    target = familiarity if dial < 0 else 1 - familiarity
    return (1 - weight) * fractional_ranks(scores) + weight * target


def fractional_ranks(values: Vector) -> Vector:
    """Fractional ranks in (0, 1]; ties share their mean rank.

    Parameters
    ----------
    values : float64, shape (n,)

    Returns
    -------
    float64, shape (n,)
        (n_smaller + (n_equal + 1) / 2) / n, n_equal including the value itself.
    """
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    begins = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])[: len(values)])
    equal = np.diff(begins, append=len(values))
    ranks = np.empty(len(values))
    ranks[order] = np.repeat(begins + (equal + 1) / 2, equal) / max(len(values), 1)
    return ranks
