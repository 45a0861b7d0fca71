"""What a listener does not want to be recommended."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.http import ListenerRequest

from ..models import NotThis
from ..services.rows import song_rows
from .library import SONGS_A_PAGE


@require_GET
def refusals(request: ListenerRequest) -> HttpResponse:
    """One page of the songs that the listener has refused, each with the way back."""
    refused = NotThis.objects.filter(user=request.user).select_related("song").order_by("-created_at", "-pk")
    page = Paginator(refused, SONGS_A_PAGE).get_page(request.GET.get("page"))
    rows = song_rows([one.song for one in page.object_list], request.user)
    return render(request, "catalog/refusals.html", {"page": page, "rows": rows})
