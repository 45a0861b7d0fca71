"""TF-IDF weights of labels on songs.

The weighting of documents by their terms (G. Salton, C. Buckley: Term-weighting approaches in automatic text
retrieval, 1988), with songs for documents and labels for terms.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array

from .interface import Matrix, Vector


class Annotations(NamedTuple):
    """The annotations of one source: label `labels[i]` on song `songs[i]` with weight `weights[i]`."""

    songs: NDArray[np.integer[Any]]
    labels: NDArray[np.integer[Any]]
    weights: NDArray[np.floating[Any]]


def term_frequencies(
    n_songs: int, n_labels: int, imported: Annotations, predicted: Annotations, curated: Annotations
) -> Matrix:
    """Term frequencies: the strength of each label on each song, merged over sources.

    For a song with one source, TF is that source's weight. With two, each is divided by the song's largest weight
    from it, and TF is the larger value. A curator's yes sets the song's largest TF (1 if it has none), a no sets 0.

    Parameters
    ----------
    n_songs, n_labels : int
    imported : Annotations
        Weights: number of people who gave the label; duplicates (from several imports) are summed.
    predicted : Annotations
        Weights: CNN probabilities at or above the label's operating point; of duplicates the largest counts.
    curated : Annotations
        Weights above 0 are a yes, below 0 a no; at most one per song and label.

    Returns
    -------
    csr_array, shape (n_songs, n_labels)
        Without explicit zeros.

    Raises
    ------
    ValueError
        If a weight is not finite, an imported or predicted weight is negative, or a position is out of range.
    """
    shape = (n_songs, n_labels)
    for source in (imported, predicted):
        if len(source.weights) and not (np.isfinite(source.weights).all() and source.weights.min() >= 0):
            raise ValueError("the weights of imports and taggers are finite and not below 0")
    by_import = _matrix(imported, shape)
    by_import.sum_duplicates()
    by_cnn = _matrix(_max_per_label(predicted, n_labels), shape)

    both = (np.diff(by_import.indptr) > 0) & (np.diff(by_cnn.indptr) > 0)
    tf = _scaled(by_import, both).maximum(_scaled(by_cnn, both)).tocsr()

    yes, no = curated.weights > 0, curated.weights < 0
    if yes.any() or no.any():
        tf = _without(tf, curated.songs[no], curated.labels[no])
        strongest = row_max(tf)
        strongest[strongest == 0] = 1.0
        tf = _without(tf, curated.songs[yes], curated.labels[yes])
        annotations = Annotations(curated.songs[yes], curated.labels[yes], strongest[curated.songs[yes]])
        tf = (tf + _matrix(annotations, shape)).tocsr()
    tf.sort_indices()
    return tf


def inverse_document_frequencies(tf: Matrix) -> Vector:
    """IDF(label) = log10(songs with any label / songs with this label), 0 for unused labels.

    Parameters
    ----------
    tf : csr_array, shape (n_songs, n_labels)
        Without explicit zeros.

    Returns
    -------
    float64, shape (n_labels,)
        At least 0; 0 for labels of every labelled song.
    """
    labelled = np.count_nonzero(np.diff(tf.indptr))
    with_label = np.bincount(tf.indices, minlength=tf.shape[1])
    idf = np.zeros(tf.shape[1])
    known = with_label > 0
    idf[known] = np.log10(labelled / with_label[known])
    return idf


def weights(tf: Matrix, idf: Vector) -> Matrix:
    """TF x IDF, normalized by song; songs of norm 0 stay 0.

    Parameters
    ----------
    tf : csr_array, shape (n_songs, n_labels)
    idf : float64, shape (n_labels,)

    Returns
    -------
    csr_array, shape (n_songs, n_labels)
        Without explicit zeros, with sorted indices.

    Raises
    ------
    ValueError
        If the shapes do not fit.
    """
    if idf.shape != (tf.shape[1],):
        raise ValueError(f"{tf.shape[1]} labels need as many IDFs, not {idf.shape}")
    weighted = csr_array((tf.data * idf[tf.indices], tf.indices.copy(), tf.indptr.copy()), shape=tf.shape)
    weighted.eliminate_zeros()
    per_song = np.diff(weighted.indptr)
    # Divide by the maximum first: squares of tiny weights would underflow.
    weighted.data /= np.repeat(row_max(weighted), per_song)
    norms = np.sqrt(np.bincount(np.repeat(np.arange(tf.shape[0]), per_song), weighted.data**2, tf.shape[0]))
    weighted.data /= np.repeat(norms, per_song)
    weighted.sort_indices()
    return weighted


def _matrix(annotations: Annotations, shape: tuple[int, int]) -> Matrix:
    matrix = csr_array((annotations.weights.astype(np.float64), (annotations.songs, annotations.labels)), shape=shape)
    matrix.eliminate_zeros()
    return matrix


def _max_per_label(annotations: Annotations, n_labels: int) -> Annotations:
    """Keep the largest weight of each song and label."""
    if not len(annotations.songs):
        return annotations
    place = annotations.songs.astype(np.int64) * n_labels + annotations.labels
    order = np.argsort(place, kind="stable")
    first = np.flatnonzero(np.diff(place[order], prepend=-1))
    kept = order[first]
    return Annotations(
        annotations.songs[kept], annotations.labels[kept], np.maximum.reduceat(annotations.weights[order], first)
    )


def row_max(matrix: Matrix) -> Vector:
    """The largest value of each row, 0 for empty rows; values must be at least 0."""
    largest = np.zeros(matrix.shape[0])
    filled = np.flatnonzero(np.diff(matrix.indptr))
    if len(filled):
        largest[filled] = np.maximum.reduceat(matrix.data, matrix.indptr[filled])
    return largest


def _scaled(matrix: Matrix, rows: NDArray[np.bool_]) -> Matrix:
    """Divide the marked rows, which must not be empty, by their largest value."""
    factors = np.ones(matrix.shape[0])
    factors[rows] = 1 / row_max(matrix)[rows]
    return (diags_array(factors) @ matrix).tocsr()


def _without(matrix: Matrix, songs: NDArray[np.integer[Any]], labels: NDArray[np.integer[Any]]) -> Matrix:
    """Remove entries of the matrix."""
    width = matrix.shape[1]
    row_of = np.repeat(np.arange(matrix.shape[0], dtype=np.int64), np.diff(matrix.indptr))
    struck = np.isin(row_of * width + matrix.indices, songs.astype(np.int64) * width + labels)
    kept = matrix.copy()
    kept.data[struck] = 0
    kept.eliminate_zeros()
    return kept
