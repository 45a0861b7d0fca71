"""Drums, cymbals and hand percussion, and the kits they come in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from . import filters
from .envelopes import decay, ramp_in
from .modal import ring
from .waves import RATE, Signal, hertz, noise, oscillator, samples

Stroke = Callable[[float, np.random.Generator], Signal]
"""One stroke: its velocity from 0 to 1 and a source of chance give a mono signal."""


@dataclass(frozen=True)
class Piece:
    """A piece of a kit: its stroke, its size beside the others, and where it stands."""

    stroke: Stroke
    gain: float = 1.0
    pan: float = 0.0


def _sweep_tone(n: int, start_hz: float, end_hz: float, fall_s: float) -> Signal:
    """A sine whose pitch falls, quickly at first."""
    t = np.arange(n) / RATE
    hz = end_hz + (start_hz - end_hz) * np.exp(-t / fall_s)
    return np.sin(2.0 * np.pi * np.cumsum(hz) / RATE).astype(np.float32)


def kick(start_hz: float, end_hz: float, fall_s: float, t60_s: float, click: float, drive: float) -> Stroke:
    """A bass drum: a falling sine, a click of the beater, and as much saturation as `drive`."""

    def stroke(velocity: float, rng: np.random.Generator) -> Signal:
        n = samples(t60_s * 1.15)
        tone = _sweep_tone(n, start_hz, end_hz, fall_s) * decay(n, t60_s)
        tone[: samples(0.0015)] *= ramp_in(samples(0.0015))
        beater = filters.apply(noise(samples(0.02), rng), "bandpass", 3_200.0, 0.7) * decay(samples(0.02), 0.014)
        tone[: beater.size] += beater * np.float32(click * velocity)
        body = np.tanh(tone * drive) / np.tanh(drive)
        body[-samples(0.01) :] *= ramp_in(samples(0.01))[::-1]
        return np.asarray(body * velocity**1.2, dtype=np.float32)

    return stroke


def snare(tone_hz: float, wires_hz: float, wires_s: float, shell: float, wires: float) -> Stroke:
    """A snare drum: two modes of its skin, and its wires as noise above `wires_hz`."""

    def stroke(velocity: float, rng: np.random.Generator) -> Signal:
        n = samples(max(wires_s * 1.2, 0.2))
        skin = ring([tone_hz, tone_hz * 1.72, tone_hz * 2.3], [0.16, 0.11, 0.07], [1.0, 0.55, 0.3], [0.0, 1.0, 2.0], n)
        buzz = filters.apply(noise(n, rng), "highpass", wires_hz)
        buzz = filters.apply(buzz, "peak", 4_500.0, 0.8, 3.0)
        envelope = 0.75 * decay(n, wires_s) + 0.25 * decay(n, wires_s * 0.25)
        crack = filters.apply(noise(n, rng), "bandpass", 2_300.0, 0.8) * decay(n, 0.03)
        sound = shell * skin + wires * (0.45 * buzz * envelope + 0.5 * velocity * crack)
        return np.asarray(sound * velocity**1.3, dtype=np.float32)

    return stroke


def clap(tail_s: float) -> Stroke:
    """Several hands."""

    def stroke(velocity: float, rng: np.random.Generator) -> Signal:
        n = samples(tail_s * 1.2 + 0.05)
        sound = np.zeros(n, dtype=np.float32)
        for when in (0.0, 0.011, 0.022, 0.031):
            start = samples(when) - 1
            length = n - start
            sound[start:] += noise(length, rng) * decay(length, 0.018 if when < 0.03 else tail_s)
        sound = filters.apply(filters.apply(sound, "bandpass", 1_250.0, 0.9), "highpass", 500.0)
        return np.asarray(sound * velocity * 0.9, dtype=np.float32)

    return stroke


def cymbal(low_hz: float, high_hz: float, modes: int, t60_s: float, hiss: float, hit: float = 0.4) -> Stroke:
    """A hi-hat, ride or crash: many modes without a pitch, and hiss."""

    def stroke(velocity: float, rng: np.random.Generator) -> Signal:
        n = samples(t60_s * 0.95)
        hz = low_hz * (high_hz / low_hz) ** rng.random(modes) ** 0.8
        t60 = t60_s * (low_hz / hz) ** 0.25 * rng.uniform(0.6, 1.2, modes)
        metal = ring(hz, t60, rng.uniform(0.4, 1.0, modes) / np.sqrt(modes), rng.uniform(0.0, 6.28, modes), n)
        air = filters.apply(noise(n, rng), "highpass", max(low_hz * 1.6, 3_500.0)) * decay(n, t60_s * 0.75)
        stick = filters.apply(noise(n, rng), "bandpass", 5_500.0, 0.5) * decay(n, 0.02)
        sound = metal + hiss * air + hit * velocity * stick
        edge = samples(0.0008)
        sound[:edge] *= ramp_in(edge)
        fade = min(samples(0.03), n)
        sound[-fade:] *= ramp_in(fade)[::-1]
        return np.asarray(sound * velocity**1.2, dtype=np.float32)

    return stroke


def metal_hat(t60_s: float) -> Stroke:
    """A drum machine's hi-hat: six square waves that do not fit together, filtered high."""

    def stroke(velocity: float, rng: np.random.Generator) -> Signal:
        n = samples(t60_s * 1.1)
        sound = np.zeros(n, dtype=np.float32)
        for hz in (205.3, 304.4, 369.6, 522.7, 540.0, 800.0):
            sound += oscillator("square", hz * 2.0, n, float(rng.random()))
        sound = filters.steep(filters.apply(sound, "bandpass", 9_500.0, 0.6), "highpass", 6_800.0)
        sound += np.float32(0.25) * filters.apply(noise(n, rng), "highpass", 8_000.0)
        return np.asarray(sound * decay(n, t60_s) * velocity * 0.8, dtype=np.float32)

    return stroke


def tom(hz: float, t60_s: float) -> Stroke:
    """A tom, conga or frame drum by its pitch and length."""

    def stroke(velocity: float, rng: np.random.Generator) -> Signal:
        n = samples(t60_s * 1.1)
        tone = _sweep_tone(n, hz * 1.45, hz, 0.04) * decay(n, t60_s)
        overtone = _sweep_tone(n, hz * 2.4, hz * 1.59, 0.03) * decay(n, t60_s * 0.5)
        skin = filters.apply(noise(n, rng), "bandpass", hz * 6.0, 0.7) * decay(n, 0.05)
        sound = tone + 0.35 * overtone + 0.5 * velocity * skin
        edge = samples(0.001)
        sound[:edge] *= ramp_in(edge)
        return np.asarray(sound * velocity**1.2, dtype=np.float32)

    return stroke


def stick(hz: float, t60_s: float, noisy: float = 0.2) -> Stroke:
    """Wood on wood or on a rim: clave, woodblock, cross-stick."""

    def stroke(velocity: float, rng: np.random.Generator) -> Signal:
        n = samples(max(t60_s * 1.2, 0.03))
        wood = ring([hz, hz * 1.47, hz * 2.09], [t60_s, t60_s * 0.7, t60_s * 0.4], [1.0, 0.5, 0.3], 0.5, n)
        tick = filters.apply(noise(n, rng), "bandpass", hz * 2.0, 0.8) * decay(n, 0.012)
        return np.asarray((wood + noisy * tick) * velocity, dtype=np.float32)

    return stroke


def shaker(low_hz: float, swell_s: float, t60_s: float) -> Stroke:
    """Beads in a shell; with a longer swell, a brush on a skin."""

    def stroke(velocity: float, rng: np.random.Generator) -> Signal:
        swell, n = samples(swell_s), samples(swell_s + t60_s)
        envelope = np.concatenate([ramp_in(swell), decay(n - swell, t60_s)])
        beads = filters.apply(filters.apply(noise(n, rng), "highpass", low_hz), "lowpass", 11_000.0)
        return np.asarray(beads * envelope * velocity * 0.6, dtype=np.float32)

    return stroke


def tambourine() -> Stroke:
    """A few pairs of jingles."""

    def stroke(velocity: float, rng: np.random.Generator) -> Signal:
        n = samples(0.35)
        hz = rng.uniform(4_500.0, 12_000.0, 24)
        sound = ring(hz, rng.uniform(0.08, 0.3, 24), 0.25, rng.uniform(0.0, 6.28, 24), n)
        sound += np.float32(0.5) * filters.apply(noise(n, rng), "highpass", 6_000.0) * decay(n, 0.07)
        return np.asarray(sound * velocity, dtype=np.float32)

    return stroke


def timpano(pitch: float) -> Stroke:
    """A kettledrum, tuned."""

    def stroke(velocity: float, rng: np.random.Generator) -> Signal:
        n = samples(2.2)
        ratios = np.asarray([1.0, 1.504, 1.742, 2.0, 2.245, 2.494, 2.98])
        t60 = np.asarray([2.4, 1.9, 0.6, 1.3, 0.5, 0.8, 0.4])
        sizes = np.asarray([1.0, 0.6, 0.3, 0.35, 0.2, 0.2, 0.12]) * (0.4 + 0.6 * velocity) ** np.arange(7)
        sound = ring(hertz(pitch) * ratios, t60, sizes, 0.0, n)
        felt = filters.apply(noise(n, rng), "lowpass", 380.0 + 500.0 * velocity) * decay(n, 0.09)
        return np.asarray((sound + 1.5 * felt) * velocity**1.3, dtype=np.float32)

    return stroke


def big_drum(hz: float, t60_s: float) -> Stroke:
    """A great drum, felt more than heard: skin, air, and the room's floor."""

    def stroke(velocity: float, rng: np.random.Generator) -> Signal:
        n = samples(t60_s * 1.05)
        tone = _sweep_tone(n, hz * 1.6, hz, 0.05) * decay(n, t60_s)
        upper = ring(hz * np.asarray([1.59, 2.14, 2.65, 3.5]), t60_s * 0.35, [0.5, 0.35, 0.25, 0.2], 0.0, n)
        slap = filters.apply(noise(n, rng), "lowpass", 900.0 + 1_800.0 * velocity) * decay(n, 0.07)
        sound = tone + 0.6 * upper + 0.55 * velocity * slap
        fade = samples(0.05)
        sound[-fade:] *= ramp_in(fade)[::-1]
        return np.asarray(sound * velocity**1.2, dtype=np.float32)

    return stroke


def swell(seconds: float) -> Stroke:
    """A cymbal rolled with soft mallets from nothing."""

    def stroke(velocity: float, rng: np.random.Generator) -> Signal:
        n = samples(seconds)
        wash = filters.apply(noise(n, rng), "bandpass", 5_200.0, 0.4) + filters.apply(
            noise(n, rng), "highpass", 7_000.0
        )
        rise = np.linspace(0.0, 1.0, n, dtype=np.float32) ** 2.5
        fade = samples(0.08)
        rise[-fade:] *= ramp_in(fade)[::-1]
        return np.asarray(wash * rise * velocity * 0.5, dtype=np.float32)

    return stroke


def chip_noise(t60_s: float, every: int) -> Stroke:
    """A game console's noise channel: white noise held for `every` samples."""

    def stroke(velocity: float, rng: np.random.Generator) -> Signal:
        n = samples(t60_s * 1.1)
        bits = np.sign(noise(-(-n // every), rng))
        return np.asarray(np.repeat(bits, every)[:n] * decay(n, t60_s) * velocity * 0.5, dtype=np.float32)

    return stroke


KITS: Mapping[str, Mapping[str, Piece]] = {
    "studio": {
        "kick": Piece(kick(125.0, 52.0, 0.022, 0.32, 0.9, 1.6), 1.1),
        "snare": Piece(snare(188.0, 1_600.0, 0.24, 0.55, 0.9), 0.75, 0.05),
        "rim": Piece(stick(1_750.0, 0.05, 0.6), 0.5, 0.1),
        "hat": Piece(cymbal(3_800.0, 14_000.0, 60, 0.09, 0.5), 0.3, 0.3),
        "open": Piece(cymbal(3_600.0, 14_000.0, 60, 0.55, 0.45), 0.28, 0.3),
        "ride": Piece(cymbal(900.0, 12_000.0, 110, 1.7, 0.10, 0.5), 0.24, -0.35),
        "crash": Piece(cymbal(600.0, 13_000.0, 160, 2.2, 0.5), 0.38, -0.4),
        "tom1": Piece(tom(165.0, 0.45), 0.7, 0.3),
        "tom2": Piece(tom(118.0, 0.55), 0.75, -0.05),
        "tom3": Piece(tom(84.0, 0.65), 0.8, -0.35),
    },
    "heavy": {
        "kick": Piece(kick(150.0, 55.0, 0.014, 0.24, 2.2, 2.2), 1.15),
        "snare": Piece(snare(205.0, 1_400.0, 0.3, 0.7, 1.1), 0.95),
        "open": Piece(cymbal(3_000.0, 14_000.0, 70, 0.5, 0.6), 0.32, 0.35),
        "ride": Piece(cymbal(1_200.0, 13_000.0, 110, 1.3, 0.25, 0.8), 0.26, -0.35),
        "crash": Piece(cymbal(500.0, 14_000.0, 170, 2.4, 0.7), 0.5, -0.45),
        "tom1": Piece(tom(150.0, 0.4), 0.85, 0.35),
        "tom2": Piece(tom(108.0, 0.5), 0.9, 0.0),
        "tom3": Piece(tom(76.0, 0.6), 0.95, -0.35),
    },
    "jazz": {
        "kick": Piece(kick(105.0, 58.0, 0.03, 0.3, 0.25, 1.1), 0.6),
        "snare": Piece(snare(215.0, 2_000.0, 0.16, 0.5, 0.5), 0.45, 0.1),
        "hat": Piece(cymbal(3_200.0, 11_000.0, 60, 0.1, 0.35), 0.3, 0.35),
        "ride": Piece(cymbal(700.0, 8_500.0, 120, 1.5, 0.04, 0.4), 0.32, -0.3),
        "crash": Piece(cymbal(500.0, 11_000.0, 150, 2.2, 0.3), 0.3, -0.45),
        "brush": Piece(shaker(1_100.0, 0.14, 0.2), 0.3, 0.05),
        "tap": Piece(shaker(1_400.0, 0.004, 0.12), 0.45, 0.05),
    },
    "eight": {
        "kick": Piece(kick(130.0, 47.0, 0.03, 0.95, 0.35, 1.5), 1.2),
        "snare": Piece(snare(182.0, 2_200.0, 0.17, 0.6, 0.8), 0.6),
        "clap": Piece(clap(0.2), 0.75, 0.05),
        "hat": Piece(metal_hat(0.055), 0.34, 0.2),
        "open": Piece(metal_hat(0.38), 0.3, 0.2),
        "tom3": Piece(tom(92.0, 0.5), 0.7, -0.2),
    },
    "nine": {
        "kick": Piece(kick(215.0, 49.0, 0.024, 0.40, 0.9, 2.6), 1.25),
        "snare": Piece(snare(200.0, 1_900.0, 0.19, 0.55, 0.9), 0.6),
        "clap": Piece(clap(0.24), 0.8),
        "rim": Piece(stick(1_600.0, 0.03, 0.4), 0.45, -0.25),
        "hat": Piece(metal_hat(0.07), 0.42, 0.15),
        "open": Piece(metal_hat(0.30), 0.46, 0.15),
        "crash": Piece(cymbal(900.0, 14_000.0, 140, 1.8, 0.6), 0.35, -0.3),
        "shaker": Piece(shaker(5_200.0, 0.02, 0.06), 0.35, -0.35),
    },
    "dusty": {
        "kick": Piece(kick(118.0, 54.0, 0.026, 0.30, 0.5, 2.4), 1.2),
        "snare": Piece(snare(178.0, 1_300.0, 0.2, 0.75, 0.8), 0.75),
        "rim": Piece(stick(1_500.0, 0.05, 0.6), 0.5, 0.15),
        "hat": Piece(cymbal(4_200.0, 11_000.0, 50, 0.07, 0.5), 0.3, 0.2),
        "open": Piece(cymbal(3_800.0, 11_000.0, 50, 0.35, 0.4), 0.26, 0.2),
    },
    "break": {
        "kick": Piece(kick(135.0, 58.0, 0.02, 0.22, 1.0, 2.2), 1.15),
        "snare": Piece(snare(225.0, 1_700.0, 0.2, 0.65, 1.1), 0.85),
        "ghost": Piece(snare(235.0, 2_200.0, 0.09, 0.4, 0.7), 0.6),
        "hat": Piece(cymbal(4_000.0, 14_000.0, 60, 0.06, 0.6), 0.34, 0.2),
        "ride": Piece(cymbal(1_500.0, 13_000.0, 100, 1.0, 0.2, 0.6), 0.26, -0.3),
        "crash": Piece(cymbal(700.0, 14_000.0, 150, 2.0, 0.6), 0.36, -0.3),
    },
    "latin": {
        "kick": Piece(kick(100.0, 56.0, 0.03, 0.28, 0.2, 1.1), 0.6),
        "rim": Piece(stick(1_800.0, 0.05, 0.4), 0.5, 0.15),
        "shaker": Piece(shaker(5_000.0, 0.03, 0.05), 0.34, -0.35),
        "conga": Piece(tom(205.0, 0.3), 0.5, 0.35),
        "slap": Piece(stick(620.0, 0.08, 1.0), 0.4, 0.35),
    },
    "orchestra": {
        "timpano": Piece(timpano(45.0), 0.8, 0.2),
        "drum": Piece(big_drum(52.0, 1.4), 1.2),
        "taiko": Piece(big_drum(78.0, 0.8), 0.9, -0.2),
        "snare": Piece(snare(190.0, 1_800.0, 0.2, 0.5, 0.7), 0.4, -0.15),
        "crash": Piece(cymbal(400.0, 12_000.0, 170, 3.0, 0.5), 0.5, 0.1),
        "swell": Piece(swell(2.2), 0.5, 0.1),
        "triangle": Piece(cymbal(4_600.0, 9_800.0, 9, 1.6, 0.0, 0.1), 0.16, -0.3),
    },
    "chip": {
        "kick": Piece(kick(320.0, 60.0, 0.02, 0.16, 0.0, 3.0), 1.0),
        "snare": Piece(chip_noise(0.16, 3), 0.8),
        "hat": Piece(chip_noise(0.04, 1), 0.4),
        "crash": Piece(chip_noise(0.9, 2), 0.5),
    },
    "hands": {
        "frame": Piece(tom(88.0, 0.6), 0.9),
        "edge": Piece(stick(880.0, 0.09, 0.9), 0.35, 0.15),
        "shaker": Piece(shaker(4_600.0, 0.03, 0.06), 0.28, -0.3),
        "tambourine": Piece(tambourine(), 0.3, 0.3),
        "stomp": Piece(kick(95.0, 50.0, 0.03, 0.28, 0.3, 1.3), 0.9),
    },
}
"""Drum kits: their pieces by name."""
