"""What taggers answer to recordings, altered or not: computed once, and kept, so that a long evaluation goes on where
it was interrupted."""

from __future__ import annotations

import hashlib
import math
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, as_completed
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalog import audio
from catalog.audio import UnreadableAudio, decode, probe
from tagging import frontend, inference, networks, registry, wholesong
from tagging.descriptions import Description
from tagging.frontend import DURATION_S, N_SAMPLES, SAMPLE_RATE, mel_spectrogram
from tagging.inference import Tagger, listen_to, listening_threads

from .alterations import Alteration

_CROPS_AT_ONCE = 8
_AHEAD = 64
_MEANS = "means of the whole song"
_HEARD = "heard"
_SCHEMA = "CREATE TABLE IF NOT EXISTS answers (question TEXT PRIMARY KEY, probabilities BLOB NOT NULL) WITHOUT ROWID"

Probabilities = NDArray[np.float32]


def whole_song_means(tagger: Tagger, path: Path) -> Probabilities:
    """A tagger's probabilities, averaged over crops of 29.12 s that cover a whole song.

    The crops are spread evenly from its beginning to its end, each overlapping the next by half or more.

    Parameters
    ----------
    tagger : Tagger
    path : Path

    Returns
    -------
    float32, shape (n_labels,)

    Raises
    ------
    UnreadableAudio
        If the file cannot be read.
    """
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


class Answers:
    """Taggers' answers, on disk: one file that several runs may share, whole after a kill at any moment.

    Parameters
    ----------
    path : Path
        Made if it is not there.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._rows = sqlite3.connect(path, timeout=60.0, isolation_level=None)
        self._rows.execute(_SCHEMA)

    def get(self, question: str) -> Probabilities | None:
        """An answer, shape (n_labels,), or None where nobody has asked yet."""
        row = self._rows.execute("SELECT probabilities FROM answers WHERE question = ?", [question]).fetchone()
        return None if row is None else np.frombuffer(row[0], "<f4")

    def put(self, question: str, probabilities: Probabilities) -> None:
        """Keep an answer."""
        blob = probabilities.astype("<f4").tobytes()
        self._rows.execute("INSERT OR REPLACE INTO answers VALUES (?, ?)", [question, blob])

    def close(self) -> None:
        """Let go of the file."""
        self._rows.close()


@dataclass(frozen=True, slots=True, eq=False)
class Listener:
    """A tagger, ready to listen.

    Attributes
    ----------
    description : Description
    tagger : Tagger
    weights : str
        A digest of its weights, which tells it from every other of its name.
    """

    description: Description
    tagger: Tagger
    weights: str

    @classmethod
    def load(cls, name: str) -> Listener:
        """A tagger by its name.

        Raises
        ------
        TaggerError
            If there is none of this name, its weights are not here, or they are damaged.
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
class Heard:
    """What was answered.

    Attributes
    ----------
    recordings : list of Path
        Those that every listener could hear, in the order asked for.
    means : dict of str to float32, shape (n_recordings, n_labels)
        Teachers' whole-song means, by name.
    plain : dict of str to float32, shape (n_recordings, n_labels)
        The evaluated taggers' answers, by name.
    altered : dict of (str, str) to float32, shape (n_altered, n_labels)
        Their answers to altered recordings, by the name of the alteration and of the tagger.
    altered_rows : int64, shape (n_altered,)
        Which of `recordings` were altered too.
    unreadable : dict of Path to str
        The other recordings, and why.
    """

    recordings: list[Path]
    means: dict[str, Probabilities]
    plain: dict[str, Probabilities]
    altered: dict[tuple[str, str], Probabilities]
    altered_rows: NDArray[np.int64]
    unreadable: dict[Path, str]


@dataclass(frozen=True, slots=True)
class _Task:
    """One thing to listen to: a recording, for one or several listeners."""

    recording: Path
    listeners: tuple[Listener, ...]
    means: bool = False
    alteration: Alteration | None = None

    def questions(self) -> list[str]:
        """One a listener, the same in every run that would be answered the same."""
        how = _MEANS if self.means else self.alteration.name if self.alteration else _HEARD
        status = self.recording.stat()
        file = f"{self.recording.resolve()}\n{status.st_size}\n{status.st_mtime_ns}"
        program = _program(means=self.means)
        return [f"{one.name}\n{one.weights}\n{program}\n{how}\n{file}" for one in self.listeners]

    def answers(self) -> list[Probabilities]:
        taggers = [one.tagger for one in self.listeners]
        if self.means:
            return [whole_song_means(tagger, self.recording) for tagger in taggers]
        if self.alteration is None:
            return [heard.probabilities for heard in listen_to(self.recording, taggers)]
        with tempfile.TemporaryDirectory(prefix="dcmrs-altered-") as folder:
            altered = self.alteration.write(self.recording, Path(folder))
            return [heard.probabilities for heard in listen_to(altered, taggers)]


def hear(
    recordings: Sequence[Path],
    taggers: Sequence[Listener],
    teachers: Sequence[Listener],
    alterations: Sequence[Alteration],
    n_altered: int,
    kept: Answers,
    watch: Callable[[Iterator[str | None], int], Iterable[str | None]],
) -> Heard:
    """Have taggers listen to recordings, as many at once as there are cores.

    Parameters
    ----------
    recordings : sequence of Path
    taggers : sequence of Listener
        Those that are evaluated: they hear each recording as they would label it.
    teachers : sequence of Listener
        Those whose whole-song means are asked for.
    alterations : sequence of Alteration
    n_altered : int
        How many recordings at most are altered; they are spread evenly over all.
    kept : Answers
        What has been answered before is not asked again.
    watch : callable
        Passes on an iterator of so many steps; shows how far it is. A step is None, or names a recording that cannot
        be read and says why.
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
    answers: dict[_Task, list[Probabilities]] = {}
    unreadable: dict[Path, str] = {}
    for _ in watch(_steps(tasks, kept, answers, unreadable), len(tasks)):
        pass
    readable = [recording for recording in recordings if recording not in unreadable]

    def table(
        tagger: Listener, of: Sequence[Path], means: bool = False, alteration: Alteration | None = None
    ) -> Probabilities:
        listeners = (tagger,) if means else tuple(taggers)
        place = listeners.index(tagger)
        rows = [answers[_Task(recording, listeners, means, alteration)][place] for recording in of]
        return np.array(rows, np.float32).reshape(len(of), len(tagger.tagger.labels))

    rows = np.array([row for row, recording in enumerate(readable) if recording in altered], np.int64)
    readable_altered = [readable[row] for row in rows]
    return Heard(
        readable,
        {teacher.name: table(teacher, readable, means=True) for teacher in teachers},
        {tagger.name: table(tagger, readable) for tagger in taggers},
        {
            (each.name, tagger.name): table(tagger, readable_altered, alteration=each)
            for each in alterations
            for tagger in taggers
        },
        rows,
        unreadable,
    )


def _steps(
    tasks: Sequence[_Task], kept: Answers, answers: dict[_Task, list[Probabilities]], unreadable: dict[Path, str]
) -> Iterator[str | None]:
    """Do the tasks; fill in the answers and what is unreadable."""
    threads = listening_threads()
    waiting, done = iter(tasks), False
    running: dict[Future[list[Probabilities]], tuple[_Task, list[str]]] = {}
    try:
        while running or not done:
            due = list(islice(waiting, _AHEAD - len(running)))
            done = done or not due
            for task in due:
                if task.recording in unreadable:
                    yield None
                    continue
                try:
                    questions = task.questions()
                except OSError as error:
                    unreadable[task.recording] = (error.strerror or str(error)).lower()
                    yield f"{task.recording}: {unreadable[task.recording]}"
                    continue
                found = [answer for question in questions if (answer := kept.get(question)) is not None]
                if len(found) == len(questions):
                    answers[task] = found
                    yield None
                else:
                    running[threads.submit(task.answers)] = task, questions
            if not running:
                continue
            future = next(as_completed(running))
            task, questions = running.pop(future)
            try:
                answers[task] = future.result()
            except UnreadableAudio as error:
                first = task.recording not in unreadable
                unreadable[task.recording] = str(error)
                yield f"{task.recording}: {error}" if first else None
                continue
            for question, answer in zip(questions, answers[task], strict=True):
                kept.put(question, answer)
            yield None
    finally:
        threads.shutdown(cancel_futures=True)


@cache
def _program(*, means: bool) -> str:
    """A digest of the program that hears: what another one answered is not this one's answer."""
    # Where a song is listened to has no part in means over the whole of it.
    modules = (audio, frontend, networks) if means else (audio, frontend, networks, inference, wholesong)
    digest = hashlib.sha256()
    for module in modules:
        digest.update(Path(str(module.__file__)).read_bytes())
    return digest.hexdigest()
