"""Reliability: how often what is predicted with some probability is true, counted and drawn."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_SIDE, _MARGIN = 320, 48
_COLOUR, _GREY = "#2563eb", "#999"


class Bin(NamedTuple):
    """The predictions whose probability lies in one interval.

    `n` is how many there are, `confidence` the mean of their probabilities, `accuracy` the part of them that is true;
    both are 0 where there are none.
    """

    n: int
    confidence: float
    accuracy: float


def reliability_bins(probabilities: NDArray[np.floating], true: NDArray[np.bool_], n_bins: int = 15) -> list[Bin]:
    """Confidence and accuracy in intervals of equal width [1]_.

    Parameters
    ----------
    probabilities : float, shape (n,)
    true : bool, shape (n,)
        What came of each prediction.
    n_bins : int

    Returns
    -------
    list of Bin
        From the least sure to the surest.

    References
    ----------
    .. [1] C. Guo, G. Pleiss, Y. Sun, K. Weinberger, "On calibration of modern neural networks", ICML 2017.
    """
    bins = np.minimum((probabilities * n_bins).astype(np.int64), n_bins - 1)
    counts = np.bincount(bins, minlength=n_bins)
    means = [np.bincount(bins, weights=w, minlength=n_bins) / np.maximum(counts, 1) for w in (probabilities, true)]
    return [Bin(int(n), float(sure), float(share)) for n, sure, share in zip(counts, *means, strict=True)]


def expected_calibration_error(probabilities: NDArray[np.floating], true: NDArray[np.bool_], n_bins: int = 15) -> float:
    """Mean distance between confidence and accuracy, each of `reliability_bins` weighted by its size: in [0, 1]."""
    bins = reliability_bins(probabilities, true, n_bins)
    return sum(one.n * abs(one.confidence - one.accuracy) for one in bins) / len(true)


def reliability_diagram(
    probabilities: NDArray[np.floating], true: NDArray[np.bool_], what: str, title: str, sure: str
) -> str:
    """Accuracy over confidence as SVG: a dot an interval, the larger the more is in it, on the diagonal where honest.

    Parameters
    ----------
    probabilities : float, shape (n,), n at least 1
    true : bool, shape (n,)
    what : str
        What is counted: "faces".
    title : str
        What stands over the drawing, before how many there are and the calibration error.
    sure : str
        What the axis of probabilities is called.
    """
    bins = [one for one in reliability_bins(probabilities, true) if one.n]
    largest = max(one.n for one in bins)
    points = [(_SIDE * one.confidence, _SIDE * (1 - one.accuracy)) for one in bins]
    grid = "".join(
        f'<path d="M0 {_SIDE * share:.1f}H{_SIDE}M{_SIDE * share:.1f} 0V{_SIDE}" stroke="#ddd"/>'
        f'<text x="-6" y="{_SIDE * (1 - share) + 4:.1f}" text-anchor="end">{share:g}</text>'
        f'<text x="{_SIDE * share:.1f}" y="{_SIDE + 18}" text-anchor="middle">{share:g}</text>'
        for share in (0, 0.25, 0.5, 0.75, 1)
    )
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{3 + 9 * (one.n / largest) ** 0.5:.1f}" fill="{_COLOUR}" '
        f'fill-opacity="0.6">'
        f"<title>{one.n} {what}: sure {one.confidence:.3f}, right {one.accuracy:.3f}</title></circle>"
        for (x, y), one in zip(points, bins, strict=True)
    )
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    error = expected_calibration_error(probabilities, true)
    whole = _SIDE + 2 * _MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {whole} {whole}" '
        f'font-family="sans-serif" font-size="13">'
        f'<rect width="100%" height="100%" fill="#fff"/><g transform="translate({_MARGIN} {_MARGIN})">'
        f'<text y="-16" font-weight="bold">{title}: {len(true)} {what}, error {error:.2%}</text>'
        f'{grid}<path d="M0 {_SIDE}L{_SIDE} 0" stroke="{_GREY}" stroke-dasharray="4 4"/>'
        f'<polyline points="{line}" fill="none" stroke="{_COLOUR}" stroke-width="2"/>{dots}'
        f'<text x="{_SIDE / 2}" y="{_SIDE + 38}" text-anchor="middle">{sure}</text></g></svg>\n'
    )
