"""Plucked strings after Karplus and Strong."""

import numpy as np

from . import filters
from .waves import RATE, Signal, noise, samples


def pluck(
    hz: float,
    seconds: float,
    brightness: float,
    damping: float,
    t60_s: float,
    position: float,
    rng: np.random.Generator,
) -> Signal:
    """A plucked string.

    The loop's filter is a symmetric average convolved with the linear interpolation that tunes the string. The
    average is as wide as keeps the variance of the two together independent of where the pitch falls between two
    samples, so that strings of neighbouring pitches are equally bright.

    Parameters
    ----------
    hz : float
        Pitch, below a quarter of the sampling rate.
    seconds : float
        Length of the sound.
    brightness : float, 0 to 1
        Of the pluck: a thumb's flesh is 0, a pick's edge 1.
    damping : float
        Loss of the upper partials of a string at 110 Hz: 0.3 is new steel, 1 nylon, 3 gut with a palm on it. Higher
        strings are thinner and lose less.
    t60_s : float
        Time for the fundamental to fall by 60 dB.
    position : float
        Where the string is plucked, as a share of its length.

    Returns
    -------
    float32 (n,), of about unit size at the start

    References
    ----------
    K. Karplus and A. Strong, "Digital synthesis of plucked-string and drum timbres", Computer Music Journal 7(2), 1983.
    """
    n = samples(seconds)
    variance = max(0.25, damping * (110.0 / hz) ** 0.8)
    # Three taps stay below unit gain up to a variance of a half; wider averages are several of them in a row.
    rows = max(1, int(np.ceil(2.0 * variance)))
    period = RATE / hz
    whole = int(period - rows)
    part = period - rows - whole
    width = (variance - part * (1.0 - part)) / (2.0 * rows)
    gain = 10.0 ** (-3.0 / (t60_s * hz))
    taps = np.asarray([1.0 - part, part]) * gain
    for _ in range(rows):
        taps = np.convolve(taps, [width, 1.0 - 2.0 * width, width])
    taps = taps.astype(np.float32)

    burst = noise(whole + 1, rng)
    burst -= burst.mean()
    # A string pulled aside is a triangle; the noise is the roughness of the finger.
    shape = np.minimum(np.arange(whole + 1) / max(position * whole, 1.0), 1.0) - np.arange(whole + 1) / whole
    burst = (0.35 + 0.65 * brightness) * burst + (1.3 - brightness) * (shape - shape.mean()) * 3.0
    burst = filters.apply(np.tile(burst, 3), "lowpass", 700.0 + 11_000.0 * brightness**1.5)[whole + 1 : 2 * (whole + 1)]
    gap = max(1, round(position * whole))
    burst = burst - np.roll(burst, gap) * 0.9
    burst = (burst / (np.abs(burst).max() + 1e-9)).astype(np.float32)

    lead = taps.size - 1
    out = np.zeros(n + lead + whole + 1, dtype=np.float32)
    start = lead + burst.size
    out[lead:start] = burst
    while start < out.size:
        stop = min(start + whole, out.size)
        out[start:stop] = np.convolve(out[start - whole - lead : stop - whole], taps, mode="valid")
        start = stop
    sound = out[lead : lead + n]
    edge = min(24, n)
    sound[:edge] *= np.linspace(0.0, 1.0, edge, dtype=np.float32)
    return sound


def bend(x: Signal, semitones: np.ndarray) -> Signal:
    """A sound whose pitch is moved over time by reading it faster or slower.

    Parameters
    ----------
    x : float32 (n,)
    semitones : float (m,)
        The shift at each sample of the result; the result ends with the sound, if that comes first.
    """
    place = np.cumsum(2.0 ** (semitones / 12.0)) - 1.0
    place = place[place < x.size - 1]
    below = place.astype(np.int64)
    share = (place - below).astype(np.float32)
    return np.asarray(x[below] * (1.0 - share) + x[below + 1] * share, dtype=np.float32)
