"""Voices that never were a thing: pads, basses, sweeps, game consoles."""

import numpy as np

from . import filters
from .envelopes import adsr, damped, decay, fall, ramp_in
from .waves import RATE, Signal, Voice, ensemble, hertz, noise, oscillator, samples, vibrato


def pad(shape: str, voices: int, cents: float, attack_s: float, release_s: float, corner_hz: float) -> Voice:
    """Detuned waves that swell through a fixed low-pass filter."""

    def voice(pitch: float, seconds: float, velocity: float, rng: np.random.Generator) -> Signal:
        hz = hertz(pitch)
        envelope = adsr(seconds, min(attack_s, seconds * 0.6), 2.0, 0.85, release_s)
        sound = ensemble(shape, hz, envelope.size, voices, cents, rng)
        return filters.apply(sound, "lowpass", corner_hz + 0.6 * hz, 0.8) * envelope * np.float32(velocity)

    return voice


def glass(pitch: float, seconds: float, velocity: float, rng: np.random.Generator) -> Signal:
    """A slow frequency-modulated bell with a soft edge."""
    hz = hertz(pitch)
    envelope = adsr(seconds, min(0.4, seconds * 0.4), 3.0, 0.6, 1.6)
    t = np.arange(envelope.size) / RATE
    drift = 0.4 * np.sin(2.0 * np.pi * rng.uniform(0.08, 0.2) * t + rng.uniform(0.0, 6.28))
    low = np.sin(2.0 * np.pi * hz * t + (0.7 + drift) * np.sin(2.0 * np.pi * 2.0 * hz * t))
    high = np.sin(2.0 * np.pi * hz * 1.003 * t + 0.5 * np.sin(2.0 * np.pi * 3.01 * hz * t))
    return ((low + high) * 0.5).astype(np.float32) * envelope * np.float32(velocity)


def fm_bell(pitch: float, seconds: float, velocity: float, _rng: np.random.Generator) -> Signal:
    """A frequency-modulated bell."""
    hz = hertz(pitch)
    n = samples(min(max(seconds, 1.0) + 1.5, 4.0))
    t = np.arange(n) / RATE
    index = (1.0 + 3.0 * velocity) * np.exp(-t / 0.5)
    sound = np.sin(2.0 * np.pi * hz * t + index * np.sin(2.0 * np.pi * 3.5 * hz * t)) * np.exp(-t / 0.9)
    edge = samples(0.002)
    sound[:edge] *= ramp_in(edge)
    return sound.astype(np.float32) * fall(n) ** np.float32(0.2) * np.float32(velocity)


def swept(
    shape: str,
    voices: int,
    cents: float,
    base_hz: float,
    octaves: float,
    fall_s: float,
    q: float,
    sustain: float,
    release_s: float = 0.06,
    sub: float = 0.0,
) -> Voice:
    """A subtractive synthesizer: detuned waves through a resonant filter that closes after each stroke.

    Parameters
    ----------
    base_hz, octaves, fall_s, q : float
        The filter starts `octaves` above `base_hz` at full velocity and falls back, in about `fall_s`.
    sustain : float
        Loudness of a held note.
    sub : float
        Share of a sine an octave below.
    """

    def voice(pitch: float, seconds: float, velocity: float, rng: np.random.Generator) -> Signal:
        hz = hertz(pitch)
        envelope = adsr(seconds, 0.003, max(fall_s * 2.0, 0.1), sustain, release_s)
        n = envelope.size
        t = np.arange(n) / RATE
        sound = ensemble(shape, hz, n, voices, cents, rng) if voices > 1 else oscillator(shape, hz, n)
        corner = (base_hz + hz) * 2.0 ** (octaves * (0.4 + 0.6 * velocity) * np.exp(-t / fall_s))
        sound = filters.sweep(sound, np.minimum(corner, 16_000.0), q)
        if sub:
            sound += np.float32(sub) * oscillator("sine", hz / 2.0, n)
        return sound * envelope * np.float32(velocity)

    return voice


def sub_bass(pitch: float, seconds: float, velocity: float, _rng: np.random.Generator) -> Signal:
    """A sine with a little of its second and third harmonics."""
    hz = hertz(pitch)
    envelope = adsr(seconds, 0.008, 1.5, 0.85, 0.06)
    t = np.arange(envelope.size) / RATE
    sound = np.sin(2.0 * np.pi * hz * t) + 0.18 * np.sin(4.0 * np.pi * hz * t) + 0.05 * np.sin(6.0 * np.pi * hz * t)
    return np.tanh(sound * 1.3).astype(np.float32) * envelope * np.float32(velocity)


def eight_bass(pitch: float, seconds: float, velocity: float, _rng: np.random.Generator) -> Signal:
    """A drum machine's bass drum, tuned and left to boom."""
    hz = hertz(pitch)
    n = samples(seconds + 0.08)
    t = np.arange(n) / RATE
    moving = hz * (1.0 + 1.8 * np.exp(-t / 0.018))
    sound = np.sin(2.0 * np.pi * np.cumsum(moving) / RATE) * np.exp(-t / 0.9)
    return damped(np.tanh(sound * 2.2).astype(np.float32), seconds, 0.08) * np.float32(velocity)


def growl(pitch: float, seconds: float, velocity: float, rng: np.random.Generator) -> Signal:
    """Detuned saws that beat against one another over a steady low octave."""
    hz = hertz(pitch)
    envelope = adsr(seconds, 0.01, 1.0, 0.9, 0.08)
    n = envelope.size
    t = np.arange(n) / RATE
    saws = oscillator("saw", hz * 1.009, n) + oscillator("saw", hz * 0.991, n, 0.5) + oscillator("saw", hz, n, 0.25)
    corner = 320.0 * 2.0 ** (1.4 + 1.2 * np.sin(2.0 * np.pi * rng.uniform(0.6, 1.4) * t + rng.uniform(0.0, 6.28)))
    sound = filters.sweep(saws * np.float32(0.4), corner + hz, 1.6, 192)
    return (sound + np.float32(0.6) * oscillator("sine", hz, n)) * envelope * np.float32(velocity)


def chip(shape: str, vibrato_cents: float = 0.0, t60_s: float = 4.0) -> Voice:
    """A game console's channel: its level moves in fifteen steps."""

    def voice(pitch: float, seconds: float, velocity: float, _rng: np.random.Generator) -> Signal:
        hz = hertz(pitch)
        n = samples(seconds)
        moving = vibrato(hz, n, vibrato_cents, 6.0, 0.18) if vibrato_cents else hz
        sound = oscillator(shape, moving, n)
        envelope = np.round(15.0 * velocity * decay(n, t60_s)) / np.float32(15.0)
        edge = min(samples(0.002), n // 2 + 1)
        envelope[:edge] *= ramp_in(edge)
        envelope[-edge:] *= ramp_in(edge)[::-1]
        return sound * envelope.astype(np.float32)

    return voice


def riser(_pitch: float, seconds: float, velocity: float, rng: np.random.Generator) -> Signal:
    """Noise whose filter opens until the note ends."""
    n = samples(seconds)
    rise = np.linspace(0.0, 1.0, n)
    sound = filters.sweep(noise(n, rng), 300.0 * 2.0 ** (5.0 * rise), 2.0, 256)
    sound *= (rise**1.6).astype(np.float32)
    edge = min(samples(0.02), n)
    sound[-edge:] *= ramp_in(edge)[::-1]
    return sound * np.float32(velocity * 0.4)


def wind(pitch: float, seconds: float, velocity: float, rng: np.random.Generator) -> Signal:
    """Air and water far away: noise whose colour wanders."""
    n = samples(seconds)
    points = rng.uniform(-1.0, 1.0, max(int(seconds * 0.7), 2) + 1)
    wander = np.interp(np.linspace(0.0, points.size - 1.0, n), np.arange(points.size), points)
    sound = filters.sweep(noise(n, rng), hertz(pitch) * 2.0 ** (0.9 * wander), 1.2, 512)
    edge = min(samples(1.5), n // 2)
    sound[:edge] *= ramp_in(edge)
    sound[-edge:] *= ramp_in(edge)[::-1]
    return sound * np.float32(velocity) * (0.7 + 0.3 * wander).astype(np.float32)
