"""What listeners do: rate, play, refuse, nudge."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Max, Sum
from django.utils import timezone

from ..models import Label, NotThis, Nudge, Play, PlayCount, Rating, Song
from ..signals import played

LARGEST_NUDGE = 1e6
"""How much more, or below 0 less, of a label can be wanted: a nudge is of the profile's own size, which grows."""


@transaction.atomic
def rate(user: User, song: Song, stars: int | None) -> None:
    """Store a listener's stars, 1 to 5, for a song; None takes them back.

    Raises
    ------
    ValueError
        If `stars` is neither None nor 1 to 5.
    """
    if stars is None:
        Rating.objects.filter(user=user, song=song).delete()
    elif stars in range(1, 6):
        Rating.objects.update_or_create(user=user, song=song, defaults={"stars": stars})
    else:
        raise ValueError(f"stars go from 1 to 5, not {stars}")


@transaction.atomic
def record_play(user: User, song: Song, *, skipped: bool = False, played_at: datetime | None = None) -> Play:
    """Store one event of listening; one that was not skipped counts as a play.

    The same listener, song and moment again is the same play, counted once.
    """
    moment = played_at or timezone.now()
    play, new = Play.objects.get_or_create(
        user=user, song=song, played_at=moment, origin="player", defaults={"skipped": skipped}
    )
    if new and not skipped:
        count, first = PlayCount.objects.get_or_create(
            user=user, song=song, origin="player", defaults={"count": 1, "last_played": moment}
        )
        if not first:
            latest = max(count.last_played or moment, moment)
            PlayCount.objects.filter(pk=count.pk).update(count=F("count") + 1, last_played=latest)
        transaction.on_commit(partial(played.send, sender=Play, user=user, song=song))
    return play


@transaction.atomic
def refuse(user: User, song: Song, refused: bool = True) -> None:
    """Store that a listener does not want a song recommended, or delete that."""
    if refused:
        NotThis.objects.get_or_create(user=user, song=song)
    else:
        NotThis.objects.filter(user=user, song=song).delete()


@transaction.atomic
def nudge(user: User, label: Label, weight: float | None) -> None:
    """Set how much more (or, below 0, less) of a label a listener wants; None takes it back."""
    if weight:
        Nudge.objects.update_or_create(user=user, label=label, defaults={"weight": weight})
    else:
        Nudge.objects.filter(user=user, label=label).delete()


def most_played(user: User, most: int) -> list[Song]:
    """The songs that a listener has played most, wherever the counts come from; of equal ones, what was last first."""
    counts = (
        PlayCount.objects.filter(user=user).order_by().values("song").annotate(n=Sum("count"), last=Max("last_played"))
    )
    ids = list(counts.order_by("-n", F("last").desc(nulls_last=True), "song").values_list("song", flat=True)[:most])
    songs = Song.objects.in_bulk(ids)
    return [songs[pk] for pk in ids]
