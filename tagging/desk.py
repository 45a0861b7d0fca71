"""The part of the admin's desk that shows the library and how its tagging goes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.admin.views.decorators import staff_member_required
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Exists, OuterRef, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from catalog.http import ListenerRequest
from catalog.models import Song, SongLabel
from catalog.words import count

from . import registry, services, tasks
from .services import Failure

_REASONS_SHOWN = 6
_MAY_TRY_AGAIN = "catalog.change_song"


@dataclass(frozen=True, slots=True)
class FailureLine:
    """Songs that failed for one reason, and where they are listed."""

    failure: Failure
    address: str


@staff_member_required
@never_cache
@require_safe
def desk_library(request: HttpRequest) -> HttpResponse:
    """The panel: what there is, what waits and for how long, what failed; it asks again while songs wait."""
    return _panel(request)


@staff_member_required
@require_POST
def desk_try_again(request: ListenerRequest) -> HttpResponse:
    """Have songs heard again that could not be, those of one `reason` or all."""
    if not request.user.has_perm(_MAY_TRY_AGAIN):
        raise PermissionDenied("Having songs heard again is for those who may change songs.")
    reason = request.POST.get("reason")
    tried = services.try_again(None if reason is None else reason.replace("\0", ""))
    said = _said(tried)
    if request.htmx:
        return _panel(request, said=said)
    messages.info(request, said)
    return redirect("admin:index")


def _said(tried: int) -> str:
    """What comes of trying again."""
    if not tried:
        return "Nothing to try again: no song has failed for that any more."
    wait = f"{count(tried, 'song')} {'waits' if tried == 1 else 'wait'} again"
    if not registry.installed():
        return f"{wait}, but no tagger is installed: see manage.py taggers."
    if not tasks.call_worker():
        return f"{wait}. No broker is there to call a worker: once the server is up, it begins by itself."
    return f"{wait}, and the worker is called."


def _panel(request: HttpRequest, said: str = "") -> HttpResponse:
    progress = services.progress()
    left_s = progress.seconds_left
    failures = services.failures()
    context = {
        "said": said,
        "progress": progress,
        "heard": progress.done,
        "heard_of": progress.done + progress.left,
        "rate": _rate(progress.songs_per_second),
        "ready_at": None if left_s is None else timezone.now() + timedelta(seconds=left_s),
        "taggers": registry.installed(),
        "lines": [FailureLine(failure, _address(failure)) for failure in failures[:_REASONS_SHOWN]],
        "more": failures[_REASONS_SHOWN:],
        "failed": sum(failure.songs for failure in failures),
        "may_try_again": request.user.has_perm(_MAY_TRY_AGAIN),
        **_counts(),
    }
    return render(request, "tagging/desk.html", context)


def _rate(songs_per_second: float) -> str:
    """How fast it goes, in the unit that has some songs in it."""
    for unit, seconds in (("second", 1), ("minute", 60)):
        if songs_per_second * seconds >= 1.95:
            each = songs_per_second * seconds
            return f"{each:.1f} songs a {unit}" if each < 9.95 else f"{each:,.0f} songs a {unit}"
    return f"{count(round(songs_per_second * 3600), 'song')} an hour"


def _counts() -> dict[str, int]:
    """Songs, those that can be played here, those whose file is gone, and those with a label of whatever source."""
    counts = Song.objects.aggregate(
        songs=Count("pk"),
        playable=Count("pk", filter=~Q(path="") & Q(missing_since=None)),
        missing=Count("pk", filter=Q(missing_since__isnull=False)),
    )
    labelled = Song.objects.filter(Exists(SongLabel.objects.filter(song=OuterRef("pk")))).count()
    return {**counts, "labelled": labelled}


def _address(failure: Failure) -> str:
    wanted = {"tagging_state__exact": "failed", "tagging_error__exact": failure.reason, "audio": "here"}
    return f"{reverse('admin:catalog_song_changelist')}?{urlencode(wanted)}"
