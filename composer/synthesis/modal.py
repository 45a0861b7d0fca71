"""Things that are struck and ring: sums of decaying sinusoids."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .waves import RATE, Signal


def ring(hz: ArrayLike, t60_s: ArrayLike, amplitudes: ArrayLike, phases: ArrayLike, n: int) -> Signal:
    """A sum of decaying sinusoids.

    The powers of each mode's complex multiplier are split into a coarse and a fine part, so that the whole bank is
    one product of two small matrices in place of a sine and an exponential for every mode and sample.

    Parameters
    ----------
    hz, t60_s, amplitudes, phases : float (modes,)
        Frequency, time to fall by 60 dB in seconds, size, and phase in radians; modes above 20 kHz are left out.
    n : int
        Samples.

    Returns
    -------
    float32 (n,)
    """
    f, t60, size, phase = np.broadcast_arrays(
        *(np.atleast_1d(np.asarray(value, dtype=np.float64)) for value in (hz, t60_s, amplitudes, phases))
    )
    heard = f < 20_000.0
    rate = (-6.9078 / t60[heard] + 2j * np.pi * f[heard]) / RATE
    step = max(1, int(np.sqrt(n)))
    blocks = -(-n // step)
    coarse = np.exp(np.outer(np.arange(blocks) * step, rate) + 1j * phase[heard]) * size[heard]
    fine = np.exp(np.outer(rate, np.arange(step)))
    left = np.concatenate([coarse.real, -coarse.imag], axis=1).astype(np.float32)
    right = np.concatenate([fine.real, fine.imag], axis=0).astype(np.float32)
    return (left @ right).reshape(-1)[:n]


def string_modes(hz: float, count: int, stiffness: float) -> NDArray[np.float64]:
    """Frequencies of a stiff string's partials, float64 (count,)."""
    k = np.arange(1, count + 1)
    return np.asarray(hz * k * np.sqrt(1.0 + stiffness * k**2))


def bar(
    hz: float, ratios: Sequence[float], sizes: Sequence[float], t60_s: Sequence[float], n: int, hardness: float
) -> Signal:
    """A struck bar or bell.

    Parameters
    ----------
    ratios, sizes, t60_s : float, one a mode
        Frequencies relative to `hz`, amplitudes, decays in seconds.
    hardness : float, 0 to 1
        Of the mallet: how much of the upper modes it wakes.
    """
    size = np.asarray(sizes) * (0.25 + 0.75 * hardness) ** np.arange(len(sizes))
    return ring(hz * np.asarray(ratios), t60_s, size, 0.0, n)
