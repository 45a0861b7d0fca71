"""What the worker does for tagging.

A task does not name songs: it hears whatever is pending for a few seconds, and sees to it that one more task waits
in the queue `tagging` while there is more to hear. So every idle worker on every machine finds work, the queue never
grows, other tasks get their turn every few seconds, and a worker that is asked to end does so soon.

The worker runs in the pool `prefork`: a hostile file that brings FFmpeg down takes one process with it, which Celery
starts again, and not the worker. Inside a task threads do the work, one a core (`inference.listening_threads`).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from celery import Task, current_app, shared_task
from celery.signals import worker_init, worker_process_init
from kombu import Connection
from kombu.exceptions import ChannelError, OperationalError

from catalog.broker import connected

from . import lessons, registry, services

logger = logging.getLogger(__name__)

QUEUE = "tagging"
_SECONDS = 3.0
_PATIENCE_FOR_WORKERS_S = 1.5


@shared_task(bind=True, ignore_result=True, queue=QUEUE)
def tag_songs(self: Task[Any, Any], names: Sequence[str] | None = None) -> None:
    """Hear pending songs for a few seconds, with the taggers named or every installed one."""
    if self.request.is_eager:
        services.tag_pending(names)
        return
    try:
        able = bool(services.load(names))
    except registry.TaggerError as error:
        # Whoever calls again at once would only fail again at once.
        logger.warning("%s", error)
        return
    if able and services.progress().pending:
        call_worker(names)
        services.tag_pending(names, seconds=_SECONDS)


@shared_task(ignore_result=True)
def sweep() -> None:
    """Put back what was left behind, and have done what waits: songs to hear, a lesson to give."""
    if services.sweep():
        call_worker()
    if lessons.somebody_waits():
        learn.delay()


@shared_task(ignore_result=True)
def learn() -> None:
    """Give the lesson that waits; where a new tagger comes of it, songs get its labels."""
    if lessons.give_waiting() is not None:
        services.relabel_from_embeddings()


@shared_task(ignore_result=True)
def relabel() -> None:
    """Songs get the labels of the tagger in use, those at once that need not be heard for it."""
    if services.sweep():
        call_worker()


def call_worker(names: Sequence[str] | None = None) -> bool:
    """Have a task wait in the queue, unless one waits there already.

    Returns
    -------
    bool
        Whether the broker is there; where it is not, `sweep` calls once it is.
    """
    if current_app.conf.task_always_eager:
        tag_songs.delay(names)
        return True
    try:
        with connected() as connection:
            if not _waiting(connection):
                tag_songs.apply_async((names,), connection=connection, retry=False)  # type: ignore[call-arg]
    except OperationalError as error:
        logger.info("No broker: %s", error)
        return False
    return True


def workers() -> list[str]:
    """The names of the workers that answer; empty also where the broker is not there."""
    try:
        with connected(_PATIENCE_FOR_WORKERS_S) as connection:
            answers = current_app.control.ping(timeout=_PATIENCE_FOR_WORKERS_S, connection=connection)
    except OperationalError:
        return []
    return [name for answer in answers or [] for name in answer]


def _waiting(connection: Connection) -> int:
    """How many tasks wait in the queue."""
    try:
        with connection.channel() as channel:
            return int(channel.queue_declare(QUEUE, passive=True).message_count)  # type: ignore[attr-defined]
    except ChannelError:
        return 0  # nobody has sent to it yet


@worker_init.connect
def _import_torch(**_: Any) -> None:
    """Before the worker's processes part, so that they share its memory."""
    from . import inference  # noqa: F401


@worker_process_init.connect
def _warm_up(**_: Any) -> None:
    """Load the taggers, so that the first song does not wait for them."""
    try:
        services.warm_up()
    except registry.TaggerError as error:
        logger.warning("%s", error)
