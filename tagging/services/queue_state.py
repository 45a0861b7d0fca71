"""How far the first pass is, how fast, and which songs have failed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min, Q
from django.utils import timezone

from catalog.models import Song, SongQuerySet

State = Song.Tagging

# The current rate is that of the last minute; with fewer than `_ENOUGH_FINISHED` songs in it, a longer window is used.
_RATE_WINDOWS = (timedelta(minutes=1), timedelta(minutes=10))
_ENOUGH_FINISHED = 5


@dataclass(frozen=True, slots=True)
class Progress:
    """Counts of songs by state, and the rate of tagging.

    Attributes
    ----------
    pending, running, done, failed : int
        Songs in each state; a pending one counts once its file is there.
    songs_per_second : float
        Mean rate since the first song finished in the last minute, or in the last ten minutes where fewer than five
        finished in one; 0 where fewer than two did.
    """

    pending: int
    running: int
    done: int
    failed: int
    songs_per_second: float

    @property
    def left(self) -> int:
        """PENDING and RUNNING songs."""
        return self.pending + self.running

    @property
    def total(self) -> int:
        """DONE songs, and those that are left."""
        return self.done + self.left

    @property
    def seconds_left(self) -> float | None:
        """Seconds until all are finished at this rate; None where the rate is 0."""
        return self.left / self.songs_per_second if self.songs_per_second else None

    @property
    def ready_at(self) -> datetime | None:
        """When all are finished at this rate; None where the rate is 0."""
        return None if self.seconds_left is None else timezone.now() + timedelta(seconds=self.seconds_left)


def progress() -> Progress:
    """Count songs with audio by state, and measure the rate of tagging."""
    waits_for_file = Q(tagging_state=State.PENDING, missing_since__isnull=False)
    counts = dict(
        Song.objects.with_file().exclude(waits_for_file).order_by().values_list("tagging_state").annotate(Count("pk"))
    )
    return Progress(
        pending=counts.get(State.PENDING, 0),
        running=counts.get(State.RUNNING, 0),
        done=counts.get(State.DONE, 0),
        failed=counts.get(State.FAILED, 0),
        songs_per_second=_songs_per_second(),
    )


def _songs_per_second() -> float:
    """Measure the recent rate, from the first song finished in the window on."""
    now = timezone.now()
    finished = Song.objects.with_file().filter(tagging_state__in=(State.DONE, State.FAILED))
    for window in _RATE_WINDOWS:
        lately = finished.filter(tagging_changed_at__gt=now - window).aggregate(
            count=Count("pk"), first=Min("tagging_changed_at")
        )
        if lately["count"] >= _ENOUGH_FINISHED or window == _RATE_WINDOWS[-1]:
            break
    if lately["count"] < 2:
        return 0.0
    return float((lately["count"] - 1) / max((now - lately["first"]).total_seconds(), 1.0))


@dataclass(frozen=True, slots=True)
class Failure:
    """FAILED songs that share one reason."""

    reason: str
    songs: int


def failed_songs() -> SongQuerySet:
    """Select FAILED songs whose file is present; a missing file is tagged again once it is back."""
    return Song.objects.playable().filter(tagging_state=State.FAILED)


def failures() -> list[Failure]:
    """Group FAILED songs by reason, the most frequent reason first."""
    reasons = failed_songs().order_by().values_list("tagging_error").annotate(songs=Count("pk"))
    return [Failure(reason, songs) for reason, songs in reasons.order_by("-songs", "tagging_error")]


def retry_failed(reason: str | None = None) -> int:
    """Requeue FAILED songs whose file is present.

    Parameters
    ----------
    reason : str, optional
        Only songs that failed for this reason; all where it is None.

    Returns
    -------
    int
        How many songs were requeued.
    """
    songs = failed_songs()
    return (songs if reason is None else songs.filter(tagging_error=reason)).requeue_tagging()
