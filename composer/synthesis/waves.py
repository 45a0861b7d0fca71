"""Oscillators and noise."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

RATE = 44_100
"""Samples a second, everywhere in the generator."""

Signal = NDArray[np.float32]
Voice = Callable[[float, float, float, np.random.Generator], Signal]
"""A note: MIDI pitch, seconds held, velocity from 0 to 1, and a source of chance give a mono signal."""

_TABLE = 1 << 14
# Harmonics above this are left out, so that none folds back below 20 kHz; few hear the last half octave.
_HIGHEST_HZ = 17_000.0
_HARMONICS = (1, 2, 3, 4, 6, 8, 11, 16, 22, 32, 45, 64, 90, 128, 180, 256, 360, 512)


def hertz(pitch: float) -> float:
    """The frequency of a MIDI pitch in equal temperament, A4 = 440 Hz."""
    return float(440.0 * 2.0 ** ((pitch - 69.0) / 12.0))


def samples(seconds: float) -> int:
    """The number of samples of a duration, at least 1."""
    return max(1, round(seconds * RATE))


def noise(n: int, rng: np.random.Generator) -> Signal:
    """White noise of standard deviation 1, shape (n,)."""
    return rng.standard_normal(n, dtype=np.float32)


def _spectrum(shape: str, count: int) -> NDArray[np.float64]:
    """Amplitudes of the first `count` harmonics."""
    k = np.arange(1, count + 1, dtype=np.float64)
    match shape:
        case "sine":
            return np.where(k == 1, 1.0, 0.0)
        case "saw":
            return 1.0 / k
        case "square":
            return np.where(k % 2 == 1, 1.0 / k, 0.0)
        case "triangle":
            return np.where(k % 2 == 1, 1.0 / k**2, 0.0)
        case "string":  # a bowed string after its bridge: rougher than a saw, weaker on top
            return (1.0 / k) * (1.0 + 0.35 * np.cos(2.1 * k)) / (1.0 + (k / 24.0) ** 2)
        case "glottis":
            return 1.0 / (k**1.3 * (1.0 + (k / 40.0) ** 2))
        case "reed":
            return (0.55 + 0.45 * np.cos(0.9 * k)) / k**0.75 / (1.0 + (k / 14.0) ** 2)
        case "clarinet":
            return np.where(k % 2 == 1, 1.0, 0.18) / k**1.1 / (1.0 + (k / 9.0) ** 2)
        case "flute":
            return (
                np.asarray([1.0, 0.42, 0.16, 0.06, 0.035, 0.02, 0.012, 0.008])[:count]
                if count < 8
                else np.pad([1.0, 0.42, 0.16, 0.06, 0.035, 0.02, 0.012, 0.008], (0, count - 8))
            )
        case "brass":
            return k**0.15 / (1.0 + (k / 6.5) ** 2.4)
        case "sax":
            return (0.7 + 0.3 * np.cos(1.7 * k)) / k**0.55 / (1.0 + (k / 12.0) ** 2.2)
        case "principal":
            return np.pad([1.0, 0.5, 0.28, 0.17, 0.1, 0.07, 0.045, 0.03], (0, max(0, count - 8)))[:count]
        case "stopped":
            return np.pad([1.0, 0.02, 0.22, 0.01, 0.06, 0.0, 0.02, 0.0], (0, max(0, count - 8)))[:count]
    if shape.startswith("drawbars "):
        return _drawbars(shape.removeprefix("drawbars "), count)
    if shape.startswith("pulse "):
        width = float(shape.removeprefix("pulse "))
        return np.abs(np.sin(np.pi * k * width)) / k
    raise ValueError(f"no wave is called {shape}")


def _drawbars(registration: str, count: int) -> NDArray[np.float64]:
    """Nine drawbars, 0 to 8, of a tonewheel organ; the table's first harmonic is the 16' drawbar's."""
    amplitudes = np.zeros(max(count, 16))
    for harmonic, drawn in zip((1, 3, 2, 4, 6, 8, 10, 12, 16), registration, strict=True):
        if drawn != "0":
            amplitudes[harmonic - 1] = 10.0 ** ((int(drawn) - 8) * 3.0 / 20.0)
    return amplitudes[:count]


@lru_cache(maxsize=512)
def _table(shape: str, count: int) -> Signal:
    """One period of a wave of at most `count` harmonics, its largest value 1."""
    spectrum = np.zeros(_TABLE // 2 + 1, dtype=np.complex128)
    amplitudes = _spectrum(shape, count)
    phases = np.ones(count, dtype=np.complex128) * -1j
    if shape == "triangle":
        phases *= np.where(np.arange(count) % 4 == 2, -1.0, 1.0)
    elif shape.startswith("pulse "):
        width = float(shape.removeprefix("pulse "))
        k = np.arange(1, count + 1)
        phases = np.exp(-1j * np.pi * k * width) * np.sign(np.sin(np.pi * k * width))
    spectrum[1 : count + 1] = amplitudes * phases
    wave = np.fft.irfft(spectrum, _TABLE)
    table: Signal = (wave / np.abs(wave).max()).astype(np.float32)
    table.flags.writeable = False
    return table


def oscillator(shape: str, hz: float | NDArray[np.float64], n: int, phase: float = 0.0) -> Signal:
    """A band-limited periodic wave.

    Parameters
    ----------
    shape : str
        "sine", "saw", "square", "triangle", "pulse W" of width W, "string", "glottis", "reed", "clarinet", "flute",
        "brass", "sax", "principal", "stopped", or "drawbars NNNNNNNNN".
    hz : float, or float64 (n,)
        Frequency, constant or at each sample.
    n : int
        Samples.
    phase : float
        Where in its period the wave starts, in periods.

    Returns
    -------
    float32 (n,), at most 1 in size
    """
    if isinstance(hz, np.ndarray):
        periods = np.cumsum(hz) / RATE
        highest = float(hz.max())
    else:
        periods = np.arange(n, dtype=np.float64) * (hz / RATE)
        highest = hz
    table = _table(shape, _harmonics_below(highest))
    index = ((periods + phase) * _TABLE).astype(np.int64)
    index &= _TABLE - 1
    return table[index]


def _harmonics_below(hz: float) -> int:
    most = _HIGHEST_HZ / max(hz, 1.0)
    return max((count for count in _HARMONICS if count <= most), default=1)


def vibrato(hz: float, n: int, cents: float, rate_hz: float, onset_s: float, phase: float = 0.0) -> NDArray[np.float64]:
    """A frequency that begins to swing after `onset_s`, float64 (n,)."""
    swing = oscillator("sine", rate_hz, n, phase).astype(np.float64)
    late = samples(onset_s)
    swing[:late] = 0.0
    growth = swing[late : late + samples(max(onset_s, 0.15))]
    growth *= np.linspace(0.0, 1.0, growth.size)
    # To first order in the depth: a tenth of a cent at a quarter of a semitone.
    swing *= hz * np.log(2.0) * cents / 1_200.0
    swing += hz
    return swing


def ensemble(shape: str, hz: float, n: int, voices: int, cents: float, rng: np.random.Generator) -> Signal:
    """Several players of one note, each slightly out of tune with the others, float32 (n,) of about unit size."""
    total = np.zeros(n, dtype=np.float32)
    spread = np.linspace(-cents, cents, voices) + rng.uniform(-0.15, 0.15, voices) * cents
    for detune in spread:
        total += oscillator(shape, hz * 2.0 ** (detune / 1200.0), n, float(rng.random()))
    return total / np.float32(np.sqrt(voices))
