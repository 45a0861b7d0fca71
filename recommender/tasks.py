"""What the worker does for the recommender."""

from __future__ import annotations

from celery import shared_task
from kombu.exceptions import OperationalError

from . import build, changes, snapshot

_BURST_S = 2.0
"""How long the first change waits for those that follow it."""


@shared_task(ignore_result=True)
def refresh_content() -> None:
    """Bring the content arrays up to date with the library."""
    build.keep_up()


@shared_task(ignore_result=True)
def recompute() -> None:
    """Build a whole snapshot."""
    build.build()


def queue_refresh() -> None:
    """Ask for fresh content arrays as soon as it is their turn; without a broker, the next look does it."""
    row = snapshot.current_row()
    wait = changes.wait(row) if row is not None else None
    try:
        refresh_content.apply_async(countdown=max(_BURST_S, wait.total_seconds() if wait else 0.0))
    except OperationalError:
        return
