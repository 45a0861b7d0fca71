"""Signs of life of worker processes and beat: written by themselves, read by health, the dashboard and metrics."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.utils import timezone

from ..models import ProcessSign

EVERY_S = 15.0
"""Seconds between two signs of a process."""

SILENT_AFTER = timedelta(seconds=75)
"""A process that has given no sign for this long is hung or gone."""

FORGOTTEN_AFTER = timedelta(days=1)

Kind = ProcessSign.Kind


def give(kind: Kind, *, doing: str = "", doing_since: datetime | None = None, unseen_roots: Sequence[str] = ()) -> None:
    """Write this process's sign of life.

    Parameters
    ----------
    kind : Kind
    doing : str
        The task at hand.
    doing_since : datetime, optional
    unseen_roots : sequence of str
        Library roots whose folder it cannot see.
    """
    now = timezone.now()
    about = {"seen_at": now, "doing": doing[:100], "doing_since": doing_since, "unseen_roots": list(unseen_roots)}
    ProcessSign.objects.update_or_create(
        kind=kind,
        host=socket.gethostname()[:100],
        pid=os.getpid(),
        defaults=about,
        create_defaults=about | {"started_at": now},
    )


def take_back(kind: Kind, pid: int | None = None) -> None:
    """Remove the sign of a process of this host that ends, this one or another."""
    ProcessSign.objects.filter(kind=kind, host=socket.gethostname()[:100], pid=pid or os.getpid()).delete()


def forget_old() -> None:
    """Remove the signs of processes that have been gone for a day."""
    ProcessSign.objects.filter(seen_at__lt=timezone.now() - FORGOTTEN_AFTER).delete()


def living(kind: Kind) -> list[ProcessSign]:
    """The processes that gave a sign lately."""
    return list(ProcessSign.objects.filter(kind=kind, seen_at__gte=timezone.now() - SILENT_AFTER))


def silent(kind: Kind) -> list[ProcessSign]:
    """The processes that have given no sign for a while, and did not take it back."""
    return list(ProcessSign.objects.filter(kind=kind, seen_at__lt=timezone.now() - SILENT_AFTER))


def living_here() -> set[int]:
    """The process ids of workers on this host that gave a sign lately."""
    return {sign.pid for sign in living(Kind.POOL) if sign.host == socket.gethostname()[:100]}


def silent_here() -> list[ProcessSign]:
    """The processes of workers on this host that have given no sign for a while."""
    return [sign for sign in silent(Kind.POOL) if sign.host == socket.gethostname()[:100]]


def last(kind: Kind) -> datetime | None:
    """When a process of a kind gave its last sign; None where there is none."""
    return ProcessSign.objects.filter(kind=kind).order_by("-seen_at").values_list("seen_at", flat=True).first()


def unseen_roots() -> dict[str, list[str]]:
    """The library roots that living processes of workers cannot see, each with the hosts that cannot."""
    return roots_unseen_by(living(Kind.POOL))


def roots_unseen_by(processes: Iterable[ProcessSign]) -> dict[str, list[str]]:
    """The library roots that some processes cannot see, each with their hosts."""
    found: dict[str, set[str]] = {}
    for sign in processes:
        for root in sign.unseen_roots:
            found.setdefault(root, set()).add(sign.host)
    return {root: sorted(hosts) for root, hosts in sorted(found.items())}
