"""Endpoints of the player: radio, and "more like this"."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.http import ListenerRequest
from catalog.http import bad_request, parse_id
from catalog.models import Label, Song

from ..services.radio import MOST_REMEMBERED, more_like, songs_after, undo_more_like

_MOST_LABELS = 20


@require_safe
def radio(request: ListenerRequest, pk: int) -> HttpResponse:
    """The next songs after this one; `but`: songs just played, latest first, as `5,17,3`; `bend`: 1 to the taste."""
    try:
        just_played = [parse_id(said) for said in request.GET.get("but", "").split(",")[:MOST_REMEMBERED] if said]
    except ValueError:
        return bad_request("but is a list of song numbers with commas between them.")
    song = get_object_or_404(Song, pk=pk)
    bend = request.GET.get("bend") == "1"
    return render(request, "recommender/radio.html", {"songs": songs_after(request.user, song, just_played, bend=bend)})


@require_POST
def more_like_this(request: ListenerRequest, pk: int) -> HttpResponse:
    """Push the song's labels; with `undo` and pairs of `label` and `before`, restore their nudges."""
    song = get_object_or_404(Song, pk=pk)
    if "undo" in request.POST:
        return _undo(request, song)
    wanted = more_like(request.user, song)
    if not request.htmx:
        return redirect(song)
    return render(request, "recommender/more_like_this.html", {"song": song, "wanted": wanted})


def _undo(request: ListenerRequest, song: Song) -> HttpResponse:
    names, given = request.POST.getlist("label")[:_MOST_LABELS], request.POST.getlist("before")[:_MOST_LABELS]
    try:
        before = {parse_id(name): float(nudge) if nudge else None for name, nudge in zip(names, given, strict=True)}
        labels = Label.objects.in_bulk(list(before))
        undo_more_like(request.user, [(label, before[pk]) for pk, label in labels.items()])
    except ValueError:
        return bad_request("To take it back, say every label and its nudge before.")
    return render(request, "recommender/more_like_this.html", {"song": song, "undone": True})
