"""What a listener does with a song: rate it, play it, refuse it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from accounts.http import ListenerRequest

from ..http import bad_request
from ..models import Song
from ..services import listening
from ..services.rows import strongest_labels

_STARS = {str(stars): stars for stars in range(6)}
_YES_NO = {"1": True, "0": False}
_LONGEST_PLAY = timedelta(days=1)
_CLOCK_DIFFERENCE = timedelta(minutes=5)


@require_POST
def rate(request: ListenerRequest, pk: int) -> HttpResponse:
    """Store stars, 1 to 5; 0 takes them back."""
    stars = _STARS.get(request.POST.get("stars", ""))
    if stars is None:
        return bad_request("Stars go from 1 to 5, or 0 for none.")
    song = get_object_or_404(Song, pk=pk)
    listening.rate(request.user, song, stars or None)
    said = f"{song.title}: {stars} star{'' if stars == 1 else 's'}" if stars else f"{song.title}: no stars"
    return _done(request, song, {"said": said})


@require_safe
def stars(request: ListenerRequest, pk: int) -> HttpResponse:
    """What the player shows of a song: its labels, the listener's stars, and whether it is a favourite."""
    song = get_object_or_404(Song, pk=pk)
    rating = request.user.ratings.filter(song=song).first()
    favourite = song.favourites.filter(user=request.user).exists()
    context = {
        "song": song,
        "stars": rating.stars if rating else None,
        "favourite": favourite,
        "labels": strongest_labels(song),
    }
    response = render(request, "catalog/stars.html", context)
    response["Cache-Control"] = "no-store"
    return response


@require_POST
def play(request: ListenerRequest, pk: int) -> HttpResponse:
    """Store that a song was listened to since `started_at` (milliseconds of the epoch), to its end or skipped."""
    skipped = _YES_NO.get(request.POST.get("skipped", "0"))
    if skipped is None:
        return bad_request("skipped is 1 or 0.")
    try:
        started = _moment(request.POST["started_at"]) if "started_at" in request.POST else None
    except ValueError as error:
        return bad_request(str(error))
    song = get_object_or_404(Song, pk=pk)
    listening.record_play(request.user, song, skipped=skipped, played_at=started)
    return HttpResponse(status=204)


@require_POST
def not_this(request: ListenerRequest, pk: int) -> HttpResponse:
    """Remember that a song is not to be recommended; `refused` 0 forgets it again."""
    refused = _YES_NO.get(request.POST.get("refused", "1"))
    if refused is None:
        return bad_request("refused is 1 or 0.")
    song = get_object_or_404(Song, pk=pk)
    listening.refuse(request.user, song, refused)
    said = f"{song.title} will not be recommended" if refused else f"{song.title} may be recommended again"
    return _done(request, song, {"said": said, "song": song, "refused": refused}, "components/not_this.html")


def _moment(milliseconds: str) -> datetime:
    """The moment a play began.

    Raises
    ------
    ValueError
        If it is not a number, in the future, or longer ago than a song can last.
    """
    if not milliseconds.isascii() or not milliseconds.isdigit() or len(milliseconds) > 15:
        raise ValueError("started_at is a number of milliseconds.")
    moment = datetime.fromtimestamp(int(milliseconds) / 1000, tz=UTC)
    if not timezone.now() - _LONGEST_PLAY < moment < timezone.now() + _CLOCK_DIFFERENCE:
        raise ValueError("started_at is not a moment of today.")
    return moment


def _done(request: ListenerRequest, song: Song, context: dict[str, Any], fragment: str = "") -> HttpResponse:
    """With htmx, the changed fragment and the words for a screen reader; without scripts, back to the last page."""
    if request.htmx:
        said = render_to_string("components/announcement.html", context, request)
        return HttpResponse(said + (render_to_string(fragment, context, request) if fragment else ""))
    back = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure()):
        back = song.get_absolute_url()
    return redirect(back)
