"""Content features of songs: label weights, amounts of annotations, and embeddings, as sparse rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack

from . import tfidf
from .interface import IndexMapping, Matrix, TrainingData, Vector

_FEW = 5.0
"""Divisor of log counts, which brings them to the scale of the other features."""

_BLOCK = 1 << 14
"""Rows that are put together at once."""


@dataclass(frozen=True, eq=False)
class Features:
    """The fitted feature transformation, which also applies to songs added later.

    Columns: labels weighed by TF-IDF of log counts; the log of the summed counts; whether there are any; and the
    embedding, centred and divided by its root mean square norm.

    Attributes
    ----------
    idf : float64, shape (n_labels,)
    mean, scale : float32, shape (d,)
        Of the embeddings; d is 0 if no song has one. All dimensions have one scale: what varies little in an embedding
        matters little.
    embedded_by : str
        Their version. Embeddings of another one are as good as none until the next fit.
    label_scale : float
        What the columns of labels are multiplied with: less than 1 where they tell less than embeddings do.
    """

    idf: Vector
    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    embedded_by: str = ""
    label_scale: float = 1.0

    @classmethod
    def fit(cls, data: TrainingData) -> Self:
        """Compute IDF, and mean and scale of embeddings."""
        idf = tfidf.inverse_document_frequencies(data.term_frequencies)
        embedded = _has_embedding(data)
        if not embedded.any() or data.embeddings is None:
            nothing = np.empty(0, dtype=np.float32)
            return cls(idf, nothing, nothing)
        sounds = data.embeddings[embedded]
        # Embeddings have about norm 1 then, like label weights.
        norm = float(np.sqrt(sounds.var(axis=0, dtype=np.float64).sum()))
        return cls(idf, sounds.mean(axis=0), np.full(sounds.shape[1], norm or 1.0, np.float32), data.embedded_by)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Restore features from their `arrays`."""
        embedded_by = str(arrays["features_embedded_by"][0]) if "features_embedded_by" in arrays else ""
        label_scale = float(arrays["features_label_scale"][0]) if "features_label_scale" in arrays else 1.0
        return cls(arrays["features_idf"], arrays["features_mean"], arrays["features_scale"], embedded_by, label_scale)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All arrays, prefixed so that names do not collide with those of a recommender."""
        return {
            "features_idf": self.idf,
            "features_mean": self.mean,
            "features_scale": self.scale,
            "features_embedded_by": np.array([self.embedded_by]),
            "features_label_scale": np.array([self.label_scale]),
        }

    def with_remapped_labels(self, mapping: IndexMapping) -> Self:
        """Remap to the current labels; new labels have weight 0."""
        return replace(self, idf=remapped_rows(self.idf, mapping.labels))

    @property
    def n_labels(self) -> int:
        """Number of labels; they are the first columns."""
        return len(self.idf)

    def embedded(self, data: TrainingData) -> NDArray[np.bool_]:
        """Mask of the songs with an embedding that these features can use."""
        fits = data.embeddings is not None and data.embeddings.shape[1] == len(self.mean)
        return _has_embedding(data) & (fits and data.embedded_by == self.embedded_by)

    def rows(self, data: TrainingData) -> Matrix:
        """Feature rows, shape (n_songs, n_labels + 2 + d); empty for songs without labels and embedding."""
        tf = data.term_frequencies
        said = np.log1p(np.bincount(_row_of(tf), weights=tf.data, minlength=tf.shape[0])) / _FEW
        counted = csr_array((np.log1p(tf.data), tf.indices, tf.indptr), shape=tf.shape)
        weights = self.label_scale * tfidf.weights(counted, self.idf)
        return self._beside_sounds(data, [weights, _column(said), _column((said > 0).astype(np.float64))])

    def rows_and_amounts(self, data: TrainingData) -> Matrix:
        """Feature rows with n_labels more columns: log counts of each label, not normalized by song.

        Normalized weights do not tell ten annotations of one label from one.
        """
        tf = data.term_frequencies
        logs = self.label_scale * np.log1p(tf.data) / _FEW
        amounts = csr_array((logs * self.idf[tf.indices], tf.indices, tf.indptr), shape=tf.shape)
        return _side_by_side([self.rows(data), amounts])

    def _beside_sounds(self, data: TrainingData, columns: Sequence[Matrix]) -> Matrix:
        """Columns, with those of the embeddings behind them."""
        width = len(self.mean)
        if not width:
            return _side_by_side(columns)
        embedded, embeddings = self.embedded(data), data.embeddings
        if embeddings is None or not embedded.any():
            # Those of another network may be of another length.
            return _side_by_side([*columns, csr_array((data.n_songs, width), dtype=np.float64)])

        def sounds(block: slice) -> Matrix:
            there = embedded[block]
            values = ((embeddings[block][there] - self.mean) / self.scale).astype(np.float64)
            indptr = width * np.concatenate([[0], np.cumsum(there)])
            return csr_array((values.ravel(), np.tile(np.arange(width), len(values)), indptr), (len(there), width))

        return _side_by_side([*columns, _Blocks(width * embedded.astype(np.int64), width, sounds)])


def remapped_rows(rows: NDArray[Any], then: NDArray[np.integer[Any]]) -> NDArray[Any]:
    """Remap rows: row i is `rows[then[i]]`, or 0 if `then[i]` is -1."""
    if not len(rows):
        return np.zeros((len(then), *rows.shape[1:]), dtype=rows.dtype)
    moved: NDArray[Any] = rows[then]
    moved[then < 0] = 0
    return moved


def _has_embedding(data: TrainingData) -> NDArray[np.bool_]:
    """Mask of the songs with an embedding."""
    if data.embeddings is None:
        return np.zeros(data.n_songs, dtype=bool)
    embedded: NDArray[np.bool_] = np.any(data.embeddings, axis=1)
    return embedded


def _row_of(matrix: Matrix) -> NDArray[np.intp]:
    return np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))


def _column(values: Vector) -> Matrix:
    column: Matrix = csr_array(values[:, np.newaxis])
    return column


class _Blocks(NamedTuple):
    """A matrix that is made block by block of its rows: stored values of each row, number of columns, and a block."""

    lengths: NDArray[np.int64]
    width: int
    of: Callable[[slice], Matrix]


def _side_by_side(parts: Sequence[Matrix | _Blocks]) -> Matrix:
    """Matrices of as many rows as one, filled block by block.

    As a whole, `hstack` holds several copies of the embeddings at once.
    """
    blockwise = [
        part if isinstance(part, _Blocks) else _Blocks(np.diff(part.indptr), part.shape[1], part.__getitem__)
        for part in parts
    ]
    indptr = np.concatenate([[0], np.cumsum(sum(part.lengths for part in blockwise))])
    n_rows, values = len(indptr) - 1, np.empty(indptr[-1])
    # scipy has one type for both: 32 bits halve them as long as they suffice.
    indptr = indptr.astype(np.int32 if len(values) <= np.iinfo(np.int32).max else np.int64)
    columns = np.empty(len(values), indptr.dtype)
    for begin in range(0, n_rows, _BLOCK):
        block = slice(begin, min(begin + _BLOCK, n_rows))
        stacked = hstack([part.of(block) for part in blockwise], format="csr")
        at = slice(indptr[block.start], indptr[block.stop])
        values[at], columns[at] = stacked.data, stacked.indices
    rows: Matrix = csr_array((values, columns, indptr), shape=(n_rows, sum(part.width for part in blockwise)))
    return rows
