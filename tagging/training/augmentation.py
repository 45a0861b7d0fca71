"""Windows of labelled recordings, each time another: so that labels hold still when the recording is another copy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tagging.frontend import N_FRAMES, N_MELS

from .dataset import Dataset
from .mixing import Mixing, Rng, make_clip
from .spectrograms import Mel

# No piece may follow another or take over half of the spectrum: a window would not hold all that is said of both.
LABELLED = Mixing(as_recorded=0.6, mixed=0.15, spliced=0.0, crossed=0.0, dulled=0.15)

_MASKED = 0.5
_LONGEST_MASK = 40
_WIDEST_MASK = 8


def labelled_window(
    dataset: Dataset, row: int, others: NDArray[np.intp], frames: int, rng: Rng
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A window somewhere in a labelled recording, with all that may happen to it.

    Shifted, louder or softer, equalized, faster or higher, dulled as by a codec, noisy, partly masked, or together
    with another labelled recording.

    Parameters
    ----------
    dataset : Dataset
    row : int
    others : int, shape (n,)
        Recordings that may play along.
    frames : int
        At most 1366.
    rng : Generator

    Returns
    -------
    mel : float32, shape (frames, 96)
        Decibels.
    said : float32, shape (n_labels,)
        As `Dataset.said`: of all that plays.
    """
    playing: list[int] = []

    def draw(rng: Rng) -> Mel:
        playing.append(row if not playing else int(rng.choice(others)))
        return dataset.mel(playing[-1])

    clip = make_clip(draw, rng, LABELLED)
    first = int(rng.integers(0, N_FRAMES - frames + 1))
    mel = clip[first : first + frames]
    if rng.random() < _MASKED:
        _mask(mel, rng)
    return mel, union(dataset.said[playing].astype(np.float32))


def union(said: NDArray[np.float32]) -> NDArray[np.float32]:
    """What is true of several recordings at once.

    Parameters
    ----------
    said : float32, shape (n, n_labels)
        As `Dataset.said`.

    Returns
    -------
    float32, shape (n_labels,)
        A label that one of them has; else unknown where it is unknown of one of them.
    """
    surest = np.where(np.isnan(said), 0.0, said).max(axis=0)
    both: NDArray[np.float32] = np.where(surest > 0, surest, said.max(axis=0)).astype(np.float32)
    return both


def _mask(mel: NDArray[np.float32], rng: Rng) -> None:
    """Up to two moments and two ranges of bands become the mean of the window, in place.

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
