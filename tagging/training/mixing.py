"""Synthetic clips made of recordings, by changes of speed and pitch, filters and mixing.

A teacher can label any clip, so a student can be trained on more clips than there are recordings. All operations act on
mel spectrograms in decibels, at a hundredth of the cost of processing samples. They only approximate real recordings,
so many clips stay as they were recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tagging.frontend.mel_bands import HOP, N_FRAMES, N_MELS, SAMPLE_RATE, mel_centres

Rng = np.random.Generator
Mel = NDArray[np.float32]

SILENCE_DB = -100.0


@dataclass(frozen=True, slots=True)
class Mixing:
    """Probabilities of the operations on a clip.

    Attributes
    ----------
    as_recorded : float
        Share of recordings that keep their speed and pitch.
    mixed, spliced, crossed : float
        Share of clips with a second recording: mixed in; following; replacing the bands above some frequency.
    dulled : float
        Share of clips with a codec's low-pass.
    short : float
        Share of clips that are silent after 3 to 27 s, as the published taggers pad short recordings.
    """

    as_recorded: float = 0.45
    mixed: float = 0.35
    spliced: float = 0.10
    crossed: float = 0.05
    dulled: float = 0.05
    short: float = 0.12


def make_clip(draw: Callable[[Rng], NDArray[np.float16]], rng: Rng, mixing: Mixing) -> Mel:
    """Make one clip.

    Parameters
    ----------
    draw : callable
        Returns a random recording's spectrogram, shape (n_frames, 96), decibels.
    rng : Generator
    mixing : Mixing

    Returns
    -------
    float32, shape (1366, 96)
        Decibels.
    """
    clip = _part(draw(rng), rng, mixing)
    kind = rng.random()
    if kind < mixing.mixed:
        clip = _together(clip, _part(draw(rng), rng, mixing), rng)
    elif kind < mixing.mixed + mixing.spliced:
        clip = _one_after_another(clip, _part(draw(rng), rng, mixing), rng)
    elif kind < mixing.mixed + mixing.spliced + mixing.crossed:
        clip = _crossed(clip, _part(draw(rng), rng, mixing), rng)
    if rng.random() < 0.6:
        clip += _equalizer(rng)
    clip += np.float32(rng.normal(0.0, 3.0))
    if rng.random() < 0.08:
        clip = _noisy(clip, rng)
    if rng.random() < mixing.dulled:
        _dull(clip, rng)
    if rng.random() < 0.04:
        _broken_off(clip, rng)
    if rng.random() < mixing.short:
        clip[int(rng.uniform(3.0, 27.0) * SAMPLE_RATE / HOP) :] = SILENCE_DB
    return np.maximum(clip, np.float32(SILENCE_DB))


def _part(recording: NDArray[np.float16], rng: Rng, mixing: Mixing) -> Mel:
    """Cut 29.12 s of a recording, with random changes of speed, pitch, dynamics and direction."""
    if rng.random() < mixing.as_recorded:
        return _cut(recording, N_FRAMES, rng)
    stretch = float(np.exp(np.clip(rng.normal(0.0, 0.13), -0.35, 0.35)))
    # Playing faster also raises the pitch; time-stretching does not.
    semitones = 12.0 * np.log2(stretch) if rng.random() < 0.4 else float(rng.normal(0.0, 1.5))
    clip = _cut(recording, int(np.ceil(N_FRAMES * stretch)) + 1, rng)
    clip = resampled(clip, np.arange(N_FRAMES, dtype=np.float32) * np.float32(stretch))
    clip = transposed(clip, semitones)
    if rng.random() < 0.3:
        middle = clip.mean()
        clip = middle + (clip - middle) * np.float32(np.exp(rng.normal(0.0, 0.15)))
    return clip[::-1].copy() if rng.random() < 0.04 else clip


def _cut(recording: NDArray[np.float16], frames: int, rng: Rng) -> Mel:
    """Cut a random range of frames; a shorter recording is repeated, or padded as the taggers pad it."""
    if len(recording) < frames:
        if rng.random() < 0.25:
            return padded(recording, 0, frames)
        recording = np.tile(recording, (-(-frames // len(recording)) + 1, 1))
    first = int(rng.integers(0, len(recording) - frames + 1))
    return recording[first : first + frames].astype(np.float32)


def resampled(clip: Mel, at: NDArray[np.float32]) -> Mel:
    """Interpolate linearly between frames at fractional places, shape (n,)."""
    before = at.astype(np.intp)
    share = (at - before)[:, None].astype(np.float32)
    after = np.minimum(before + 1, len(clip) - 1)
    return clip[before] * (1 - share) + clip[after] * share


def transposed(clip: Mel, semitones: float) -> Mel:
    """Transpose by semitones: each band takes the level that was at its shifted frequency."""
    centres = mel_centres()
    at = np.interp(centres / 2 ** (semitones / 12), centres, np.arange(N_MELS)).astype(np.float32)
    return np.ascontiguousarray(resampled(np.ascontiguousarray(clip.T), at).T)


def _together(one: Mel, other: Mel, rng: Rng) -> Mel:
    """Mix two clips at a random gain: their powers add up."""
    louder = np.float32(rng.uniform(-12.0, 12.0))
    both: Mel = np.float32(10 / np.log(10)) * np.logaddexp(
        one * np.float32(np.log(10) / 10), (other + louder) * np.float32(np.log(10) / 10)
    )
    return both


def _one_after_another(one: Mel, other: Mel, rng: Rng) -> Mel:
    """Splice two clips in time, at a random frame."""
    at = int(rng.integers(N_FRAMES // 5, 4 * N_FRAMES // 5))
    return np.concatenate([one[:at], other[at:]])


def _crossed(one: Mel, other: Mel, rng: Rng) -> Mel:
    """Join the low bands of one clip and the high bands of the other."""
    share = np.clip((np.arange(N_MELS) - rng.uniform(20, 70)) / 8, 0.0, 1.0).astype(np.float32)
    return one * (1 - share) + other * share


def _equalizer(rng: Rng) -> NDArray[np.float32]:
    """Draw a smooth curve of a few decibels over the bands, shape (96,)."""
    bands = np.arange(N_MELS) / N_MELS
    curve = rng.normal(0.0, 2.5) * (bands - 0.5) * 2
    for waves in (1, 2, 3):
        curve = curve + rng.normal(0.0, 1.5) * np.cos(2 * np.pi * (waves * bands + rng.random()))
    return curve.astype(np.float32)


def _noisy(clip: Mel, rng: Rng) -> Mel:
    """Add hiss, 15 to 40 dB below the clip, falling by 0 to 3 dB an octave."""
    level = clip.mean() + 10.0 - rng.uniform(15.0, 40.0)
    tilt = -rng.uniform(0.0, 3.0) * np.log2(mel_centres() / 1000.0)
    # The power of noise in a band is exponentially distributed.
    grain = 10 * np.log10(rng.exponential(1.0, clip.shape).astype(np.float32) + 1e-3)
    with_noise: Mel = np.maximum(clip, (level + tilt).astype(np.float32) + grain)
    return with_noise


def _dull(clip: Mel, rng: Rng) -> None:
    """Attenuate the bands above a random one, in place, as old records and low bit rates do."""
    first = int(rng.integers(50, 94))
    clip[:, first:] -= (np.arange(N_MELS - first) * np.float32(rng.uniform(2.0, 10.0))).astype(np.float32)


def _broken_off(clip: Mel, rng: Rng) -> None:
    """Silence the beginning or the end, in place."""
    frames = int(rng.integers(30, 400))
    clip[slice(0, frames) if rng.random() < 0.3 else slice(-frames, None)] = SILENCE_DB


def padded(mel: NDArray[np.float16], first: int, frames: int) -> Mel:
    """Cut frames of a recording, padded with silence where it ends earlier.

    Parameters
    ----------
    mel : float16, shape (n_frames, 96)
        Decibels.
    first, frames : int
        The first frame, and how many.

    Returns
    -------
    float32, shape (frames, 96)
        Decibels.
    """
    cut = np.full((frames, N_MELS), SILENCE_DB, np.float32)
    part = mel[first : first + frames]
    cut[: len(part)] = part
    return cut


def drawing_rows(
    rows: Sequence[NDArray[np.integer]], lengths: Sequence[NDArray[np.integer]], shares: Sequence[float]
) -> Callable[[Rng], int]:
    """Build a function that draws recordings: first a kind by its share, then one of it.

    Within a kind the probability is proportional to the square root of the length.

    Parameters
    ----------
    rows : sequence of int, shape (n,)
        The recordings of each kind.
    lengths : sequence of int, shape (n,)
        Their numbers of frames.
    shares : sequence of float
        Of each kind.

    Returns
    -------
    callable
        Draws one of `rows` with a generator.
    """
    kinds = np.asarray(shares) / np.sum(shares)
    cumulated = [np.cumsum(np.sqrt(of_kind)) for of_kind in lengths]

    def draw(rng: Rng) -> int:
        kind = int(rng.choice(len(kinds), p=kinds))
        place = np.searchsorted(cumulated[kind], rng.random() * cumulated[kind][-1], side="right")
        return int(rows[kind][min(place, len(rows[kind]) - 1)])

    return draw
