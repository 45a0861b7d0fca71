"""What a listener says of music: favourites, stars, and that something was played."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.utils import timezone

from catalog.models import CollectionOpinion, NowPlaying, Song
from catalog.services import favourites, listening, playback

from .. import ids
from ..asked import MOST_SONGS, asked_song, find_album, find_artist, find_song
from ..failures import Code, Failure, not_found
from ..ids import Id
from ..registry import Answer, Request, endpoint

_ALBUM, _ARTIST = CollectionOpinion.Kind.ALBUM, CollectionOpinion.Kind.ARTIST
_EARLIEST = datetime(1970, 1, 2, tzinfo=UTC)
_CLOCK_DIFFERENCE = timedelta(minutes=5)


@endpoint("star")
def star(request: Request) -> Answer:
    """Make songs, albums and artists favourites."""
    _set_favourites(request, True)
    return None


@endpoint("unstar")
def unstar(request: Request) -> Answer:
    """Make them favourites no longer."""
    _set_favourites(request, False)
    return None


def _set_favourites(request: Request, favourite: bool) -> None:
    parameters = request.parameters
    asked = [
        *parameters.ids("id", MOST_SONGS, ids.SONG, ids.ALBUM, ids.ARTIST),
        *parameters.ids("albumId", MOST_SONGS, ids.ALBUM),
        *parameters.ids("artistId", MOST_SONGS, ids.ARTIST),
    ]
    if not asked:
        raise Failure(Code.PARAMETER_MISSING, "Name a song by id, an album by albumId or an artist by artistId.")
    try:
        # All of them or none: one that is not there leaves nothing half done.
        with transaction.atomic():
            for one in asked:
                _set_favourite(request, one, favourite)
    except favourites.FavouriteRefused as error:
        raise Failure(Code.GENERIC, str(error)) from error


def _set_favourite(request: Request, asked: Id, favourite: bool) -> None:
    if asked.kind == ids.SONG:
        favourites.set_favourite_song(request.user, find_song(asked), favourite)
        return
    kind, name = _collection(request, asked)
    favourites.set_favourite_collection(request.user, kind, asked.key, name, favourite)


def _collection(request: Request, asked: Id) -> tuple[str, str]:
    library = request.describe.library
    if asked.kind == ids.ALBUM:
        return _ALBUM, find_album(library, asked).name
    return _ARTIST, find_artist(library, asked).name


@endpoint("setRating")
def set_rating(request: Request) -> Answer:
    """Give a song, an album or an artist stars; 0 takes them back."""
    asked = request.parameters.id("id", ids.SONG, ids.ALBUM, ids.ARTIST)
    stars = request.parameters.required_number("rating", 0, 5) or None
    if asked.kind == ids.SONG:
        listening.rate(request.user, find_song(asked), stars)
    else:
        kind, name = _collection(request, asked)
        favourites.rate_collection(request.user, kind, asked.key, name, stars)
    return None


@endpoint("scrobble")
def scrobble(request: Request) -> Answer:
    """Songs were played, or one begins to."""
    parameters = request.parameters
    asked = parameters.ids("id", MOST_SONGS, ids.SONG)
    if not asked:
        raise Failure(Code.PARAMETER_MISSING, "The parameter id is missing.")
    moments = parameters.numbers("time", MOST_SONGS)
    if moments and len(moments) != len(asked):
        raise Failure(Code.GENERIC, "Give a time for each song, or none.")
    submission = parameters.truth("submission", default=True)
    songs = Song.objects.playable().in_bulk([one.pk for one in asked])
    if any(one.pk not in songs for one in asked):
        raise not_found("song")
    if not submission:
        playback.report_started(request.user, songs[asked[-1].pk], request.listener.player)
        return None
    with transaction.atomic():
        for place, one in enumerate(asked):
            at = _moment(moments[place]) if moments else timezone.now() + timedelta(microseconds=place)
            playback.submit_play(request.user, songs[one.pk], request.listener.player, at)
    return None


def _moment(milliseconds: int) -> datetime:
    """When something was played; a moment that has not come yet is now."""
    latest = timezone.now()
    if milliseconds > 1000 * (latest + _CLOCK_DIFFERENCE).timestamp():
        return latest
    at = datetime.fromtimestamp(max(milliseconds, 0) / 1000, tz=UTC)
    if at < _EARLIEST:
        raise Failure(Code.GENERIC, "time is in milliseconds since 1970.")
    return at


@endpoint("reportPlayback")
def report_playback(request: Request) -> Answer:
    """A player says where it is in a song."""
    parameters = request.parameters
    asked = check_media_type(request)
    state = parameters.required("state")
    if state not in NowPlaying.State.values:
        raise Failure(Code.GENERIC, f"state is one of {', '.join(NowPlaying.State.values)}.")
    playback.report_playback(
        request.user,
        asked,
        request.listener.player,
        state=state,
        position_ms=parameters.required_number("positionMs"),
        rate=parameters.decimal("playbackRate", 1.0, 0.1, 10.0),
        counts=not parameters.truth("ignoreScrobble"),
    )
    return None


def check_media_type(request: Request) -> Song:
    """The song of `mediaId`, where `mediaType` says that it is one.

    Raises
    ------
    Failure
        If it is a podcast, or not here.
    """
    kind = request.parameters.required("mediaType")
    if kind == "podcast":
        raise not_found("podcast")
    if kind != "song":
        raise Failure(Code.GENERIC, "mediaType is song or podcast.")
    return asked_song(request, "mediaId")
