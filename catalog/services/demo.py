"""The demo library in this installation: its tracks as songs, and the simulated people who listen to them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, time
from pathlib import Path

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from ..demo.listeners import SIMULATED_TIME, SimulatedListener, simulate
from ..demo.programme import Track, programme
from ..home import home
from ..importing.roots import root_of
from ..models import Listener, Play, PlayCount, Rating, Song

ORIGIN = "simulated"
"""Of the plays that nobody made."""


def folder() -> Path:
    """Where the demo library's files lie."""
    return home() / "demo"


def songs() -> dict[Track, Song]:
    """The songs here of the demo library's tracks, as far as they are imported."""
    root, within = root_of(folder())
    paths = {track: f"{within}/{track.path}".removeprefix("/") for track in programme()}
    found = {song.path: song for song in Song.objects.with_file().filter(root=root, path__in=paths.values())}
    return {track: found[path] for track, path in paths.items() if path in found}


def make_listeners() -> int:
    """Make those simulated listeners who are not here yet, with all their plays and ratings.

    Their time ends with the last midnight, so that what they did is of the last months.

    Returns
    -------
    int
        How many were made.
    """
    tracks = programme()
    here = songs()
    by_place = {place: here[track] for place, track in enumerate(tracks) if track in here}
    start = datetime.combine(timezone.localdate(), time(), timezone.get_current_timezone()) - SIMULATED_TIME
    known = set(User.objects.filter(username__startswith="simulated-").values_list("username", flat=True))
    new = [listener for listener in simulate(tracks) if listener.name not in known]
    for listener in new:
        _make(listener, by_place, start)
    return len(new)


@transaction.atomic
def _make(listener: SimulatedListener, by_place: Mapping[int, Song], start: datetime) -> None:
    user = User(username=listener.name, is_active=False)
    user.set_unusable_password()
    user.save()
    Listener.objects.create(user=user, origin=Listener.Origin.SIMULATED)
    plays = [
        Play(user=user, song=by_place[play.track], played_at=start + play.moment, skipped=play.skipped, origin=ORIGIN)
        for play in listener.plays
        if play.track in by_place
    ]
    Play.objects.bulk_create(plays)
    moments_by_song: defaultdict[Song, list[datetime]] = defaultdict(list)
    for play in plays:
        if not play.skipped:
            moments_by_song[play.song].append(play.played_at)
    PlayCount.objects.bulk_create(
        PlayCount(user=user, song=song, origin=ORIGIN, count=len(moments), last_played=max(moments))
        for song, moments in moments_by_song.items()
    )
    given = [rating for rating in listener.ratings if rating.track in by_place]
    ratings = Rating.objects.bulk_create(
        Rating(user=user, song=by_place[rating.track], stars=rating.stars) for rating in given
    )
    # Creating sets the time to now.
    for rating, simulated in zip(ratings, given, strict=True):
        rating.rated_at = start + simulated.moment
    Rating.objects.bulk_update(ratings, ["rated_at"])
