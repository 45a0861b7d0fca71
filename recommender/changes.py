"""Knowing when the arrays are behind the library, cheaply: a count in the database, raised by signals.

The count decides, not the queue: a lost task, a worker killed while building, or no worker at all leaves the
changes counted, and the next look sees them.
"""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from .engine.methods import AT_ONCE
from .models import Changes, Snapshot

PACE = 20
"""Content is built again at the earliest after this many times what the last build took: a twentieth of the time."""

PLAYS_WAIT = timedelta(hours=1)
"""How long plays alone, which move little at once, wait for a build."""

LEASE = timedelta(minutes=2)
"""A build that has not said for so long that it is at work is dead."""


class Read(NamedTuple):
    """How many changes a build has seen."""

    labels: int
    plays: int


def labels_changed() -> bool:
    """Count a change of songs or labels; whether it is the first since the last build began to read."""
    return _count("labels")


def plays_changed() -> bool:
    """Count a change of plays; whether it is the first since the last build began to read."""
    return _count("plays")


def _count(what: str) -> bool:
    # A change nobody has begun to read yet says it all: a bulk import counts once, and takes no write lock again.
    if Changes.objects.filter(pk=1, **{f"{what}__gt": F(f"{what}_read")}).exists():
        return False
    Changes.objects.get_or_create(pk=1)
    Changes.objects.filter(pk=1).update(**{what: F(what) + 1})
    return True


@transaction.atomic
def begin() -> Read:
    """Begin a build: from here on, what changes counts as a change after it."""
    Changes.objects.get_or_create(pk=1)
    changes = Changes.objects.select_for_update().get(pk=1)
    changes.labels_read, changes.plays_read = changes.labels, changes.plays
    changes.building_until = timezone.now() + LEASE
    changes.save(update_fields=["labels_read", "plays_read", "building_until"])
    return Read(changes.labels, changes.plays)


def still_building() -> None:
    """Say that the build is at work."""
    Changes.objects.filter(pk=1).update(building_until=timezone.now() + LEASE)


def end() -> None:
    """Say that no build is at work any more."""
    Changes.objects.filter(pk=1).update(building_until=None)


def behind(snapshot: Snapshot) -> bool:
    """Whether anything has changed since this snapshot was read."""
    changes = Changes.objects.filter(pk=1).first()
    return changes is not None and (changes.labels > snapshot.labels_read or changes.plays > snapshot.plays_read)


def wait(snapshot: Snapshot) -> timedelta | None:
    """How long a build that keeps up with the library should wait from now; None where there is nothing to do."""
    changes = Changes.objects.filter(pk=1).first() or Changes()
    rest = timedelta(seconds=PACE * _content_seconds(snapshot))
    if changes.labels > snapshot.labels_read:
        pause = rest
    elif changes.plays > snapshot.plays_read:
        pause = max(rest, PLAYS_WAIT)
    else:
        return None
    return max(snapshot.created_at + pause - timezone.now(), timedelta())


def _content_seconds(snapshot: Snapshot) -> float:
    """How long the content arrays took: of a whole snapshot, what other parts took is no measure of that."""
    others = sum(about.get("seconds", 0.0) for name, about in snapshot.methods.items() if name not in AT_ONCE)
    return float(max(snapshot.seconds - others, 0.0))


def somebody_builds() -> bool:
    """Whether a build is at work."""
    return Changes.objects.filter(pk=1, building_until__gt=timezone.now()).exists()
