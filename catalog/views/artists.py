"""The pages of artists and of albums."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from ..http import ListenerRequest
from ..services.artists import album_of, find_artist
from ..services.browsing import songs_in_order
from ..services.rows import song_rows

_MOST_SONGS = 30
_MOST_ALBUMS = 24


@require_GET
def artist(request: ListenerRequest, key: str) -> HttpResponse:
    """An artist: albums (with `albums=all` however many), labels, songs, and who sounds like them."""
    found = find_artist(key, None if request.GET.get("albums") == "all" else _MOST_ALBUMS)
    if found is None:
        raise Http404("no such artist")
    songs = songs_in_order(found.song_ids[:_MOST_SONGS])
    context = {
        "artist": found,
        "rows": song_rows(songs, request.user),
        "playable": any(song.playable for song in songs),
        "more": max(len(found.song_ids) - _MOST_SONGS, 0),
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
    }
    return render(request, "catalog/album.html", context)
