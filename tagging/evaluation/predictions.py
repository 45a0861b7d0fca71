"""Predictions of recordings and their alterations, cached on disk so that an interrupted evaluation can be resumed."""

from __future__ import annotations

import hashlib
import math
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, as_completed
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalog import audio, audio_frames, audio_lengths
from catalog.audio import decode
from catalog.audio_frames import UnreadableAudio
from catalog.audio_lengths import probe
from tagging.frontend import mel_bands, patches
from tagging.frontend.mel_bands import DURATION_S, N_SAMPLES, SAMPLE_RATE, mel_spectrogram
from tagging.frontend.patches import song_patches
from tagging.networks import inference, musicnn, published_networks, wholesong
from tagging.networks.descriptions import Description
from tagging.networks.inference import PatchTagger, Prediction, Tagger, inference_threads, predict_file
from tagging.taggers import registry

from .alterations import Alteration

_CROPS_AT_ONCE = 8
_EVERYWHERE = 1 << 20
_AHEAD = 64
_MEANS = "means of the whole song"
_PREDICTED = "heard"
_SCHEMA = "CREATE TABLE IF NOT EXISTS answers (question TEXT PRIMARY KEY, probabilities BLOB NOT NULL) WITHOUT ROWID"

Probabilities = NDArray[np.float32]


def whole_song_means(tagger: Tagger, path: Path) -> Probabilities:
    """Average a tagger's probabilities over crops of 29.12 s, or its patches, that cover a whole song.

    Crops are spread evenly from its beginning to its end, each overlapping the next by half or more.

    Parameters
    ----------
    tagger : Tagger
    path : Path

    Returns
    -------
    float32, shape (n_labels,)
        Probabilities.

    Raises
    ------
    UnreadableAudio
        If the file cannot be read.
    """
    if isinstance(tagger, PatchTagger):
        everywhere = replace(tagger.patches, most=_EVERYWHERE)
        return tagger.predict_song(song_patches(path, probe(path).duration_s, everywhere))
    beyond = max(math.ceil(probe(path).duration_s * SAMPLE_RATE) - N_SAMPLES, 0)
    starts = np.rint(np.linspace(0, beyond, 1 + math.ceil(beyond / (N_SAMPLES / 2)))).astype(np.int64)
    total = np.zeros(len(tagger.labels))
    for first in range(0, len(starts), _CROPS_AT_ONCE):
        crops = [
            mel_spectrogram(decode(path, start / SAMPLE_RATE, DURATION_S, SAMPLE_RATE))
            for start in starts[first : first + _CROPS_AT_ONCE]
        ]
        total += tagger.predict(tagger.scaling(np.stack(crops))).sum(axis=0, dtype=np.float64)
    return (total / len(starts)).astype(np.float32)


class PredictionCache:
    """Taggers' predictions in an SQLite file, which concurrent runs may share and a killed one leaves intact.

    Parameters
    ----------
    path : Path
        Made if it does not exist.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._rows = sqlite3.connect(path, timeout=60.0, isolation_level=None)
        self._rows.execute(_SCHEMA)

    def get(self, key: str, n_labels: int) -> Prediction | None:
        """Read a prediction; None where it is not cached."""
        row = self._rows.execute("SELECT probabilities FROM answers WHERE question = ?", [key]).fetchone()
        if row is None:
            return None
        numbers = np.frombuffer(row[0], "<f4")
        return Prediction(numbers[:n_labels], numbers[n_labels:] if numbers.size > n_labels else None)

    def put(self, key: str, predicted: Prediction) -> None:
        """Store a prediction: its probabilities, and after them its embedding."""
        embedding = [] if predicted.embedding is None else [predicted.embedding]
        blob = np.concatenate([predicted.probabilities, *embedding]).astype("<f4").tobytes()
        self._rows.execute("INSERT OR REPLACE INTO answers VALUES (?, ?)", [key, blob])

    def close(self) -> None:
        """Close the file."""
        self._rows.close()


@dataclass(frozen=True, slots=True, eq=False)
class Predictor:
    """A loaded tagger and its identity.

    Attributes
    ----------
    description : Description
    tagger : Tagger
    weights : str
        SHA-256 of its weights, hexadecimal; part of the cache's keys.
    """

    description: Description
    tagger: Tagger
    weights: str

    @classmethod
    def load(cls, name: str) -> Predictor:
        """Load a tagger by its name.

        Raises
        ------
        TaggerError
            If the name is unknown, or its weights are not installed or are damaged.
        """
        tagger, description = registry.load(name), registry.describe(name)
        if (weights := description.weights) is None:
            raise registry.NotInstalled(f"{name} is not installed")
        with weights.open("rb") as content:
            return cls(description, tagger, hashlib.file_digest(content, "sha256").hexdigest())

    @property
    def name(self) -> str:
        """The tagger's name."""
        return self.tagger.name


@dataclass(slots=True)
class Predictions:
    """Predictions of an evaluation's recordings.

    Attributes
    ----------
    recordings : list of Path
        Those that can be read, in the order of the request.
    means : dict of str to float32, shape (n_recordings, n_labels)
        Teachers' whole-song means, by name.
    plain : dict of str to float32, shape (n_recordings, n_labels)
        The evaluated taggers' probabilities, by name.
    embeddings : dict of str to float32, shape (n_recordings, n_dimensions)
        The same taggers' embeddings, of those that have them.
    altered : dict of (str, str) to float32, shape (n_altered, n_labels)
        Their probabilities of altered recordings, by the names of alteration and tagger.
    altered_rows : int64, shape (n_altered,)
        Indices of the altered recordings in `recordings`.
    unreadable : dict of Path to str
        Why the other recordings cannot be read.
    """

    recordings: list[Path]
    means: dict[str, Probabilities]
    plain: dict[str, Probabilities]
    embeddings: dict[str, NDArray[np.float32]]
    altered: dict[tuple[str, str], Probabilities]
    altered_rows: NDArray[np.int64]
    unreadable: dict[Path, str]


@dataclass(frozen=True, slots=True)
class _Task:
    """A unit of work: one recording or alteration of it, for one or several predictors."""

    recording: Path
    predictors: tuple[Predictor, ...]
    means: bool = False
    alteration: Alteration | None = None

    def cache_keys(self) -> list[str]:
        """Build each predictor's cache key: equal keys have equal predictions."""
        how = _MEANS if self.means else self.alteration.name if self.alteration else _PREDICTED
        status = self.recording.stat()
        file = f"{self.recording.resolve()}\n{status.st_size}\n{status.st_mtime_ns}"
        program = _program(means=self.means)
        return [f"{one.name}\n{one.weights}\n{program}\n{how}\n{file}" for one in self.predictors]

    def cached(self, cache: PredictionCache, keys: Sequence[str]) -> dict[int, Prediction]:
        """What is cached of it, by the place of the predictor."""
        known = (cache.get(key, len(one.tagger.labels)) for key, one in zip(keys, self.predictors, strict=True))
        return {place: prediction for place, prediction in enumerate(known) if prediction is not None}

    def predict(self, places: Sequence[int]) -> list[Prediction]:
        """What the predictors at these places predict."""
        taggers = [self.predictors[place].tagger for place in places]
        if self.means:
            return [Prediction(whole_song_means(tagger, self.recording)) for tagger in taggers]
        if self.alteration is None:
            return predict_file(self.recording, taggers)
        with tempfile.TemporaryDirectory(prefix="dcmrs-altered-") as folder:
            return predict_file(self.alteration.write(self.recording, Path(folder)), taggers)


def predict_recordings(
    recordings: Sequence[Path],
    taggers: Sequence[Predictor],
    teachers: Sequence[Predictor],
    alterations: Sequence[Alteration],
    n_altered: int,
    cached: PredictionCache,
    watch: Callable[[Iterator[str | None], int], Iterable[str | None]],
) -> Predictions:
    """Predict recordings and their alterations, in one thread per core.

    Parameters
    ----------
    recordings : sequence of Path
    taggers : sequence of Predictor
        Evaluated taggers, which predict each recording as they would label it.
    teachers : sequence of Predictor
        Taggers whose whole-song means are computed.
    alterations : sequence of Alteration
    n_altered : int
        Most recordings that are altered, spread evenly over all.
    cached : PredictionCache
        Cached predictions are not computed again.
    watch : callable
        Wraps an iterator of a number of steps, to show progress. A step is None, or a message about an unreadable
        recording.

    Returns
    -------
    Predictions
    """
    n_altered = min(n_altered, len(recordings)) if alterations else 0
    chosen = np.unique(np.linspace(0, len(recordings) - 1, n_altered).round().astype(np.int64))
    altered = {recordings[row] for row in chosen}
    tasks = [
        task
        for recording in recordings
        for task in (
            _Task(recording, tuple(taggers)),
            *(_Task(recording, (teacher,), means=True) for teacher in teachers),
            *(_Task(recording, tuple(taggers), alteration=each) for each in alterations if recording in altered),
        )
    ]
    answers: dict[_Task, list[Prediction]] = {}
    unreadable: dict[Path, str] = {}
    for _ in watch(_steps(tasks, cached, answers, unreadable), len(tasks)):
        pass
    readable = [recording for recording in recordings if recording not in unreadable]

    def table(
        tagger: Predictor, of: Sequence[Path], means: bool = False, alteration: Alteration | None = None
    ) -> Probabilities:
        predictors = (tagger,) if means else tuple(taggers)
        place = predictors.index(tagger)
        rows = [answers[_Task(recording, predictors, means, alteration)][place].probabilities for recording in of]
        return np.array(rows, np.float32).reshape(len(of), len(tagger.tagger.labels))

    def embeddings(place: int) -> NDArray[np.float32] | None:
        of_all = [answers[_Task(recording, tuple(taggers))][place].embedding for recording in readable]
        known = [embedding for embedding in of_all if embedding is not None]
        return np.stack(known) if known else None

    of_taggers = {tagger.name: embeddings(place) for place, tagger in enumerate(taggers)}
    rows = np.array([row for row, recording in enumerate(readable) if recording in altered], np.int64)
    readable_altered = [readable[row] for row in rows]
    return Predictions(
        readable,
        {teacher.name: table(teacher, readable, means=True) for teacher in teachers},
        {tagger.name: table(tagger, readable) for tagger in taggers},
        {name: of_tagger for name, of_tagger in of_taggers.items() if of_tagger is not None},
        {
            (each.name, tagger.name): table(tagger, readable_altered, alteration=each)
            for each in alterations
            for tagger in taggers
        },
        rows,
        unreadable,
    )


def _steps(
    tasks: Sequence[_Task],
    cached: PredictionCache,
    answers: dict[_Task, list[Prediction]],
    unreadable: dict[Path, str],
) -> Iterator[str | None]:
    """Run the tasks; fill in `answers` and `unreadable`."""
    threads = inference_threads()
    waiting, done = iter(tasks), False
    running: dict[Future[list[Prediction]], tuple[_Task, list[str], dict[int, Prediction]]] = {}
    try:
        while running or not done:
            due = list(islice(waiting, _AHEAD - len(running)))
            done = done or not due
            for task in due:
                if task.recording in unreadable:
                    yield None
                    continue
                try:
                    keys = task.cache_keys()
                except OSError as error:
                    unreadable[task.recording] = (error.strerror or str(error)).lower()
                    yield f"{task.recording}: {unreadable[task.recording]}"
                    continue
                found = task.cached(cached, keys)
                if len(found) == len(keys):
                    answers[task] = [found[place] for place in range(len(keys))]
                    yield None
                else:
                    # Of several taggers, only those that are new or have changed listen.
                    missing = [place for place in range(len(keys)) if place not in found]
                    running[threads.submit(task.predict, missing)] = task, keys, found
            if not running:
                continue
            future = next(as_completed(running))
            task, keys, found = running.pop(future)
            missing = [place for place in range(len(keys)) if place not in found]
            try:
                predicted = dict(zip(missing, future.result(), strict=True))
            except UnreadableAudio as error:
                first = task.recording not in unreadable
                unreadable[task.recording] = str(error)
                yield f"{task.recording}: {error}" if first else None
                continue
            for place, prediction in predicted.items():
                cached.put(keys[place], prediction)
            answers[task] = [(found | predicted)[place] for place in range(len(keys))]
            yield None
    finally:
        threads.shutdown(cancel_futures=True)


@cache
def _program(*, means: bool) -> str:
    """Digest the modules that compute predictions, so that the cache misses after they change."""
    # Whole-song means do not depend on how windows are chosen.
    networks_of = (audio, audio_frames, audio_lengths, mel_bands, published_networks, musicnn, patches)
    modules = networks_of if means else (*networks_of, inference, wholesong)
    digest = hashlib.sha256()
    for module in modules:
        digest.update(Path(str(module.__file__)).read_bytes())
    return digest.hexdigest()
