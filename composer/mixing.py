"""From a score to a recording: the players, the mixing desk, the mastering."""

import zlib
from functools import cache

import numpy as np
from scipy import signal
from threadpoolctl import threadpool_limits

from .score import DrumPart, Note, Part, Score
from .synthesis import effects, filters
from .synthesis.drums import KITS
from .synthesis.envelopes import ramp_in
from .synthesis.instruments import INSTRUMENTS
from .synthesis.waves import RATE, Signal, samples

LOUDNESS = -14.0
"""Integrated loudness of every recording, LUFS."""

_CEILING = 10.0 ** (-1.0 / 20.0)
# Steps in which durations and velocities are told apart: notes alike are played once and used again.
_DURATION_S = 0.01
_VELOCITIES = 16


def loudness(x: Signal) -> float:
    """Integrated loudness.

    Parameters
    ----------
    x : float32 (sides, n)

    Returns
    -------
    float
        LUFS; -70 for silence and for less than 0.4 s of sound.

    References
    ----------
    Recommendation ITU-R BS.1770-4, "Algorithms to measure audio programme loudness and true-peak audio level".
    """
    weighted = signal.lfilter(*_k_weighting(), x)
    hop = samples(0.1)
    count = x.shape[1] // hop
    if count < 4:
        return -70.0
    tenths = (weighted[:, : count * hop] ** 2).reshape(len(x), count, hop).mean(axis=2).sum(axis=0)
    power = np.convolve(tenths, np.full(4, 0.25), mode="valid")
    power = power[power > 10.0 ** ((-70.0 + 0.691) / 10.0)]
    if power.size:
        power = power[power > power.mean() / 10.0]
    return float(-0.691 + 10.0 * np.log10(power.mean())) if power.size else -70.0


@cache
def _k_weighting() -> filters.Coefficients:
    """The recommendation's two filters, which it gives for 48 kHz, as one at this sampling rate.

    References
    ----------
    B. De Man, "Evaluation of implementations of the EBU R128 loudness measurement", AES Convention 145, 2018.
    """
    k, q, high = np.tan(np.pi * 1_681.974450955533 / RATE), 0.7071752369554196, 10.0 ** (3.999843853973347 / 20.0)
    middle = high**0.4996667741545416
    shelf_b = np.asarray([high + middle * k / q + k**2, 2.0 * (k**2 - high), high - middle * k / q + k**2])
    shelf_a = np.asarray([1.0 + k / q + k**2, 2.0 * (k**2 - 1.0), 1.0 - k / q + k**2])
    k, q = np.tan(np.pi * 38.13547087602444 / RATE), 0.5003270373238773
    cut_a = np.asarray([1.0 + k / q + k**2, 2.0 * (k**2 - 1.0), 1.0 - k / q + k**2])
    b = np.convolve(shelf_b, [1.0, -2.0, 1.0])
    a = np.convolve(shelf_a, cut_a / cut_a[0])
    return b / a[0], a / a[0]


def render(score: Score, seed: int) -> Signal:
    """Play a score.

    Parameters
    ----------
    score : Score
    seed : int
        Of everything that a player leaves to chance.

    Returns
    -------
    float32, shape (2, n)
        At `waves.RATE`, `LOUDNESS` loud, below -1 dB at its peaks; the same for the same score and seed.
    """
    # One thread: a matrix product then adds up in the same order everywhere.
    with threadpool_limits(limits=1, user_api="blas"):
        try:
            return _master(_mix(score, seed), score, np.random.default_rng([seed, 1]))
        finally:
            _note.cache_clear()
            _stroke.cache_clear()


def _mix(score: Score, seed: int) -> Signal:
    n = samples(score.seconds)
    dry = np.zeros((2, n), dtype=np.float32)
    room, repeats = np.zeros_like(dry), np.zeros_like(dry)
    for index, part in enumerate(score.parts):
        rng = np.random.default_rng([seed, 0, index])
        bus = _play_drums(part, score, rng) if isinstance(part, DrumPart) else _play(part, score, index, rng)
        # A part that hardly sounds within the score's length is not blown up.
        gain = np.float32(10.0 ** ((part.level - 20.0 - max(loudness(bus), -50.0)) / 20.0))
        bus = _pan(_automate(bus * gain, part, score), part.pan)
        dry += bus
        if part.reverb:
            room += np.float32(part.reverb) * bus
        if part.echo:
            repeats += np.float32(part.echo) * bus
    if repeats.any():
        echoes = effects.echo(repeats, score.echo_beats * 60.0 / score.tempo, 0.45)
        dry += echoes
        room += np.float32(0.2) * echoes
    if room.any():
        dry += effects.reverberate(room, score.space)
    return dry


def _second(beat: float, score: Score) -> float:
    """When a beat falls, with the swing of what lies between beats."""
    pair = 2.0 * score.swing_unit
    whole, share = divmod(beat / pair + 1e-9, 1.0)
    bent = share * 2.0 * score.swing if share < 0.5 else score.swing + (share - 0.5) * 2.0 * (1.0 - score.swing)
    return float((whole + bent) * pair * 60.0 / score.tempo)


def _play(part: Part, score: Score, player: int, rng: np.random.Generator) -> Signal:
    """A part's notes, through its instrument's chain: (1, n), or (2, n) where it is wide."""
    instrument = INSTRUMENTS[part.instrument]
    bus = np.zeros((2 if instrument.width else 1, samples(score.seconds)), dtype=np.float32)
    middle = (instrument.lowest + instrument.highest) / 2.0
    reach = (instrument.highest - instrument.lowest) / 2.0
    for count, note in enumerate(part.notes):
        start = _second(note.beat, score) + float(rng.normal(0.0, part.looseness))
        seconds = max(_second(note.beat + note.beats, score) - _second(note.beat, score), 0.03)
        sound = _note(
            part.instrument,
            note.pitch,
            max(3, round(seconds / _DURATION_S)),
            _step(note, rng),
            (count + player) % 4,
        )
        _add(bus, sound, start, instrument.width * float(np.clip((note.pitch - middle) / reach, -1.0, 1.0)) * 0.7)
    for effect in instrument.chain:
        bus = effect(bus)
    return bus


def _step(note: Note, rng: np.random.Generator) -> int:
    return int(np.clip(round((note.velocity + rng.normal(0.0, 0.03)) * _VELOCITIES), 2, _VELOCITIES))


@cache
def _note(name: str, pitch: float, duration: int, velocity: int, take: int) -> Signal:
    """One note, the same whenever it is asked for."""
    rng = np.random.default_rng([zlib.crc32(name.encode()), round(pitch * 100.0), duration, velocity, take])
    return INSTRUMENTS[name].voice(pitch, duration * _DURATION_S, velocity / _VELOCITIES, rng)


def _play_drums(part: DrumPart, score: Score, rng: np.random.Generator) -> Signal:
    bus = np.zeros((2, samples(score.seconds)), dtype=np.float32)
    kit = KITS[part.kit]
    for count, hit in enumerate(part.hits):
        start = _second(hit.beat, score) + float(rng.normal(0.0, part.looseness))
        velocity = int(np.clip(round((hit.velocity + rng.normal(0.0, 0.03)) * _VELOCITIES), 2, _VELOCITIES))
        piece = kit[hit.piece]
        _add(
            bus, _stroke(part.kit, hit.piece, velocity, count % 3) * np.float32(piece.gain), start, piece.pan + part.pan
        )
    return bus


@cache
def _stroke(kit: str, piece: str, velocity: int, take: int) -> Signal:
    """One stroke on a drum, the same whenever it is asked for."""
    rng = np.random.default_rng([zlib.crc32(f"{kit} {piece}".encode()), velocity, take])
    return KITS[kit][piece].stroke(velocity / _VELOCITIES, rng)


def _add(bus: Signal, sound: Signal, start_s: float, pan: float) -> None:
    """Add a mono sound to a bus of one side or two."""
    begin = max(0, round(start_s * RATE))
    length = min(sound.size, bus.shape[1] - begin)
    if length > 0:
        bus[:, begin : begin + length] += _sides(pan, bus.shape[0]) * sound[:length]


def _sides(pan: float, count: int) -> Signal:
    """Gains of the sides, shape (count, 1), of equal power wherever a sound stands, and 1 in the middle."""
    if count == 1:
        return np.ones((1, 1), dtype=np.float32)
    angle = (np.clip(pan, -1.0, 1.0) + 1.0) * np.pi / 4.0
    return np.asarray([[np.cos(angle)], [np.sin(angle)]], dtype=np.float32) * np.float32(np.sqrt(2.0))


def _pan(bus: Signal, pan: float) -> Signal:
    """A bus of one side or two as stereo, moved to its place; its power stays the same."""
    return bus * _sides(pan, 2) * np.float32(np.sqrt(bus.shape[0] / 2.0))


def _automate(bus: Signal, part: Part | DrumPart, score: Score) -> Signal:
    """A part with its swells, its moving filter, and its giving way to the kick."""
    n = bus.shape[1]
    t = np.arange(n) / RATE
    if part.filter_hz:
        when = [_second(beat, score) for beat, _ in part.filter_hz]
        corner = 2.0 ** np.interp(t, when, np.log2([hz for _, hz in part.filter_hz]))
        bus = np.stack([filters.sweep(side, corner, 0.9, 256) for side in bus])
    if part.swells:
        when = [_second(beat, score) for beat, _ in part.swells]
        gain_db = np.interp(t, when, [db for _, db in part.swells])
        bus *= (10.0 ** (gain_db / 20.0)).astype(np.float32)
    if part.ducked and score.pump:
        kicks = np.asarray([_second(beat, score) for beat in score.pump])
        since = t - kicks[np.maximum(np.searchsorted(kicks, t, side="right") - 1, 0)]
        rise = np.clip(since / min(0.26, 0.75 * 60.0 / score.tempo), 0.0, 1.0)
        gain = np.where(since < 0.0, 1.0, 0.25 + 0.75 * rise**1.5).astype(np.float32)
        bus *= signal.lfilter([0.02], [1.0, -0.98], gain, zi=[0.98])[0].astype(np.float32)
    return bus


def _master(mix: Signal, score: Score, rng: np.random.Generator) -> Signal:
    """The medium, the last equalizer, fades, loudness and the limiter."""
    x = filters.apply(mix, "highpass", 28.0)
    x *= np.float32(10.0 ** ((-18.0 - loudness(x)) / 20.0))
    match score.medium:
        case "tape":
            x = effects.saturate(effects.wow(x, 0.0006, rng), 1.2)
            x = filters.apply(x, "highshelf", 6_000.0, 0.7, -2.5)
        case "vinyl":
            x = effects.saturate(effects.wow(x, 0.0014, rng), 1.5)
            x = filters.apply(filters.apply(x, "lowpass", 8_500.0), "peak", 300.0, 0.7, 1.5)
            x = x + effects.crackle(x.shape[1], rng) * np.float32(0.16)
        case "console":
            x = effects.compress(effects.saturate(x, 1.6), -17.0, 3.0)
        case _:
            x = effects.compress(x, -14.0, 1.8, 0.08)
    n = x.shape[1]
    edge = samples(max(score.fade_in, 0.004))
    x[:, :edge] *= ramp_in(edge)
    close = samples(score.fade_out)
    x[:, n - close :] *= ramp_in(close)[::-1]
    for _ in range(2):  # the limiter takes a little loudness away
        x = effects.limit(x * np.float32(10.0 ** ((LOUDNESS - loudness(x)) / 20.0)), _CEILING)
    return np.asarray(x - x.mean(axis=1, keepdims=True) * _plateau(n), dtype=np.float32)


def _plateau(n: int) -> Signal:
    """Ones that begin and end at 0."""
    edge = samples(0.05)
    shape = np.ones(n, dtype=np.float32)
    shape[:edge] = ramp_in(edge)
    shape[-edge:] = ramp_in(edge)[::-1]
    return shape
