"""What the worker does for the recommender."""

from __future__ import annotations

import logging
from contextlib import suppress

from celery import shared_task
from kombu.exceptions import OperationalError

from . import build, changes, evaluating, recomputing, snapshot
from .engine.evaluation.protocols import Protocol, TooFewPlaysError

logger = logging.getLogger(__name__)

_STALE_S = 12 * 3600
"""An evaluation that nobody has begun by then is left to the next night."""

_BURST_S = 2.0
"""How long the first change waits for those that follow it."""


@shared_task(ignore_result=True)
def refresh_content() -> None:
    """Bring the content arrays up to date with the library."""
    build.keep_up()


@shared_task(ignore_result=True)
def recompute() -> None:
    """Build a whole snapshot, with the help of whoever is free; how good its methods are is measured afterwards."""
    if not recomputing.at_work():
        recomputing.begin()
    with suppress(OperationalError):
        for _ in range(recomputing.undone() - 1):
            fit_parts.apply_async(expires=_STALE_S)
    fit_parts()
    with suppress(OperationalError):
        evaluate.apply_async(expires=_STALE_S)


@shared_task(ignore_result=True)
def fit_parts() -> None:
    """Fit parts of a snapshot at work until none is left; where none is at work, or all are taken, do nothing."""
    helped = False
    while recomputing.somebody_can_help():
        helped = recomputing.work() or helped
    if helped:
        build.clean()


@shared_task(ignore_result=True)
def evaluate() -> None:
    """Measure all methods on held-out plays."""
    for protocol in Protocol:
        try:
            evaluating.evaluate(protocol)
        except TooFewPlaysError as error:
            logger.info("Nothing to measure (%s): %s", protocol, error)


def queue_refresh() -> None:
    """Ask for fresh content arrays as soon as it is their turn; without a broker, the next look does it."""
    row = snapshot.current_row()
    wait = changes.wait(row) if row is not None else None
    try:
        refresh_content.apply_async(countdown=max(_BURST_S, wait.total_seconds() if wait else 0.0))
    except OperationalError:
        return
