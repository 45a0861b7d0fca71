"""Taking a listener's own labels out: who has labelled a song has heard it, and has all but told us.

Where listeners label songs themselves, part of what a method finds by labels is what the listener has said of the
very songs that are held out. How much it is shows when a method is fitted without the labels of those who are asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from ..interface import Matrix, Positions
from ..tfidf import Words, term_frequencies


@dataclass(frozen=True, eq=False)
class OwnLabels:
    """Who gave which label to which song, and what else is said of songs.

    Attributes
    ----------
    listeners, songs, labels : intp, shape (n_given,)
        Rows of the plays, songs and labels.
    imported : Words
        The labels that were imported, those given here among them: each weighs 1 there.
    heard, curated : Words
        What taggers and curators say.
    """

    listeners: Positions
    songs: Positions
    labels: Positions
    imported: Words
    heard: Words
    curated: Words

    @cached_property
    def givers(self) -> Positions:
        """The listeners who gave any."""
        return np.unique(self.listeners)

    def without(self, term_frequencies_: Matrix, listeners: Positions) -> Matrix:
        """Term frequencies as they would be if some listeners had given no label.

        Parameters
        ----------
        term_frequencies_ : csr_array, shape (n_songs, n_labels)
            Of all labels.
        listeners : positions

        Returns
        -------
        csr_array, shape (n_songs, n_labels)
        """
        n_labels = term_frequencies_.shape[1]
        theirs = np.isin(self.listeners, listeners)
        if not theirs.any():
            return term_frequencies_
        # Only what is said of these songs has to be weighed anew.
        songs = np.unique(self.songs[theirs])
        imported = self._imported.of(songs)
        # Several imports may each have said the same of a song.
        said, of_word = np.unique(imported.songs * n_labels + imported.labels, return_inverse=True)
        weights = np.bincount(of_word, imported.weights, len(said))
        given = np.searchsorted(songs, self.songs[theirs]) * n_labels + self.labels[theirs]
        at = np.searchsorted(said, given[np.isin(given, said)])
        weights -= np.bincount(at, minlength=len(said))
        left = Words(said // n_labels, said % n_labels, np.maximum(weights, 0.0))
        anew = term_frequencies(len(songs), n_labels, left, self._heard.of(songs), self._curated.of(songs))
        return _with_rows(term_frequencies_, songs, anew)

    @cached_property
    def _imported(self) -> _BySong:
        return _BySong(self.imported)

    @cached_property
    def _heard(self) -> _BySong:
        return _BySong(self.heard)

    @cached_property
    def _curated(self) -> _BySong:
        return _BySong(self.curated)


class _BySong:
    """Words in the order of their songs, so that those of a few songs are found at once."""

    def __init__(self, words: Words) -> None:
        order = np.argsort(words.songs, kind="stable")
        self._words = Words(words.songs[order], words.labels[order], words.weights[order])

    def of(self, songs: NDArray[np.integer[Any]]) -> Words:
        """The words on these songs, ascending, which are numbered from 0 on."""
        begins, ends = (np.searchsorted(self._words.songs, songs, side=side) for side in ("left", "right"))
        lengths = ends - begins
        first = np.cumsum(lengths) - lengths
        at = np.repeat(begins - first, lengths) + np.arange(lengths.sum())
        numbered = np.repeat(np.arange(len(songs)), lengths)
        return Words(numbered, self._words.labels[at], self._words.weights[at])


def _with_rows(matrix: Matrix, rows: NDArray[np.integer[Any]], anew: Matrix) -> Matrix:
    """A matrix with other rows in the place of some."""
    replaced = np.zeros(matrix.shape[0], dtype=bool)
    replaced[rows] = True
    lengths = np.diff(matrix.indptr)
    kept = np.repeat(~replaced, lengths)
    new_lengths = lengths.copy()
    new_lengths[rows] = np.diff(anew.indptr)
    indptr = np.concatenate([[0], np.cumsum(new_lengths)]).astype(matrix.indptr.dtype)
    data, indices = np.empty(indptr[-1]), np.empty(indptr[-1], dtype=matrix.indices.dtype)
    is_new = np.repeat(replaced, new_lengths)
    data[~is_new], indices[~is_new] = matrix.data[kept], matrix.indices[kept]
    data[is_new], indices[is_new] = anew.data, anew.indices
    return csr_array((data, indices, indptr), shape=matrix.shape)
