"""Struck strings and bars: pianos, mallets, bells."""

import numpy as np

from . import filters
from .envelopes import damped, decay, fall, ramp_in
from .modal import bar, ring, string_modes
from .waves import RATE, Signal, Voice, hertz, noise, samples


def piano(softness: float) -> Voice:
    """A grand piano; the softer, the more felt on its hammers."""

    def voice(pitch: float, seconds: float, velocity: float, rng: np.random.Generator) -> Signal:
        hz = hertz(pitch)
        count = int(np.clip(9_000.0 / hz, 4, 40))
        stiffness = 1.1e-4 * 2.0 ** (max(pitch - 48.0, 0.0) / 9.0)
        f = string_modes(hz, count, stiffness)
        k = np.arange(1, count + 1)
        corner = (500.0 + 3_300.0 * velocity**1.6) * (1.0 - 0.6 * softness) + 0.7 * hz
        size = np.abs(np.sin(np.pi * k / 7.7)) / k**0.55 * np.exp(-f / corner)
        size /= size.sum()
        long = 11.0 * 2.0 ** (-(pitch - 36.0) / 16.0) / (1.0 + 0.12 * (k - 1.0))
        # Three strings, first in step and dying quickly, then out of step and dying slowly.
        detune = 2.0 ** (rng.normal(0.0, 0.35, 2) / 1_200.0)
        modes = np.concatenate([f, f * detune[0], f * detune[1]])
        t60 = np.concatenate([long * 0.32, long, long * 0.8])
        sizes = np.concatenate([size * 0.62, size * 0.24, size * 0.24])
        n = samples(min(seconds + 0.4, float(long[0]) * 0.9))
        sound = ring(modes, t60, sizes, np.tile(rng.uniform(-0.4, 0.4, count), 3), n)
        knock = ring([88.0, 143.0, 217.0, 331.0], [0.10, 0.08, 0.06, 0.05], [1.0, 0.8, 0.6, 0.4], 0.3, min(n, 6_000))
        felt = filters.apply(noise(min(n, 3_000), rng), "lowpass", 900.0 + 1_500.0 * velocity)
        sound[: knock.size] += knock * np.float32(0.022 * velocity)
        sound[: felt.size] += felt * decay(felt.size, 0.03) * np.float32(0.05 * velocity * (1.0 - 0.5 * softness))
        edge = samples(0.0015)
        sound[:edge] *= ramp_in(edge)
        return damped(sound, seconds, 0.28) * np.float32(velocity**1.4 * 2.0)

    return voice


def electric_piano(pitch: float, seconds: float, velocity: float, _rng: np.random.Generator) -> Signal:
    """A tine and its tone bar under a pickup."""
    hz = hertz(pitch)
    n = samples(min(seconds + 0.3, 5.0))
    t = np.arange(n) / RATE
    # The tine: a bright partial that is gone at once. The tone bar: feedback of the pickup, stronger when struck hard.
    tine = np.sin(2.0 * np.pi * 14.0 * hz * t) * np.exp(-t / 0.035) if 14.0 * hz < 15_000.0 else 0.0
    index = (0.25 + 1.5 * velocity**1.8) * np.exp(-t / (0.5 + 60.0 / hz))
    tone = np.sin(2.0 * np.pi * hz * t + index * np.sin(2.0 * np.pi * hz * t + 0.3))
    sound = (tone * np.exp(-t / (1.3 * (220.0 / hz) ** 0.5)) + 0.09 * velocity * tine).astype(np.float32)
    sound[: samples(0.002)] *= ramp_in(samples(0.002))
    return damped(sound, seconds, 0.16) * np.float32(velocity**1.2)


def harpsichord(pitch: float, seconds: float, velocity: float, rng: np.random.Generator) -> Signal:
    """Two choirs of strings, the second an octave higher, plucked by quills."""
    sound = np.zeros(samples(min(seconds + 0.1, 4.0)), dtype=np.float32)
    for octave, size in ((1.0, 1.0), (2.0, 0.35)):
        hz = hertz(pitch) * octave * 2.0 ** (rng.normal(0.0, 1.2) / 1_200.0)
        count = int(np.clip(15_000.0 / hz, 4, 60))
        k = np.arange(1, count + 1)
        t60 = 4.2 * (130.0 / hz) ** 0.5 / (1.0 + 0.05 * (k - 1.0))
        sizes = np.abs(np.sin(np.pi * k * 0.137)) / k**0.45 * size
        sound += ring(string_modes(hz, count, 2e-5), t60, sizes / 6.0, rng.uniform(-0.5, 0.5, count), sound.size)
    quill = filters.apply(noise(samples(0.012), rng), "highpass", 2_500.0) * decay(samples(0.012), 0.008)
    sound[: quill.size] += quill * np.float32(0.12)
    return damped(sound, seconds, 0.07) * np.float32(0.7 + 0.3 * velocity)


MALLETS: dict[str, tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...], float, float]] = {
    # ratios of the modes, their sizes, their decays at middle C in seconds, how the decay falls with pitch, mallet
    "marimba": ((1.0, 3.98, 10.6, 18.2), (1.0, 0.32, 0.10, 0.05), (0.85, 0.26, 0.09, 0.05), 0.8, 0.05),
    "xylophone": ((1.0, 3.0, 6.1, 10.2), (1.0, 0.5, 0.25, 0.12), (0.45, 0.22, 0.12, 0.06), 0.6, 0.12),
    "vibraphone": ((1.0, 4.0, 10.1), (1.0, 0.22, 0.06), (4.5, 1.6, 0.3), 0.4, 0.03),
    "glockenspiel": ((1.0, 2.76, 5.40, 8.93), (1.0, 0.45, 0.3, 0.15), (3.5, 1.6, 0.8, 0.4), 0.4, 0.04),
    "celesta": ((1.0, 2.0, 4.1, 6.6), (1.0, 0.18, 0.14, 0.05), (2.2, 1.0, 0.5, 0.2), 0.5, 0.03),
    "music box": ((1.0, 2.0, 5.9, 9.2), (1.0, 0.30, 0.22, 0.10), (2.0, 1.2, 0.35, 0.2), 0.5, 0.06),
    "kalimba": ((1.0, 2.0, 5.4, 8.3), (1.0, 0.14, 0.20, 0.08), (1.4, 0.7, 0.16, 0.08), 0.6, 0.06),
    "tubular bells": (
        (0.5, 1.0, 1.19, 1.56, 2.0, 2.51, 3.01),
        (0.35, 1.0, 0.5, 0.6, 0.55, 0.35, 0.2),
        (7.0, 5.0, 3.5, 3.0, 2.5, 1.6, 1.0),
        0.3,
        0.05,
    ),
    "singing bowl": (
        (1.0, 1.006, 2.71, 2.722, 5.05, 5.07, 8.0),
        (1.0, 0.8, 0.5, 0.45, 0.22, 0.2, 0.06),
        (9.0, 9.0, 6.0, 6.0, 3.0, 3.0, 1.2),
        0.3,
        0.01,
    ),
    "steel pan": ((1.0, 2.0, 3.0, 4.02, 5.1), (1.0, 0.75, 0.35, 0.22, 0.12), (1.4, 0.9, 0.5, 0.35, 0.2), 0.6, 0.05),
}


def mallet(name: str) -> Voice:
    """A bar, bell or tongue of `MALLETS`, struck."""
    ratios, sizes, t60s, slope, click = MALLETS[name]

    def voice(pitch: float, _seconds: float, velocity: float, rng: np.random.Generator) -> Signal:
        hz = hertz(pitch)
        t60 = np.asarray(t60s) * (261.6 / hz) ** slope
        n = samples(float(min(t60.max() * 0.85, 8.0)))
        sound = bar(hz, ratios, sizes, tuple(t60), n, velocity)
        knock = filters.apply(noise(samples(0.02), rng), "bandpass", 1_600.0, 0.6) * decay(samples(0.02), 0.012)
        sound[: knock.size] += knock[:n] * np.float32(click * velocity * 2.0)
        edge = samples(0.001)
        sound[:edge] *= ramp_in(edge)
        tail = min(samples(0.08), n)
        sound[-tail:] *= fall(tail)
        return sound * np.float32(velocity**1.2 * 0.6)

    return voice
