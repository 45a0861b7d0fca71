"""The listener's own playlists, and those that the server recommends, which nobody can change."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, Q, Sum

from catalog.models import Playlist, PlaylistSong
from catalog.services import playlists
from catalog.services.playlists import MOST_SONGS, PlaylistRefused
from recommender.services import daily_lists

from .. import ids
from ..asked import asked_songs
from ..failures import Code, Failure, not_found
from ..registry import Answer, Request, endpoint


@endpoint("getPlaylists")
def all_playlists(request: Request) -> Answer:
    """The listener's playlists, what is recommended first; an admin may ask for the playlists of another person."""
    username = request.parameters.text("username")
    if username and username != request.user.get_username():
        # The playlists of others are theirs, an admin's rights or not.
        if not request.user.is_superuser:
            raise Failure(Code.NOT_AUTHORIZED, "Only an admin can ask for the playlists of other people.")
        if not User.objects.filter(username=username).exists():
            raise not_found("person")
        return {"playlists": {"playlist": []}}
    describe = request.describe
    recommended = [
        describe.daily_list(one, daily_lists.valid_until(one)) for one in daily_lists.daily_lists(request.user)
    ]
    playable = Q(entries__song__missing_since=None) & ~Q(entries__song__path="")
    own = (
        Playlist.objects.filter(user=request.user)
        .annotate(n=Count("entries", filter=playable), seconds=Sum("entries__song__duration_s", filter=playable))
        .order_by("-changed_at", "-pk")
    )
    rows = [describe.playlist(one, one.n, one.seconds or 0.0) for one in own]
    return {"playlists": {"playlist": recommended + rows}}


@endpoint("getPlaylist")
def one_playlist(request: Request) -> Answer:
    """A playlist with its songs."""
    asked, describe = request.parameters.id("id", ids.PLAYLIST, ids.DAILY_LIST), request.describe
    if asked.kind == ids.PLAYLIST:
        return {"playlist": _own_with_songs(request, _own(request, asked.pk))}
    daily = daily_lists.daily_list(request.user, asked.key)
    if daily is None:
        raise not_found("playlist")
    found = describe.daily_list(daily, daily_lists.valid_until(daily))
    return {"playlist": {**found, "entry": describe.songs(daily.song_ids)}}


def _own(request: Request, pk: int) -> Playlist:
    playlist = Playlist.objects.filter(user=request.user, pk=pk).first()
    if playlist is None:
        raise not_found("playlist")
    return playlist


def _own_with_songs(request: Request, playlist: Playlist) -> dict[str, Any]:
    pks, describe = _song_ids(playlist), request.describe
    songs = describe.songs(pks)
    return {**describe.playlist(playlist, len(songs), describe.seconds(pks)), "entry": songs}


def _song_ids(playlist: Playlist) -> list[int]:
    entries = PlaylistSong.objects.filter(playlist=playlist).order_by("position", "pk")
    return list(entries.values_list("song_id", flat=True))


def _writable(request: Request, name: str) -> Playlist:
    """The playlist of the listener's own that a parameter names."""
    asked = request.parameters.id(name, ids.PLAYLIST, ids.DAILY_LIST)
    if asked.kind == ids.DAILY_LIST:
        raise Failure(Code.NOT_AUTHORIZED, "This list is made anew every day, and cannot be changed.")
    return _own(request, asked.pk)


@endpoint("createPlaylist")
def create_playlist(request: Request) -> Answer:
    """Make a playlist, or put other songs in the place of those in one."""
    parameters = request.parameters
    songs = list(dict.fromkeys(asked_songs(request, "songId", MOST_SONGS)))
    try:
        with transaction.atomic():
            if parameters.text("playlistId"):
                playlist = _writable(request, "playlistId")
                playlists.replace_songs(playlist, _with_silent(playlist, songs))
                if name := parameters.text("name"):
                    playlists.rename_playlist(playlist, name)
            else:
                playlist = playlists.make_playlist(request.user, parameters.required("name"), songs)
    except PlaylistRefused as error:
        raise Failure(Code.GENERIC, str(error)) from error
    playlist.refresh_from_db()
    return {"playlist": _own_with_songs(request, playlist)}


def _with_silent(playlist: Playlist, songs: list[int]) -> list[int]:
    """The songs, and behind them those of the playlist that no player was told of, as they have no file now."""
    silent = PlaylistSong.objects.filter(playlist=playlist).filter(
        Q(song__path="") | Q(song__missing_since__isnull=False)
    )
    return [*songs, *silent.order_by("position", "pk").values_list("song_id", flat=True)]


@endpoint("updatePlaylist")
def update_playlist(request: Request) -> Answer:
    """Rename a playlist, comment on it, put songs in or take some out; none is ever public."""
    playlist, parameters = _writable(request, "playlistId"), request.parameters
    added = asked_songs(request, "songIdToAdd", MOST_SONGS)
    shown = request.describe.library
    there = [pk for pk in _song_ids(playlist) if shown.has_song(pk)]
    places = parameters.numbers("songIndexToRemove", MOST_SONGS)
    if any(not 0 <= place < len(there) for place in places):
        raise Failure(Code.GENERIC, f"The playlist has {len(there)} songs, counted from 0.")
    try:
        with transaction.atomic():
            if name := parameters.text("name"):
                playlists.rename_playlist(playlist, name)
            if "comment" in parameters:
                playlists.comment_playlist(playlist, parameters.text("comment"))
            for place in set(places):
                playlists.remove_song(playlist, there[place])
            if added:
                playlists.add_songs(playlist, added)
    except PlaylistRefused as error:
        raise Failure(Code.GENERIC, str(error)) from error
    return None


@endpoint("deletePlaylist")
def delete_playlist(request: Request) -> Answer:
    """Delete a playlist of the listener's own."""
    _writable(request, "id").delete()
    return None
