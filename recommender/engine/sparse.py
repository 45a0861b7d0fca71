"""Helpers for CSR arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from .interface import PlayMatrix


def ranges(begins: NDArray[np.integer[Any]], ends: NDArray[np.integer[Any]]) -> NDArray[np.intp]:
    """Concatenate several integer ranges.

    Parameters
    ----------
    begins, ends : int, shape (n_ranges,)
        Start of each range, and one past its end.

    Examples
    --------
    >>> ranges(np.array([3, 7]), np.array([5, 8]))
    array([3, 4, 7])
    """
    lengths = np.asarray(ends - begins, dtype=np.intp)
    before = np.cumsum(lengths) - lengths
    numbers: NDArray[np.intp] = np.arange(lengths.sum()) + np.repeat(
        np.asarray(begins, dtype=np.intp) - before, lengths
    )
    return numbers


def only_stored(played: PlayMatrix, kept: NDArray[np.bool_]) -> PlayMatrix:
    """A matrix with only the marked ones of the stored values.

    Parameters
    ----------
    played : csr_array, shape (n_rows, n_songs)
    kept : bool, shape (nnz,)
        In the order of `played.data`.
    """
    before = np.concatenate([[0], np.cumsum(kept)])
    indptr = before[played.indptr].astype(played.indptr.dtype)
    return csr_array((played.data[kept], played.indices[kept], indptr), shape=played.shape)
