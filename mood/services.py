"""Moods of listeners: reading them in a picture, turning them into a query of labels, and what is remembered."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypedDict, get_args

from django.contrib.auth.models import User
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from . import labels
from .emotions import MOODS
from .labels import DEFAULT_TABLE, Table, Way
from .models import EmotionLabel, MoodPreference, MoodReading
from .picture import MAX_BYTES, PictureRefused, PictureTooLarge

if TYPE_CHECKING:
    from .reading import Reading

WAITING = 6
"""How many pictures wait for their turn in one process; further senders are asked to try again."""

_PATIENCE_S = 10.0


class PictureError(Exception):
    """A picture is not read; the message says why, for the person who sent it.

    Attributes
    ----------
    status : int
        400 for what is no picture, 413 for too much of one, 503 when too many are read at once.
    """

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Query(TypedDict):
    """Labels with weights, and what they count beside the listener's profile, 0 to 0.5."""

    labels: dict[str, float]
    strength: float


@dataclass(frozen=True, slots=True)
class Mood:
    """A mood that is picked by hand."""

    name: str
    distribution: dict[str, float]


# --- Reading pictures ---------------------------------------------------------------------------

_admitted = threading.BoundedSemaphore(1 + WAITING)
_turn = threading.Lock()


def read_picture(uploaded: UploadedFile[Any]) -> Reading:
    """The faces of a picture, the largest first, each with its emotions; nothing of the picture is kept.

    Pictures are read one after the other in a process, so that however many are sent, one core stays for the pages.

    Raises
    ------
    PictureError
        If it is no picture that can be read, too large, or too many are waiting.
    """
    if (uploaded.size or 0) > MAX_BYTES:
        raise PictureError(str(PictureTooLarge.of_bytes(uploaded.size or 0)), 413)
    with _in_turn():
        read = _reader()
        try:
            return read(uploaded.read())
        except PictureTooLarge as error:
            raise PictureError(str(error), 413) from error
        except PictureRefused as error:
            raise PictureError(str(error), 400) from error


@contextmanager
def _in_turn() -> Iterator[None]:
    if not _admitted.acquire(blocking=False):
        raise _busy()
    try:
        if not _turn.acquire(timeout=_PATIENCE_S):
            raise _busy()
        try:
            yield
        finally:
            _turn.release()
    finally:
        _admitted.release()


def _busy() -> PictureError:
    return PictureError("Many pictures are being read just now: try again in some seconds, or pick a mood.", 503)


@cache
def _reader() -> Callable[[bytes], Reading]:
    """`mood.reading`, which is only loaded once a picture comes: its libraries are large."""
    import cv2
    import torch

    from .reading import read_photograph

    # A reading has one core: the others are for the pages.
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    return read_photograph


# --- From a mood to a query ---------------------------------------------------------------------


def moods() -> list[Mood]:
    """The moods that can be picked by hand, each as a distribution that `query_for` takes."""
    return [Mood(name, {feeling: 1.0}) for name, feeling in MOODS.items()]


def mood(name: str) -> Mood | None:
    """The mood of this name."""
    return next((one for one in moods() if one.name == name), None)


def table() -> Table:
    """What admins made of the table of labels; an empty one stands for the table that DCMRS comes with."""
    rows: dict[tuple[str, str], dict[str, float]] = {}
    for emotion, way, label, weight in EmotionLabel.objects.values_list("emotion", "way", "label", "weight"):
        rows.setdefault((emotion, way), {})[label] = weight
    return rows or DEFAULT_TABLE


@transaction.atomic
def reset_table() -> None:
    """Put the table that DCMRS comes with in the place of what admins made of it."""
    EmotionLabel.objects.all().delete()
    EmotionLabel.objects.bulk_create(
        EmotionLabel(emotion=emotion, way=way, label=label, weight=weight)
        for (emotion, way), weights in DEFAULT_TABLE.items()
        for label, weight in weights.items()
    )


def query_for(user: User, distribution: Mapping[str, float], way: Way | None = None) -> Query:
    """The query that the recommender answers with songs for a mood.

    Parameters
    ----------
    distribution : mapping of feeling to probability
        Of a face, or of a mood that was picked.
    way : "match" or "lift", optional
        The one that the listener chose the last time, where it is left out.

    Raises
    ------
    ValueError
        If the distribution is none.
    """
    weights, strength = labels.query(distribution, table(), way or way_of(user))
    return {"labels": weights, "strength": strength}


def as_way(text: str) -> Way | None:
    """The way that a form names, if it is one."""
    return next((way for way in get_args(Way) if way == text), None)


# --- What is remembered -------------------------------------------------------------------------


def preference(user: User) -> MoodPreference:
    """What the listener chose the last time, or the default."""
    return MoodPreference.objects.filter(user=user).first() or MoodPreference(user=user)


def way_of(user: User) -> Way:
    """The way that the listener chose the last time."""
    return as_way(preference(user).way) or labels.DEFAULT_WAY


def remember_way(user: User, way: Way) -> None:
    """Keep a listener's way for the next time."""
    MoodPreference.objects.update_or_create(user=user, defaults={"way": way})


def remember_keeping(user: User, keep: bool) -> None:
    """Keep whether a listener wants readings kept; those that are kept stay until they are deleted."""
    MoodPreference.objects.update_or_create(user=user, defaults={"keep_readings": keep})


def keep_reading(
    user: User, distribution: Mapping[str, float], way: Way, *, hand_picked: bool = False
) -> MoodReading | None:
    """Keep a mood, if the listener asked for that; None otherwise.

    Raises
    ------
    ValueError
        If the distribution is none.
    """
    labels.strength(distribution)
    if not preference(user).keep_readings:
        return None
    rounded = {feeling: round(float(probability), 4) for feeling, probability in distribution.items()}
    return MoodReading.objects.create(user=user, emotions=rounded, way=way, hand_picked=hand_picked)


def forget_reading(user: User, pk: int) -> bool:
    """Delete one of the listener's readings; whether there was one."""
    return MoodReading.objects.filter(user=user, pk=pk).delete()[0] > 0


def forget_readings(user: User) -> int:
    """Delete all of the listener's readings; how many there were."""
    return MoodReading.objects.filter(user=user).delete()[0]
