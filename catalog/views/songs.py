"""A song's own page, and its cover."""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Callable

from django.http import FileResponse, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_GET, require_safe

from accounts.http import ListenerRequest

from ..covers import draw_artist, draw_cover
from ..models import ArtistPicture, Song
from ..names import storable
from ..services.rows import label_strengths
from ..services.song_labels import first_and_more
from .doubts import doubts_context, shown_labels
from .sound import sound_context

_A_YEAR_S = 365 * 24 * 3600
_AN_HOUR_S = 3600
_PICTURES = {"image/jpeg", "image/png", "image/webp", "image/gif"}


@require_GET
def song(request: ListenerRequest, pk: int) -> HttpResponse:
    """Everything known of a song, and what the listener says of it."""
    song = get_object_or_404(Song.objects.select_related("root"), pk=pk)
    groups = shown_labels(request, song)
    first, more = first_and_more(groups)
    context = {
        "song": song,
        "label_groups": first,
        "more_labels": more,
        "stars": song.ratings.filter(user=request.user).values_list("stars", flat=True).first(),
        "listeners": song.play_counts.values("user").distinct().count(),
        "refused": song.refusals.filter(user=request.user).exists(),
        "favourite": song.favourites.filter(user=request.user).exists(),
        **doubts_context(request, song, groups),
        **sound_context(request, song),
    }
    return render(request, "catalog/song.html", context)


@require_safe
def cover(request: ListenerRequest, pk: int) -> HttpResponseBase:
    """The picture of a song: the one in its file, or one drawn from its labels."""
    song = get_object_or_404(Song.objects.only("title", "artist", "cover"), pk=pk)
    name = song.cover.name or ""
    kind = mimetypes.guess_type(name)[0]
    if kind in _PICTURES and song.cover.storage.exists(name):
        # Its address changes when the picture does, so a browser may keep it for good.
        return _kept(request, name, lambda: FileResponse(song.cover.open("rb"), content_type=kind), _A_YEAR_S)
    drawing = draw_cover(song.title, song.artist, label_strengths([song.pk])[song.pk])
    return _kept(request, drawing, lambda: HttpResponse(drawing, content_type="image/svg+xml"), _AN_HOUR_S)


@require_safe
def artist_picture(request: ListenerRequest, key: str) -> HttpResponseBase:
    """The picture of an artist: from a folder of theirs, else a cover of theirs, else drawn."""
    key = storable(key)
    found = ArtistPicture.objects.filter(key=key).first()
    song = None if found else Song.objects.filter(artist_key=key).exclude(cover="").order_by("pk").first()
    file = found.picture if found else song.cover if song else None
    name = (file and file.name) or ""
    kind = mimetypes.guess_type(name)[0]
    if file and kind in _PICTURES and file.storage.exists(name):
        return _kept(request, name, lambda: FileResponse(file.open("rb"), content_type=kind), _AN_HOUR_S)
    drawing = draw_artist(key)
    return _kept(request, drawing, lambda: HttpResponse(drawing, content_type="image/svg+xml"), _AN_HOUR_S)


def _kept(
    request: ListenerRequest, seed: str, picture: Callable[[], HttpResponseBase], seconds: int
) -> HttpResponseBase:
    """The picture, for a browser to keep for so long; afterwards it asks whether `seed` is still the same."""
    etag = f'"{hashlib.blake2b(seed.encode(errors="replace"), digest_size=12).hexdigest()}"'
    response = get_conditional_response(request, etag=etag) or picture()
    response["ETag"] = etag
    response["Cache-Control"] = f"private, max-age={seconds}"
    return response
