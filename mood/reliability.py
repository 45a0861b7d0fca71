"""Reliability of an expression network: how often it is right when it is so sure."""

import numpy as np
from numpy.typing import NDArray

from catalog import reliability


def expected_calibration_error(
    probabilities: NDArray[np.floating], labels: NDArray[np.integer], n_bins: int = 15
) -> float:
    """Mean distance between the largest probability and how often that class is the true one: in [0, 1].

    Parameters
    ----------
    probabilities : float, shape (n, n_classes)
    labels : int, shape (n,)
    n_bins : int
        Intervals that it is taken over.
    """
    return reliability.expected_calibration_error(*_likeliest(probabilities, labels), n_bins)


def reliability_diagram(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> str:
    """How often the likeliest class is the true one over its probability, as SVG.

    Parameters
    ----------
    probabilities : float, shape (n, n_classes)
    labels : int, shape (n,)
    """
    sure, right = _likeliest(probabilities, labels)
    return reliability.reliability_diagram(
        sure, right, what="faces", title="How often right, by how sure", sure="largest probability"
    )


def _likeliest(
    probabilities: NDArray[np.floating], labels: NDArray[np.integer]
) -> tuple[NDArray[np.floating], NDArray[np.bool_]]:
    return probabilities.max(1), np.asarray(probabilities.argmax(1) == labels)
