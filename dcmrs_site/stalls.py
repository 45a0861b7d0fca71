"""What stands still: work that nobody does, processes that say nothing, a disk that fills; each with its limit.

Asked by health and shown on the dashboard. Everything is read from the database and from `DCMRS_HOME`, so that any
process can tell.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any

from django.conf import settings
from django.db.models import Max, Min
from django.utils import timezone

from catalog.models import Alert, LibraryRoot, ProcessSign, Song
from catalog.quantities import count
from catalog.services import signs
from recommender.models import Snapshot, SnapshotBuildPart

from . import disk
from .backup import making

LONGEST_TASK = timedelta(hours=2)
"""A process of the worker that is at one task for longer may hang."""

LONGEST_WAIT = timedelta(minutes=30)
"""Songs wait, and none was finished for so long."""

LONGEST_SILENCE = timedelta(hours=1)
"""A process that was silent for longer is gone with its machine."""

LONGEST_QUEUE = timedelta(minutes=15)
"""Beat sends a task every minute, and no worker has begun one for so long."""

LATE_SCANS = 4
"""Periods of `RESCAN_MINUTES` without a scan of a root."""

OLDEST_SNAPSHOT = timedelta(hours=36)
"""The last full snapshot, where there is one: one is computed every night."""

OLDEST_BACKUP = timedelta(hours=36)
"""The last backup, where a folder for them is set."""

GOOD_FOR_S = 5.0
"""How long what was seen is shown before it is looked at anew."""


@dataclass(frozen=True, slots=True)
class Stall:
    """One thing that stands still.

    Attributes
    ----------
    name : str
        Short, the same each time: for monitoring.
    sentence : str
        For the server's admins.
    """

    name: str
    sentence: str


def stalls() -> list[Stall]:
    """All that stands still at this moment, what matters most first."""
    seen = _Signs(list(ProcessSign.objects.order_by("-seen_at")))
    found = {
        "disk": _disk(),
        "worker": seen.worker(),
        "beat": seen.beat(),
        "tasks": seen.tasks(),
        "queue": seen.queue(),
        "songs": _songs(seen),
        "roots": seen.roots(),
        "scans": _scans(),
        "snapshot": _snapshot(),
        "backup": _backup(),
        "outbox": _outbox(),
    }
    return [Stall(name, sentence) for name, sentence in found.items() if sentence]


class Latest:
    """What stands still, looked at anew only after a moment: a panel that asks every few seconds costs little."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.forget()

    def forget(self) -> None:
        """Look again when next asked."""
        self._seen: list[Stall] = []
        self._seen_at = float("-inf")

    def look(self) -> list[Stall]:
        """What stands still, or stood still `GOOD_FOR_S` ago at most."""
        with self._lock:
            if time.monotonic() - self._seen_at > GOOD_FOR_S:
                self._seen, self._seen_at = stalls(), time.monotonic()
            return self._seen


latest = Latest()


def _disk() -> str:
    room = disk.room()
    if room.free < 200_000_000:
        return f"The disk of DCMRS_HOME is full but for {room.free / 1e6:.0f} MB: make room."
    return ""


class _Signs:
    """What the signs of life of all processes say, read once; `rows` begins with the latest."""

    def __init__(self, rows: Sequence[ProcessSign]) -> None:
        self._rows = rows

    def worker(self) -> str:
        if self._living(signs.Kind.POOL):
            return self._silent()
        return (
            f"No process of any worker has given a sign of life {self._since(signs.Kind.POOL)}: "
            "nothing is labelled and nothing computed."
        )

    def _silent(self) -> str:
        """Those that hang while others live: their worker ends them within a minute, unless it hangs itself."""
        now = timezone.now()
        return "; ".join(
            f"The process {sign.pid} of the worker on {sign.host} has given no sign of life for {_age(sign.seen_at)}"
            for sign in self._of(signs.Kind.POOL)
            if signs.SILENT_AFTER < now - sign.seen_at < LONGEST_SILENCE
        )

    def beat(self) -> str:
        if self._living(signs.Kind.BEAT):
            return ""
        since = self._since(signs.Kind.BEAT)
        return f"Beat has given no sign of life {since}: what is done every so often is not done."

    def tasks(self) -> str:
        late = timezone.now() - LONGEST_TASK
        return "; ".join(
            f"The process {sign.pid} of the worker on {sign.host} is at {sign.doing} for {_age(sign.doing_since)}"
            for sign in self._living(signs.Kind.POOL)
            if sign.doing_since and sign.doing_since < late
        )

    def queue(self) -> str:
        """Tasks wait, and none is begun: beat sends one every minute."""
        beat = next(iter(self._of(signs.Kind.BEAT)), None)
        begun = next(iter(self._of(signs.Kind.TASK)), None)
        now = timezone.now()
        if beat is None or now - beat.seen_at > signs.SILENT_AFTER or not self._living(signs.Kind.POOL):
            return ""
        since = beat.started_at if begun is None else max(begun.seen_at, beat.started_at)
        if now - since < LONGEST_QUEUE:
            return ""
        return f"No task has been begun for {_age(since)}: workers are there, and take nothing from the queue."

    def roots(self) -> str:
        return "; ".join(
            f"The folder of {root} cannot be seen by {', '.join(hosts)}: its songs wait"
            for root, hosts in self.unseen()
        )

    def unseen(self) -> Iterator[tuple[str, list[str]]]:
        yield from signs.roots_unseen_by(self._living(signs.Kind.POOL)).items()

    def _of(self, kind: signs.Kind) -> list[ProcessSign]:
        return [sign for sign in self._rows if sign.kind == kind]

    def _living(self, kind: signs.Kind) -> list[ProcessSign]:
        late = timezone.now() - signs.SILENT_AFTER
        return [sign for sign in self._of(kind) if sign.seen_at >= late]

    def _since(self, kind: signs.Kind) -> str:
        last = next(iter(self._of(kind)), None)
        return "ever" if last is None else f"for {_age(last.seen_at)}"


def _songs(seen: _Signs) -> str:
    playable = Song.objects.playable()
    waiting = playable.filter(tagging_state=Song.Tagging.PENDING)
    oldest = waiting.aggregate(at=Min("tagging_changed_at"))["at"]
    if oldest is None or timezone.now() - oldest < LONGEST_WAIT:
        return ""
    finished = playable.filter(tagging_state__in=(Song.Tagging.DONE, Song.Tagging.FAILED))
    last = finished.aggregate(at=Max("tagging_changed_at"))["at"]
    if last is not None and timezone.now() - last < LONGEST_WAIT:
        return ""
    away = "".join(f" The folder of {root} cannot be seen by {', '.join(hosts)}." for root, hosts in seen.unseen())
    return f"{count(waiting.count(), 'song')} wait to be listened to, the first for {_age(oldest)}.{away}"


def _scans() -> str:
    period: Any = settings.CELERY_BEAT_SCHEDULE["look for new music"]["schedule"]
    late = timezone.now() - LATE_SCANS * period
    roots = LibraryRoot.objects.filter(rescan=True, scanned_at__lt=late).order_by("scanned_at")
    return "; ".join(
        f"{root.name} was last looked through {_age(root.scanned_at)} ago" for root in roots if root.scanned_at
    )


def _snapshot() -> str:
    wanted = Snapshot.objects.exclude(damaged="") | Snapshot.objects.filter(kind=Snapshot.Kind.FULL, current=True)
    found = list(wanted.only("version", "damaged", "created_at"))
    if (damaged := next((row for row in found if row.damaged), None)) is not None:
        return f"Snapshot {damaged.version} is damaged ({damaged.damaged}): the one before it serves."
    last = next(iter(found), None)
    if last is None or timezone.now() - last.created_at < OLDEST_SNAPSHOT:
        return ""
    if SnapshotBuildPart.objects.filter(taken_until__gt=timezone.now()).exists():
        return ""
    return f"The last full snapshot is {_age(last.created_at)} old: none was computed last night."


def _backup() -> str:
    if not settings.BACKUP_FOLDER:
        return ""
    last = making.last_made(Path(settings.BACKUP_FOLDER).expanduser())
    if last is None:
        return "There is no backup yet, though a folder for them is set."
    return "" if timezone.now() - last < OLDEST_BACKUP else f"The last backup is {_age(last)} old."


def _outbox() -> str:
    failure = Alert.objects.exclude(failure="").values_list("failure", flat=True).first()
    return f"The admins could not be told of what stands still, and will be once it goes: {failure}." if failure else ""


def _age(at: datetime) -> str:
    """How long ago, in the largest unit."""
    seconds = (timezone.now() - at).total_seconds()
    for name, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= 2 * length:
            return count(int(seconds // length), name)
    return count(int(seconds), "second")
