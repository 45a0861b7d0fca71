"""Signs of life of the worker's processes and of beat, and the end of those that hang.

Every process of a worker's pool writes its sign from a thread of its own, which stops with the process. The worker
itself looks at them and kills a process whose sign is old: the pool starts another one, and the task is done by
the next one. Worker and beat touch a file each, by which `up` knows that they are alive.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from celery.beat import PersistentScheduler
from celery.signals import (
    task_postrun,
    task_prerun,
    worker_process_init,
    worker_process_shutdown,
    worker_ready,
)

from catalog.home import home

from .fork_guard import forks_wait

logger = logging.getLogger(__name__)

ALIVE_EVERY_S = 5.0
"""Seconds between two touches of the file of a worker, and of beat."""

ALERTS_EVERY_S = 60.0
"""Seconds between two looks for what stands still."""

_stopped = threading.Event()
_doing = ""
_doing_since: datetime | None = None
_begun_at = float("-inf")


def alive_file(name: str) -> Path:
    """The file that `worker` or `beat` touches while it lives."""
    return home() / "run" / f"{name}.alive"


def look_for_alerts() -> None:
    """Tell the admins of what stands still, where they want to be told."""
    from . import alerts

    if alerts.wanted():
        alerts.look()


def touch(name: str) -> None:
    """Say that this process lives; a disk that is full or away is no reason to end."""
    with suppress(OSError):
        alive_file(name).touch()


# --- In a process of the pool -------------------------------------------------------------------


@worker_process_init.connect
def _begin_signs(**_: Any) -> None:
    _stopped.clear()
    threading.Thread(target=_give_signs, name="signs", daemon=True).start()


@worker_process_shutdown.connect
def _end_signs(**_: Any) -> None:
    from django.db import DatabaseError

    from catalog.services import signs

    _stopped.set()
    with suppress(DatabaseError):
        signs.take_back(signs.Kind.POOL)


@task_prerun.connect
def _note_task(task: Any = None, **_: Any) -> None:
    from django.db import DatabaseError
    from django.utils import timezone

    from catalog.services import signs

    global _doing, _doing_since, _begun_at
    _doing, _doing_since = getattr(task, "name", ""), timezone.now()
    if time.monotonic() - _begun_at > signs.EVERY_S:
        _begun_at = time.monotonic()
        with suppress(DatabaseError):
            signs.give(signs.Kind.TASK)


@task_postrun.connect
def _forget_task(**_: Any) -> None:
    global _doing, _doing_since
    _doing, _doing_since = "", None


def _give_signs() -> None:
    from django.db import DatabaseError, connection

    from catalog.services import absences, signs

    try:
        while True:
            try:
                signs.give(
                    signs.Kind.POOL, doing=_doing, doing_since=_doing_since, unseen_roots=absences.unseen_roots()
                )
            except DatabaseError as error:
                logger.info("A sign of life was not written: %s", error)
            if _stopped.wait(signs.EVERY_S):
                return
    finally:
        connection.close()


# --- In the worker itself -----------------------------------------------------------------------


@worker_ready.connect
def _begin_watch(sender: Any = None, **_: Any) -> None:
    threading.Thread(target=_watch, args=(sender,), name="watch", daemon=True).start()


def _watch(consumer: Any) -> None:
    """Touch the worker's file, and end processes of its pool that give no sign."""
    from django.db import DatabaseError, connection

    from catalog.services import signs

    looked_at = told_at = time.monotonic()
    watch = PoolWatch()
    while True:
        touch("worker")
        if time.monotonic() - looked_at > signs.EVERY_S:
            looked_at = time.monotonic()
            # The pool forks whenever one of its processes was lost.
            with forks_wait():
                try:
                    signs.give(signs.Kind.WATCH)
                    watch.end_hung(pool_processes(consumer))
                    forget_ended()
                    if time.monotonic() - told_at > ALERTS_EVERY_S:
                        told_at = time.monotonic()
                        look_for_alerts()
                except DatabaseError as error:
                    logger.info("The signs of life could not be written and read: %s", error)
                    watch = PoolWatch()
                finally:
                    connection.close()
        time.sleep(ALIVE_EVERY_S)


def pool_processes(consumer: Any) -> list[int]:
    """The process ids of a worker's pool; none where it is no pool of processes."""
    processes = getattr(getattr(getattr(consumer, "pool", None), "_pool", None), "_pool", None) or []
    return [process.pid for process in processes if process.pid]


class PoolWatch:
    """Since when the processes of a pool are known, so that those without a sign of life can be told and ended.

    It begins again whenever the database was away: the silence of others means nothing then.
    """

    def __init__(self) -> None:
        self.known_since: dict[int, float] = {}
        """By process id, by `time.monotonic`."""

    def end_hung(self, pids: list[int]) -> list[int]:
        """Kill those whose last sign of life is old, or that never gave one; returns them.

        Parameters
        ----------
        pids : list of int
            The processes of this host's pool.
        """
        from catalog.services import signs

        now, living = time.monotonic(), signs.living_here()
        self.known_since = {pid: self.known_since.get(pid, now) for pid in pids}
        hung = [
            pid
            for pid, since in self.known_since.items()
            if pid not in living and now - since >= signs.SILENT_AFTER.total_seconds()
        ]
        for pid in hung:
            logger.error("A process of the worker has given no sign of life for too long and is ended: %d", pid)
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            signs.take_back(signs.Kind.POOL, pid)
        return hung


def forget_ended() -> None:
    """Remove the signs of processes of this host that were ended from outside and could not do so themselves."""
    from catalog.services import signs

    for sign in signs.silent_here():
        try:
            os.kill(sign.pid, 0)
        except ProcessLookupError:
            signs.take_back(signs.Kind.POOL, sign.pid)
        except PermissionError:
            continue


# --- In beat ------------------------------------------------------------------------------------


class Scheduler(PersistentScheduler):
    """Celery's, which says between its tasks that it lives."""

    _touched_at = float("-inf")
    _signed_at = float("-inf")
    _told_at = float("-inf")

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        """Send what is due; come back soon enough to give a sign."""
        from django.db import DatabaseError

        from catalog.services import signs

        touch("beat")
        now = time.monotonic()
        if now - self._signed_at > signs.EVERY_S:
            self._signed_at = now
            try:
                signs.give(signs.Kind.BEAT)
                if now - self._told_at > ALERTS_EVERY_S:
                    self._told_at = now
                    look_for_alerts()
            except DatabaseError as error:
                logger.info("A sign of life was not written: %s", error)
        return min(super().tick(*args, **kwargs), ALIVE_EVERY_S)
