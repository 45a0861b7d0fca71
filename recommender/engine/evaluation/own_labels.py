"""Removes listeners' own labels from the training data, to measure label leakage.

A listener who labelled a song has played it, so labels leak held-out plays. Fitting without the evaluated listeners'
labels shows by how much.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from ..interface import Matrix, Positions
from ..tfidf import Annotations, term_frequencies


@dataclass(frozen=True, eq=False)
class OwnLabels:
    """Labels by listener, and all annotations by source.

    Attributes
    ----------
    listeners, songs, labels : intp, shape (n_given,)
        Rows of the play matrix, positions of songs and labels.
    imported : Annotations
        Imported annotations, including the labels given by listeners with weight 1 each.
    predicted, curated : Annotations
        Annotations of taggers and curators.
    """

    listeners: Positions
    songs: Positions
    labels: Positions
    imported: Annotations
    predicted: Annotations
    curated: Annotations

    @cached_property
    def givers(self) -> Positions:
        """The listeners who gave labels."""
        return np.unique(self.listeners)

    def without(self, term_frequencies_: Matrix, listeners: Positions) -> Matrix:
        """Term frequencies without the labels of some listeners.

        Parameters
        ----------
        term_frequencies_ : csr_array, shape (n_songs, n_labels)
            With all labels.
        listeners : positions

        Returns
        -------
        csr_array, shape (n_songs, n_labels)
        """
        n_labels = term_frequencies_.shape[1]
        theirs = np.isin(self.listeners, listeners)
        if not theirs.any():
            return term_frequencies_
        # Recompute only the rows of these songs.
        songs = np.unique(self.songs[theirs])
        imported = self._imported.of(songs)
        # Several imports may contain the same annotation.
        pairs, of_word = np.unique(imported.songs * n_labels + imported.labels, return_inverse=True)
        weights = np.bincount(of_word, imported.weights, len(pairs))
        given = np.searchsorted(songs, self.songs[theirs]) * n_labels + self.labels[theirs]
        at = np.searchsorted(pairs, given[np.isin(given, pairs)])
        weights -= np.bincount(at, minlength=len(pairs))
        left = Annotations(pairs // n_labels, pairs % n_labels, np.maximum(weights, 0.0))
        anew = term_frequencies(len(songs), n_labels, left, self._predicted.of(songs), self._curated.of(songs))
        return _with_rows(term_frequencies_, songs, anew)

    @cached_property
    def _imported(self) -> _BySong:
        return _BySong(self.imported)

    @cached_property
    def _predicted(self) -> _BySong:
        return _BySong(self.predicted)

    @cached_property
    def _curated(self) -> _BySong:
        return _BySong(self.curated)


class _BySong:
    """Annotations sorted by song, for fast selection."""

    def __init__(self, annotations: Annotations) -> None:
        order = np.argsort(annotations.songs, kind="stable")
        self._annotations = Annotations(annotations.songs[order], annotations.labels[order], annotations.weights[order])

    def of(self, songs: NDArray[np.integer[Any]]) -> Annotations:
        """The annotations of these songs, ascending, renumbered from 0."""
        begins, ends = (np.searchsorted(self._annotations.songs, songs, side=side) for side in ("left", "right"))
        lengths = ends - begins
        first = np.cumsum(lengths) - lengths
        at = np.repeat(begins - first, lengths) + np.arange(lengths.sum())
        numbered = np.repeat(np.arange(len(songs)), lengths)
        return Annotations(numbered, self._annotations.labels[at], self._annotations.weights[at])


def _with_rows(matrix: Matrix, rows: NDArray[np.integer[Any]], anew: Matrix) -> Matrix:
    """Replace some rows of a matrix."""
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
