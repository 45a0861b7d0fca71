"""Filters: second-order sections from the Audio EQ Cookbook, steady and swept."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft, signal

from .waves import RATE, Signal

Coefficients = tuple[NDArray[np.float64], NDArray[np.float64]]


@lru_cache(maxsize=4096)
def biquad(kind: str, hz: float, q: float = 0.7071, gain_db: float = 0.0) -> Coefficients:
    """Numerator and denominator of a second-order filter.

    Parameters
    ----------
    kind : str
        "lowpass", "highpass", "bandpass" (0 dB at its centre), "peak", "lowshelf" or "highshelf".
    hz : float
        Corner or centre.
    q : float
        Resonance.
    gain_db : float
        Of "peak" and the shelves.

    References
    ----------
    R. Bristow-Johnson, "Cookbook formulae for audio equalizer biquad filter coefficients".
    """
    w = 2.0 * np.pi * min(hz, 0.49 * RATE) / RATE
    cos, alpha = np.cos(w), np.sin(w) / (2.0 * q)
    gain = 10.0 ** (gain_db / 40.0)
    match kind:
        case "lowpass":
            b = [(1 - cos) / 2, 1 - cos, (1 - cos) / 2]
            a = [1 + alpha, -2 * cos, 1 - alpha]
        case "highpass":
            b = [(1 + cos) / 2, -(1 + cos), (1 + cos) / 2]
            a = [1 + alpha, -2 * cos, 1 - alpha]
        case "bandpass":
            b = [alpha, 0.0, -alpha]
            a = [1 + alpha, -2 * cos, 1 - alpha]
        case "peak":
            b = [1 + alpha * gain, -2 * cos, 1 - alpha * gain]
            a = [1 + alpha / gain, -2 * cos, 1 - alpha / gain]
        case "lowshelf" | "highshelf":
            sign = 1.0 if kind == "lowshelf" else -1.0
            root = 2.0 * np.sqrt(gain) * alpha
            b = [
                gain * (gain + 1 - sign * (gain - 1) * cos + root),
                sign * 2 * gain * (gain - 1 - sign * (gain + 1) * cos),
                gain * (gain + 1 - sign * (gain - 1) * cos - root),
            ]
            a = [
                gain + 1 + sign * (gain - 1) * cos + root,
                -sign * 2 * (gain - 1 + sign * (gain + 1) * cos),
                gain + 1 + sign * (gain - 1) * cos - root,
            ]
        case _:
            raise ValueError(f"no filter is called {kind}")
    return np.asarray(b) / a[0], np.asarray(a) / a[0]


def apply(x: Signal, kind: str, hz: float, q: float = 0.7071, gain_db: float = 0.0) -> Signal:
    """A signal, mono or stereo, through one second-order filter."""
    b, a = biquad(kind, hz, q, gain_db)
    return np.asarray(signal.lfilter(b, a, x), dtype=np.float32)


def steep(x: Signal, kind: str, hz: float) -> Signal:
    """A signal through a fourth-order Butterworth "lowpass" or "highpass"."""
    return apply(apply(x, kind, hz, 0.5412), kind, hz, 1.3066)


def sweep(x: Signal, hz: NDArray[np.float64], q: float, block: int = 96) -> Signal:
    """A mono signal through a resonant low-pass filter whose corner moves.

    Parameters
    ----------
    x : float32 (n,)
    hz : float64 (n,)
        The corner at each sample; it is read once a block.
    q : float
    """
    # A fiftieth of an octave is finer than the ear; blocks whose corner is the same are filtered in one go.
    fiftieths = np.round(50.0 * np.log2(np.maximum(hz[::block], 20.0))).astype(int)
    moves = np.flatnonzero(np.diff(fiftieths)) + 1
    out = np.empty_like(x)
    state = np.zeros(2)
    edges = [0, *(moves * block).tolist(), x.size]
    for start, stop, step in zip(edges, edges[1:], fiftieths[[0, *moves]].tolist(), strict=False):
        b, a = biquad("lowpass", 2.0 ** (step / 50.0), q)
        out[start:stop], state = signal.lfilter(b, a, x[start:stop], zi=state)
    return out


def convolve(x: Signal, response: Signal) -> Signal:
    """A signal through a finite impulse response, cut to the signal's length; rows answer to rows."""
    n = x.shape[-1]
    size = fft.next_fast_len(n + response.shape[-1] - 1, real=True)
    product = fft.rfft(x, size) * fft.rfft(response, size)
    return np.ascontiguousarray(fft.irfft(product, size)[..., :n], dtype=np.float32)
