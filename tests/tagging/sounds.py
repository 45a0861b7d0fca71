"""Synthetic embeddings of songs, in which a few traits of music are spread over all dimensions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

N_TRAITS = 8
DIMENSIONS = 256


@dataclass(frozen=True)
class Sounds:
    """Songs.

    Attributes
    ----------
    embeddings : float32, shape (n, 256)
        At least 0, as a rectifier leaves them, and as half precision holds them.
    traits : float64, shape (n, 8)
        How much a song has of each trait; 0 on average.
    """

    embeddings: NDArray[np.float32]
    traits: NDArray[np.float64]


@cache
def make_sounds(n: int, seed: int = 0) -> Sounds:
    """So many songs; whatever the seed, a trait sounds alike."""
    rng = np.random.default_rng([5, seed])
    traits = rng.normal(size=(n, N_TRAITS))
    spread = np.random.default_rng(1).normal(size=(N_TRAITS, DIMENSIONS))
    predicted = traits @ spread + rng.normal(0.0, 1.0, (n, DIMENSIONS))
    return Sounds(np.maximum(predicted, 0.0).astype(np.float16).astype(np.float32), traits)
