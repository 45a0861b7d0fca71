"""Celery tasks of the recommender: content refreshes, full builds by all workers, evaluations."""

from __future__ import annotations

import logging
from contextlib import suppress

from celery import shared_task
from kombu.exceptions import OperationalError

from .engine.evaluation.protocols import Protocol, TooFewPlaysError
from .evaluation import evaluating
from .snapshots import build, changes, current, parts

logger = logging.getLogger(__name__)

_EXPIRES_S = 12 * 3600
"""Tasks not started by then are dropped; the next night queues new ones."""

_BURST_S = 2.0
"""Delay of the first refresh, so that it sees the changes that follow in a burst."""


@shared_task(ignore_result=True)
def refresh_content() -> None:
    """Run a content build if the current snapshot is out of date."""
    build.keep_up()


@shared_task(ignore_result=True)
def recompute() -> None:
    """Run a full build on all free workers, then queue an evaluation."""
    if not parts.build_in_progress():
        parts.begin()
    with suppress(OperationalError):
        for _ in range(parts.unfinished_parts() - 1):
            fit_parts.apply_async(expires=_EXPIRES_S)
    fit_parts()
    with suppress(OperationalError):
        queue_evaluation()


@shared_task(ignore_result=True)
def fit_parts() -> None:
    """Fit parts of running builds until none is free; do nothing if there is none."""
    helped = False
    while parts.work_available():
        helped = parts.fit_next_part() or helped
    if helped:
        build.clean()


@shared_task(ignore_result=True)
def evaluate() -> None:
    """Evaluate all methods on held-out plays, by every protocol."""
    for protocol in Protocol:
        try:
            evaluating.evaluate(protocol)
        except TooFewPlaysError as error:
            logger.info("Nothing to measure (%s): %s", protocol, error)


def queue_evaluation() -> None:
    """Queue an evaluation.

    Raises
    ------
    OperationalError
        If the broker cannot be reached.
    """
    evaluate.apply_async(expires=_EXPIRES_S)


def queue_refresh() -> None:
    """Queue a content refresh for when its pause is over; without a broker, the periodic task does it."""
    row = current.current_row()
    wait = changes.wait(row) if row is not None else None
    try:
        refresh_content.apply_async(countdown=max(_BURST_S, wait.total_seconds() if wait else 0.0))
    except OperationalError:
        return
