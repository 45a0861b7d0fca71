"""Listening: a tagger, and several of them on one file."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from os import PathLike

import numpy as np
import scipy.special
import torch
from numpy.typing import ArrayLike, NDArray

from catalog.training import fast_bfloat16
from tagging.frontend import sound
from tagging.frontend.inputs import Wanted, inputs_of
from tagging.frontend.mel_bands import (
    FEWEST_FRAMES,
    HOP,
    N_FRAMES,
    N_MELS,
    SAMPLE_RATE,
    WINDOW_FRAMES,
    Scaling,
    mel_spectrogram,
    power_mel,
)
from tagging.frontend.narrow import widened
from tagging.frontend.patches import SAMPLE_RATE as patch_rate
from tagging.frontend.patches import Patches

from . import heap, wholesong
from .descriptions import Description, LocalTagger, PublishedTagger
from .musicnn import Musicnn
from .published_networks import Network

# Windows whose maps stay in the processor's cache together.
_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a tagger hears in a song.

    Attributes
    ----------
    probabilities : float32, shape (n_labels,)
        In [0, 1], in the order of the tagger's labels.
    embedding : float32, shape (d,), optional
        Of a tagger of the own family, 256 numbers; of a published one of the kind that has one.
    without_music : mapping of str to float
        What it is labelled with if it is no music (`sound.without_music`), as `predict_file` has it for taggers that
        hear Slaney's mel bands of places all over a song.
    """

    probabilities: NDArray[np.float32]
    embedding: NDArray[np.float32] | None = None
    without_music: Mapping[str, float] = field(default_factory=dict)


class Tagger(ABC):
    """A network with its weights, its scaling and its labels.

    Attributes
    ----------
    name : str
    labels : list of str
        As published, in the order of the probabilities.
    kinds : dict of str to str
        The kind of each label.
    scaling : Scaling
        From the power mel spectrogram to what the network was trained on.
    embedding : str, optional
        The version of its embeddings, of a tagger of the own family.
    """

    embedding: str | None = None

    def __init__(self, description: Description, scaling: Scaling) -> None:
        self.name = description.name
        self.labels = [label.name for label in description.labels]
        self.kinds = {label.name: label.kind for label in description.labels} | sound.KINDS
        self.scaling = scaling
        self._operating_points = np.array([label.operating_point for label in description.labels])

    @abstractmethod
    def predict(self, mel: ArrayLike) -> NDArray[np.float32]:
        """The probability of each label.

        Parameters
        ----------
        mel : float32, shape (n, 96, n_frames)
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

    def predict_spectrogram(self, power: NDArray[np.float32]) -> NDArray[np.float32]:
        """The probability of each label of one spectrogram.

        Parameters
        ----------
        power : float32, shape (96, n_frames)
            Power mel spectrogram, not scaled.

        Returns
        -------
        float32, shape (n_labels,)
        """
        probabilities: NDArray[np.float32] = self.predict(self.scaling(power)[np.newaxis])[0]
        return probabilities

    @abstractmethod
    def warm_up(self) -> None:
        """Hear silence, so that the first song takes no longer than others."""

    def kept(self, predicted: Prediction) -> dict[str, float]:
        """The labels that a song keeps: those that reach their operating points, the most probable first.

        What is no music keeps none of them, and says so.
        """
        if predicted.without_music:
            return dict(predicted.without_music)
        probabilities = predicted.probabilities
        reached = np.flatnonzero(probabilities >= self._operating_points)
        strongest = reached[np.argsort(-probabilities[reached], kind="stable")]
        return {self.labels[index]: float(probabilities[index]) for index in strongest}


class CropTagger(Tagger):
    """A published tagger: it hears 29.12 s."""

    def __init__(self, description: Description, scaling: Scaling, network: Network) -> None:
        super().__init__(description, scaling)
        self._network = network

    def predict(self, mel: ArrayLike) -> NDArray[np.float32]:
        """See `Tagger.predict`; `mel` has shape (n, 96, 1366)."""
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

    def predict_spectrogram(self, power: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `Tagger.predict_spectrogram`; bands that the recording is without are made up (`narrow`)."""
        return super().predict_spectrogram(widened(power))

    def warm_up(self) -> None:
        """Predict silence once."""
        self.predict_spectrogram(mel_spectrogram(np.zeros(0, np.float32)))


class PatchTagger(Tagger):
    """A published tagger at 16 kHz: it hears patches of a song, whose probabilities are averaged."""

    def __init__(self, description: PublishedTagger, patches: Patches, network: Network) -> None:
        super().__init__(description, description.scaling)
        self.patches = patches
        self._network = network

    def predict(self, mel: ArrayLike) -> NDArray[np.float32]:
        """See `Tagger.predict`; `mel` has shape (n, 96, frames of a patch)."""
        spectrograms = np.ascontiguousarray(mel, dtype=np.float32)
        if spectrograms.ndim != 3 or spectrograms.shape[1:] != (N_MELS, self.patches.frames):
            raise ValueError(f"mel must have shape (n, {N_MELS}, {self.patches.frames}), not {spectrograms.shape}")
        if not np.isfinite(spectrograms).all():
            raise ValueError("mel must hold finite numbers only")
        if not len(spectrograms):
            return np.zeros((0, len(self.labels)), np.float32)
        with torch.inference_mode():
            probabilities: NDArray[np.float32] = self._network(torch.from_numpy(spectrograms)).numpy()
        return probabilities

    def predict_song(self, patches: NDArray[np.float32]) -> NDArray[np.float32]:
        """The probability of each label of a whole song.

        Parameters
        ----------
        patches : float32, shape (n, 96, frames), n at least 1
            Power mel spectrograms, not scaled.

        Returns
        -------
        float32, shape (n_labels,)
        """
        return self.hear(patches).probabilities

    def hear(self, patches: NDArray[np.float32]) -> Prediction:
        """What a whole song is: probabilities and, of a musicnn, the embedding, each the mean over patches.

        Parameters
        ----------
        patches : float32, shape (n, 96, frames), n at least 1
            Power mel spectrograms, not scaled.
        """
        of_patches, embeddings = self.hear_patches(patches)
        return Prediction(of_patches.mean(axis=0), None if embeddings is None else embeddings.mean(axis=0))

    def hear_patches(self, patches: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """What each patch of a song is.

        Parameters
        ----------
        patches : float32, shape (n, 96, frames)
            Power mel spectrograms, not scaled; bands that the recording is without are made up (`narrow`).

        Returns
        -------
        probabilities : float32, shape (n, n_labels)
        embeddings : float32, shape (n, 200), or None
            Of a musicnn.
        """
        mel = self.scaling(widened(patches))
        if not isinstance(self._network, Musicnn):
            return self.predict(mel), None
        with torch.inference_mode():
            embeddings = self._network.embed(torch.from_numpy(np.ascontiguousarray(mel, np.float32)))
            probabilities = torch.sigmoid(self._network.label(embeddings))
        return probabilities.numpy(), embeddings.numpy()

    def warm_up(self) -> None:
        """Predict silence once."""
        self.predict_song(np.zeros((1, N_MELS, self.patches.frames), np.float32))


class WholeSongTagger(Tagger):
    """A tagger of the own family: it hears windows of any length, and several of a song."""

    def __init__(self, description: LocalTagger, network: wholesong.WholeSongCnn) -> None:
        super().__init__(description, Scaling())
        self.embedding = description.embedding
        # On 17 recordings no probability moved by more than 0.0006.
        precision = torch.bfloat16 if fast_bfloat16(torch.device("cpu")) else torch.float32
        self._embed = wholesong.fused(network, precision).embed
        self._weight = network.labels.weight.detach().numpy().T.astype(np.float64)
        self._bias = network.labels.bias.detach().numpy().astype(np.float64)

    def predict(self, mel: ArrayLike) -> NDArray[np.float32]:
        """See `Tagger.predict`; `mel` has shape (n, 96, n_frames)."""
        return self.label(self.embed(mel))

    def embed(self, mel: ArrayLike) -> NDArray[np.float32]:
        """The embedding of each window.

        Parameters
        ----------
        mel : float32, shape (n, 96, n_frames), n_frames at least 64
            Decibels.

        Returns
        -------
        float32, shape (n, 256)
            At least 0. The mean over a song's windows is the song's embedding.

        Raises
        ------
        ValueError
            If `mel` has another shape, or holds anything but finite numbers.
        """
        windows = np.ascontiguousarray(mel, dtype=np.float32)
        if windows.ndim != 3 or windows.shape[1] != N_MELS or windows.shape[2] < FEWEST_FRAMES:
            raise ValueError(f"mel must have shape (n, {N_MELS}, {FEWEST_FRAMES} or more), not {windows.shape}")
        if not np.isfinite(windows).all():
            raise ValueError("mel must hold finite numbers only")
        if not len(windows):
            return np.zeros((0, wholesong.EMBEDDING), np.float32)
        with torch.inference_mode():
            parts = [self._embed(part) for part in torch.split(torch.from_numpy(windows), _AT_ONCE)]
        embeddings: NDArray[np.float32] = torch.cat(parts).numpy()
        return embeddings

    def label(self, embedding: NDArray[np.float32]) -> NDArray[np.float32]:
        """The probability of each label, by embedding.

        Parameters
        ----------
        embedding : float32, shape (..., 256)

        Returns
        -------
        float32, shape (..., n_labels)
        """
        # In double precision a song's labels are the same to the last bit, alone or among many.
        log_odds = embedding.astype(np.float64) @ self._weight + self._bias
        probabilities: NDArray[np.float32] = scipy.special.expit(log_odds).astype(np.float32)
        return probabilities

    def predict_song(self, windows: NDArray[np.float32]) -> Prediction:
        """What a whole song is.

        Parameters
        ----------
        windows : float32, shape (n, 96, n_frames)
            Power mel spectrograms of places all over the song, not scaled; at least one.
        """
        # As it is stored: labels from the stored embedding are those that were heard.
        embedding = self.embed(self.scaling(windows)).mean(axis=0).astype(np.float16).astype(np.float32)
        return Prediction(self.label(embedding), embedding, sound.without_music(windows, SAMPLE_RATE))

    def warm_up(self) -> None:
        """Predict silence once."""
        self.predict_song(power_mel(np.zeros(WINDOW_FRAMES * HOP, np.float32))[np.newaxis, :, :-1])


def predict_file(path: str | PathLike[str], taggers: Sequence[Tagger]) -> list[Prediction]:
    """What each tagger predicts for an audio file: from its middle if it hears 29.12 s at 12 kHz, else from all of it.

    Returns
    -------
    list of Prediction
        One a tagger.

    Raises
    ------
    UnreadableAudio
        If the file cannot be read.
    """
    whole = [tagger for tagger in taggers if isinstance(tagger, WholeSongTagger)]
    by_patches: dict[Patches, list[PatchTagger]] = {}
    for tagger in taggers:
        if isinstance(tagger, PatchTagger):
            by_patches.setdefault(tagger.patches, []).append(tagger)
    of_middle = [tagger for tagger in taggers if not isinstance(tagger, WholeSongTagger | PatchTagger)]
    heard = inputs_of(path, Wanted(bool(whole), tuple(by_patches), bool(of_middle)))
    predicted: dict[Tagger, Prediction] = {tagger: tagger.predict_song(heard.windows) for tagger in whole}
    for which, those in by_patches.items():
        patches = heard.patches[which]
        without_music = sound.without_music(patches, patch_rate) if which.mel == sound.MEL else {}
        predicted |= {tagger: replace(tagger.hear(patches), without_music=without_music) for tagger in those}
    predicted |= {tagger: Prediction(tagger.predict_spectrogram(heard.middle)) for tagger in of_middle}
    return [predicted[tagger] for tagger in taggers]


def inference_threads() -> ThreadPoolExecutor:
    """Threads to listen to several files at once: one a core.

    Helpers decode and transform (`inputs`), and networks leave Python's lock alone, so a song a thread uses every core;
    a second level of threads inside PyTorch would only make them wait for one another.
    """
    heap.share_arena()
    return ThreadPoolExecutor(n_cores(), "listening", initializer=torch.set_num_threads, initargs=(1,))


def n_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
