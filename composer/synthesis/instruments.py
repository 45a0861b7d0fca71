"""The instruments, by name: how a note sounds, and what the sum of the notes goes through."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from . import effects, filters
from .envelopes import adsr, damped, decay, fall, ramp_in
from .modal import bar, ring, string_modes
from .strings import bend, pluck
from .waves import RATE, Signal, ensemble, hertz, noise, oscillator, samples, vibrato

Voice = Callable[[float, float, float, np.random.Generator], Signal]
"""A note: MIDI pitch, seconds held, velocity from 0 to 1, and a source of chance give a mono signal."""
Effect = Callable[[Signal], Signal]
"""From a signal of one side or two, (sides, n), to another."""


@dataclass(frozen=True)
class Instrument:
    """An instrument.

    Attributes
    ----------
    voice : Voice
    chain : tuple of Effect
        What the sum of its notes goes through.
    width : float
        How far low notes stand left of high ones, 0 to 1.
    lowest, highest : int
        The range it sounds well in, MIDI pitches.
    """

    voice: Voice
    chain: tuple[Effect, ...] = ()
    width: float = 0.0
    lowest: int = 24
    highest: int = 96


# --- Struck strings and bars --------------------------------------------------------------------


def _piano(softness: float) -> Voice:
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


def _electric_piano(pitch: float, seconds: float, velocity: float, _rng: np.random.Generator) -> Signal:
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


def _harpsichord(pitch: float, seconds: float, velocity: float, rng: np.random.Generator) -> Signal:
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


_MALLETS: dict[str, tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...], float, float]] = {
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


def _mallet(name: str) -> Voice:
    ratios, sizes, t60s, slope, click = _MALLETS[name]

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


# --- Plucked strings ----------------------------------------------------------------------------


def _plucked(
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


def _guitar_body(x: Signal) -> Signal:
    """The box of an acoustic guitar: its air at 100 Hz, its top at 200."""
    x = filters.apply(x, "peak", 102.0, 2.2, 5.0)
    x = filters.apply(x, "peak", 205.0, 2.0, 4.0)
    x = filters.apply(x, "peak", 410.0, 1.6, -2.5)
    x = filters.apply(x, "highpass", 70.0)
    return filters.apply(x, "highshelf", 6_500.0, 0.7, -3.0)


def _upright_bass(pitch: float, seconds: float, velocity: float, rng: np.random.Generator) -> Signal:
    hz = hertz(pitch)
    sound = pluck(hz, min(seconds + 0.15, 2.2), 0.28, 3.2, 2.4, 0.28, rng)
    thumb = filters.apply(noise(samples(0.05), rng), "bandpass", 260.0, 0.6) * decay(samples(0.05), 0.04)
    sound[: thumb.size] += thumb[: sound.size] * np.float32(0.25 * velocity)
    return damped(sound, seconds * 0.96, 0.09) * np.float32(velocity)


def _singing_guitar(pitch: float, seconds: float, velocity: float, rng: np.random.Generator) -> Signal:
    """A string that an amplifier keeps alive, with vibrato and a slide into the longer notes."""
    sound = pluck(hertz(pitch), seconds + 0.3, 0.75, 0.3, 14.0, 0.16, rng)
    n = samples(seconds + 0.12)
    t = np.arange(n) / RATE
    shift = 0.28 * np.clip((t - 0.22) / 0.3, 0.0, 1.0) * np.sin(2.0 * np.pi * 5.4 * t)
    if seconds > 0.45:
        shift = shift - 1.6 * np.exp(-t / 0.045)
    return damped(bend(sound, shift), seconds, 0.1) * np.float32(velocity)


# --- Bowed, blown and sung ----------------------------------------------------------------------


def _scoop(n: int, semitones: float, seconds: float) -> NDArray[np.float64]:
    """A note that starts a little flat, as a ratio of frequencies, (n,)."""
    ratio = np.ones(n)
    m = min(n, samples(8.0 * seconds))
    ratio[:m] = 2.0 ** (-semitones / 12.0 * np.exp(-np.arange(m) / (seconds * RATE)))
    return ratio


def _strings(players: int, attack_s: float, release_s: float, corner_hz: float) -> Voice:
    """A section of bowed strings."""

    def voice(pitch: float, seconds: float, velocity: float, rng: np.random.Generator) -> Signal:
        hz = hertz(pitch)
        envelope = adsr(seconds, min(attack_s * (1.4 - 0.6 * velocity), seconds * 0.6), 1.5, 0.86, release_s)
        n = envelope.size
        sound = np.zeros(n, dtype=np.float32)
        for _ in range(players):
            tuning = hz * 2.0 ** (rng.normal(0.0, 6.0) / 1_200.0)
            moving = vibrato(tuning, n, rng.uniform(7.0, 15.0), rng.uniform(4.6, 6.0), 0.12, float(rng.random()))
            sound += oscillator("string", moving, n, float(rng.random()))
        sound = filters.apply(sound, "lowpass", corner_hz * (0.55 + 0.75 * velocity) + hz)
        bow = filters.apply(noise(n, rng), "bandpass", min(hz * 5.0, 4_500.0), 0.7) * np.float32(0.04)
        return (sound / np.float32(np.sqrt(players)) + bow) * envelope * np.float32(velocity)

    return voice


def _violin_body(x: Signal) -> Signal:
    x = filters.apply(x, "peak", 290.0, 3.0, 4.0)
    x = filters.apply(x, "peak", 480.0, 3.0, 3.0)
    x = filters.apply(x, "peak", 1_100.0, 1.5, -4.0)
    x = filters.apply(x, "peak", 2_600.0, 1.2, 3.5)
    return filters.apply(x, "highshelf", 6_000.0, 0.7, -5.0)


def _solo_string(pitch: float, seconds: float, velocity: float, rng: np.random.Generator) -> Signal:
    hz = hertz(pitch)
    envelope = adsr(seconds, min(0.07, seconds * 0.4), 1.0, 0.85, 0.14)
    n = envelope.size
    moving = vibrato(hz, n, 22.0, 5.5, 0.18, float(rng.random())) * _scoop(n, 0.35, 0.03)
    sound = oscillator("string", moving, n) + np.float32(0.06) * filters.apply(noise(n, rng), "bandpass", 2_800.0, 0.5)
    return filters.apply(sound, "lowpass", 1_800.0 + 4_200.0 * velocity) * envelope * np.float32(velocity)


_VOWELS: dict[str, tuple[tuple[float, float, float], ...]] = {
    # formant, bandwidth and gain in dB
    "ah": ((730.0, 90.0, 0.0), (1_150.0, 110.0, -4.0), (2_600.0, 160.0, -17.0), (3_300.0, 200.0, -20.0)),
    "oo": ((330.0, 70.0, 0.0), (760.0, 90.0, -9.0), (2_500.0, 170.0, -28.0), (3_300.0, 220.0, -32.0)),
    "oh": ((470.0, 80.0, 0.0), (880.0, 90.0, -6.0), (2_500.0, 160.0, -21.0), (3_200.0, 200.0, -25.0)),
    "mm": ((260.0, 90.0, 0.0), (1_050.0, 140.0, -24.0), (2_300.0, 200.0, -32.0), (3_000.0, 240.0, -38.0)),
}


def _vowel(name: str) -> Effect:
    """A throat and mouth: parallel formants."""

    def effect(x: Signal) -> Signal:
        out = np.float32(0.08) * filters.apply(x, "lowpass", 500.0)
        for hz, bandwidth, gain_db in _VOWELS[name]:
            out = out + np.float32(10.0 ** (gain_db / 20.0)) * filters.apply(x, "bandpass", hz, hz / bandwidth / 1.6)
        return out

    return effect


def _singers(count: int, attack_s: float, breath: float) -> Voice:
    def voice(pitch: float, seconds: float, velocity: float, rng: np.random.Generator) -> Signal:
        hz = hertz(pitch)
        envelope = adsr(seconds, min(attack_s, seconds * 0.5), 1.5, 0.9, 0.35 if count > 1 else 0.16)
        n = envelope.size
        rise = _scoop(n, 0.6, 0.05)
        sound = np.zeros(n, dtype=np.float32)
        for _ in range(count):
            tuning = hz * 2.0 ** (rng.normal(0.0, 7.0 if count > 1 else 1.0) / 1_200.0)
            moving = vibrato(tuning, n, rng.uniform(14.0, 30.0), rng.uniform(4.9, 5.9), 0.25, float(rng.random()))
            moving *= rise
            sound += oscillator("glottis", moving, n, float(rng.random()))
        air = filters.apply(noise(n, rng), "highpass", 1_500.0) * np.float32(breath)
        return (sound / np.float32(np.sqrt(count)) + air) * envelope * np.float32(velocity)

    return voice


def _blown(
    shape: str, attack_s: float, breath: float, cents: float, corner_hz: float, opening: float, release_s: float = 0.09
) -> Voice:
    """A wind instrument.

    Parameters
    ----------
    shape : str
        Its wave.
    attack_s : float
    breath : float
        Noise of the air.
    cents : float
        Depth of the vibrato.
    corner_hz, opening : float
        A low-pass filter that opens by `opening` octaves as the note swells, further for a louder one.
    """

    def voice(pitch: float, seconds: float, velocity: float, rng: np.random.Generator) -> Signal:
        hz = hertz(pitch)
        envelope = adsr(seconds, min(attack_s, seconds * 0.5), 0.6, 0.82, release_s)
        n = envelope.size
        moving = vibrato(hz, n, cents, rng.uniform(4.8, 5.6), 0.25, float(rng.random())) * _scoop(n, 0.5, 0.025)
        sound = oscillator(shape, moving, n)
        if opening > 0.0:
            corner = corner_hz * 2.0 ** (opening * envelope.astype(np.float64) * (0.35 + 0.65 * velocity))
            sound = filters.sweep(sound, corner + hz, 0.8, 192)
        air = filters.apply(noise(n, rng), "bandpass", min(hz * 2.0, 6_000.0), 0.5)
        swell = envelope * (1.0 + 1.5 * decay(n, 0.12))
        return (sound * envelope + np.float32(breath) * air * swell) * np.float32(velocity)

    return voice


def _section(voice: Voice, players: int) -> Voice:
    """Several players of one part, none quite in time or tune with the others."""

    def together(pitch: float, seconds: float, velocity: float, rng: np.random.Generator) -> Signal:
        late = [samples(abs(rng.normal(0.0, 0.008))) for _ in range(players)]
        takes = [voice(pitch + rng.normal(0.0, 0.05), seconds, velocity, rng) for _ in range(players)]
        total = np.zeros(max(take.size + wait for take, wait in zip(takes, late, strict=True)), dtype=np.float32)
        for take, wait in zip(takes, late, strict=True):
            total[wait : wait + take.size] += take
        return total / np.float32(np.sqrt(players))

    return together


def _free_reed(cents: float, corner_hz: float) -> Voice:
    """Accordion, harmonica, melodica: reeds, in pairs that beat where `cents` is above 0."""

    def voice(pitch: float, seconds: float, velocity: float, rng: np.random.Generator) -> Signal:
        hz = hertz(pitch)
        envelope = adsr(seconds, min(0.035, seconds * 0.4), 0.8, 0.9, 0.07)
        n = envelope.size
        sound = np.zeros(n, dtype=np.float32)
        for detune in (-cents, 0.0, cents) if cents else (0.0,):
            sound += oscillator("reed", hz * 2.0 ** (detune / 1_200.0), n, float(rng.random()))
        air = filters.apply(noise(n, rng), "bandpass", 3_000.0, 0.4) * np.float32(0.02)
        sound = filters.apply(sound, "lowpass", corner_hz * (0.6 + 0.6 * velocity)) / np.float32(3.0 if cents else 1.5)
        return (sound + air) * envelope * np.float32(velocity)

    return voice


# --- Organs -------------------------------------------------------------------------------------


def _pipes(ranks: tuple[tuple[str, float, float], ...]) -> Voice:
    """A pipe organ; each rank is a wave, its pitch relative to the key, and its size."""

    def voice(pitch: float, seconds: float, _velocity: float, rng: np.random.Generator) -> Signal:
        hz = hertz(pitch)
        envelope = adsr(seconds, 0.035, 1.0, 0.96, 0.16)
        n = envelope.size
        sound = np.zeros(n, dtype=np.float32)
        for shape, foot, size in ranks:
            tuning = hz * foot * 2.0 ** (rng.normal(0.0, 1.5) / 1_200.0)
            if tuning < 9_000.0:
                sound += np.float32(size) * oscillator(shape, tuning, n, float(rng.random()))
        chiff = filters.apply(noise(n, rng), "bandpass", min(hz * 3.0, 6_000.0), 1.5) * decay(n, 0.09)
        return (sound / np.float32(len(ranks)) + chiff * np.float32(0.06)) * envelope

    return voice


def _tonewheels(registration: str, percussion: float) -> Voice:
    def voice(pitch: float, seconds: float, velocity: float, rng: np.random.Generator) -> Signal:
        hz = hertz(pitch)
        envelope = adsr(seconds, 0.006, 1.0, 1.0, 0.025)
        n = envelope.size
        sound = oscillator(f"drawbars {registration}", hz / 2.0, n, float(rng.random())) * envelope
        strike = oscillator("sine", hz * 3.0, n) * decay(n, 0.35)
        click = filters.apply(noise(n, rng), "bandpass", 2_400.0, 0.5) * decay(n, 0.008)
        sound += np.float32(percussion) * strike * envelope + np.float32(0.12) * click
        return sound * np.float32(0.6 + 0.4 * velocity)

    return voice


# --- Synthesizers -------------------------------------------------------------------------------


def _pad(shape: str, voices: int, cents: float, attack_s: float, release_s: float, corner_hz: float) -> Voice:
    def voice(pitch: float, seconds: float, velocity: float, rng: np.random.Generator) -> Signal:
        hz = hertz(pitch)
        envelope = adsr(seconds, min(attack_s, seconds * 0.6), 2.0, 0.85, release_s)
        sound = ensemble(shape, hz, envelope.size, voices, cents, rng)
        return filters.apply(sound, "lowpass", corner_hz + 0.6 * hz, 0.8) * envelope * np.float32(velocity)

    return voice


def _glass(pitch: float, seconds: float, velocity: float, rng: np.random.Generator) -> Signal:
    """A slow frequency-modulated bell with a soft edge."""
    hz = hertz(pitch)
    envelope = adsr(seconds, min(0.4, seconds * 0.4), 3.0, 0.6, 1.6)
    t = np.arange(envelope.size) / RATE
    drift = 0.4 * np.sin(2.0 * np.pi * rng.uniform(0.08, 0.2) * t + rng.uniform(0.0, 6.28))
    low = np.sin(2.0 * np.pi * hz * t + (0.7 + drift) * np.sin(2.0 * np.pi * 2.0 * hz * t))
    high = np.sin(2.0 * np.pi * hz * 1.003 * t + 0.5 * np.sin(2.0 * np.pi * 3.01 * hz * t))
    return ((low + high) * 0.5).astype(np.float32) * envelope * np.float32(velocity)


def _fm_bell(pitch: float, seconds: float, velocity: float, _rng: np.random.Generator) -> Signal:
    hz = hertz(pitch)
    n = samples(min(max(seconds, 1.0) + 1.5, 4.0))
    t = np.arange(n) / RATE
    index = (1.0 + 3.0 * velocity) * np.exp(-t / 0.5)
    sound = np.sin(2.0 * np.pi * hz * t + index * np.sin(2.0 * np.pi * 3.5 * hz * t)) * np.exp(-t / 0.9)
    edge = samples(0.002)
    sound[:edge] *= ramp_in(edge)
    return sound.astype(np.float32) * fall(n) ** np.float32(0.2) * np.float32(velocity)


def _swept(
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


def _sub_bass(pitch: float, seconds: float, velocity: float, _rng: np.random.Generator) -> Signal:
    hz = hertz(pitch)
    envelope = adsr(seconds, 0.008, 1.5, 0.85, 0.06)
    t = np.arange(envelope.size) / RATE
    sound = np.sin(2.0 * np.pi * hz * t) + 0.18 * np.sin(4.0 * np.pi * hz * t) + 0.05 * np.sin(6.0 * np.pi * hz * t)
    return np.tanh(sound * 1.3).astype(np.float32) * envelope * np.float32(velocity)


def _eight_bass(pitch: float, seconds: float, velocity: float, _rng: np.random.Generator) -> Signal:
    """A drum machine's bass drum, tuned and left to boom."""
    hz = hertz(pitch)
    n = samples(seconds + 0.08)
    t = np.arange(n) / RATE
    moving = hz * (1.0 + 1.8 * np.exp(-t / 0.018))
    sound = np.sin(2.0 * np.pi * np.cumsum(moving) / RATE) * np.exp(-t / 0.9)
    return damped(np.tanh(sound * 2.2).astype(np.float32), seconds, 0.08) * np.float32(velocity)


def _growl(pitch: float, seconds: float, velocity: float, rng: np.random.Generator) -> Signal:
    """Detuned saws that beat against one another over a steady low octave."""
    hz = hertz(pitch)
    envelope = adsr(seconds, 0.01, 1.0, 0.9, 0.08)
    n = envelope.size
    t = np.arange(n) / RATE
    saws = oscillator("saw", hz * 1.009, n) + oscillator("saw", hz * 0.991, n, 0.5) + oscillator("saw", hz, n, 0.25)
    corner = 320.0 * 2.0 ** (1.4 + 1.2 * np.sin(2.0 * np.pi * rng.uniform(0.6, 1.4) * t + rng.uniform(0.0, 6.28)))
    sound = filters.sweep(saws * np.float32(0.4), corner + hz, 1.6, 192)
    return (sound + np.float32(0.6) * oscillator("sine", hz, n)) * envelope * np.float32(velocity)


def _chip(shape: str, vibrato_cents: float = 0.0, t60_s: float = 4.0) -> Voice:
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


def _riser(_pitch: float, seconds: float, velocity: float, rng: np.random.Generator) -> Signal:
    """Noise whose filter opens until the note ends."""
    n = samples(seconds)
    rise = np.linspace(0.0, 1.0, n)
    sound = filters.sweep(noise(n, rng), 300.0 * 2.0 ** (5.0 * rise), 2.0, 256)
    sound *= (rise**1.6).astype(np.float32)
    edge = min(samples(0.02), n)
    sound[-edge:] *= ramp_in(edge)[::-1]
    return sound * np.float32(velocity * 0.4)


def _wind(pitch: float, seconds: float, velocity: float, rng: np.random.Generator) -> Signal:
    """Air and water far away: noise whose colour wanders."""
    n = samples(seconds)
    points = rng.uniform(-1.0, 1.0, max(int(seconds * 0.7), 2) + 1)
    wander = np.interp(np.linspace(0.0, points.size - 1.0, n), np.arange(points.size), points)
    sound = filters.sweep(noise(n, rng), hertz(pitch) * 2.0 ** (0.9 * wander), 1.2, 512)
    edge = min(samples(1.5), n // 2)
    sound[:edge] *= ramp_in(edge)
    sound[-edge:] *= ramp_in(edge)[::-1]
    return sound * np.float32(velocity) * (0.7 + 0.3 * wander).astype(np.float32)


# --- Their names --------------------------------------------------------------------------------


def _equalizer(kind: str, hz: float, q: float, gain_db: float) -> Effect:
    return partial(_equalize, kind=kind, hz=hz, q=q, gain_db=gain_db)


def _equalize(x: Signal, kind: str, hz: float, q: float, gain_db: float) -> Signal:
    return filters.apply(x, kind, hz, q, gain_db)


def _driven(drive: float) -> Effect:
    def effect(x: Signal) -> Signal:
        level = np.float32(np.sqrt(np.mean(x**2)) * 5.0 + 1e-9)
        return effects.saturate(x / level, drive)

    return effect


_slow_chorus: Effect = partial(effects.chorus, depth_s=0.003, rate_hz=0.35, mix=0.7)
_wide_chorus: Effect = partial(effects.chorus, depth_s=0.0022, rate_hz=0.8, mix=0.6)
_warm: Effect = _equalizer("highshelf", 3_500.0, 0.7, -5.0)
_no_rumble: Effect = _equalizer("highpass", 120.0, 0.7071, 0.0)

INSTRUMENTS: Mapping[str, Instrument] = {
    # Keys
    "grand piano": Instrument(_piano(0.0), (_equalizer("highshelf", 5_000.0, 0.7, 2.0),), 0.7, 28, 100),
    "felt piano": Instrument(_piano(0.75), (_warm,), 0.6, 33, 91),
    "electric piano": Instrument(
        _electric_piano, (partial(effects.tremolo, rate_hz=4.6, depth=0.35), _driven(0.9)), 0.3, 36, 90
    ),
    "harpsichord": Instrument(
        _harpsichord, (_equalizer("highpass", 90.0, 0.7, 0.0), _equalizer("highshelf", 3_200.0, 0.6, -9.0)), 0.5, 36, 88
    ),
    "clavinet": Instrument(
        _plucked(0.95, 0.5, 1.6, 0.08, 0.03),
        (_no_rumble, _equalizer("peak", 1_300.0, 0.9, 5.0), _driven(1.4)),
        0.1,
        40,
        84,
    ),
    "pipe organ": Instrument(
        _pipes(
            (
                ("principal", 1.0, 1.0),
                ("principal", 2.0, 0.7),
                ("stopped", 1.0, 0.6),
                ("principal", 4.0, 0.4),
                ("principal", 6.0, 0.2),
            )
        ),
        (),
        0.4,
        36,
        96,
    ),
    "flute stop": Instrument(_pipes((("stopped", 1.0, 1.0), ("stopped", 2.0, 0.4))), (), 0.4, 36, 96),
    "drawbar organ": Instrument(_tonewheels("888600000", 0.35), (_driven(1.2), effects.rotary), 0.0, 36, 96),
    "full organ": Instrument(
        _tonewheels("888888888", 0.0), (_driven(2.0), partial(effects.rotary, rate_hz=6.8, depth=0.4)), 0.0, 36, 96
    ),
    "reggae organ": Instrument(_tonewheels("880000008", 0.0), (_driven(1.1), _no_rumble), 0.0, 48, 88),
    "accordion": Instrument(_free_reed(11.0, 5_000.0), (_equalizer("peak", 900.0, 0.8, 3.0),), 0.4, 45, 93),
    "harmonica": Instrument(
        _free_reed(0.0, 4_500.0), (_equalizer("peak", 1_900.0, 1.0, 6.0), _no_rumble, _driven(1.6)), 0.0, 55, 93
    ),
    "melodica": Instrument(_free_reed(0.0, 3_600.0), (_equalizer("peak", 1_200.0, 0.9, 4.0), _no_rumble), 0.0, 53, 91),
    # Mallets and bells
    **{name: Instrument(_mallet(name), (), 0.7, 40, 108) for name in _MALLETS if name != "vibraphone"},
    "vibraphone": Instrument(_mallet("vibraphone"), (partial(effects.tremolo, rate_hz=5.2, depth=0.5),), 0.5, 52, 93),
    "bell": Instrument(_fm_bell, (_wide_chorus,), 0.4, 48, 100),
    # Plucked
    "nylon guitar": Instrument(_plucked(0.32, 1.1, 3.2, 0.24), (_guitar_body,), 0.35, 40, 84),
    "steel guitar": Instrument(
        _plucked(0.62, 0.42, 5.5, 0.16), (_guitar_body, _equalizer("highshelf", 4_000.0, 0.7, 3.0)), 0.4, 40, 84
    ),
    "strummed guitar": Instrument(
        _plucked(0.75, 0.45, 4.0, 0.12, 0.06),
        (_guitar_body, _equalizer("highpass", 160.0, 0.7, 0.0), _equalizer("highshelf", 4_500.0, 0.7, 3.0)),
        0.5,
        40,
        84,
    ),
    "chopped guitar": Instrument(
        _plucked(0.7, 1.4, 1.2, 0.12, 0.02), (_equalizer("highpass", 220.0, 0.7, 0.0), _driven(1.2)), 0.1, 40, 88
    ),
    "jazz guitar": Instrument(
        _plucked(0.38, 1.5, 2.8, 0.22), (_warm, _equalizer("peak", 380.0, 0.8, 2.5)), 0.1, 40, 84
    ),
    "crunch guitar": Instrument(
        _plucked(0.75, 0.45, 5.0, 0.12, 0.05), (partial(effects.amplifier, drive=4.5, brightness=0.7),), 0.0, 38, 84
    ),
    "distorted guitar": Instrument(
        _plucked(0.85, 0.35, 9.0, 0.1, 0.05), (partial(effects.amplifier, drive=22.0, brightness=0.75),), 0.0, 35, 84
    ),
    "muted guitar": Instrument(
        _plucked(0.8, 2.4, 0.45, 0.08, 0.03), (partial(effects.amplifier, drive=16.0, brightness=0.6),), 0.0, 35, 70
    ),
    "lead guitar": Instrument(_singing_guitar, (partial(effects.amplifier, drive=14.0, brightness=0.5),), 0.0, 48, 91),
    "blues guitar": Instrument(_singing_guitar, (partial(effects.amplifier, drive=2.6, brightness=0.6),), 0.0, 45, 88),
    "banjo": Instrument(
        _plucked(0.9, 0.6, 1.1, 0.09, 0.05),
        (_equalizer("highpass", 220.0, 0.7, 0.0), _equalizer("peak", 780.0, 1.5, 6.0)),
        0.2,
        48,
        86,
    ),
    "ukulele": Instrument(
        _plucked(0.45, 1.3, 1.3, 0.2), (_equalizer("peak", 420.0, 1.5, 5.0), _no_rumble), 0.2, 55, 86
    ),
    "harp": Instrument(_plucked(0.4, 0.7, 4.5, 0.3, 0.9), (_equalizer("highshelf", 5_000.0, 0.7, -2.0),), 0.8, 30, 98),
    "pizzicato": Instrument(_plucked(0.3, 2.2, 0.6, 0.2, 0.2), (_violin_body,), 0.6, 36, 88),
    "oud": Instrument(_plucked(0.6, 1.2, 1.7, 0.1), (_equalizer("peak", 260.0, 1.2, 5.0),), 0.2, 40, 79),
    # Basses
    "upright bass": Instrument(
        _upright_bass, (_equalizer("peak", 110.0, 1.0, 3.0), _equalizer("lowpass", 3_000.0, 0.7, 0.0)), 0.0, 28, 60
    ),
    "finger bass": Instrument(
        _plucked(0.42, 1.8, 4.0, 0.2, 0.05), (_equalizer("lowshelf", 90.0, 0.7, 3.0), _driven(1.0)), 0.0, 28, 60
    ),
    "pick bass": Instrument(
        _plucked(0.8, 0.8, 5.0, 0.1, 0.05), (_equalizer("lowshelf", 90.0, 0.7, 3.0), _driven(2.2)), 0.0, 28, 60
    ),
    "slap bass": Instrument(
        _plucked(1.0, 0.7, 3.0, 0.06, 0.03),
        (_equalizer("peak", 500.0, 0.8, -5.0), _equalizer("highshelf", 2_500.0, 0.7, 4.0)),
        0.0,
        28,
        60,
    ),
    "sub bass": Instrument(_sub_bass, (), 0.0, 24, 55),
    "boom bass": Instrument(_eight_bass, (), 0.0, 24, 55),
    "growl bass": Instrument(_growl, (_driven(1.8),), 0.0, 24, 55),
    "synth bass": Instrument(_swept("saw", 2, 6.0, 90.0, 3.2, 0.14, 1.4, 0.6, sub=0.5), (), 0.0, 24, 60),
    "house bass": Instrument(
        _swept("triangle", 1, 0.0, 150.0, 2.5, 0.09, 1.2, 0.5, sub=0.4), (_driven(1.3),), 0.0, 24, 60
    ),
    "acid bass": Instrument(_swept("saw", 1, 0.0, 160.0, 3.8, 0.11, 7.0, 0.7, 0.03), (_driven(2.2),), 0.0, 28, 67),
    # Bowed
    "strings": Instrument(_strings(5, 0.22, 0.45, 3_000.0), (_violin_body,), 0.8, 36, 96),
    "slow strings": Instrument(_strings(6, 0.7, 0.9, 2_200.0), (_violin_body,), 0.8, 36, 96),
    "short strings": Instrument(_strings(4, 0.025, 0.12, 3_800.0), (_violin_body,), 0.8, 36, 96),
    "violin": Instrument(_solo_string, (_violin_body,), 0.0, 55, 96),
    "cello": Instrument(
        _solo_string, (_equalizer("peak", 220.0, 1.5, 4.0), _equalizer("peak", 1_800.0, 0.8, -3.0), _warm), 0.0, 36, 72
    ),
    # Sung
    "choir": Instrument(_singers(5, 0.28, 0.02), (_vowel("ah"),), 0.8, 40, 84),
    "soft choir": Instrument(_singers(5, 0.45, 0.03), (_vowel("oo"),), 0.8, 40, 84),
    "chant": Instrument(_singers(4, 0.10, 0.02), (_vowel("oh"),), 0.5, 36, 67),
    "voice": Instrument(_singers(1, 0.09, 0.035), (_vowel("ah"),), 0.0, 55, 84),
    "humming": Instrument(_singers(1, 0.12, 0.02), (_vowel("mm"),), 0.0, 50, 79),
    # Blown
    "flute": Instrument(_blown("flute", 0.06, 0.10, 14.0, 0.0, 0.0), (), 0.0, 60, 98),
    "whistle": Instrument(_blown("sine", 0.03, 0.05, 10.0, 0.0, 0.0), (), 0.0, 67, 100),
    "clarinet": Instrument(_blown("clarinet", 0.05, 0.015, 5.0, 0.0, 0.0), (), 0.0, 50, 91),
    "oboe": Instrument(
        _blown("reed", 0.05, 0.015, 12.0, 0.0, 0.0), (_equalizer("peak", 1_400.0, 1.2, 5.0), _no_rumble), 0.0, 58, 91
    ),
    "saxophone": Instrument(
        _blown("sax", 0.05, 0.06, 16.0, 700.0, 2.4),
        (_equalizer("peak", 650.0, 1.2, 3.0), _equalizer("peak", 1_500.0, 1.2, 2.0)),
        0.0,
        44,
        84,
    ),
    "muted trumpet": Instrument(
        _blown("brass", 0.04, 0.04, 12.0, 1_500.0, 1.6),
        (_equalizer("highpass", 600.0, 0.7, 0.0), _equalizer("peak", 1_900.0, 1.6, 8.0)),
        0.0,
        54,
        87,
    ),
    "horns": Instrument(_section(_blown("brass", 0.07, 0.01, 4.0, 260.0, 2.4, 0.16), 3), (), 0.4, 36, 79),
    "brass": Instrument(_section(_blown("brass", 0.03, 0.015, 6.0, 600.0, 2.8, 0.1), 3), (), 0.4, 40, 84),
    "low brass": Instrument(_section(_blown("brass", 0.06, 0.01, 3.0, 220.0, 2.6, 0.14), 3), (), 0.3, 28, 62),
    # Synthesizers
    "warm pad": Instrument(_pad("saw", 5, 9.0, 0.9, 1.6, 650.0), (_slow_chorus,), 0.6, 36, 90),
    "bright pad": Instrument(_pad("saw", 7, 14.0, 0.35, 0.9, 3_200.0), (_wide_chorus, _no_rumble), 0.7, 40, 96),
    "hollow pad": Instrument(_pad("pulse 0.3", 4, 8.0, 0.6, 1.2, 1_300.0), (_slow_chorus,), 0.6, 36, 90),
    "glass pad": Instrument(_glass, (_slow_chorus,), 0.7, 48, 100),
    "drone": Instrument(_pad("saw", 6, 6.0, 3.0, 3.0, 220.0), (_slow_chorus,), 0.3, 24, 60),
    "stab": Instrument(
        _swept("saw", 5, 12.0, 400.0, 3.0, 0.12, 1.0, 0.35, 0.12), (_wide_chorus, _no_rumble), 0.4, 44, 90
    ),
    "super saw": Instrument(
        _swept("saw", 7, 18.0, 2_400.0, 1.5, 0.4, 0.8, 0.8, 0.25), (_no_rumble, _wide_chorus), 0.5, 44, 96
    ),
    "synth pluck": Instrument(_swept("saw", 2, 7.0, 250.0, 3.6, 0.09, 1.3, 0.15, 0.2), (_wide_chorus,), 0.5, 36, 96),
    "soft pluck": Instrument(
        _swept("triangle", 1, 0.0, 300.0, 2.6, 0.12, 0.9, 0.2, 0.3), (_wide_chorus,), 0.5, 44, 100
    ),
    "synth lead": Instrument(_swept("saw", 3, 9.0, 1_400.0, 1.6, 0.5, 1.1, 0.85, 0.12), (_no_rumble,), 0.0, 50, 96),
    "synth brass": Instrument(
        _swept("saw", 4, 10.0, 500.0, 2.4, 0.35, 0.9, 0.75, 0.18), (_wide_chorus, _no_rumble), 0.4, 44, 90
    ),
    "pulse lead": Instrument(_chip("pulse 0.25", 18.0), (), 0.0, 55, 100),
    "thin pulse": Instrument(_chip("pulse 0.125", 12.0), (), 0.0, 55, 100),
    "chip arpeggio": Instrument(_chip("square", t60_s=0.5), (), 0.3, 48, 100),
    "chip bass": Instrument(_chip("triangle", t60_s=20.0), (partial(effects.crush, bits=5, every=2),), 0.0, 28, 64),
    "riser": Instrument(_riser),
    "wind": Instrument(_wind),
}
"""Every instrument by name."""
