"""Counts changes of the library in the database, to tell cheaply whether the current snapshot is out of date.

Signals raise the counters. The counters decide, not the queue: a lost task or a killed worker leaves them raised, and
the next periodic task sees them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import NamedTuple

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from catalog import leases
from catalog.leases import heartbeat

from ..engine.methods import FAST_PARTS
from ..models import Changes, Snapshot

PACE = 20
"""Pause between content builds, as a multiple of the last build's duration: building takes at most 1/20 of the time."""

QUICK, QUICK_WAIT = timedelta(seconds=5), timedelta(seconds=30)
"""Content builds of at most this duration pause no longer than that: songs of a small library are there soon."""

PLAYS_WAIT = timedelta(hours=1)
"""Pause before a build if only plays have changed, because single plays change little."""


class Read(NamedTuple):
    """The change counters that a build has read."""

    labels: int
    plays: int


def labels_changed() -> bool:
    """Count a change of songs or labels; True if it is the first since the last build began."""
    return _count("labels")


def plays_changed() -> bool:
    """Count a change of plays; True if it is the first since the last build began."""
    return _count("plays")


def _count(what: str) -> bool:
    # One unread change is enough to trigger a build: a bulk import takes the write lock once.
    if Changes.objects.filter(pk=1, **{f"{what}__gt": F(f"{what}_read")}).exists():
        return False
    Changes.objects.get_or_create(pk=1)
    Changes.objects.filter(pk=1).update(**{what: F(what) + 1})
    return True


@contextmanager
def reading() -> Iterator[Read]:
    """Mark all changes so far as read, and hold the lease of a build while the block runs.

    Yields
    ------
    Read
        The counters that the build has read.
    """
    read = begin()
    try:
        with heartbeat(lambda: Changes.objects.filter(pk=1).update(building_until=timezone.now() + leases.LEASE)):
            yield read
    finally:
        Changes.objects.filter(pk=1).update(building_until=None)


@transaction.atomic
def begin() -> Read:
    """Take the lease of a build and mark all changes so far as read."""
    Changes.objects.get_or_create(pk=1)
    changes = Changes.objects.select_for_update().get(pk=1)
    changes.labels_read, changes.plays_read = changes.labels, changes.plays
    changes.building_until = timezone.now() + leases.LEASE
    changes.save(update_fields=["labels_read", "plays_read", "building_until"])
    return Read(changes.labels, changes.plays)


def behind(snapshot: Snapshot) -> bool:
    """Whether anything has changed since this snapshot's training data was read."""
    changes = Changes.objects.filter(pk=1).first()
    return changes is not None and (changes.labels > snapshot.labels_read or changes.plays > snapshot.plays_read)


def wait(snapshot: Snapshot) -> timedelta | None:
    """The pause left before the next content build; None if nothing has changed."""
    changes = Changes.objects.filter(pk=1).first() or Changes()
    rest = _pause(timedelta(seconds=_content_seconds(snapshot)))
    if changes.labels > snapshot.labels_read:
        pause = rest
    elif changes.plays > snapshot.plays_read:
        pause = max(rest, PLAYS_WAIT)
    else:
        return None
    return max(snapshot.created_at + pause - timezone.now(), timedelta())


def _pause(duration: timedelta) -> timedelta:
    """The pause after a content build that took so long."""
    return min(PACE * duration, QUICK_WAIT) if duration <= QUICK else PACE * duration


def _content_seconds(snapshot: Snapshot) -> float:
    """Duration of a build without its slow parts."""
    others = sum(about.get("seconds", 0.0) for name, about in snapshot.methods.items() if name not in FAST_PARTS)
    return float(max(snapshot.seconds - others, 0.0))


def build_running() -> bool:
    """Whether a build holds a live lease."""
    return Changes.objects.filter(pk=1, building_until__gt=timezone.now()).exists()
