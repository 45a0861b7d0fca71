"""Where the listener is: what plays now, the queue, bookmarks."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from catalog.services import playback
from catalog.services.playback import PlaybackRefused

from .. import ids
from ..answers import moment
from ..asked import asked_song, asked_songs
from ..failures import Code, Failure, not_found
from ..ids import song_id
from ..registry import Answer, Request, endpoint


@endpoint("getNowPlaying")
def now_playing(request: Request) -> Answer:
    """What the listener's own players play: what others listen to is nobody's business."""
    rows = playback.playing_now(request.user)
    describe, described = request.describe, request.describe.songs_by_pk([row.song_id for row in rows])
    now = timezone.now()
    entries = [
        describe.extended(
            described[row.song_id],
            {
                "username": request.user.get_username(),
                "minutesAgo": max(0, int((now - row.started_at).total_seconds() // 60)),
                "playerId": row.pk,
                "playerName": row.player,
                "state": row.state,
                "positionMs": row.position_ms,
                "playbackRate": row.rate,
            },
        )
        for row in rows
        if row.song_id in described
    ]
    return {"nowPlaying": {"entry": entries}}


@endpoint("getPlayQueue")
def play_queue(request: Request) -> Answer:
    """The queue that was kept last, by whatever player."""
    head, songs, place = _queue(request)
    current = {"current": song_id(songs[place])} if songs else {}
    return {"playQueue": {**current, **head, "entry": request.describe.songs(songs)}}


@endpoint("getPlayQueueByIndex")
def play_queue_by_index(request: Request) -> Answer:
    """The same, with the place of the song that plays: a song may stand in a queue twice."""
    head, songs, place = _queue(request)
    current = {"currentIndex": place} if songs else {}
    return {"playQueueByIndex": {**current, **head, "entry": request.describe.songs(songs)}}


def _queue(request: Request) -> tuple[dict[str, Any], list[int], int]:
    """The queue without its songs; those of them that can be played here; the place of the one that plays."""
    queue, library = playback.queue_of(request.user), request.describe.library
    songs = [pk for pk in queue.song_ids if library.has_song(pk)] if queue is not None else []
    username = request.user.get_username()
    if queue is None or not songs:
        # The protocol wants to know by whom and when, even where there is none.
        return {"username": username, "changed": moment(request.user.date_joined), "changedBy": ""}, [], 0
    head = {
        "position": queue.position_ms,
        "username": username,
        "changed": moment(queue.changed_at),
        "changedBy": queue.changed_by,
    }
    return head, songs, min(queue.current, len(songs) - 1)


@endpoint("savePlayQueue")
def save_play_queue(request: Request) -> Answer:
    """Keep the queue; without songs, keep none."""
    songs, current = asked_songs(request, most=playback.MOST_QUEUED), 0
    if songs:
        playing = request.parameters.id("current", ids.SONG).pk
        if playing not in songs:
            raise Failure(Code.GENERIC, "The song that plays is not in the queue.")
        current = songs.index(playing)
    _save(request, songs, current)
    return None


@endpoint("savePlayQueueByIndex")
def save_play_queue_by_index(request: Request) -> Answer:
    """Keep the queue, with the place of the song that plays; without songs, keep none."""
    songs = asked_songs(request, most=playback.MOST_QUEUED)
    current = request.parameters.required_number("currentIndex", 0, len(songs) - 1) if songs else 0
    _save(request, songs, current)
    return None


def _save(request: Request, songs: list[int], current: int) -> None:
    position_ms = request.parameters.number("position", 0)
    try:
        playback.save_queue(request.user, songs, current, position_ms, request.listener.player)
    except PlaybackRefused as error:
        raise Failure(Code.GENERIC, str(error)) from error


@endpoint("getBookmarks")
def bookmarks(request: Request) -> Answer:
    """The listener's bookmarks."""
    rows = list(playback.bookmarks_of(request.user))
    described = request.describe.songs_by_pk([row.song_id for row in rows])
    found = []
    for row in rows:
        if (entry := described.get(row.song_id)) is not None:
            comment = {"comment": row.comment} if row.comment else {}
            found.append(
                {
                    "position": row.position_ms,
                    "username": request.user.get_username(),
                    **comment,
                    "created": moment(row.created_at),
                    "changed": moment(row.changed_at),
                    "entry": entry,
                }
            )
    return {"bookmarks": {"bookmark": found}}


@endpoint("createBookmark")
def create_bookmark(request: Request) -> Answer:
    """Keep a place in a song."""
    song, parameters = asked_song(request), request.parameters
    try:
        playback.set_bookmark(
            request.user, song, parameters.required_number("position"), parameters.text("comment", longest=500)
        )
    except PlaybackRefused as error:
        raise Failure(Code.GENERIC, str(error)) from error
    return None


@endpoint("deleteBookmark")
def delete_bookmark(request: Request) -> Answer:
    """Forget the listener's place in a song."""
    if not playback.delete_bookmark(request.user, asked_song(request)):
        raise not_found("bookmark")
    return None
