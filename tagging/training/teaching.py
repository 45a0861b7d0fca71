"""Teachers: published taggers label synthetic clips, from which another network is trained."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from catalog.names import label_key
from catalog.parallel import in_parallel
from tagging.evaluation.metrics import log_odds
from tagging.frontend.mel_bands import N_FRAMES, N_MELS
from tagging.networks.inference import Tagger
from tagging.taggers import registry
from tagging.taggers.atomic_write import atomic_write

from .dataset import Dataset, VocabularyLabel
from .mixing import Mixing, Rng, drawing_rows, make_clip, padded
from .spectrograms import Mel, Spectrograms

GENERATED_SHARE = 0.3
"""Share of generated pieces where there are recordings as well."""

# Clips are quantized to 8 bits: decibels from -90 to 60 in steps of 0.6.
_LOWEST_DB, _STEPS_PER_DB = -90.0, 1.7
_CLIP_BYTES = N_FRAMES * N_MELS
_CROP_STEP = N_FRAMES // 4


@dataclass(frozen=True, slots=True)
class Merger:
    """Several teachers' labels merged into one vocabulary by their keys.

    Attributes
    ----------
    labels : tuple of VocabularyLabel
        In the order of first occurrence.
    columns : tuple of int, shape (n_labels,)
        Each teacher's labels as columns of the vocabulary.
    """

    labels: tuple[VocabularyLabel, ...]
    columns: tuple[NDArray[np.intp], ...]

    @classmethod
    def of(cls, teachers: Sequence[registry.Description]) -> Merger:
        """Merge the vocabularies of teachers."""
        found: dict[str, VocabularyLabel] = {}
        columns = []
        for teacher in teachers:
            keys = [label_key(label.name) for label in teacher.labels]
            for key, label in zip(keys, teacher.labels, strict=True):
                found.setdefault(key, VocabularyLabel(key, label.name, label.kind))
            columns.append(keys)
        place = {key: number for number, key in enumerate(found)}
        return cls(tuple(found.values()), tuple(np.array([place[key] for key in keys], np.intp) for keys in columns))

    def merge(self, answers: Sequence[NDArray[np.floating]]) -> NDArray[np.float32]:
        """Average the teachers' log-odds, each label over the teachers that have it.

        Parameters
        ----------
        answers : sequence of float, shape (..., n_labels of the teacher)
            Log-odds, one array per teacher.

        Returns
        -------
        float32, shape (..., n_labels)
        """
        merged = np.zeros((*answers[0].shape[:-1], len(self.labels)), np.float32)
        n_teachers = np.zeros(len(self.labels), np.float32)
        for columns, answer in zip(self.columns, answers, strict=True):
            merged[..., columns] += answer
            n_teachers[columns] += 1
        merged /= n_teachers
        return merged

    def importance(self, log_odds: NDArray[np.floating]) -> NDArray[np.float32]:
        """Weigh each label's squared error by its teacher's inverse mean variance, so that teachers count alike.

        Parameters
        ----------
        log_odds : float, shape (n, n_labels)
            Merged.

        Returns
        -------
        float32, shape (n_labels,)
        """
        importance = np.zeros(len(self.labels), np.float32)
        variances = log_odds.var(axis=0)
        # The first teacher that has a label determines its weight.
        for columns in reversed(self.columns):
            importance[columns] = 1.0 / max(float(variances[columns].mean()), 1e-6)
        return importance


class Clips:
    """Clips and the teachers' predictions of them: memory-mapped, made in parallel, resumable.

    Parameters
    ----------
    folder : Path
        Made if it does not exist.
    dataset : Dataset
        Its training recordings are the clips' material.
    teachers : sequence of str
    merger : Merger
        Of these teachers.
    n : int
        Number of clips.
    seed : int
    mixing : Mixing

    Raises
    ------
    ValueError
        If the folder holds clips of other recordings or teachers.
    OSError
        If the disk has no room for the clips.
    """

    def __init__(
        self, folder: Path, dataset: Dataset, teachers: Sequence[str], merger: Merger, n: int, seed: int, mixing: Mixing
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._dataset, self._teachers, self._merger = dataset, list(teachers), merger
        self._seed, self._mixing = seed, mixing
        self._claim(folder / "clips.json")
        self._reserve(folder, n)
        self._levels = np.memmap(folder / "clips.u8", np.uint8, "r+", shape=(n, N_FRAMES, N_MELS))
        self.log_odds: NDArray[np.float32] = np.memmap(
            folder / "log-odds.f32", np.float32, "r+", shape=(n, len(merger.labels))
        )
        """The teachers' merged log-odds, float32, shape (n, n_labels)."""
        self._answered = np.memmap(folder / "answered.u8", np.uint8, "r+", shape=(n,))

    def __len__(self) -> int:
        return len(self._answered)

    @property
    def left(self) -> int:
        """Count the clips that are not made yet."""
        return len(self) - int(np.count_nonzero(self._answered))

    def mel(self, clip: int, first: int, frames: int) -> NDArray[np.float32]:
        """Cut `frames` frames of a clip: decibels, shape (frames, 96)."""
        return self._levels[clip, first : first + frames].astype(np.float32) / _STEPS_PER_DB + _LOWEST_DB

    def ends_in_silence(self, clip: int) -> bool:
        """Whether a clip ends in silence: a part of it then differs from what the teachers predicted."""
        return not self._levels[clip, -1].any()

    def make(self, processes: int) -> Generator[int, None, None]:
        """Make the missing clips; yields the number of each when it is stored."""
        due = np.flatnonzero(self._answered == 0).tolist()
        if not due:
            return
        dataset = self._dataset
        kinds = [np.flatnonzero(dataset.training & (dataset.generated == one)) for one in (False, True)]
        arguments = (
            *(dataset.spectrograms, dataset.places, kinds),
            *(self._teachers, self._merger, self._seed, self._mixing),
        )
        for clip, answering in in_parallel(_answer, due, processes, _prepare, *arguments):
            self._levels[clip], self.log_odds[clip] = answering.result()
            self._answered[clip] = 1
            yield clip

    def _claim(self, path: Path) -> None:
        """Refuse a folder with clips of other inputs; more clips of the same inputs are added to it."""
        about = {
            "recordings": self._dataset.digest,
            "teachers": {name: _digest(name) for name in self._teachers},
            "seed": self._seed,
            "mixing": asdict(self._mixing),
        }
        if not path.exists():
            with atomic_write(path) as draft:
                draft.write(json.dumps(about, indent=1).encode())
        elif json.loads(path.read_text()) != about:
            raise ValueError(
                f"{path.parent} holds clips of other recordings or teachers, or another seed: remove it, or choose "
                "another --name."
            )

    def _reserve(self, folder: Path, n: int) -> None:
        """Allocate all files now: writing to a mapped file on a full disk would kill the process."""
        sizes = {"clips.u8": n * _CLIP_BYTES, "log-odds.f32": 4 * n * len(self._merger.labels), "answered.u8": n}
        for name, size in sizes.items():
            with (folder / name).open("ab") as file:
                missing = size - file.tell()
                free = shutil.disk_usage(folder).free
                if missing > free:
                    raise OSError(
                        f"{n} clips need {size / 1e9:.1f} GB in {folder}, and {free / 1e9:.1f} GB are free: "
                        "fewer --clips, or another disk for DCMRS_HOME"
                    )
                if missing > 0 and hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(file.fileno(), size - missing, missing)
                elif missing > 0:
                    file.truncate(size)


def predict_kept_out(
    folder: Path, dataset: Dataset, rows: NDArray[np.intp], teachers: Sequence[str], merger: Merger, processes: int
) -> NDArray[np.float32]:
    """Predict whole recordings with the teachers.

    Each teacher's probabilities are averaged over overlapping crops of 29.12 s, at most a quarter of that apart.

    Returns
    -------
    float32, shape (n, n_labels)
        Merged log-odds, in the order of `rows`; cached in the folder.
    """
    place = folder / "kept-out.npz"
    about = json.dumps([dataset.digest, {name: _digest(name) for name in teachers}])
    if place.exists():
        with np.load(place) as kept:
            if str(kept["about"]) == about:
                predicted: NDArray[np.float32] = kept["log_odds"]
                return predicted
    answers = np.zeros((rows.size, len(merger.labels)), np.float32)
    arguments = (dataset.spectrograms, dataset.places[rows], None, teachers, merger, 0, Mixing())
    predicting = in_parallel(_predict_whole, range(rows.size), processes, _prepare, *arguments)
    for number, answer in tqdm(predicting, "teachers hear what is kept out", rows.size, unit=" recordings"):
        answers[number] = answer.result()
    with atomic_write(place) as draft:
        np.savez(draft, about=about, log_odds=answers)
    return answers


@dataclass(slots=True)
class _WorkerState:
    """State of a worker process that runs the teachers."""

    frames: Mel
    places: NDArray[np.int64]
    draw: Callable[[Rng], int] | None
    teachers: list[Tagger]
    merger: Merger
    seed: int
    mixing: Mixing

    def mel(self, row: int) -> Mel:
        first, count = self.places[row]
        return self.frames[first : first + count]

    def predict(self, clip: NDArray[np.floating]) -> list[NDArray[np.float32]]:
        """Predict each teacher's probabilities of a clip, shape (1366, 96), decibels."""
        power = (10.0 ** (clip.T.astype(np.float32) / 10.0)).astype(np.float32)
        return [teacher.predict_spectrogram(power) for teacher in self.teachers]


_state: _WorkerState | None = None


def _prepare(
    spectrograms: Path,
    places: NDArray[np.int64],
    kinds: Sequence[NDArray[np.intp]] | None,
    teachers: Sequence[str],
    merger: Merger,
    seed: int,
    mixing: Mixing,
) -> None:
    global _state
    torch.set_num_threads(1)
    loaded = [registry.load(name) for name in teachers]
    draw = None if kinds is None else _drawing(places, kinds)
    _state = _WorkerState(Spectrograms(spectrograms).frames(), places, draw, loaded, merger, seed, mixing)


def _worker_state() -> _WorkerState:
    if _state is None:
        raise RuntimeError("the process was not prepared")
    return _state


def _drawing(places: NDArray[np.int64], kinds: Sequence[NDArray[np.intp]]) -> Callable[[Rng], int]:
    """Build a function that draws recordings and, by their share, generated pieces."""
    shares = (1.0 - GENERATED_SHARE, GENERATED_SHARE)
    there = [(kind, share) for kind, share in zip(kinds, shares, strict=True) if kind.size]
    return drawing_rows([kind for kind, _ in there], [places[kind, 1] for kind, _ in there], [s for _, s in there])


def _answer(number: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Make a clip: its stored levels, shape (1366, 96), and the teachers' merged log-odds, shape (n_labels,)."""
    state = _worker_state()
    draw = state.draw
    if draw is None:
        raise RuntimeError("there is nothing to draw from")
    clip = make_clip(lambda rng: state.mel(draw(rng)), np.random.default_rng([state.seed, number]), state.mixing)
    levels = np.clip(np.round((clip - _LOWEST_DB) * _STEPS_PER_DB), 0, 255).astype(np.uint8)
    return levels, state.merger.merge([log_odds(answer) for answer in state.predict(clip)])


def _predict_whole(row: int) -> NDArray[np.float32]:
    """Predict a whole recording: merged log-odds, shape (n_labels,)."""
    state = _worker_state()
    answers = [state.predict(crop) for crop in crops(state.mel(row))]
    means = [np.mean(of_teacher, axis=0) for of_teacher in zip(*answers, strict=True)]
    return state.merger.merge([log_odds(mean) for mean in means])


def crops(mel: Mel) -> Iterator[NDArray[np.float32]]:
    """Yield evenly spread crops of 29.12 s, shape (1366, 96); a shorter recording is padded with silence."""
    spare = len(mel) - N_FRAMES
    firsts = [0] if spare <= 0 else np.unique(np.linspace(0, spare, -(-spare // _CROP_STEP) + 1).astype(np.intp))
    for first in firsts:
        yield padded(mel, int(first), N_FRAMES)


def _digest(teacher: str) -> str:
    """Compute the SHA-256 of a teacher's weights, hexadecimal."""
    weights = registry.describe(teacher).weights
    if weights is None:
        raise registry.NotInstalled(f"{teacher} is not installed: manage.py taggers install {teacher}")
    with weights.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
