"""Lessons: who asked for one, which waits, which is at work, and what came of it.

They stand in the database, and the queue only says that one waits: losing the queue loses no lesson, and whoever is
killed in the middle of one leaves it to the next worker.
"""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from . import learning, registry
from .models import Lesson
from .registry import TaggerError

State = Lesson.State

LEFT_BEHIND_AFTER = timedelta(minutes=5)
_LONGEST_MESSAGE = 500


class AlreadyLearning(Exception):
    """Another lesson is at work."""


def ask(user: User | None) -> Lesson:
    """The lesson that waits for a worker: one for all who ask meanwhile."""
    try:
        with transaction.atomic():
            return Lesson.objects.create(asked_by=user)
    except IntegrityError:
        return Lesson.objects.filter(state=State.WAITING).first() or ask(user)


def somebody_waits() -> bool:
    """Whether a lesson waits for a worker; one that was left behind waits again."""
    left_behind = Lesson.objects.filter(state=State.RUNNING, changed_at__lt=timezone.now() - LEFT_BEHIND_AFTER)
    if Lesson.objects.filter(state=State.WAITING).exists():
        left_behind.update(state=State.FAILED, message="The worker was gone before the end.")
        return True
    return bool(left_behind.update(state=State.WAITING))


def give_waiting() -> Lesson | None:
    """Give the lesson that waits, if one does and none is at work.

    Returns
    -------
    Lesson
        With what came of it; None where there was nothing to do.
    """
    try:
        with transaction.atomic():
            if not Lesson.objects.filter(state=State.WAITING).update(state=State.RUNNING, changed_at=timezone.now()):
                return None
    except IntegrityError:
        return None
    lesson = Lesson.objects.get(state=State.RUNNING)
    try:
        _give(lesson)
    except TaggerError as error:
        lesson.state, lesson.message = State.FAILED, str(error)[:_LONGEST_MESSAGE]
        lesson.save()
    except BaseException:
        Lesson.objects.filter(pk=lesson.pk).update(state=State.FAILED, message="It was broken off.")
        raise
    return lesson


def give_now(name: str | None = None, report: learning.Report | None = None) -> Lesson:
    """Give a lesson in this process. Where it is broken off, there was none.

    Parameters
    ----------
    name : str, optional
        The new tagger's.
    report : callable, optional
        Told how many labels are fitted, and of how many.

    Raises
    ------
    AlreadyLearning
        If another lesson is at work.
    TaggerError
        As `learning.learn` does.
    """
    somebody_waits()
    try:
        with transaction.atomic():
            lesson = Lesson.objects.create(state=State.RUNNING)
    except IntegrityError as error:
        raise AlreadyLearning("the worker is learning from the corrections just now: see the admin's desk") from error
    try:
        _give(lesson, name, report)
    except BaseException:
        lesson.delete()
        raise
    return lesson


def _give(lesson: Lesson, name: str | None = None, report: learning.Report | None = None) -> None:
    """Learn, put to use what came of it, and take note."""

    def sign_of_life(done: int, total: int) -> None:
        lesson.save(update_fields=["changed_at"])
        if report is not None:
            report(done, total)

    _take_note(lesson, learning.learn(name, sign_of_life))


def take_note(result: learning.Result) -> Lesson:
    """Put to use what came of a lesson that was given elsewhere, and keep it among the lessons."""
    lesson = Lesson()
    _take_note(lesson, result)
    return lesson


def _take_note(lesson: Lesson, result: learning.Result) -> None:
    if result.tagger is not None:
        registry.use(result.tagger.name)
        lesson.tagger = result.tagger.name
    lesson.state = State.REFUSED if result.tagger is None else State.KEPT
    lesson.message, lesson.figures = result.message[:_LONGEST_MESSAGE], dict(result.figures)
    lesson.save()
