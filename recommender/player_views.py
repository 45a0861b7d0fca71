"""What the player asks of the recommender: songs to go on with, and "more like this"."""

from __future__ import annotations

from django.http import HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from catalog.http import ListenerRequest
from catalog.models import Label, Song

from .going_on import MOST_REMEMBERED, more_like, songs_after, undo_more_like

_LARGEST_ID = 2**63 - 1
_MOST_LABELS = 20


@require_safe
def go_on(request: ListenerRequest, pk: int) -> HttpResponse:
    """Songs to go on with after this one; `but`: what has just been played, the last first, as `5,17,3`."""
    try:
        just_played = [_id(said) for said in request.GET.get("but", "").split(",")[:MOST_REMEMBERED] if said]
    except ValueError:
        return _refused("but is a list of song numbers with commas between them.")
    song = get_object_or_404(Song, pk=pk)
    return render(request, "recommender/go_on.html", {"songs": songs_after(request.user, song, just_played)})


@require_POST
def more_like_this(request: ListenerRequest, pk: int) -> HttpResponse:
    """Want more of what this song is; with `undo`, and `label` and `before` as often as needed, take that back."""
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
        before = {_id(name): float(nudge) if nudge else None for name, nudge in zip(names, given, strict=True)}
        labels = Label.objects.in_bulk(list(before))
        undo_more_like(request.user, [(label, before[pk]) for pk, label in labels.items()])
    except ValueError:
        return _refused("To take it back, say every label and its nudge before.")
    return render(request, "recommender/more_like_this.html", {"song": song, "undone": True})


def _id(said: str) -> int:
    """The number of a song or label.

    Raises
    ------
    ValueError
        If it is none.
    """
    if not said.isascii() or not said.isdigit() or int(said[:20]) > _LARGEST_ID:
        raise ValueError(said)
    return int(said)


def _refused(reason: str) -> HttpResponse:
    return HttpResponseBadRequest(reason, content_type="text/plain; charset=utf-8")
