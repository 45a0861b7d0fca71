"""Recommending by content: songs whose labels are those of the songs a listener likes.

The vector space model (G. Salton, A. Wong, C. S. Yang: A vector space model for automatic indexing, 1975): songs and
listeners are vectors of label weights, and a listener is given the songs at the smallest angle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from . import tfidf
from .interface import Evidence, LabelReason, Matrix, Moved, Positions, Progress, Reason, Tastes, Vector, silent

DISLIKE = 0.25
"""What a disliked song takes from the profile, as a share of its weights."""

ROUNDING = 1e-9
"""Sums of weights below this are taken for 0."""


@dataclass(frozen=True)
class Content:
    """The content recommender.

    Attributes
    ----------
    weights : csr_array, shape (n_songs, n_labels)
        Label weights of songs, every row of norm 1 or empty (`tfidf.weights`).
    idf : float64, shape (n_labels,)
    """

    weights: Matrix
    idf: Vector

    @classmethod
    def fit(cls, evidence: Evidence, progress: Progress = silent) -> Self:  # noqa: ARG003
        """Weigh the labels of all songs."""
        idf = tfidf.inverse_document_frequencies(evidence.term_frequencies)
        return cls(tfidf.weights(evidence.term_frequencies, idf), idf)

    def refreshed(self, evidence: Evidence, since: Moved) -> Self:  # noqa: ARG002
        """Weigh the labels anew, which takes no longer than to move them."""
        return self.fit(evidence)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The recommender that `arrays` was called on."""
        indptr, idf = arrays["indptr"], arrays["idf"]
        shape = (len(indptr) - 1, len(idf))
        return cls(csr_array((arrays["data"], arrays["indices"], indptr), shape=shape), idf)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The weights, compressed by rows, and the IDF."""
        return {
            "data": self.weights.data,
            "indices": self.weights.indices,
            "indptr": self.weights.indptr,
            "idf": self.idf,
        }

    def profiles(self, tastes: Tastes) -> Vector:
        """The weights of the liked songs, less a quarter of those of the disliked, plus the nudges, summed by label.

        Returns
        -------
        float64, shape (n_listeners, n_labels)
        """
        learned = tastes.liked @ self.weights - DISLIKE * (tastes.disliked @ self.weights)
        profiles = np.asarray((learned + tastes.nudges).toarray(), dtype=np.float64)
        # Likes and dislikes that cancel leave rounding, and its direction would be a taste.
        profiles[np.abs(profiles) < ROUNDING] = 0
        return profiles

    def directions(self, tastes: Tastes) -> Vector:
        """Where each listener looks now, of norm 1: p = (1 - a) profile / |profile| + a query / |query|, normalized.

        A query's weights are multiplied by IDF; a is its share, 1 with an empty profile. A query of labels that
        weigh nothing here asks for nothing.

        Returns
        -------
        float64, shape (n_listeners, n_labels)
            0 for a listener of whom nothing is known and who asks for nothing.
        """
        directions = _unit(self.profiles(tastes))
        if tastes.query is not None and (query := _unit((tastes.query * self.idf)[np.newaxis])).any():
            share = np.where(directions.any(axis=1), tastes.query_share, 1.0)[:, np.newaxis]
            directions = _unit((1 - share) * directions + share * query)
        return directions

    def toward(self, direction: Vector) -> Vector:
        """The cosine of every song with one direction of norm 1, shape (n_songs,)."""
        return np.asarray(self.weights @ direction, dtype=np.float64)

    def scores(self, tastes: Tastes) -> Vector:
        """cosine(p, song) for every listener and song, shape (n_listeners, n_songs)."""
        return np.asarray((self.weights @ self.directions(tastes).T).T, dtype=np.float64)

    def parts(self, direction: Vector, songs: Positions, k: int) -> list[list[LabelReason]]:
        """The labels that carry most of the cosine of each song with a direction, of either sign, the largest first.

        The products of all labels of a song sum to its cosine; labels that carry nothing are not named.
        """
        parts: list[list[LabelReason]] = []
        indptr, indices, data = self.weights.indptr, self.weights.indices, self.weights.data
        for song in songs:
            row = slice(indptr[song], indptr[song + 1])
            labels = indices[row]
            products = data[row] * direction[labels]
            largest = np.argsort(-np.abs(products), kind="stable")[:k]
            parts.append([LabelReason(int(labels[i]), float(products[i])) for i in largest if products[i]])
        return parts

    def reasons(self, tastes: Tastes, songs: Positions, k: int) -> Sequence[Sequence[Reason]]:
        """The labels that carry most of the first listener's score of each song."""
        return self.parts(self.directions(tastes)[0], songs, k)

    def song(self, song: int) -> Vector:
        """The label weights of one song, shape (n_labels,)."""
        weights = np.zeros(self.weights.shape[1])
        row = slice(self.weights.indptr[song], self.weights.indptr[song + 1])
        weights[self.weights.indices[row]] = self.weights.data[row]
        return weights

    def songs_with_label(self, songs: Positions) -> NDArray[np.int64]:
        """How many of these songs have each label, shape (n_labels,)."""
        return np.bincount(self.weights[songs].indices, minlength=self.weights.shape[1])

    def shares(self, labels: Positions) -> Vector:
        """How much each song carries any of these labels: the largest of their frequencies on it.

        Parameters
        ----------
        labels : positions of labels

        Returns
        -------
        float64, shape (n_songs,)
            As a share of the song's largest term frequency: 1 for a song that carries nothing more than one of these,
            0 for one that carries none. A label that every song has weighs nothing, and no song counts as carrying it.
        """
        weights, indices = self.weights.data, self.weights.indices
        shares = np.zeros(self.weights.shape[0])
        lengths = np.diff(self.weights.indptr)
        if not len(weights):
            return shares
        # A weight is the frequency times IDF, by the song's norm: by IDF again, and the norm cancels.
        idf = self.idf[indices]
        frequencies = np.divide(weights, idf, out=np.zeros(len(weights)), where=idf > 0)
        described = lengths > 0
        begins = self.weights.indptr[:-1][described]
        asked = np.where(np.isin(indices, labels), frequencies, 0.0)
        largest = np.maximum.reduceat(frequencies, begins)
        shares[described] = np.divide(
            np.maximum.reduceat(asked, begins), largest, out=np.zeros(len(begins)), where=largest > 0
        )
        return shares

    def similar(self, song: int) -> Vector:
        """The cosine of every other song with this one, shape (n_songs,)."""
        cosines = self.toward(self.song(song))
        cosines[song] = 0
        return cosines

    def similar_reasons(self, song: int, songs: Positions, k: int) -> Sequence[Sequence[Reason]]:
        """The labels in common that carry most of the likeness of each song with `song`."""
        return self.parts(self.song(song), songs, k)


def _unit(rows: Vector) -> Vector:
    """Rows divided by their Euclidean norms; rows of norm 0 stay."""
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Vector = np.divide(rows, norms, out=np.zeros_like(rows), where=norms > 0)
    return unit
