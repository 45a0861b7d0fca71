"""Recordings of less than the whole band: what their files leave out above is made up from what lies below it.

Files at 8 or 11 kHz, and compressed ones of few bits, end abruptly somewhere below the highest band, with nothing at
all above. Published networks have heard nothing of the kind, and take that for something else than music. So the
missing bands get a fainter copy of the highest ones that are there, as spectral band replication does [1]_: with each
at the level that music has there on average, networks predict nearly what they do for the whole band.

References
----------
.. [1] M. Dietz, L. Liljeryd, K. Kjorling, O. Kunz, "Spectral band replication, a novel approach in audio coding", AES
   Convention 112 (2002).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# From one band to three further up, no instrument falls by so much with nothing louder above.
_ABRUPT_DB, _WITHIN_BANDS = 25.0, 3
# Below this band nothing ends: music of nothing but bass may have no more.
_LOWEST = 30
# So many bands are copied, again and again, a band being fainter than the one below it by so much.
_COPIED, _FALL_DB = 12, 0.45
_SMALLEST_POWER = 1e-10


def first_missing(mel: NDArray[np.float32]) -> int | None:
    """The lowest band that a recording is without, and all above it; None where it has the whole band.

    Parameters
    ----------
    mel : float32, shape (..., n_bands, n_frames)
        Power mel spectrograms, not scaled.
    """
    others = tuple(axis for axis in range(mel.ndim) if axis != mel.ndim - 2)
    level = 10 * np.log10(np.maximum(mel.mean(axis=others), _SMALLEST_POWER))
    loudest_from = np.maximum.accumulate(level[::-1])[::-1]
    falls = level[_LOWEST - _WITHIN_BANDS : -_WITHIN_BANDS] - loudest_from[_LOWEST:]
    # The highest two bands are where resampling ends.
    abrupt = np.flatnonzero(falls[:-2] >= _ABRUPT_DB)
    return int(abrupt[0]) + _LOWEST - _WITHIN_BANDS + 1 if abrupt.size else None


def widened(mel: NDArray[np.float32]) -> NDArray[np.float32]:
    """Power mel spectrograms with the bands that the recording is without; the same where it has all.

    Parameters
    ----------
    mel : float32, shape (..., n_bands, n_frames)
        Of one recording, not scaled.

    Returns
    -------
    float32, the same shape
    """
    if (first := first_missing(mel)) is None:
        return mel
    bands = np.arange(first, mel.shape[-2])
    copied = first - 1 - (bands - first) % _COPIED
    fall = 10.0 ** (-_FALL_DB / 10.0 * (bands - copied))
    whole = mel.copy()
    whole[..., bands, :] = mel[..., copied, :] * fall.astype(np.float32)[:, np.newaxis]
    return whole
