"""What sounds as long as it is held: bowed, blown and sung, reeds and organs."""

import numpy as np
from numpy.typing import NDArray

from . import filters
from .effects import Effect
from .envelopes import adsr, decay
from .waves import RATE, Signal, Voice, hertz, noise, oscillator, samples, vibrato


def _scoop(n: int, semitones: float, seconds: float) -> NDArray[np.float64]:
    """A note that starts a little flat, as a ratio of frequencies, (n,)."""
    ratio = np.ones(n)
    m = min(n, samples(8.0 * seconds))
    ratio[:m] = 2.0 ** (-semitones / 12.0 * np.exp(-np.arange(m) / (seconds * RATE)))
    return ratio


def string_section(players: int, attack_s: float, release_s: float, corner_hz: float) -> Voice:
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


def violin_body(x: Signal) -> Signal:
    """The box of a violin: its air, its main wood resonance and its bridge hill."""
    x = filters.apply(x, "peak", 290.0, 3.0, 4.0)
    x = filters.apply(x, "peak", 480.0, 3.0, 3.0)
    x = filters.apply(x, "peak", 1_100.0, 1.5, -4.0)
    x = filters.apply(x, "peak", 2_600.0, 1.2, 3.5)
    return filters.apply(x, "highshelf", 6_000.0, 0.7, -5.0)


def solo_string(pitch: float, seconds: float, velocity: float, rng: np.random.Generator) -> Signal:
    """One bowed string, with vibrato."""
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


def vowel(name: str) -> Effect:
    """A throat and mouth: parallel formants."""

    def effect(x: Signal) -> Signal:
        out = np.float32(0.08) * filters.apply(x, "lowpass", 500.0)
        for hz, bandwidth, gain_db in _VOWELS[name]:
            out = out + np.float32(10.0 ** (gain_db / 20.0)) * filters.apply(x, "bandpass", hz, hz / bandwidth / 1.6)
        return out

    return effect


def singers(count: int, attack_s: float, breath: float) -> Voice:
    """Glottal pulses of `count` voices, before the mouth (`vowel`)."""

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


def blown(
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


def section(voice: Voice, players: int) -> Voice:
    """Several players of one part, none quite in time or tune with the others."""

    def together(pitch: float, seconds: float, velocity: float, rng: np.random.Generator) -> Signal:
        late = [samples(abs(rng.normal(0.0, 0.008))) for _ in range(players)]
        takes = [voice(pitch + rng.normal(0.0, 0.05), seconds, velocity, rng) for _ in range(players)]
        total = np.zeros(max(take.size + wait for take, wait in zip(takes, late, strict=True)), dtype=np.float32)
        for take, wait in zip(takes, late, strict=True):
            total[wait : wait + take.size] += take
        return total / np.float32(np.sqrt(players))

    return together


def free_reed(cents: float, corner_hz: float) -> Voice:
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


def pipes(ranks: tuple[tuple[str, float, float], ...]) -> Voice:
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


def tonewheels(registration: str, percussion: float) -> Voice:
    """An electric organ: drawbars from 0 to 8, percussion on the third harmonic, key click."""

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
