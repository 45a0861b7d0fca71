"""Flushing the database after a test while a thread still reads: retried, never an error of the next test."""

from __future__ import annotations

import gc
import sys
import threading
import time
import traceback
from typing import Any

from django.core.management import CommandError
from django.db import DatabaseError
from django.test import TransactionTestCase

# What the site does beside a request, each in a thread that ends by itself.
_ASIDE = {"describe-ahead", "genres", "song-index"}
_ENDED_WITHIN_S = 60.0
_TRIED_FOR_S = 20.0
_TRIED_EVERY_S = 0.05


def wait_for_threads() -> None:
    """Wait until what the last request has begun beside itself is done."""
    for thread in threading.enumerate():
        if thread.name in _ASIDE:
            thread.join(_ENDED_WITHIN_S)


def flush_patiently() -> None:
    """Have a test that commits retry the flush of its database until no thread reads in it.

    In memory, SQLite knows no waiting: a table that another connection reads or writes at this very moment cannot be
    emptied. On another database the first time is the only one.
    """
    flush: Any = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]

    def patiently(case: TransactionTestCase) -> None:
        until = time.monotonic() + _TRIED_FOR_S
        while True:
            try:
                flush(case)
            except CommandError as error:
                if not _is_locked(error) or time.monotonic() > until:
                    error.add_note(f"because of: {error.__cause__}\n{_threads()}")
                    raise
            else:
                return
            # A cursor that nobody has read to its end is a reader, until it is collected.
            gc.collect()
            time.sleep(_TRIED_EVERY_S)

    TransactionTestCase._fixture_teardown = patiently  # type: ignore[attr-defined]


def _is_locked(error: CommandError) -> bool:
    return isinstance(error.__cause__, DatabaseError) and "locked" in str(error.__cause__)


def _threads() -> str:
    """What each thread is at."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    stacks = sys._current_frames().items()
    return "\n".join(f"{names.get(number)}:\n{''.join(traceback.format_stack(frame))}" for number, frame in stacks)
