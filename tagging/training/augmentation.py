"""Random windows of labelled recordings, augmented so that predictions become stable across copies."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tagging.frontend.mel_bands import FEWEST_FRAMES, N_FRAMES, N_MELS

from .dataset import Dataset
from .mixing import SILENCE_DB, Mixing, Rng, make_clip
from .spectrograms import Mel

# Splicing in time or frequency is off: a window might not contain what both recordings are labelled with.
LABELLED = Mixing(as_recorded=0.6, mixed=0.15, spliced=0.0, crossed=0.0, dulled=0.15, short=0.0)

_SHIFTS = (1, 5, 12, 23)
"""Frames that altered copies begin later: 20 to 500 ms."""
_ENCODED = 2

_MASKED = 0.5
_LONGEST_MASK = 40
_WIDEST_MASK = 8


def labelled_window(
    dataset: Dataset, row: int, others: NDArray[np.intp], frames: int, rng: Rng
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Draw a random window of a labelled recording, augmented.

    Augmentations: shift, gain, equalizer, speed, pitch, a codec's low-pass, noise, masks, and mixing with another
    labelled recording.

    Parameters
    ----------
    dataset : Dataset
    row : int
    others : int, shape (n,)
        Rows of recordings that may be mixed in.
    frames : int
        At most 1366.
    rng : Generator

    Returns
    -------
    mel : float32, shape (frames, 96)
        Decibels.
    targets : float32, shape (n_labels,)
        As `Dataset.targets`: the union over the mixed recordings.
    """
    playing: list[int] = []

    def draw(rng: Rng) -> Mel:
        playing.append(row if not playing else int(rng.choice(others)))
        return dataset.mel(playing[-1])

    clip = make_clip(draw, rng, LABELLED)
    first = int(rng.integers(0, N_FRAMES - frames + 1))
    mel = clip[first : first + frames]
    if rng.random() < _MASKED:
        mask(mel, rng)
    return mel, union(dataset.targets[playing].astype(np.float32))


def another_copy(mel: NDArray[np.float32], rng: Rng) -> NDArray[np.float32]:
    """Simulate another copy of a recording: slightly equalized, and encoded at a low bit rate.

    Codecs drop what lies far below a frame's loudest band, or fill it with noise, and cut off the highest bands.

    Parameters
    ----------
    mel : float32, shape (n_frames, 96)
        Decibels.
    rng : Generator

    Returns
    -------
    float32, the same shape
    """
    bands = np.linspace(-0.5, 0.5, N_MELS)
    curve = rng.normal(0.0, 3.0) * bands + rng.normal(0.0, 0.8) * np.cos(2 * np.pi * (bands + rng.random()))
    mel = mel + curve.astype(np.float32)
    if rng.random() < 0.5:
        mel += rng.standard_normal(mel.shape, np.float32) * np.float32(rng.uniform(0.0, 2.0))
    loudest = mel.max(axis=1, keepdims=True)
    what = rng.random()
    if what < 0.3:
        left_out = (mel < loudest - rng.uniform(30.0, 60.0)) & (
            rng.random(mel.shape, np.float32) < rng.uniform(0.2, 1.0)
        )
        mel[left_out] -= np.float32(rng.uniform(3.0, 20.0))
    elif what < 0.5:
        noise = loudest - np.float32(rng.uniform(35.0, 60.0)) + 3 * rng.standard_normal(mel.shape, np.float32)
        mel = np.maximum(mel, noise)
    if rng.random() < 0.15:
        first = int(rng.integers(70, N_MELS - 1))
        mel[:, first:] -= (np.arange(N_MELS - first) * rng.uniform(1.0, 6.0)).astype(np.float32)
    return mel


def altered_copies(mel: NDArray[np.float16], rng: Rng) -> list[NDArray[np.float16]]:
    """Make copies of a recording that are to be labelled as it is: begun later, and encoded at a low bit rate.

    Parameters
    ----------
    mel : float16, shape (n_frames, 96)
        Decibels; at least 64 frames.
    rng : Generator

    Returns
    -------
    list of float16, shape (n_frames_of_copy, 96)
        Six, of at least 64 frames each.
    """
    begun_later = [mel[min(shift, len(mel) - FEWEST_FRAMES) :] for shift in _SHIFTS]
    encoded = [np.maximum(another_copy(mel.astype(np.float32), rng), np.float32(SILENCE_DB)) for _ in range(_ENCODED)]
    return [*begun_later, *(copy.astype(np.float16) for copy in encoded)]


def union(targets: NDArray[np.float32]) -> NDArray[np.float32]:
    """Combine the targets of recordings that play at once.

    Parameters
    ----------
    targets : float32, shape (n, n_labels)
        As `Dataset.targets`.

    Returns
    -------
    float32, shape (n_labels,)
        A label's largest target where one is positive; else NaN where one is NaN, else 0.
    """
    surest = np.where(np.isnan(targets), 0.0, targets).max(axis=0)
    both: NDArray[np.float32] = np.where(surest > 0, surest, targets.max(axis=0)).astype(np.float32)
    return both


def mask(mel: NDArray[np.float32], rng: Rng) -> None:
    """Replace up to two ranges of frames and of bands by the window's mean, in place.

    References
    ----------
    .. [1] D. S. Park et al., "SpecAugment: A simple data augmentation method for automatic speech recognition",
       Interspeech 2019.
    """
    mean = mel.mean()
    for _ in range(int(rng.integers(0, 3))):
        width = int(rng.integers(1, _LONGEST_MASK + 1))
        first = int(rng.integers(0, max(len(mel) - width, 1)))
        mel[first : first + width] = mean
    for _ in range(int(rng.integers(0, 3))):
        width = int(rng.integers(1, _WIDEST_MASK + 1))
        first = int(rng.integers(0, N_MELS - width))
        mel[:, first : first + width] = mean
