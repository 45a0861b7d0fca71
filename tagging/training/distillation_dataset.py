"""The dataset of a distilling: what published networks predict of recordings, and what people said, as targets."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from catalog.audio_lengths import probe
from tagging.evaluation.fitting_merging import Said, fit_merging
from tagging.frontend.mel_bands import HOP, SAMPLE_RATE
from tagging.frontend.patches import SAMPLE_RATE as PATCH_RATE
from tagging.frontend.patches import song_patches
from tagging.labels import merged
from tagging.labels.merging import Merging, log_odds
from tagging.labels.vocabulary import Vocabulary
from tagging.networks.inference import PatchTagger, Tagger, inference_threads, predict_file
from tagging.taggers import registry
from tagging.taggers.atomic_write import atomic_write

from .spectrograms import Mel, Spectrograms, first_frame, key_of

Floats = NDArray[np.float64]

_LEAST_DEVIATION = 0.05
_FURTHEST = 6.0
"""Targets are cut off at so many standard deviations."""


@dataclass(frozen=True, slots=True)
class TeacherPredictions:
    """What the published networks predict of some recordings.

    Attributes
    ----------
    outputs : mapping of str to float64, shape (n_recordings, n_outputs)
        Each network's log-odds for the whole recording.
    answers : mapping of str to float64, shape (n_recordings, n_labels)
        The same as answers to the vocabulary; NaN where a network cannot predict a label.
    embeddings : mapping of str to float32, shape (n_recordings, n_dimensions)
        Those of the networks of `merged.EMBEDDING`, for the whole recording.
    patches : list of float32, shape (n_patches, n_numbers)
        Of each recording: log-odds and embeddings of every patch, of the networks of `merged.EMBEDDING`.
    patch_middles : list of int64, shape (n_patches,)
        The frame in the middle of each patch.
    """

    outputs: Mapping[str, Floats]
    answers: Mapping[str, Floats]
    embeddings: Mapping[str, NDArray[np.float32]]
    patches: Sequence[NDArray[np.float32]]
    patch_middles: Sequence[NDArray[np.int64]]


@dataclass(frozen=True)
class DistillationDataset:
    """Recordings, and what is to be predicted of them.

    Attributes
    ----------
    frames : float16, shape (n_frames, 96)
        All recordings' spectrograms, decibels; memory-mapped.
    places : int64, shape (n, 2)
        Each recording's first frame, and number of frames.
    whole : float32, shape (n, n_whole)
        Predictions for the whole recording, each in standard deviations from its mean; NaN where there is none.
    patches : float32, shape (n_patches, n_outputs)
        Predictions for every recording's patches, one recording after the other, standardized alike.
    patch_middles : int64, shape (n_patches,)
        The frame in the middle of each patch, counted from its recording's first.
    patch_bounds : int64, shape (n + 1,)
        Of each recording, the first of its patches; and the number of all.
    said : float32, shape (n, n_labels)
        1 where people gave a label, 0 where they were asked and did not, NaN where nobody was asked.
    """

    frames: Mel
    places: NDArray[np.int64]
    whole: NDArray[np.float32]
    patches: NDArray[np.float32]
    patch_middles: NDArray[np.int64]
    patch_bounds: NDArray[np.int64]
    said: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.places)

    @property
    def widths(self) -> tuple[int, int, int]:
        """How many numbers are predicted: of the whole, of patches, of what people said."""
        return self.whole.shape[1], self.patches.shape[1], self.said.shape[1]

    @property
    def digest(self) -> str:
        """A digest of everything but the spectrograms and where their file holds them, hexadecimal."""
        digest = hashlib.sha256()
        # Spectrograms read again, because their files were copied or touched, lie elsewhere: it is the same dataset.
        for array in (self.places[:, 1], self.whole, self.patches, self.patch_middles, self.patch_bounds, self.said):
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    def window(self, row: int, first: int, frames: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Cut a window of a recording.

        Returns
        -------
        mel : float32, shape (frames, 96)
            Decibels; a shorter recording is repeated.
        targets : float32, shape (n_whole + n_outputs + n_labels,)
        """
        start, count = (int(number) for number in self.places[row])
        if count < frames:
            mel = self.frames[start + np.arange(frames) % count].astype(np.float32)
        else:
            mel = self.frames[start + first : start + first + frames].astype(np.float32)
        return mel, np.concatenate([self.whole[row], self._of_patches(row, first, frames), self.said[row]])

    def _of_patches(self, row: int, first: int, frames: int) -> NDArray[np.float32]:
        """The mean over the patches whose middle lies in a window; of the nearest where none does."""
        patches = slice(int(self.patch_bounds[row]), int(self.patch_bounds[row + 1]))
        middles = self.patch_middles[patches]
        if not middles.size:
            return np.full(self.patches.shape[1], np.nan, np.float32)
        inside = (middles >= first) & (middles < first + frames)
        if not inside.any():
            inside[np.abs(middles - first - frames // 2).argmin()] = True
        mean: NDArray[np.float32] = self.patches[patches][inside].mean(axis=0)
        return mean


def predict_with_networks(recordings: Sequence[Path], words: Vocabulary, folder: Path) -> TeacherPredictions:
    """Have every network of the vocabulary hear recordings.

    Parameters
    ----------
    recordings : sequence of Path
    words : Vocabulary
    folder : Path
        Each recording's predictions are kept there, so that an interrupted call is resumed.

    Raises
    ------
    TaggerError
        If a network is not installed.
    UnreadableAudio
        If a recording cannot be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    taggers = [registry.load(name) for name in words.networks]
    places = [folder / f"{hashlib.sha256(key_of(recording).encode()).hexdigest()[:24]}.npz" for recording in recordings]
    due = [(recording, place) for recording, place in zip(recordings, places, strict=True) if not place.exists()]
    with inference_threads() as threads:
        for place, arrays in tqdm(
            zip((place for _, place in due), threads.map(lambda one: _heard(one[0], taggers), due), strict=True),
            "networks listen",
            len(due),
            unit=" recordings",
            disable=None,
        ):
            with atomic_write(place) as draft:
                np.savez(draft, allow_pickle=False, **arrays)
    kept = []
    for place in places:
        with np.load(place) as file:
            kept.append({name: file[name] for name in file.files})
    outputs = {tagger.name: log_odds(np.stack([of_file[tagger.name] for of_file in kept])) for tagger in taggers}
    answers = {name: words.by_label(registry.describe(name), odds) for name, odds in outputs.items()}
    patches, middles = ([of_file[part] for of_file in kept] for part in ("patches", "patch_middles"))
    return TeacherPredictions(outputs, answers, _embeddings(taggers, patches), patches, middles)


def _embeddings(taggers: Sequence[Tagger], patches: Sequence[NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    """The embeddings of whole recordings, by network: the means over their patches, which have log-odds first."""
    embedded = [tagger for tagger in taggers if tagger.name in merged.EMBEDDING]
    first = sum(len(tagger.labels) for tagger in embedded)
    means = np.stack([of_recording[:, first:].mean(axis=0) for of_recording in patches])
    parts = np.split(means, len(embedded), axis=1)
    return {tagger.name: part for tagger, part in zip(embedded, parts, strict=True)}


def _heard(recording: Path, taggers: Sequence[Tagger]) -> dict[str, NDArray[np.generic]]:
    """All that the networks predict of one recording."""
    duration_s = probe(recording).duration_s
    predictions = predict_file(recording, taggers)
    heard: dict[str, NDArray[np.generic]] = {
        tagger.name: one.probabilities for tagger, one in zip(taggers, predictions, strict=True)
    }
    odds: list[NDArray[np.floating]] = []
    embeddings: list[NDArray[np.floating]] = []
    for tagger in taggers:
        if tagger.name not in merged.EMBEDDING or not isinstance(tagger, PatchTagger):
            continue
        probabilities, of_patches = tagger.hear_patches(song_patches(recording, duration_s, tagger.patches))
        odds.append(log_odds(probabilities))
        if of_patches is not None:
            embeddings.append(of_patches)
        n_frames = max(int(np.ceil(duration_s * PATCH_RATE / HOP)), tagger.patches.frames)
        middles_s = (tagger.patches.starts(n_frames) + tagger.patches.frames / 2) * HOP / PATCH_RATE
        middles = np.rint(middles_s * SAMPLE_RATE / HOP).astype(np.int64) - first_frame(duration_s)
        heard["patch_middles"] = middles
    heard["patches"] = np.concatenate([*odds, *embeddings], axis=1).astype(np.float32)
    return heard


def make_distillation_dataset(
    predictions: TeacherPredictions,
    said: Said,
    words: Vocabulary,
    spectrograms: Spectrograms,
    keys: Sequence[str],
    rows: NDArray[np.intp],
) -> tuple[DistillationDataset, Merging]:
    """Make the dataset of some recordings; what is known of the others has no part in it.

    Parameters
    ----------
    predictions : TeacherPredictions
        Of all recordings.
    said : Said
        Of the first of them; of the others nobody said anything.
    words : Vocabulary
    spectrograms : Spectrograms
        With every recording.
    keys : sequence of str
        Each recording's, in `spectrograms`.
    rows : int, shape (n,)
        The recordings to learn from.

    Returns
    -------
    dataset : DistillationDataset
    merging : Merging
        Fitted to what was said of `rows`.
    """
    n_said = len(said.asked)
    answers = {name: of_network[:n_said] for name, of_network in predictions.answers.items()}
    embeddings = {name: of_network[:n_said] for name, of_network in predictions.embeddings.items()}
    merging = fit_merging(answers, embeddings, said, words, rows[rows < n_said])
    scores = merging.scores(predictions.answers, predictions.embeddings)
    whole = np.concatenate([scores, *(_standardized(odds, rows) for odds in predictions.outputs.values())], axis=1)
    patches = np.concatenate([predictions.patches[row] for row in rows])
    labels = np.full((len(keys), len(words)), np.nan, np.float32)
    labels[:n_said] = np.where(said.asked, said.true, np.nan)
    places = [spectrograms.place(keys[row]) for row in rows]
    if any(place is None or not place.frames for place in places):
        raise ValueError("a recording has no spectrogram")
    dataset = DistillationDataset(
        frames=spectrograms.frames(),
        places=np.array([(place.start, place.frames) for place in places if place is not None], np.int64),
        whole=_cut(whole[rows]),
        patches=_cut(_standardized(patches, np.arange(len(patches)))),
        patch_middles=np.concatenate([predictions.patch_middles[row] for row in rows]),
        patch_bounds=np.concatenate([[0], np.cumsum([len(predictions.patches[row]) for row in rows])]).astype(np.int64),
        said=labels[rows],
    )
    return dataset, merging


def _standardized(numbers: NDArray[np.floating], rows: NDArray[np.intp]) -> NDArray[np.floating]:
    """In standard deviations from the mean of some rows."""
    some = numbers[rows]
    distances: NDArray[np.floating] = (numbers - some.mean(axis=0)) / np.maximum(some.std(axis=0), _LEAST_DEVIATION)
    return distances


def _cut(numbers: NDArray[np.floating]) -> NDArray[np.float32]:
    return numbers.clip(-_FURTHEST, _FURTHEST).astype(np.float32)
