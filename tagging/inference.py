"""Listening: a tagger, and several of them on one file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from os import PathLike

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from .frontend import N_FRAMES, N_MELS, mel_spectrogram, middle_samples
from .networks import Network
from .registry import Description


class Tagger:
    """A network with its weights, its scaling and its labels.

    Attributes
    ----------
    name : str
    labels : list of str
        As published, in the order of the probabilities.
    kinds : dict of str to str
        The kind of each label.
    """

    def __init__(self, description: Description, network: Network) -> None:
        self.name = description.name
        self.labels = [label.name for label in description.labels]
        self.kinds = {label.name: label.kind for label in description.labels}
        self.scaling = description.scaling
        self._operating_points = np.array([label.operating_point for label in description.labels])
        self._network = network

    def predict(self, mel: ArrayLike) -> NDArray[np.float32]:
        """The probability of each label.

        Parameters
        ----------
        mel : float32, shape (n, 96, 1366)
            Spectrograms in this tagger's scaling: `scaling(mel_spectrogram(samples))`.

        Returns
        -------
        float32, shape (n, n_labels)
            In [0, 1], the columns in the order of `labels`.

        Raises
        ------
        ValueError
            If `mel` has another shape, or holds anything but finite numbers.
        """
        spectrograms = np.ascontiguousarray(mel, dtype=np.float32)
        if spectrograms.ndim != 3 or spectrograms.shape[1:] != (N_MELS, N_FRAMES):
            raise ValueError(f"mel must have shape (n, {N_MELS}, {N_FRAMES}), not {spectrograms.shape}")
        if not np.isfinite(spectrograms).all():
            raise ValueError("mel must hold finite numbers only")
        if not len(spectrograms):
            return np.zeros((0, len(self.labels)), np.float32)
        with torch.inference_mode():
            probabilities: NDArray[np.float32] = self._network(torch.from_numpy(spectrograms)).numpy()
        return probabilities

    def listen(self, power: NDArray[np.float32]) -> NDArray[np.float32]:
        """The probability of each label of one song.

        Parameters
        ----------
        power : float32, shape (96, 1366)
            Power mel spectrogram, not scaled.

        Returns
        -------
        float32, shape (n_labels,)
        """
        probabilities: NDArray[np.float32] = self.predict(self.scaling(power)[np.newaxis])[0]
        return probabilities

    def kept(self, probabilities: NDArray[np.float32]) -> dict[str, float]:
        """The labels that a song keeps: those that reach their operating points, the most probable first.

        Parameters
        ----------
        probabilities : float32, shape (n_labels,)
        """
        reached = np.flatnonzero(probabilities >= self._operating_points)
        strongest = reached[np.argsort(-probabilities[reached], kind="stable")]
        return {self.labels[index]: float(probabilities[index]) for index in strongest}


def listen_to(path: str | PathLike[str], taggers: Sequence[Tagger]) -> list[NDArray[np.float32]]:
    """What each tagger hears in an audio file.

    Returns
    -------
    list of float32, shape (n_labels,)
        Probabilities, one array a tagger.

    Raises
    ------
    UnreadableAudio
        If the file cannot be read.
    """
    power = mel_spectrogram(middle_samples(path))
    return [tagger.listen(power) for tagger in taggers]


def listening_threads() -> ThreadPoolExecutor:
    """Threads to listen to several files at once: one a core.

    Decoding, transforms and networks all leave Python's lock alone, so a song a thread uses every core; a second
    level of threads inside PyTorch would only make them wait for one another.
    """
    return ThreadPoolExecutor(n_cores(), "listening", initializer=torch.set_num_threads, initargs=(1,))


def n_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
