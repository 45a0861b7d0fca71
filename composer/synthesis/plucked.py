"""Plucked strings."""

import numpy as np

from . import filters
from .envelopes import damped, decay
from .strings import bend, pluck
from .waves import RATE, Signal, Voice, hertz, noise, samples


def string(
    brightness: float, damping: float, t60_s: float, position: float, release_s: float = 0.12, longest_s: float = 5.0
) -> Voice:
    """A string under a finger or a pick; the parameters are those of `strings.pluck` at the pitch A2."""

    def voice(pitch: float, seconds: float, velocity: float, rng: np.random.Generator) -> Signal:
        hz = hertz(pitch)
        t60 = t60_s * (110.0 / hz) ** 0.35
        bright = float(np.clip(brightness * (0.55 + 0.6 * velocity), 0.0, 1.0))
        sound = pluck(hz, min(seconds + release_s, longest_s), bright, damping, t60, position, rng)
        return damped(sound, seconds, release_s) * np.float32(velocity**1.2)

    return voice


def guitar_body(x: Signal) -> Signal:
    """The box of an acoustic guitar: its air at 100 Hz, its top at 200."""
    x = filters.apply(x, "peak", 102.0, 2.2, 5.0)
    x = filters.apply(x, "peak", 205.0, 2.0, 4.0)
    x = filters.apply(x, "peak", 410.0, 1.6, -2.5)
    x = filters.apply(x, "highpass", 70.0)
    return filters.apply(x, "highshelf", 6_500.0, 0.7, -3.0)


def upright_bass(pitch: float, seconds: float, velocity: float, rng: np.random.Generator) -> Signal:
    """A double bass, plucked with the side of a finger."""
    hz = hertz(pitch)
    sound = pluck(hz, min(seconds + 0.15, 2.2), 0.28, 3.2, 2.4, 0.28, rng)
    thumb = filters.apply(noise(samples(0.05), rng), "bandpass", 260.0, 0.6) * decay(samples(0.05), 0.04)
    sound[: thumb.size] += thumb[: sound.size] * np.float32(0.25 * velocity)
    return damped(sound, seconds * 0.96, 0.09) * np.float32(velocity)


def singing_guitar(pitch: float, seconds: float, velocity: float, rng: np.random.Generator) -> Signal:
    """A string that an amplifier keeps alive, with vibrato and a slide into the longer notes."""
    sound = pluck(hertz(pitch), seconds + 0.3, 0.75, 0.3, 14.0, 0.16, rng)
    n = samples(seconds + 0.12)
    t = np.arange(n) / RATE
    shift = 0.28 * np.clip((t - 0.22) / 0.3, 0.0, 1.0) * np.sin(2.0 * np.pi * 5.4 * t)
    if seconds > 0.45:
        shift = shift - 1.6 * np.exp(-t / 0.045)
    return damped(bend(sound, shift), seconds, 0.1) * np.float32(velocity)
