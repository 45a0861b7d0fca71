"""Celery tasks of tagging.

A task does not name songs: it tags PENDING songs for a few seconds, and keeps one more task waiting in the queue
`tagging` while songs are PENDING. So every idle worker on every machine finds work, the queue cannot grow, other tasks
run every few seconds, and a worker shuts down soon.

The worker runs in the pool `prefork`: a hostile file that crashes FFmpeg ends one process, which Celery starts again,
and not the worker. Inside a task one thread per core does the work (`inference.inference_threads`).
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Sequence
from typing import Any

from celery import Task, current_app, shared_task
from celery.signals import worker_init, worker_process_init
from kombu import Connection
from kombu.exceptions import ChannelError, OperationalError

from catalog.broker import connected

from .learning import training_jobs
from .services import first_pass, loading, relabelling, second_pass
from .taggers import registry

logger = logging.getLogger(__name__)

QUEUE = "tagging"
_SECONDS = 3.0
_PATIENCE_FOR_WORKERS_S = 1.5


@shared_task(bind=True, ignore_result=True, queue=QUEUE)
def tag_songs(self: Task[Any, Any], names: Sequence[str] | None = None) -> None:
    """Tag PENDING songs for a few seconds, with the named taggers or every installed one."""
    if self.request.is_eager:
        first_pass.tag_pending(names)
        if names is None:
            _label_again()
        return
    try:
        able = bool(loading.load(names))
    except registry.TaggerError as error:
        # Calling the worker again would fail again at once.
        logger.warning("%s", error)
        return
    if able and first_pass.work_here():
        call_worker(names)
        first_pass.tag_pending(names, seconds=_SECONDS)
    elif names is None and second_pass.work_here():
        call_worker()
        _label_again(_SECONDS)


def _label_again(seconds: float | None = None) -> None:
    """Have the recommended networks label songs that wait for it."""
    try:
        second_pass.label_waiting(seconds)
    except registry.TaggerError as error:
        logger.warning("%s", error)


@shared_task(ignore_result=True)
def sweep() -> None:
    """Requeue stale and untagged songs, and start what waits: tagging, a second pass, a training job."""
    if first_pass.sweep() or second_pass.waiting().exists():
        call_worker()
    if training_jobs.is_waiting():
        learn.delay()


@shared_task(ignore_result=True)
def learn() -> None:
    """Run the WAITING training job, then relabel songs where it wrote a tagger."""
    if training_jobs.run_waiting() is not None:
        relabelling.relabel_from_embeddings()


@shared_task(ignore_result=True)
def relabel() -> None:
    """Give songs the labels of the tagger in use: from embeddings now, and by requeueing songs without one."""
    if first_pass.sweep():
        call_worker()


def call_worker(names: Sequence[str] | None = None) -> bool:
    """Send a task, unless one waits in the queue already.

    Returns
    -------
    bool
        Whether the broker answers; where it does not, the periodic `sweep` calls the worker later.
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
    """List the workers that answer a ping; empty also where the broker does not answer."""
    try:
        with connected(_PATIENCE_FOR_WORKERS_S) as connection:
            answers = current_app.control.ping(timeout=_PATIENCE_FOR_WORKERS_S, connection=connection)
    except OperationalError:
        return []
    return [name for answer in answers or [] for name in answer]


def _waiting(connection: Connection) -> int:
    """Count the tasks that wait in the queue."""
    try:
        with connection.channel() as channel:
            return int(channel.queue_declare(QUEUE, passive=True).message_count)  # type: ignore[attr-defined]
    except ChannelError:
        return 0  # the queue is declared by the first task that is sent


@worker_init.connect
def _import_torch(**_: Any) -> None:
    """Import torch before the pool forks, and have no process write into what they share by looking for garbage."""
    from .networks import inference  # noqa: F401

    gc.collect()
    gc.freeze()


@worker_process_init.connect
def _warm_up(**_: Any) -> None:
    """Load the taggers, so that the first song does not wait for them."""
    try:
        loading.warm_up()
    except registry.TaggerError as error:
        logger.warning("%s", error)
