"""What published networks at 16 kHz hear of a song: patches of its mel spectrogram, from all over it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from os import PathLike
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from catalog.audio import decode

from .mel_bands import HOP, htk_mel_filters, mel_at, mel_filters, power_mel

SAMPLE_RATE = 16_000


@dataclass(frozen=True, slots=True)
class Patches:
    """Which patches of which spectrogram a network hears.

    Attributes
    ----------
    mel : "slaney" or "htk"
        The mel filterbank, from 0 to 8 kHz.
    frames : int
        Length of a patch.
    most : int
        How many are taken of a song at most.
    """

    mel: Literal["slaney", "htk"]
    frames: int
    most: int

    def starts(self, n_frames: int) -> NDArray[np.int64]:
        """Where the patches of a song begin: each in the middle of an equal part of it.

        Parameters
        ----------
        n_frames : int
            The song's, at least `frames`.

        Returns
        -------
        int64, shape (n,)
            Frames, ascending; as many as fit beside one another, at most `most`.
        """
        n = min(self.most, n_frames // self.frames)
        middles = (np.arange(n) + 0.5) * (n_frames / n)
        starts: NDArray[np.int64] = np.clip(np.rint(middles - self.frames / 2), 0, n_frames - self.frames).astype(
            np.int64
        )
        return starts


def song_patches(path: str | PathLike[str], duration_s: float, patches: Patches) -> NDArray[np.float32]:
    """The patches of an audio file.

    Each is sought and decoded by itself, so memory does not depend on how long the file is. What is shorter than a
    patch is repeated until it fills one, as the networks' authors do.

    Parameters
    ----------
    path : str or path
    duration_s : float
        The file's, seconds.
    patches : Patches

    Returns
    -------
    float32, shape (n, 96, frames)
        Power mel spectrograms, not scaled.

    Raises
    ------
    UnreadableAudio
        If the file cannot be read.
    """
    n_frames = math.ceil(duration_s * SAMPLE_RATE / HOP)
    if n_frames < patches.frames:
        return sample_patches(decode(path, 0.0, duration_s, SAMPLE_RATE), patches)
    return mel_at(path, patches.starts(n_frames), patches.frames, SAMPLE_RATE, filterbank(patches.mel))


def sample_patches(samples: NDArray[np.float32], patches: Patches) -> NDArray[np.float32]:
    """The patches of samples that are in memory, as `song_patches` has them of a file.

    Parameters
    ----------
    samples : float32, shape (n,), n at least 1
        Mono, 16 kHz.
    patches : Patches

    Returns
    -------
    float32, shape (n_patches, 96, frames)
        Power mel spectrograms, not scaled.

    Raises
    ------
    ValueError
        If there are no samples.
    """
    if not samples.size:
        raise ValueError("samples must not be empty")
    n_frames = math.ceil(samples.size / HOP)
    if n_frames < patches.frames:
        samples, n_frames = np.resize(samples, patches.frames * HOP), patches.frames
    mel = power_mel(samples, filterbank(patches.mel))
    return np.stack([mel[:, start : start + patches.frames] for start in patches.starts(n_frames)])


@cache
def filterbank(mel: str) -> csr_array:
    """The mel filterbank of this name for 16 kHz, shape (96, 257)."""
    return csr_array({"slaney": mel_filters, "htk": htk_mel_filters}[mel](SAMPLE_RATE))
