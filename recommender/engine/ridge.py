"""Ridge regression of many targets at once on sparse features."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .interface import Matrix, Progress, Vector, no_progress

_MOST_STEPS = 100
_TOLERANCE = 1e-4


def ridge(features: Matrix, targets: Vector, regularization: float, progress: Progress = no_progress) -> Vector:
    """The coefficients B that minimize the sum of |x B - y|^2 + regularization |B|^2.

    The normal equations are solved by conjugate gradients (M. Hestenes, E. Stiefel: Methods of conjugate gradients
    for solving linear systems, 1952) for all targets at once, so that features are read once per step.

    Parameters
    ----------
    features : csr_array, shape (n, d)
    targets : float64, shape (n, m)
    regularization : float, above 0

    Returns
    -------
    float64, shape (d, m)

    Raises
    ------
    ValueError
        If `regularization` is not above 0, or the shapes do not fit.
    """
    if not regularization > 0:
        raise ValueError(f"regularization must be above 0, not {regularization}")
    if targets.shape[0] != features.shape[0]:
        raise ValueError(f"{features.shape[0]} rows, targets of {targets.shape[0]}")
    across = features.T.tocsr()
    residual = np.asarray(across @ targets)
    coefficients = np.zeros_like(residual)
    direction = residual.copy()
    length = np.einsum("ij,ij->j", residual, residual)
    small_enough = _TOLERANCE**2 * length
    for _ in range(_MOST_STEPS):
        if (length <= small_enough).all():
            break
        progress("latent factors")
        image = across @ (features @ direction) + regularization * direction
        along = np.einsum("ij,ij->j", direction, image)
        step = np.divide(length, along, out=np.zeros_like(length), where=along > 0)
        coefficients += step * direction
        residual -= step * image
        before, length = length, np.einsum("ij,ij->j", residual, residual)
        direction = residual + np.divide(length, before, out=np.zeros_like(length), where=before > 0) * direction
    return coefficients


def leave_out_error(
    features: Matrix, targets: Vector, regularization: float, groups: NDArray[np.integer[Any]]
) -> float:
    """The squared error of `ridge` on each group of rows when fitted to the others, summed over groups and targets.

    In closed form: with H the matrix that maps targets to predictions, a group's errors are (1 - H_gg)^-1 of its
    residuals (R. Cook, S. Weisberg: Residuals and influence in regression, 1982).

    Parameters
    ----------
    features : csr_array, shape (n, d)
    targets : float64, shape (n, m)
    regularization : float, above 0
    groups : int, shape (n,)
        Rows of one number are left out together.
    """
    gram = np.asarray((features @ features.T).toarray())
    smoothing = np.linalg.solve(gram + regularization * np.eye(len(gram)), gram)
    residuals = targets - smoothing @ targets
    total = 0.0
    for group in np.unique(groups):
        rows = np.flatnonzero(groups == group)
        errors = np.linalg.solve(np.eye(len(rows)) - smoothing[np.ix_(rows, rows)], residuals[rows])
        total += float((errors**2).sum())
    return total
