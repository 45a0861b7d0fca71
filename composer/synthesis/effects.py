"""What a sound goes through after it was played: rooms, amplifiers, echoes, tape."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import signal
from scipy.ndimage import maximum_filter1d, minimum_filter1d, uniform_filter1d

from . import filters
from .waves import RATE, Signal, noise, samples

Effect = Callable[[Signal], Signal]
"""From a signal of one side or two, (sides, n), to another."""

SPACES: dict[str, tuple[float, float, float]] = {
    # name: time to fall by 60 dB in seconds, share of that above 5 kHz, delay before it begins in seconds
    "booth": (0.35, 0.5, 0.002),
    "room": (0.7, 0.45, 0.008),
    "club": (1.0, 0.35, 0.012),
    "plate": (1.5, 0.7, 0.004),
    "chamber": (1.6, 0.5, 0.018),
    "hall": (2.4, 0.4, 0.028),
    "church": (4.2, 0.35, 0.040),
    "void": (6.5, 0.5, 0.060),
}
"""Rooms by name."""


@lru_cache(maxsize=16)
def _response(space: str) -> Signal:
    """The impulse response of a room, stereo: a few early reflections, then noise that dies faster on top."""
    t60, treble, delay = SPACES[space]
    rng = np.random.default_rng([*space.encode()])
    n = samples(min(t60, 4.5))
    t = np.arange(n) / RATE
    response = np.zeros((2, n))
    edges = (90, 300, 800, 1_800, 3_600, 7_000, 13_000)
    shares = np.interp(np.log(edges[1:]), np.log([300.0, 5_000.0]), [1.0, treble])
    for low, high, share in zip(edges, edges[1:], shares, strict=False):
        band = signal.butter(2, [low, high], "bandpass", fs=RATE, output="sos")
        grain = signal.sosfilt(band, rng.standard_normal((2, n)))
        response += grain * np.exp(-6.9078 * t / (t60 * share))
    # The tail gathers over the first moments, as walls answer walls.
    response *= np.clip(t / (0.01 + 0.012 * t60), 0.0, 1.0) ** 0.5
    early = np.zeros((2, n))
    for reflection in range(10):
        when = samples(delay * 0.3 + (0.004 + 0.022 * min(t60, 2.0)) * (reflection + rng.random()) / 6.0)
        if when < n:
            early[reflection % 2, when] += 0.8 ** (reflection + 1) * (-1.0) ** reflection
    response += early * np.sqrt((response**2).sum() / 2.0) / max(np.sqrt((early**2).sum()), 1e-9) * 0.5
    response = np.pad(response, ((0, 0), (samples(delay), 0)))
    response /= np.sqrt((response**2).sum() / 2.0)
    result: Signal = response.astype(np.float32)
    result.flags.writeable = False
    return result


def reverberate(x: Signal, space: str) -> Signal:
    """The sound of a room alone, for a stereo signal played in it."""
    return filters.convolve(filters.apply(x, "highpass", 140.0), _response(space))


def echo(x: Signal, seconds: float, feedback: float) -> Signal:
    """The repetitions alone of a stereo signal, each duller than the last and on the other side."""
    step = samples(seconds)
    out = np.zeros_like(x)
    repeat = filters.apply(filters.apply(x, "highpass", 250.0), "lowpass", 4_500.0)
    for count in range(1, 9):
        if count * step >= x.shape[1] or feedback**count < 0.02:
            break
        repeat = filters.apply(repeat, "lowpass", 3_800.0)
        pan = 0.75 if count % 2 else 0.25
        gain = feedback ** (count - 1)
        out[0, count * step :] += np.float32(gain * pan) * repeat[0, : -count * step]
        out[1, count * step :] += np.float32(gain * (1.0 - pan)) * repeat[1, : -count * step]
    return out


def _read(x: Signal, place: NDArray[np.float64]) -> Signal:
    """A mono signal at fractional places."""
    below = np.clip(place.astype(np.int64), 0, x.size - 2)
    share = (place - below).astype(np.float32)
    return np.asarray(x[below] * (1.0 - share) + x[below + 1] * share, dtype=np.float32)


def chorus(x: Signal, depth_s: float = 0.0022, rate_hz: float = 0.7, mix: float = 0.5) -> Signal:
    """A signal and copies of it whose delay swings, differently left and right."""
    n = x.shape[1]
    t = np.arange(n, dtype=np.float64)
    x = np.broadcast_to(x, (2, n))
    out = x * np.float32(1.0 - 0.35 * mix)
    for side, phase in ((0, 0.0), (1, 0.25)):
        for voice, speed in enumerate((1.0, 1.31)):
            swing = np.sin(2.0 * np.pi * (rate_hz * speed * t / RATE + phase + 0.37 * voice))
            delayed = _read(x[side], np.maximum(t - RATE * (0.009 + depth_s * (1.0 + swing)), 0.0))
            out[side] += np.float32(0.6 * mix) * delayed
    return out


def rotary(x: Signal, rate_hz: float = 6.2, depth: float = 0.35) -> Signal:
    """A turning loudspeaker: pitch, loudness and side swing together."""
    n = x.shape[1]
    t = np.arange(n, dtype=np.float64)
    mono = x.mean(axis=0)
    turn = 2.0 * np.pi * rate_hz * t / RATE
    out = np.empty((2, n), dtype=np.float32)
    for side, phase in ((0, 0.0), (1, np.pi / 2.0)):
        swing = np.sin(turn + phase)
        moved = _read(mono, np.maximum(t - RATE * 0.0006 * (1.2 + swing), 0.0))
        out[side] = moved * (1.0 - depth * 0.5 * (1.0 + np.cos(turn + phase))).astype(np.float32)
    return out


def tremolo(x: Signal, rate_hz: float, depth: float) -> Signal:
    """Loudness that swings from side to side."""
    t = np.arange(x.shape[1]) / RATE
    swing = np.sin(2.0 * np.pi * rate_hz * t)
    gains = np.stack([1.0 - depth * 0.5 * (1.0 + swing), 1.0 - depth * 0.5 * (1.0 - swing)])
    return np.asarray(x * gains, dtype=np.float32)


def saturate(x: Signal, drive: float) -> Signal:
    """Soft clipping, at twice the rate so that what it adds does not fold back; unit size stays about unit size."""
    double = signal.resample_poly(x, 2, 1, axis=-1)
    bent = np.tanh(double * drive) / np.tanh(drive)
    return np.asarray(signal.resample_poly(bent, 1, 2, axis=-1), dtype=np.float32)


def amplifier(x: Signal, drive: float, brightness: float) -> Signal:
    """A guitar amplifier and its loudspeaker.

    Parameters
    ----------
    x : float32 (sides, n)
        Clean guitar; its sides are heard as one.
    drive : float
        1 just breaks up, 30 sings.
    brightness : float, 0 to 1

    Returns
    -------
    float32 (1, n)
    """
    mono = x.mean(axis=0)
    level = np.float32(np.sqrt(np.mean(mono**2)) * 4.0 + 1e-9)
    sound = filters.apply(mono / level, "highpass", 110.0 if drive > 5.0 else 70.0)
    sound = filters.apply(sound, "peak", 800.0, 0.7, 5.0 if drive > 5.0 else 2.0)
    four = np.asarray(signal.resample_poly(sound, 4, 1, axis=-1), dtype=np.float32)
    # Two unequal stages: the first leans to one side and adds even harmonics.
    first = np.tanh(four * drive + np.float32(0.15)) - np.float32(np.tanh(0.15))
    second = np.tanh(first * np.float32(1.0 + 0.12 * drive))
    sound = np.asarray(signal.resample_poly(second, 1, 4, axis=-1), dtype=np.float32)
    sound = filters.apply(sound, "highpass", 75.0)
    sound = filters.apply(sound, "peak", 120.0, 1.0, 3.0)
    sound = filters.apply(sound, "peak", 420.0, 0.8, -3.5)
    sound = filters.apply(sound, "peak", 2_400.0, 0.9, 2.0 + 4.0 * brightness)
    sound = filters.steep(sound, "lowpass", 4_200.0 + 2_200.0 * brightness)
    return sound[None]


def crush(x: Signal, bits: int, every: int) -> Signal:
    """Few bits, and each `every`-th sample held: an old sampler."""
    held = np.repeat(x[:, ::every], every, axis=1)[:, : x.shape[1]]
    steps = np.float32(2 ** (bits - 1))
    return np.asarray(np.round(held * steps) / steps, dtype=np.float32)


def wow(x: Signal, depth_s: float, rng: np.random.Generator) -> Signal:
    """Speed that is not quite steady, as of tape or an old record."""
    t = np.arange(x.shape[1], dtype=np.float64)
    slow, fast = rng.uniform(0.4, 0.7), rng.uniform(4.0, 6.0)
    swing = np.sin(2.0 * np.pi * slow * t / RATE) + 0.08 * np.sin(2.0 * np.pi * fast * t / RATE)
    place = np.maximum(t - RATE * depth_s * (1.1 + swing), 0.0)
    return np.stack([_read(side, place) for side in x])


def crackle(n: int, rng: np.random.Generator) -> Signal:
    """Dust and hiss of a record, stereo (2, n), of about -20 dB at its peaks."""
    clicks = np.zeros((2, n), dtype=np.float32)
    count = rng.poisson(n / RATE * 9.0)
    places = rng.integers(0, n, count)
    clicks[rng.integers(0, 2, count), places] = rng.exponential(0.5, count).astype(np.float32)
    clicks = filters.apply(filters.apply(clicks, "bandpass", 2_600.0, 0.6), "lowpass", 6_500.0)
    hiss = np.stack([noise(n, rng), noise(n, rng)]) * np.float32(0.010)
    return clicks * np.float32(0.5) + filters.apply(hiss, "bandpass", 1_800.0, 0.25)


def _level(x: Signal, window_s: float) -> Signal:
    """Root mean square over a moving window, of both sides together, (n,)."""
    power = uniform_filter1d(np.mean(x**2, axis=0), samples(window_s))
    level: Signal = np.sqrt(np.maximum(power, 1e-12), dtype=np.float32)
    return level


def compress(x: Signal, threshold_db: float, ratio: float, window_s: float = 0.03) -> Signal:
    """A stereo signal whose loud moments are held back."""
    over = 20.0 * np.log10(_level(x, window_s)) - threshold_db
    gain_db = -np.maximum(over, 0.0) * (1.0 - 1.0 / ratio)
    return np.asarray(x * 10.0 ** (gain_db / 20.0), dtype=np.float32)


def limit(x: Signal, ceiling: float, window_s: float = 0.006) -> Signal:
    """A stereo signal that never passes `ceiling`, held back shortly before and after each peak."""
    window = samples(window_s)
    peak = maximum_filter1d(np.abs(x).max(axis=0), 2 * window + 1)
    gain = np.minimum(1.0, ceiling / np.maximum(peak, 1e-9))
    # The mean of minima over the same window is never above the minimum at its middle.
    smooth = uniform_filter1d(minimum_filter1d(gain, window), window)
    return np.asarray(np.clip(x * smooth, -ceiling, ceiling), dtype=np.float32)
