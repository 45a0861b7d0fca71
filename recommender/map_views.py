"""The map: all songs on a plane by sound."""

from __future__ import annotations

from django.http import HttpResponse, HttpResponseBadRequest, JsonResponse
from django.shortcuts import render
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.views.decorators.http import require_safe

from catalog.components import cover_url
from catalog.http import ListenerRequest
from catalog.models import Label, Song

from .song_map import shown
from .taste import taste_of

SONGS_AT_ONCE = 100
_MOST_MARKED = 5000
_COLOURS = 7
_LARGEST_ID = 2**63 - 1


@require_safe
def song_map(request: ListenerRequest) -> HttpResponse:
    """The page; the songs themselves come by `map_places`, and what they are called as they are looked at."""
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
    """Where every song lies and which labels it has, packed (`Shown.packed`)."""
    seen = shown()
    etag = f'"{seen.version}"'
    response = get_conditional_response(request, etag=etag)
    if response is None:
        # Nothing of the request is in it: compressing it gives nothing away.
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
    """What songs are called, in the order asked for: `songs` as `5,17,3`; those that cannot be played are left out."""
    try:
        asked = [_id(said) for said in request.GET.get("songs", "").split(",") if said]
    except ValueError:
        return _refused("songs is a list of song numbers with commas between them.")
    if len(asked) > SONGS_AT_ONCE:
        return _refused(f"At most {SONGS_AT_ONCE} songs at once.")
    found = Song.objects.filter(pk__in=asked, missing_since=None).exclude(path="").in_bulk()
    return JsonResponse({"songs": [_named(found[pk]) for pk in asked if pk in found]})


def _named(song: Song) -> dict[str, object]:
    return {
        "id": song.pk,
        "song": song.get_absolute_url(),
        "title": song.title,
        "artist": song.artist,
        "cover": cover_url(song),
        "seconds": round(song.duration_s, 3) if song.duration_s else 0,
    }


def _id(said: str) -> int:
    if not said.isascii() or not said.isdigit() or len(said) > 19 or int(said) > _LARGEST_ID:
        raise ValueError(said)
    return int(said)


def _refused(reason: str) -> HttpResponse:
    return HttpResponseBadRequest(reason, content_type="text/plain; charset=utf-8")
