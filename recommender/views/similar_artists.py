"""The fragment of similar artists on an artist's page."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.http import ListenerRequest
from catalog.services.artists import songs_of_artist

from ..services.similar_artists import artists_like


@require_safe
def similar_artists(request: ListenerRequest, key: str) -> HttpResponse:
    """Similar artists, as a fragment."""
    if not songs_of_artist(key):
        raise Http404("no such artist")
    return render(request, "recommender/similar_artists.html", {"artists": artists_like(key)})
