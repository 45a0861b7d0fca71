"""Training jobs: requested, WAITING, RUNNING, and their results.

The database holds them and the queue only wakes a worker, so a lost queue loses no job. A RUNNING job with a stale
heartbeat is WAITING again for the next worker.
"""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from tagging.models import TrainingJob
from tagging.taggers import registry
from tagging.taggers.registry import TaggerError

from . import learned_layer

State = TrainingJob.State

STALE_AFTER = timedelta(minutes=5)
_LONGEST_MESSAGE = 500


class AlreadyTraining(Exception):
    """Another training job is RUNNING."""


def ask(user: User | None) -> TrainingJob:
    """Return the WAITING training job, created for `user` where there is none: all requests meanwhile share one."""
    try:
        with transaction.atomic():
            return TrainingJob.objects.create(asked_by=user)
    except IntegrityError:
        return TrainingJob.objects.filter(state=State.WAITING).first() or ask(user)


def is_waiting() -> bool:
    """Whether a training job is WAITING; a RUNNING one with a stale heartbeat is returned to WAITING first."""
    stale = TrainingJob.objects.filter(state=State.RUNNING, changed_at__lt=timezone.now() - STALE_AFTER)
    if TrainingJob.objects.filter(state=State.WAITING).exists():
        stale.update(state=State.FAILED, message="The worker was gone before the end.")
        return True
    return bool(stale.update(state=State.WAITING))


def run_waiting() -> TrainingJob | None:
    """Run the WAITING training job, unless another is RUNNING.

    Returns
    -------
    TrainingJob or None
        KEPT, REFUSED or FAILED; None where there was nothing to do.
    """
    try:
        with transaction.atomic():
            if not TrainingJob.objects.filter(state=State.WAITING).update(
                state=State.RUNNING, changed_at=timezone.now()
            ):
                return None
    except IntegrityError:
        return None
    job = TrainingJob.objects.get(state=State.RUNNING)
    try:
        _run(job)
    except TaggerError as error:
        job.state, job.message = State.FAILED, str(error)[:_LONGEST_MESSAGE]
        job.save()
    except BaseException:
        TrainingJob.objects.filter(pk=job.pk).update(state=State.FAILED, message="It was broken off.")
        raise
    return job


def run_now(name: str | None = None, report: learned_layer.Report | None = None) -> TrainingJob:
    """Run a training job in this process; an interruption deletes it.

    Parameters
    ----------
    name : str, optional
        The new tagger's name.
    report : callable, optional
        Called with the number of fitted labels, and of all.

    Returns
    -------
    TrainingJob
        KEPT or REFUSED.

    Raises
    ------
    AlreadyTraining
        If another training job is RUNNING.
    TaggerError
        As `learning.learn` does.
    """
    is_waiting()
    try:
        with transaction.atomic():
            job = TrainingJob.objects.create(state=State.RUNNING)
    except IntegrityError as error:
        raise AlreadyTraining("the worker is learning from the corrections just now: see the dashboard") from error
    try:
        _run(job, name, report)
    except BaseException:
        job.delete()
        raise
    return job


def _run(job: TrainingJob, name: str | None = None, report: learned_layer.Report | None = None) -> None:
    """Train, put a new tagger to use, and save the result."""

    def heartbeat(done: int, total: int) -> None:
        job.save(update_fields=["changed_at"])
        if report is not None:
            report(done, total)

    _record(job, learned_layer.learn(name, heartbeat))


def record(result: learned_layer.Result) -> TrainingJob:
    """Put the tagger of a training that ran outside of a job to use, and save a job with its result."""
    job = TrainingJob()
    _record(job, result)
    return job


def _record(job: TrainingJob, result: learned_layer.Result) -> None:
    if result.tagger is not None:
        registry.use(result.tagger.name)
        job.tagger = result.tagger.name
    job.state = State.REFUSED if result.tagger is None else State.KEPT
    job.message, job.figures = result.message[:_LONGEST_MESSAGE], dict(result.figures)
    job.save()
