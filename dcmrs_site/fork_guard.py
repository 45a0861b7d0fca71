"""Forks wait for threads that use the database.

A child has the thread that forked it and no other. A lock inside SQLite or libpq that another thread held at that
moment is never freed in the child, which hangs at its own first query.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE_S = 30.0
"""Seconds a fork waits at most: as long as SQLite waits for its lock."""

_in_use = threading.Lock()
_held_by_fork = False


@contextmanager
def forks_wait() -> Iterator[None]:
    """Keep this process from forking while the block runs, in a thread other than the one that forks."""
    with _in_use:
        yield


def _before() -> None:
    global _held_by_fork
    _held_by_fork = _in_use.acquire(timeout=PATIENCE_S)


def _after() -> None:
    if _held_by_fork:
        _in_use.release()


os.register_at_fork(before=_before, after_in_parent=_after, after_in_child=_after)
