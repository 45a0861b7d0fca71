"""What a listener has rated."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.http import ListenerRequest

from ..services.rows import song_rows
from .library import SONGS_A_PAGE

_SORTS = {
    "newest": ("Latest first", ["-rated_at", "-pk"]),
    "best": ("Most stars first", ["-stars", "-rated_at", "-pk"]),
    "worst": ("Fewest stars first", ["stars", "-rated_at", "-pk"]),
    "title": ("Title", ["song__title_key", "pk"]),
}


@require_GET
def ratings(request: ListenerRequest) -> HttpResponse:
    """One page of the listener's own ratings, to change and to take back."""
    sort = request.GET.get("sort", "")
    sort = sort if sort in _SORTS else "newest"
    rated = request.user.ratings.select_related("song").order_by(*_SORTS[sort][1])
    page = Paginator(rated, SONGS_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": song_rows([rating.song for rating in page.object_list], request.user),
        "sort": sort,
        "sorts": [(name, label) for name, (label, _) in _SORTS.items()],
        "query": "" if sort == "newest" else f"sort={sort}",
    }
    return render(request, "catalog/ratings.html", context)
