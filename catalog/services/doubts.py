"""Listeners' doubts about labels: noted for curators, taken back as easily."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth.models import User
from django.utils import timezone

from ..models import Label, LabelDoubt, Song
from ..search import standing_annotations

MOST_AN_HOUR = 60
"""How many labels one listener can doubt in an hour: a curator should get through them."""


class TooManyDoubtsError(Exception):
    """A listener has doubted more labels than anybody listens to in the time."""


def doubt(user: User, song: Song, label: Label, doubted: bool = True) -> None:
    """Note that a label does not belong to a song, in a listener's opinion, or take that back; again does nothing.

    Raises
    ------
    ValueError
        If the song does not have the label.
    TooManyDoubtsError
        If the listener has doubted `MOST_AN_HOUR` labels in the last hour.
    """
    if not doubted:
        LabelDoubt.objects.filter(user=user, song=song, label=label).delete()
        return
    if not standing_annotations().filter(song=song, label=label).exists():
        raise ValueError(f"{song} is not called {label}")
    lately = LabelDoubt.objects.filter(user=user, at__gt=timezone.now() - timedelta(hours=1))
    if lately.count() >= MOST_AN_HOUR:
        raise TooManyDoubtsError
    LabelDoubt.objects.get_or_create(user=user, song=song, label=label)


def doubted_labels(user: User, song: Song) -> set[int]:
    """The primary keys of the labels of a song that a listener doubts."""
    return set(LabelDoubt.objects.filter(user=user, song=song).values_list("label", flat=True))
