"""From words on songs to weights: term frequency, inverse document frequency, and songs of length 1.

The weighting of documents by their terms (G. Salton, C. Buckley: Term-weighting approaches in automatic text
retrieval, 1988), with songs for documents and labels for terms.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array

from .interface import Matrix, Vector


class Words(NamedTuple):
    """What one source says: arrays of one length, the label at `labels[i]` on the song at `songs[i]`."""

    songs: NDArray[np.integer[Any]]
    labels: NDArray[np.integer[Any]]
    weights: NDArray[np.floating[Any]]


def term_frequencies(n_songs: int, n_labels: int, imported: Words, heard: Words, curated: Words) -> Matrix:
    """TF: how strongly each label is said of each song.

    Where all of a song's labels come from one source, TF is that source's weight as it is. Where sources meet on
    a song, each is divided by the song's largest weight from that source, and TF is the larger of the two. A
    curator's yes is the song's largest TF, 1 where it has none; a curator's no is 0 whatever the others say.

    Parameters
    ----------
    n_songs, n_labels : int
    imported : Words
        Weights: how many people gave the label; several words on a song and label (from several imports) are summed.
    heard : Words
        Weights: probabilities of the CNN that reach the label's operating point; of several taggers the surest counts.
    curated : Words
        Weights above 0 are a yes, below 0 a no; at most one word for a song and label.

    Returns
    -------
    csr_array, shape (n_songs, n_labels)
        Without explicit zeros.

    Raises
    ------
    ValueError
        If a weight is not finite, a weight of a source is negative, or a position is out of range.
    """
    shape = (n_songs, n_labels)
    for words in (imported, heard):
        if len(words.weights) and not (np.isfinite(words.weights).all() and words.weights.min() >= 0):
            raise ValueError("the weights of imports and taggers are finite and not below 0")
    by_import = _matrix(imported, shape)
    by_import.sum_duplicates()
    by_cnn = _matrix(_surest(heard, n_labels), shape)

    both = (np.diff(by_import.indptr) > 0) & (np.diff(by_cnn.indptr) > 0)
    said = _scaled(by_import, both).maximum(_scaled(by_cnn, both)).tocsr()

    yes, no = curated.weights > 0, curated.weights < 0
    if yes.any() or no.any():
        said = _without(said, curated.songs[no], curated.labels[no])
        strongest = _row_max(said)
        strongest[strongest == 0] = 1.0
        said = _without(said, curated.songs[yes], curated.labels[yes])
        words = Words(curated.songs[yes], curated.labels[yes], strongest[curated.songs[yes]])
        said = (said + _matrix(words, shape)).tocsr()
    said.sort_indices()
    return said


def inverse_document_frequencies(tf: Matrix) -> Vector:
    """IDF(label) = log10(songs with any label / songs with this label), 0 for a label that no song has.

    Parameters
    ----------
    tf : csr_array, shape (n_songs, n_labels)
        Without explicit zeros.

    Returns
    -------
    float64, shape (n_labels,)
        Not below 0; 0 for a label that every labelled song has: it tells no song from another.
    """
    labelled = np.count_nonzero(np.diff(tf.indptr))
    with_label = np.bincount(tf.indices, minlength=tf.shape[1])
    idf = np.zeros(tf.shape[1])
    known = with_label > 0
    idf[known] = np.log10(labelled / with_label[known])
    return idf


def weights(tf: Matrix, idf: Vector) -> Matrix:
    """TF x IDF, each song divided by its Euclidean norm; a song of norm 0 has weight 0 everywhere.

    Parameters
    ----------
    tf : csr_array, shape (n_songs, n_labels)
    idf : float64, shape (n_labels,)

    Returns
    -------
    csr_array, shape (n_songs, n_labels)
        Without explicit zeros, labels of a song in their order.

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
    # Divided by the largest first: the square of a tiny weight would be 0.
    weighted.data /= np.repeat(_row_max(weighted), per_song)
    norms = np.sqrt(np.bincount(np.repeat(np.arange(tf.shape[0]), per_song), weighted.data**2, tf.shape[0]))
    weighted.data /= np.repeat(norms, per_song)
    weighted.sort_indices()
    return weighted


def _matrix(words: Words, shape: tuple[int, int]) -> Matrix:
    matrix = csr_array((words.weights.astype(np.float64), (words.songs, words.labels)), shape=shape)
    matrix.eliminate_zeros()
    return matrix


def _surest(words: Words, n_labels: int) -> Words:
    """One word for each song and label: the largest."""
    if not len(words.songs):
        return words
    place = words.songs.astype(np.int64) * n_labels + words.labels
    order = np.argsort(place, kind="stable")
    first = np.flatnonzero(np.diff(place[order], prepend=-1))
    kept = order[first]
    return Words(words.songs[kept], words.labels[kept], np.maximum.reduceat(words.weights[order], first))


def _row_max(matrix: Matrix) -> Vector:
    """The largest value of each row, 0 in an empty one; values are not below 0."""
    largest = np.zeros(matrix.shape[0])
    filled = np.flatnonzero(np.diff(matrix.indptr))
    if len(filled):
        largest[filled] = np.maximum.reduceat(matrix.data, matrix.indptr[filled])
    return largest


def _scaled(matrix: Matrix, rows: NDArray[np.bool_]) -> Matrix:
    """The matrix with the marked rows divided by their largest value; a marked row is not empty."""
    factors = np.ones(matrix.shape[0])
    factors[rows] = 1 / _row_max(matrix)[rows]
    return (diags_array(factors) @ matrix).tocsr()


def _without(matrix: Matrix, songs: NDArray[np.integer[Any]], labels: NDArray[np.integer[Any]]) -> Matrix:
    """The matrix with 0 at these places."""
    width = matrix.shape[1]
    row_of = np.repeat(np.arange(matrix.shape[0], dtype=np.int64), np.diff(matrix.indptr))
    struck = np.isin(row_of * width + matrix.indices, songs.astype(np.int64) * width + labels)
    kept = matrix.copy()
    kept.data[struck] = 0
    kept.eliminate_zeros()
    return kept
