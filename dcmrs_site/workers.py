"""The queue as it stands: whether the broker is there, which workers answer and what they do, how much waits."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any, cast

from django.conf import settings
from kombu import Connection
from kombu.exceptions import ChannelError, OperationalError

from catalog.broker import connected
from catalog.home import redis_url

from .celery import app

GOOD_FOR_S = 2.0
"""How long an answer is shown before the workers are asked again."""

LATE_FOR_S = 5.0
"""A broker that has not answered by then is not there."""

_DEADLINE_S = 0.9
# Longer than workers are given: their answers are waited for by the same connection.
_PATIENCE_S = 0.7
_WORKERS_ANSWER_WITHIN_S = 0.5

_DOES = {
    "catalog.tasks.draw_sound": "draws a song's waveform and spectrogram",
    "catalog.tasks.rescan": "looks for new music",
    "catalog.tasks.clean_up_media": "clears away pictures of songs that are gone",
    "recommender.tasks.evaluate": "measures how good recommendations are",
    "recommender.tasks.fit_parts": "computes a snapshot",
    "recommender.tasks.recompute": "computes a snapshot",
    "recommender.tasks.refresh_content": "takes new songs and labels into the recommendations",
    "tagging.tasks.learn": "learns from corrections",
    "tagging.tasks.relabel": "gives songs the labels of the tagger in use",
    "tagging.tasks.sweep": "looks for songs that wait",
    "tagging.tasks.tag_songs": "listens to songs",
}


@dataclass(frozen=True, slots=True)
class Worker:
    """One worker that answers, and what it does in words, each once."""

    name: str
    does: list[str]


@dataclass(frozen=True, slots=True)
class Queue:
    """The queue as it stands.

    Attributes
    ----------
    broker : str
        Its address, without its password.
    there : bool
        Whether it answers.
    late : bool
        Whether that is still to be seen: on a busy machine, answers take longer than a page may.
    own : bool
        Whether it is the one that `up` starts.
    workers : list of Worker
    waiting : int
        Tasks that nobody has begun.
    """

    broker: str
    there: bool
    own: bool
    workers: Sequence[Worker] = ()
    waiting: int = 0
    late: bool = False

    @property
    def moving(self) -> bool:
        """Whether something is done or waits."""
        return self.waiting > 0 or any(worker.does for worker in self.workers)


class Looks:
    """One look at a time, good for a moment; a page does not wait for one that takes long, but the next page has it."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="queue")
        self._lock = Lock()
        self.forget()

    def forget(self) -> None:
        """Look again when next asked."""
        self._running: Future[Queue] | None = None
        self._begun_at = float("-inf")
        self._seen: Queue | None = None
        self._seen_at = float("-inf")

    def look(self) -> Queue:
        """The queue as it stands, or stood a moment ago."""
        with self._lock:
            if self._seen is None or time.monotonic() - self._seen_at > GOOD_FOR_S:
                seen = self._look()
                if seen.late:
                    return seen
                self._seen, self._seen_at = seen, time.monotonic()
            return self._seen

    def _look(self) -> Queue:
        # A thread that hangs is left alone, and no second one is started.
        if self._running is None:
            self._running, self._begun_at = self._thread.submit(ask), time.monotonic()
        wait([self._running], timeout=_DEADLINE_S)
        if self._running.done():
            seen = self._running.result()
            self._running = None
            return seen
        return replace(_silent(), late=time.monotonic() - self._begun_at < LATE_FOR_S)


def ask() -> Queue:
    """Ask broker and workers; within about a second, where they are as they should be."""
    try:
        with connected(_PATIENCE_S) as connection:
            mailbox = cast(Any, app.control).mailbox(connection)
            # A connection of the pool may be one to a broker that has gone since, and would be tried without end.
            mailbox.producer_pool = None
            active = _joined(mailbox.multi_call("active", timeout=_WORKERS_ANSWER_WITHIN_S))
            waiting = sum(_waiting(connection, queue.name) for queue in settings.CELERY_TASK_QUEUES)
    except OperationalError:
        return _silent()
    workers = [
        Worker(name, list(dict.fromkeys(_in_words(task["name"]) for task in tasks)))
        for name, tasks in sorted(active.items())
    ]
    return Queue(_address(), there=True, own=_own(), workers=workers, waiting=waiting)


def _joined(answers: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The tasks that each worker has begun; one that is asked too early answers with an error."""
    return {name: tasks if isinstance(tasks, list) else [] for answer in answers for name, tasks in answer.items()}


def _silent() -> Queue:
    return Queue(_address(), there=False, own=_own())


def _address() -> str:
    return str(app.connection_for_write().as_uri())


def _own() -> bool:
    """Whether the broker is the one that `up` starts; its processes are told of it as of any other."""
    return settings.REDIS_URL in ("", redis_url())


def _in_words(task: str) -> str:
    return _DOES.get(task) or task.rpartition(".")[2].replace("_", " ")


def _waiting(connection: Connection, queue: str) -> int:
    """How many tasks wait in a queue."""
    try:
        with connection.channel() as channel:
            return int(channel.queue_declare(queue, passive=True).message_count)  # type: ignore[attr-defined]
    except ChannelError:
        return 0  # nobody has sent to it yet


looks = Looks()
