"""What a song is known by before anybody has played it: its labels and its sound, as one row of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array, hstack

from . import tfidf
from .interface import Evidence, Matrix, Moved, Vector

_FEW = 5.0
"""What logarithms of numbers of words are divided by, to be about as large as a row's other numbers."""


@dataclass(frozen=True, eq=False)
class Features:
    """How rows of features are made; fitted once, so that a song that comes later gets a row of the same kind.

    The columns are the labels, weighed as `tfidf` does but with the logarithm of their counts; how much was said
    of the song at all; whether anything was; and the sound, each number of it less its mean, by its deviation.

    Attributes
    ----------
    idf : float64, shape (n_labels,)
    mean, scale : float32, shape (d,)
        Of the embeddings of songs that were heard; d is 0 where no song was.
    """

    idf: Vector
    mean: NDArray[np.float32]
    scale: NDArray[np.float32]

    @classmethod
    def fit(cls, evidence: Evidence) -> Self:
        """Take the frequencies of labels, and the mean and deviation of sounds."""
        idf = tfidf.inverse_document_frequencies(evidence.term_frequencies)
        heard = _heard(evidence)
        if not heard.any() or evidence.embeddings is None:
            nothing = np.empty(0, dtype=np.float32)
            return cls(idf, nothing, nothing)
        sounds = evidence.embeddings[heard]
        # Divided by the root of their number too, the sound of a song is as long as its labels are.
        deviation = sounds.std(axis=0) * np.sqrt(sounds.shape[1])
        return cls(idf, sounds.mean(axis=0), np.where(deviation > 0, deviation, 1).astype(np.float32))

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The features that `arrays` was called on."""
        return cls(arrays["features_idf"], arrays["features_mean"], arrays["features_scale"])

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All of it, by names that no recommender uses for its own."""
        return {"features_idf": self.idf, "features_mean": self.mean, "features_scale": self.scale}

    def labels_moved(self, since: Moved) -> Self:
        """The same features over the labels of today; one that is new since counts nothing yet."""
        return type(self)(moved_rows(self.idf, since.labels), self.mean, self.scale)

    @property
    def n_labels(self) -> int:
        """How many labels there are; they are the first columns."""
        return len(self.idf)

    def rows(self, evidence: Evidence) -> Matrix:
        """A row for every song, shape (n_songs, n_labels + 2 + d); empty for one of which nothing is known."""
        tf = evidence.term_frequencies
        said = np.log1p(np.bincount(_row_of(tf), weights=tf.data, minlength=tf.shape[0])) / _FEW
        counted = csr_array((np.log1p(tf.data), tf.indices, tf.indptr), shape=tf.shape)
        columns = [tfidf.weights(counted, self.idf), _column(said), _column((said > 0).astype(np.float64))]
        if len(self.mean):
            columns.append(self._sounds(evidence))
        rows: Matrix = hstack(columns, format="csr")
        return rows

    def rows_and_amounts(self, evidence: Evidence) -> Matrix:
        """The same with n_labels more columns: how much was said of each label, whatever else was said of the song.

        Of ten people who call one song rock, and one who calls another so, a row of norm 1 tells the same.
        """
        tf = evidence.term_frequencies
        amounts = csr_array((np.log1p(tf.data) / _FEW * self.idf[tf.indices], tf.indices, tf.indptr), shape=tf.shape)
        rows: Matrix = hstack([self.rows(evidence), amounts], format="csr")
        return rows

    def _sounds(self, evidence: Evidence) -> Matrix:
        songs = np.flatnonzero(_heard(evidence))
        width = len(self.mean)
        if evidence.embeddings is None or not len(songs) or evidence.embeddings.shape[1] != width:
            return csr_array((evidence.n_songs, width), dtype=np.float64)
        sounds = ((evidence.embeddings[songs] - self.mean) / self.scale).astype(np.float64)
        at = (np.repeat(songs, width), np.tile(np.arange(width), len(songs)))
        return coo_array((sounds.ravel(), at), shape=(evidence.n_songs, width)).tocsr()


def moved_rows(rows: NDArray[Any], then: NDArray[np.integer[Any]]) -> NDArray[Any]:
    """Rows at their places of today: the row that stood at `then[i]`, or 0 where that is -1."""
    if not len(rows):
        return np.zeros((len(then), *rows.shape[1:]), dtype=rows.dtype)
    moved: NDArray[Any] = rows[then]
    moved[then < 0] = 0
    return moved


def _heard(evidence: Evidence) -> NDArray[np.bool_]:
    """Which songs have an embedding."""
    if evidence.embeddings is None:
        return np.zeros(evidence.n_songs, dtype=bool)
    heard: NDArray[np.bool_] = np.any(evidence.embeddings, axis=1)
    return heard


def _row_of(matrix: Matrix) -> NDArray[np.intp]:
    return np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))


def _column(values: Vector) -> Matrix:
    column: Matrix = csr_array(values[:, np.newaxis])
    return column
