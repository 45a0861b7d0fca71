"""Small tools for arrays that are compressed by rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def ranges(begins: NDArray[np.integer[Any]], ends: NDArray[np.integer[Any]]) -> NDArray[np.intp]:
    """The numbers of several ranges, one range after another.

    Parameters
    ----------
    begins, ends : int, shape (n_ranges,)
        The first number of each range, and one past its last.

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
