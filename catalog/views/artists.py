"""The pages of artists and of albums."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.http import ListenerRequest

from ..models import CollectionOpinion
from ..names import artist_key, collection_hash
from ..services.artists import album_of, find_artist
from ..services.browsing import songs_in_order
from ..services.favourites import is_favourite_collection
from ..services.rows import song_rows

_MOST_SONGS = 30
_MOST_ALBUMS = 24
_ALBUM, _ARTIST = CollectionOpinion.Kind.ALBUM, CollectionOpinion.Kind.ARTIST


@require_GET
def artist(request: ListenerRequest, key: str) -> HttpResponse:
    """An artist: albums (with `albums=all` however many), labels, songs, and who sounds like them."""
    most_albums = None if request.GET.get("albums") == "all" else _MOST_ALBUMS
    # An address may be older than what makes the same key of two names.
    found = find_artist(key, most_albums) or find_artist(artist_key(key), most_albums)
    if found is None:
        raise Http404("no such artist")
    songs = songs_in_order(found.song_ids[:_MOST_SONGS])
    context = {
        "artist": found,
        "rows": song_rows(songs, request.user),
        "playable": any(song.playable for song in songs),
        "more": max(len(found.song_ids) - _MOST_SONGS, 0),
        "favourite": is_favourite_collection(request.user, _ARTIST, collection_hash(found.key)),
    }
    return render(request, "catalog/artist.html", context)


@require_GET
def album(request: ListenerRequest, pk: int) -> HttpResponse:
    """The album that a song is on: its songs, by disc and track."""
    found = album_of(pk)
    if found is None:
        raise Http404("no such album")
    rows = {row.song.pk: row for row in song_rows(songs_in_order(found.song_ids), request.user)}
    discs = [(disc, [rows[pk] for pk in song_ids if pk in rows]) for disc, song_ids in found.discs]
    context = {
        "album": found,
        "discs": discs,
        "several_discs": len(discs) > 1,
        "playable": any(row.song.playable for row in rows.values()),
        "favourite": is_favourite_collection(request.user, _ALBUM, collection_hash(found.key)),
    }
    return render(request, "catalog/album.html", context)
