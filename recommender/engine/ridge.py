"""Ridge regression of many targets at once on sparse features."""

from __future__ import annotations

import numpy as np

from .interface import Matrix, Progress, Vector, no_progress

_MOST_STEPS = 100
_TOLERANCE = 1e-4


def ridge(
    features: Matrix, targets: Vector, weights: Vector, regularization: float, progress: Progress = no_progress
) -> Vector:
    """The coefficients B that minimize the sum of w |x B - y|^2 + regularization |B|^2.

    The normal equations are solved by conjugate gradients (M. Hestenes, E. Stiefel: Methods of conjugate gradients
    for solving linear systems, 1952) for all targets at once, so that features are read once per step.

    Parameters
    ----------
    features : csr_array, shape (n, d)
    targets : float64, shape (n, m)
    weights : float64, shape (n,)
        Weight of each row, at least 0.
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
    if targets.shape[0] != features.shape[0] or weights.shape != (features.shape[0],):
        raise ValueError(f"{features.shape[0]} rows, targets of {targets.shape[0]}, weights of {weights.shape}")
    weighted = weights[:, np.newaxis]
    across = features.T.tocsr()
    residual = np.asarray(across @ (weighted * targets))
    coefficients = np.zeros_like(residual)
    direction = residual.copy()
    length = np.einsum("ij,ij->j", residual, residual)
    small_enough = _TOLERANCE**2 * length
    for _ in range(_MOST_STEPS):
        if (length <= small_enough).all():
            break
        progress("latent factors")
        image = across @ (weighted * (features @ direction)) + regularization * direction
        along = np.einsum("ij,ij->j", direction, image)
        step = np.divide(length, along, out=np.zeros_like(length), where=along > 0)
        coefficients += step * direction
        residual -= step * image
        before, length = length, np.einsum("ij,ij->j", residual, residual)
        direction = residual + np.divide(length, before, out=np.zeros_like(length), where=before > 0) * direction
    return coefficients
