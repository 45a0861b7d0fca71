"""Leases: a process owns a database row until a moment in the future, and heartbeats move that moment on."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import DatabaseError, connection
from django.db.models import Q
from django.utils import timezone

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=30)
"""An owner without a heartbeat for this long is dead: a killed worker costs so much and no more."""

HEARTBEAT_EVERY_S = 5.0
"""Seconds between two heartbeats."""


def expired(field: str) -> Q:
    """A filter for rows without a live lease.

    Parameters
    ----------
    field : str
        Name of the nullable DateTimeField that holds the end of the lease.
    """
    return Q(**{field: None}) | Q(**{f"{field}__lt": timezone.now()})


@contextmanager
def heartbeat(beat: Callable[[], object]) -> Iterator[None]:
    """Send heartbeats from a thread of their own while the block runs.

    The thread lives and is stopped with its process, so a process that is killed, stopped, or stuck with Python's lock
    loses its lease, and one that computes for long in one step keeps it.

    Parameters
    ----------
    beat : callable
        Extends the lease, on a database connection of the thread.
    """
    over = threading.Event()

    def run() -> None:
        try:
            while not over.wait(HEARTBEAT_EVERY_S):
                try:
                    beat()
                except DatabaseError as error:
                    # The next one may get through; without any, the lease runs out.
                    logger.warning("A heartbeat was not written: %s", error)
        finally:
            connection.close()

    thread = threading.Thread(target=run, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
