"""Content-based recommender: ranks songs by the cosine of their label weights with the listener's profile.

The vector space model (G. Salton, A. Wong, C. S. Yang: A vector space model for automatic indexing, 1975), with songs
and profiles as vectors of label weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from . import tfidf
from .interface import (
    Contribution,
    IndexMapping,
    LabelContribution,
    ListenerBatch,
    Matrix,
    Positions,
    Progress,
    TrainingData,
    Vector,
    no_progress,
)

LIKELY, CLEAR = 0.5, 0.5
"""A label is clear on a song from this term frequency on, as a tagger's probability that a person agrees with it; where
a song has nothing so sure, from this share of its largest one on."""

_PRECISION = 1e-6

DISLIKE = 0.25
"""Share of a disliked song's weights that is subtracted from the profile."""

ROUNDING = 1e-9
"""Profile weights below this are rounding errors and set to 0."""


@dataclass(frozen=True)
class Content:
    """The content recommender.

    Attributes
    ----------
    weights : csr_array, shape (n_songs, n_labels)
        Label weights, rows of norm 1 or empty (`tfidf.weights`).
    idf : float64, shape (n_labels,)
    strongest : float32, shape (n_songs,), or None
        Each song's largest term frequency; None in snapshots of earlier versions.
    """

    weights: Matrix
    idf: Vector
    strongest: NDArray[np.float32] | None = None

    @classmethod
    def fit(cls, data: TrainingData, progress: Progress = no_progress) -> Self:  # noqa: ARG003
        """Compute IDF and label weights."""
        tf = data.term_frequencies
        idf = tfidf.inverse_document_frequencies(tf)
        # Labels without IDF have no weight, and a share is one of what is left.
        telling = csr_array((tf.data * (idf[tf.indices] > 0), tf.indices, tf.indptr), shape=tf.shape)
        return cls(tfidf.weights(tf, idf), idf, tfidf.row_max(telling).astype(np.float32))

    def refreshed(self, data: TrainingData, mapping: IndexMapping) -> Self:  # noqa: ARG002
        """Refit, which is as fast as remapping."""
        return self.fit(data)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The recommender that `arrays` was called on."""
        indptr, idf = arrays["indptr"], arrays["idf"]
        shape = (len(indptr) - 1, len(idf))
        weights = csr_array((arrays["data"], arrays["indices"], indptr), shape=shape)
        return cls(weights, idf, arrays.get("strongest"))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The weights as CSR arrays, the IDF, and the largest term frequencies."""
        strongest = {} if self.strongest is None else {"strongest": self.strongest}
        return {
            "data": self.weights.data,
            "indices": self.weights.indices,
            "indptr": self.weights.indptr,
            "idf": self.idf,
            **strongest,
        }

    def profiles(self, batch: ListenerBatch) -> Vector:
        """Profiles: summed weights of liked songs, minus `DISLIKE` x disliked songs, plus nudges.

        Returns
        -------
        float64, shape (n_listeners, n_labels)
        """
        return batch.remember(self, "profiles", lambda: self._profiles(batch))

    def _profiles(self, batch: ListenerBatch) -> Vector:
        learned = batch.liked @ self.weights - DISLIKE * (batch.disliked @ self.weights)
        profiles = np.asarray((learned + batch.nudges).toarray(), dtype=np.float64)
        # Normalizing the rounding error of cancelled likes and dislikes would give a random direction.
        profiles[np.abs(profiles) < ROUNDING] = 0
        return profiles

    def directions(self, batch: ListenerBatch) -> Vector:
        """Normalized query directions: p = (1 - a) profile / |profile| + a query / |query|.

        Query weights are multiplied by IDF; a is the query's share, 1 for an empty profile. A query of labels with
        IDF 0 only is ignored.

        Returns
        -------
        float64, shape (n_listeners, n_labels)
            0 for a listener with neither profile nor query.
        """
        directions = _unit(self.profiles(batch))
        if batch.query is not None and (query := _unit((batch.query * self.idf)[np.newaxis])).any():
            share = np.where(directions.any(axis=1), batch.query_share, 1.0)[:, np.newaxis]
            directions = _unit((1 - share) * directions + share * query)
        return directions

    def cosines(self, direction: Vector) -> Vector:
        """Cosines of all songs with one direction of norm 1, shape (n_songs,)."""
        return np.asarray(self.weights @ direction, dtype=np.float64)

    def scores(self, batch: ListenerBatch) -> Vector:
        """Cosines of listeners' directions and songs, shape (n_listeners, n_songs)."""
        return np.asarray((self.weights @ self.directions(batch).T).T, dtype=np.float64)

    def label_contributions(self, direction: Vector, songs: Positions, k: int) -> list[list[LabelContribution]]:
        """The k labels with the largest absolute contributions to a song's cosine with a direction, clear ones first.

        The contributions of all labels of a song sum to its cosine; zero contributions are left out. A tagger predicts
        many labels of which a person would agree with few: rare ones among them weigh much by their IDF.
        """
        parts: list[list[LabelContribution]] = []
        indptr, indices, data = self.weights.indptr, self.weights.indices, self.weights.data
        for song in songs:
            row = slice(indptr[song], indptr[song + 1])
            labels = indices[row]
            products = data[row] * direction[labels]
            clear = self._clear[row]
            largest = np.lexsort((-np.abs(products), ~clear))[:k]
            parts.append(
                [LabelContribution(int(labels[i]), float(products[i]), bool(clear[i])) for i in largest if products[i]]
            )
        return parts

    @cached_property
    def _clear(self) -> NDArray[np.bool_]:
        """Which labels of songs a person would rather agree with, as `weights.data`; people's words count from 1."""
        idf, lengths = self.idf[self.weights.indices], np.diff(self.weights.indptr)
        frequencies = np.divide(self.weights.data, idf, out=np.zeros(len(idf)), where=idf > 0)
        described = lengths > 0
        if not described.any():
            return np.zeros(0, dtype=bool)
        largest = np.maximum.reduceat(frequencies, self.weights.indptr[:-1][described])
        strongest = np.ones(len(largest)) if self.strongest is None else self.strongest[described].astype(np.float64)
        least = np.where(strongest >= LIKELY, LIKELY, CLEAR * strongest) - _PRECISION
        # Frequencies are known up to the norm of the song's weights, which its largest one tells.
        clear: NDArray[np.bool_] = frequencies >= np.repeat(
            least * largest / np.maximum(strongest, ROUNDING), lengths[described]
        )
        return clear

    def explain(self, batch: ListenerBatch, songs: Positions, k: int) -> Sequence[Sequence[Contribution]]:
        """The k largest label contributions to the first listener's score of each song."""
        return self.label_contributions(self.directions(batch)[0], songs, k)

    def song(self, song: int) -> Vector:
        """Label weights of one song, shape (n_labels,)."""
        weights = np.zeros(self.weights.shape[1])
        row = slice(self.weights.indptr[song], self.weights.indptr[song + 1])
        weights[self.weights.indices[row]] = self.weights.data[row]
        return weights

    def songs_with_label(self, songs: Positions) -> NDArray[np.int64]:
        """Number of these songs with each label, shape (n_labels,)."""
        return np.bincount(self.weights[songs].indices, minlength=self.weights.shape[1])

    def shares(self, labels: Positions) -> Vector:
        """The largest term frequency of any of these labels on each song, relative to the song's largest.

        Parameters
        ----------
        labels : positions of labels

        Returns
        -------
        float64, shape (n_songs,)
            1 if one of the labels is the song's strongest, 0 if the song has none. Labels with IDF 0 count as missing.
        """
        lengths = np.diff(self.weights.indptr)
        shares = np.zeros(len(lengths))
        if len(self.weights.data):
            described = lengths > 0
            asked = np.where(np.isin(self.weights.indices, labels), self._shares, 0.0)
            shares[described] = np.maximum.reduceat(asked, self.weights.indptr[:-1][described])
        return shares

    def carries(self, groups: NDArray[np.bool_], least: float) -> NDArray[np.bool_]:
        """Which songs carry some of the labels of groups.

        Parameters
        ----------
        groups : bool, shape (n_labels, n_groups)
        least : float
            Share of the song's largest term frequency that a label has to have.

        Returns
        -------
        bool, shape (n_songs, n_groups)
        """
        weights = self.weights
        carried = csr_array((self._shares >= least, weights.indices, weights.indptr), shape=weights.shape)
        found: NDArray[np.bool_] = carried.astype(np.float64) @ groups.astype(np.float64) > 0
        return found

    @cached_property
    def _shares(self) -> Vector:
        """The term frequency behind each weight, relative to the largest of its song."""
        weights, indptr = self.weights.data, self.weights.indptr
        idf = self.idf[self.weights.indices]
        # weight = TF x IDF / norm: dividing by IDF gives TF / norm, and the norm cancels in the share.
        frequencies: Vector = np.divide(weights, idf, out=np.zeros(len(weights)), where=idf > 0)
        if not len(weights):
            return frequencies
        lengths = np.diff(indptr)
        largest = np.repeat(np.maximum.reduceat(frequencies, indptr[:-1][lengths > 0]), lengths[lengths > 0])
        shares: Vector = np.divide(frequencies, largest, out=np.zeros(len(weights)), where=largest > 0)
        return shares

    def similarities(self, song: int) -> Vector:
        """Cosines of all other songs with this one, shape (n_songs,)."""
        cosines = self.cosines(self.song(song))
        cosines[song] = 0
        return cosines

    def explain_similarity(self, song: int, songs: Positions, k: int) -> Sequence[Sequence[Contribution]]:
        """The k largest label contributions to the cosine of each song with `song`."""
        return self.label_contributions(self.song(song), songs, k)


def _unit(rows: Vector) -> Vector:
    """Divide rows by their Euclidean norms; rows of norm 0 stay 0."""
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Vector = np.divide(rows, norms, out=np.zeros_like(rows), where=norms > 0)
    return unit
