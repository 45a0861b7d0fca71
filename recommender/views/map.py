"""The map: all songs on a plane by sound."""

from __future__ import annotations

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.views.decorators.http import require_safe

from accounts.http import ListenerRequest
from catalog.components import artists_data, cover_url
from catalog.http import bad_request, parse_id
from catalog.models import Label, Song

from ..services.song_map import shown
from ..services.taste import taste_of

SONGS_AT_ONCE = 100
_MOST_MARKED = 5000
_COLOURS = 7


@require_safe
def song_map(request: ListenerRequest) -> HttpResponse:
    """The page; JavaScript loads places by `map_places` and titles by `map_songs`."""
    taste = taste_of(request.user)
    context = {
        "shown": shown(),
        "liked": taste.starred[:_MOST_MARKED],
        "refused": taste.disliked[:_MOST_MARKED],
        "songs_at_once": SONGS_AT_ONCE,
        "kinds": Label.Kind.choices,
        "colours": range(_COLOURS + 1),
    }
    return render(request, "recommender/map.html", context)


@require_safe
def map_places(request: ListenerRequest) -> HttpResponse:
    """Places and labels of all songs in binary format (`Shown.packed`)."""
    seen = shown()
    etag = f'"{seen.version}"'
    response = get_conditional_response(request, etag=etag)
    if response is None:
        # The response does not depend on the request, so compression leaks nothing (BREACH).
        zipped = "gzip" in request.headers.get("Accept-Encoding", "")
        response = HttpResponse(seen.zipped if zipped else seen.packed, content_type="application/octet-stream")
        if zipped:
            response["Content-Encoding"] = "gzip"
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    patch_vary_headers(response, ["Accept-Encoding"])
    return response


@require_safe
def map_songs(request: ListenerRequest) -> HttpResponse:
    """Titles and covers of `songs`, `5,17,3`, in this order, without songs that cannot be played."""
    try:
        asked = [parse_id(said) for said in request.GET.get("songs", "").split(",") if said]
    except ValueError:
        return bad_request("songs is a list of song numbers with commas between them.")
    if len(asked) > SONGS_AT_ONCE:
        return bad_request(f"At most {SONGS_AT_ONCE} songs at once.")
    found = Song.objects.playable().in_bulk(asked)
    return JsonResponse({"songs": [_named(found[pk]) for pk in asked if pk in found]})


def _named(song: Song) -> dict[str, object]:
    return {
        "id": song.pk,
        "song": song.get_absolute_url(),
        "title": song.title,
        "artist": song.artist,
        "artists": artists_data(song),
        # As an attribute that is there or is not.
        **({"album": ""} if song.album else {}),
        "cover": cover_url(song),
        "seconds": round(song.duration_s, 3) if song.duration_s else 0,
    }
