"""Teachers: published taggers that label clips which nobody has recorded, for another network to learn from."""

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
from tagging import registry
from tagging.drafts import draft_of
from tagging.evaluation.metrics import log_odds
from tagging.frontend import N_FRAMES, N_MELS
from tagging.inference import Tagger

from .dataset import Dataset, VocabularyLabel
from .mixing import SILENCE_DB, Mixing, Rng, drawing_rows, make_clip
from .spectrograms import Mel, Spectrograms

GENERATED_SHARE = 0.3
"""How often a generated piece is drawn where there are recordings as well."""

# A clip's decibels from -90 to 60 in steps of 0.6, finer than half precision where it is loud.
_LOWEST_DB, _STEPS_PER_DB = -90.0, 1.7
_CLIP_BYTES = N_FRAMES * N_MELS
_CROP_STEP = N_FRAMES // 4


@dataclass(frozen=True, slots=True)
class Merger:
    """Several teachers' labels as one vocabulary: what is the same word is one label.

    Attributes
    ----------
    labels : tuple of VocabularyLabel
        In the order in which the teachers have them first.
    columns : tuple of int, shape (n_labels,)
        Where each teacher's labels are in it.
    """

    labels: tuple[VocabularyLabel, ...]
    columns: tuple[NDArray[np.intp], ...]

    @classmethod
    def of(cls, teachers: Sequence[registry.Description]) -> Merger:
        """The vocabulary of some teachers."""
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
        """One answer from one a teacher: the mean of the log-odds of those that have the label.

        Parameters
        ----------
        answers : sequence of float, shape (..., n_labels of the teacher)
            Log-odds.

        Returns
        -------
        float32, shape (..., n_labels)
        """
        merged = np.zeros((*answers[0].shape[:-1], len(self.labels)), np.float32)
        voices = np.zeros(len(self.labels), np.float32)
        for columns, answer in zip(self.columns, answers, strict=True):
            merged[..., columns] += answer
            voices[columns] += 1
        merged /= voices
        return merged

    def importance(self, log_odds: NDArray[np.floating]) -> NDArray[np.float32]:
        """How much each label's squared error counts: so that one teacher's labels vary as much as another's.

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
        # The first teacher that has a label decides.
        for columns in reversed(self.columns):
            importance[columns] = 1.0 / max(float(variances[columns].mean()), 1e-6)
        return importance


class Clips:
    """Clips and what the teachers hear in them, in a folder: mapped, made in parallel, gone on with after a kill.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    dataset : Dataset
        Whose training side the clips are made of.
    teachers : sequence of str
    merger : Merger
        Of these teachers.
    n : int
        How many clips.
    seed : int
    mixing : Mixing

    Raises
    ------
    ValueError
        If the folder holds clips of other recordings or teachers.
    OSError
        If the disk has no room for them.
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
        """What the teachers hear, float32, shape (n, n_labels)."""
        self._answered = np.memmap(folder / "answered.u8", np.uint8, "r+", shape=(n,))

    def __len__(self) -> int:
        return len(self._answered)

    @property
    def left(self) -> int:
        """How many clips are still to be made."""
        return len(self) - int(np.count_nonzero(self._answered))

    def mel(self, clip: int, first: int, frames: int) -> NDArray[np.float32]:
        """A part of a clip, shape (n_frames, 96), decibels."""
        return self._levels[clip, first : first + frames].astype(np.float32) / _STEPS_PER_DB + _LOWEST_DB

    def ends_in_silence(self, clip: int) -> bool:
        """Whether a clip is over before its 29.12 s are: a part of it is not what the teachers heard."""
        return not self._levels[clip, -1].any()

    def make(self, processes: int) -> Generator[int, None, None]:
        """Make those that are not here yet; yields the number of each when it is."""
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
        """Refuse a folder with clips of something else; a larger number of the same ones is gone on with."""
        about = {
            "recordings": self._dataset.digest,
            "teachers": {name: _digest(name) for name in self._teachers},
            "seed": self._seed,
            "mixing": asdict(self._mixing),
        }
        if not path.exists():
            with draft_of(path) as draft:
                draft.write(json.dumps(about, indent=1).encode())
        elif json.loads(path.read_text()) != about:
            raise ValueError(
                f"{path.parent} holds clips of other recordings or teachers, or another seed: remove it, or choose "
                "another --name."
            )

    def _reserve(self, folder: Path, n: int) -> None:
        """Room on the disk for all of it now: a mapped file that finds none later ends the process."""
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


def hear_kept_out(
    folder: Path, dataset: Dataset, rows: NDArray[np.intp], teachers: Sequence[str], merger: Merger, processes: int
) -> NDArray[np.float32]:
    """What the teachers hear in whole recordings.

    Each is heard in crops of 29.12 s that begin every quarter of that, and a label's probability is their mean.

    Returns
    -------
    float32, shape (n, n_labels)
        Log-odds, in the order of `rows`; kept in the folder for the next time.
    """
    place = folder / "kept-out.npz"
    about = json.dumps([dataset.digest, {name: _digest(name) for name in teachers}])
    if place.exists():
        with np.load(place) as kept:
            if str(kept["about"]) == about:
                heard: NDArray[np.float32] = kept["log_odds"]
                return heard
    answers = np.zeros((rows.size, len(merger.labels)), np.float32)
    arguments = (dataset.spectrograms, dataset.places[rows], None, teachers, merger, 0, Mixing())
    hearing = in_parallel(_hear_whole, range(rows.size), processes, _prepare, *arguments)
    for number, answer in tqdm(hearing, "teachers hear what is kept out", rows.size, unit=" recordings"):
        answers[number] = answer.result()
    with draft_of(place) as draft:
        np.savez(draft, about=about, log_odds=answers)
    return answers


@dataclass(slots=True)
class _Workshop:
    """What a process that asks teachers has at hand."""

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

    def ask(self, clip: NDArray[np.floating]) -> list[NDArray[np.float32]]:
        """Each teacher's probabilities for a clip, shape (1366, 96), decibels."""
        power = (10.0 ** (clip.T.astype(np.float32) / 10.0)).astype(np.float32)
        return [teacher.listen(power) for teacher in self.teachers]


_workshop: _Workshop | None = None


def _prepare(
    spectrograms: Path,
    places: NDArray[np.int64],
    kinds: Sequence[NDArray[np.intp]] | None,
    teachers: Sequence[str],
    merger: Merger,
    seed: int,
    mixing: Mixing,
) -> None:
    global _workshop
    torch.set_num_threads(1)
    loaded = [registry.load(name) for name in teachers]
    draw = None if kinds is None else _drawing(places, kinds)
    _workshop = _Workshop(Spectrograms(spectrograms).frames(), places, draw, loaded, merger, seed, mixing)


def _at_hand() -> _Workshop:
    if _workshop is None:
        raise RuntimeError("the process was not prepared")
    return _workshop


def _drawing(places: NDArray[np.int64], kinds: Sequence[NDArray[np.intp]]) -> Callable[[Rng], int]:
    """Draws recordings and, with their share, generated pieces."""
    shares = (1.0 - GENERATED_SHARE, GENERATED_SHARE)
    there = [(kind, share) for kind, share in zip(kinds, shares, strict=True) if kind.size]
    return drawing_rows([kind for kind, _ in there], [places[kind, 1] for kind, _ in there], [s for _, s in there])


def _answer(number: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """A clip, shape (1366, 96), as it is stored, and what the teachers hear in it."""
    at_hand = _at_hand()
    draw = at_hand.draw
    if draw is None:
        raise RuntimeError("there is nothing to draw from")
    clip = make_clip(lambda rng: at_hand.mel(draw(rng)), np.random.default_rng([at_hand.seed, number]), at_hand.mixing)
    levels = np.clip(np.round((clip - _LOWEST_DB) * _STEPS_PER_DB), 0, 255).astype(np.uint8)
    return levels, at_hand.merger.merge([log_odds(answer) for answer in at_hand.ask(clip)])


def _hear_whole(row: int) -> NDArray[np.float32]:
    """What the teachers hear in all of a recording."""
    at_hand = _at_hand()
    answers = [at_hand.ask(crop) for crop in crops(at_hand.mel(row))]
    means = [np.mean(of_teacher, axis=0) for of_teacher in zip(*answers, strict=True)]
    return at_hand.merger.merge([log_odds(mean) for mean in means])


def crops(mel: Mel) -> Iterator[NDArray[np.float32]]:
    """Crops of 29.12 s, shape (1366, 96), over all of a recording; a shorter one is followed by silence."""
    spare = len(mel) - N_FRAMES
    firsts = [0] if spare <= 0 else np.unique(np.linspace(0, spare, -(-spare // _CROP_STEP) + 1).astype(np.intp))
    for first in firsts:
        crop = np.full((N_FRAMES, N_MELS), SILENCE_DB, np.float32)
        part = mel[first : first + N_FRAMES]
        crop[: len(part)] = part
        yield crop


def _digest(teacher: str) -> str:
    """Of a teacher's weights."""
    weights = registry.describe(teacher).weights
    if weights is None:
        raise registry.NotInstalled(f"{teacher} is not installed: manage.py taggers install {teacher}")
    with weights.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
