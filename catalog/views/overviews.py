"""All artists, and all albums: filtered while a name is typed, loaded page by page while scrolling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe
from django_htmx.http import replace_url

from accounts.http import ListenerRequest

from ..models import Song
from ..services.browsing import songs_in_order
from ..services.overviews import ALBUM_SORTS, ARTIST_SORTS, Entry, Order, albums, artists

ENTRIES_A_PAGE = 48


@require_safe
def all_artists(request: ListenerRequest) -> HttpResponse:
    """The artists of the library."""
    words, sort = _asked(request, ARTIST_SORTS)
    return _answer(request, "artist", ARTIST_SORTS, words, sort, artists(words, sort))


@require_safe
def all_albums(request: ListenerRequest) -> HttpResponse:
    """The albums of the library."""
    words, sort = _asked(request, ALBUM_SORTS)
    return _answer(request, "album", ALBUM_SORTS, words, sort, albums(words, sort))


def _asked(request: ListenerRequest, sorts: Mapping[str, tuple[str, Order]]) -> tuple[str, str]:
    """What is to be found, and in which order; what cannot be understood is as if it were not there."""
    sort = request.GET.get("sort", "")
    return request.GET.get("q", "").strip()[:200], sort if sort in sorts else next(iter(sorts))


def _answer(
    request: ListenerRequest,
    kind: str,
    sorts: Mapping[str, tuple[str, Order]],
    words: str,
    sort: str,
    found: Sequence[Entry],
) -> HttpResponse:
    page = Paginator(found, ENTRIES_A_PAGE).get_page(request.GET.get("page"))
    usual = next(iter(sorts))
    asked = [("q", words), ("sort", "" if sort == usual else sort)]
    query = urlencode([(name, value) for name, value in asked if value])
    firsts = {song.pk: song for song in songs_in_order([one.first for one in page.object_list])}
    context: dict[str, object] = {
        "kind": kind,
        "words": words,
        "sort": sort,
        "sorts": [("" if name == usual else name, label) for name, (label, _) in sorts.items()],
        "page": page,
        "query": query,
        "entries": [(one, firsts[one.first]) for one in page.object_list if one.first in firsts],
    }
    target = request.htmx.target if request.htmx else None
    name = {"more-entries": "overview_entries", "found": "overview_found"}.get(target or "", "overview")
    if name == "overview":
        context["nothing_here"] = not found and not words and not Song.objects.exists()
    response = render(request, f"catalog/{name}.html", context)
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return replace_url(response, f"{request.path}?{query}".rstrip("?")) if name == "overview_found" else response
