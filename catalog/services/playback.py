"""Where listeners are in their music: the queue, bookmarks, and what plays now.

A player that reports what it plays need not say when a song counts: it counts as played once half of it, or four
minutes, were heard, and as skipped if it is left before.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from ..models import Bookmark, NowPlaying, PlayQueue, Song
from . import listening

MOST_QUEUED = 5000
"""Songs of a queue that is kept."""

MOST_BOOKMARKS = 1000

ENOUGH_S = 240.0
"""Heard for so long, or half, a song counts as played."""

LONGEST_POSITION_MS = 2**53
_SILENT_FOR = timedelta(minutes=30)
_CLOCKS_DIFFER = timedelta(minutes=5)
_MOST_PLAYERS = 50
# A report is on its way for a while: so much more than the clock says may have been heard since the last one.
_LATE_MS = 2000


class PlaybackRefused(ValueError):
    """What was asked cannot be done; the message says why, to be shown."""


# --- The queue ----------------------------------------------------------------------------------


def save_queue(user: User, song_ids: Sequence[int], current: int, position_ms: int, changed_by: str) -> None:
    """Keep a listener's queue in the place of the one before; an empty one clears it.

    Parameters
    ----------
    song_ids : primary keys, in order
    current : int
        Which of them plays, counted from 0.
    position_ms : int
    changed_by : str
        The player.

    Raises
    ------
    PlaybackRefused
        If there are too many songs, or `current` is none of them.
    """
    if len(song_ids) > MOST_QUEUED:
        raise PlaybackRefused(f"A queue of {MOST_QUEUED} songs is kept, not of {len(song_ids)}.")
    if not song_ids:
        PlayQueue.objects.filter(user=user).delete()
        return
    if not 0 <= current < len(song_ids):
        raise PlaybackRefused("The song that plays is not in the queue.")
    PlayQueue.objects.update_or_create(
        user=user,
        defaults={
            "song_ids": list(song_ids),
            "current": current,
            "position_ms": min(max(position_ms, 0), LONGEST_POSITION_MS),
            "changed_at": timezone.now(),
            "changed_by": changed_by[:100],
        },
    )


def queue_of(user: User) -> PlayQueue | None:
    """A listener's queue, without songs that can no longer be played; None where there is none, or nothing left.

    Where the song that played is gone, the next one that is there stands in its place, from its beginning.
    """
    queue = PlayQueue.objects.filter(user=user).first()
    if queue is None:
        return None
    there = set(Song.objects.playable().filter(pk__in=set(queue.song_ids)).values_list("pk", flat=True))
    kept = [(place, pk) for place, pk in enumerate(queue.song_ids) if pk in there]
    if not kept:
        return None
    places = [place for place, _ in kept]
    if queue.current not in places:
        queue.current = next((place for place in places if place > queue.current), places[-1])
        queue.position_ms = 0
    queue.current = places.index(queue.current)
    queue.song_ids = [pk for _, pk in kept]
    return queue


# --- Bookmarks ----------------------------------------------------------------------------------


def bookmarks_of(user: User) -> QuerySet[Bookmark]:
    """A listener's bookmarks, the latest first."""
    return Bookmark.objects.filter(user=user).order_by("-changed_at", "-pk")


@transaction.atomic
def set_bookmark(user: User, song: Song, position_ms: int, comment: str = "") -> None:
    """Keep a place in a song, instead of an earlier one in it.

    Raises
    ------
    PlaybackRefused
        If there are too many.
    """
    others = Bookmark.objects.filter(user=user).exclude(song=song)
    if others.count() >= MOST_BOOKMARKS:
        raise PlaybackRefused(f"There can be {MOST_BOOKMARKS} bookmarks.")
    place = {"position_ms": min(max(position_ms, 0), LONGEST_POSITION_MS), "comment": comment[:500]}
    Bookmark.objects.update_or_create(user=user, song=song, defaults=place)


def delete_bookmark(user: User, song: Song) -> bool:
    """Delete a listener's bookmark in a song; whether there was one."""
    return Bookmark.objects.filter(user=user, song=song).delete()[0] > 0


# --- What plays now -----------------------------------------------------------------------------


def playing_now(user: User) -> list[NowPlaying]:
    """What a listener's players play, the latest first; one that has said nothing for long is left out."""
    rows = NowPlaying.objects.filter(user=user).exclude(state=NowPlaying.State.STOPPED).select_related("song")
    now = timezone.now()
    return [
        row
        for row in rows.order_by("-reported_at")
        if now - row.reported_at < _SILENT_FOR + timedelta(seconds=row.song.duration_s or 0.0)
    ]


@transaction.atomic
def report_started(user: User, song: Song, player: str) -> None:
    """A player says that it begins a song, and nothing more: where it is in it is unknown."""
    _row(user, song, player, timezone.now(), 0, NowPlaying.State.STARTING, finish=False)


@transaction.atomic
def report_playback(
    user: User, song: Song, player: str, *, state: str, position_ms: int, rate: float = 1.0, counts: bool = True
) -> None:
    """A player says where it is.

    Parameters
    ----------
    player : str
        Its name.
    state : one of `NowPlaying.State`
    position_ms : int
    rate : float
        1 is the recorded speed.
    counts : bool
        Whether what is heard counts as a play or a skip.
    """
    now, position_ms = timezone.now(), min(max(position_ms, 0), LONGEST_POSITION_MS)
    row = _row(user, song, player, now, position_ms, state, finish=counts)
    if row.state in (NowPlaying.State.PLAYING, NowPlaying.State.STARTING):
        gone_ms = (now - row.reported_at) / timedelta(milliseconds=1) * row.rate + _LATE_MS
        row.heard_ms += round(min(max(position_ms - row.position_ms, 0), gone_ms))
    row.position_ms, row.state, row.reported_at, row.rate = position_ms, state, now, rate
    if counts and not row.counted:
        if _enough(row, song):
            listening.record_play(user, song, played_at=row.started_at)
            row.counted = True
        elif state == NowPlaying.State.STOPPED and row.heard_ms > 0:
            listening.record_play(user, song, skipped=True, played_at=row.started_at)
    # Kept when it has stopped, too: the player may still say that the song was played.
    row.save()


@transaction.atomic
def submit_play(user: User, song: Song, player: str, played_at: datetime | None = None) -> None:
    """A player says that a song was played; what it has reported of the same listening counts once, together."""
    row = NowPlaying.objects.select_for_update().filter(user=user, player=player[:100], song=song).first()
    if row is not None and _same_listening(row, song, played_at or timezone.now()):
        if row.counted:
            return
        row.counted = True
        row.save(update_fields=["counted"])
    listening.record_play(user, song, played_at=played_at)


def _row(
    user: User, song: Song, player: str, now: datetime, position_ms: int, state: str, *, finish: bool
) -> NowPlaying:
    """The row of this listening, a new one where the player has begun another song or the same one again."""
    name = player[:100]
    row = NowPlaying.objects.select_for_update().select_related("song").filter(user=user, player=name).first()
    if row is not None:
        stopped = row.state == NowPlaying.State.STOPPED
        begun = row.state == NowPlaying.State.STARTING and not row.counted
        again = stopped or (state == NowPlaying.State.STARTING and not begun)
        if row.song_id == song.pk and not again and now - row.reported_at < _SILENT_FOR:
            return row
        if finish and not stopped and not row.counted and row.heard_ms > 0 and not _enough(row, row.song):
            listening.record_play(user, row.song, skipped=True, played_at=row.started_at)
        row.delete()
    rows = NowPlaying.objects.filter(user=user).order_by("-reported_at")
    for old in rows[_MOST_PLAYERS - 1 :]:
        old.delete()
    return NowPlaying.objects.create(
        user=user,
        player=name,
        song=song,
        started_at=now - timedelta(milliseconds=min(position_ms, 1000 * (song.duration_s or 0.0))),
        reported_at=now,
        state=state,
        position_ms=position_ms,
    )


def _same_listening(row: NowPlaying, song: Song, played_at: datetime) -> bool:
    """Whether a play that a player tells of is what it has reported, and not one of before that it tells of late."""
    half = timedelta(seconds=(song.duration_s or 2 * ENOUGH_S) / 2)
    return played_at > row.started_at - min(half, _CLOCKS_DIFFER) and timezone.now() - row.reported_at < _SILENT_FOR


def _enough(row: NowPlaying, song: Song) -> bool:
    enough_s = min((song.duration_s or 2 * ENOUGH_S) / 2, ENOUGH_S)
    return row.heard_ms >= 1000 * enough_s
