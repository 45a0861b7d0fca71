"""The admin dashboard's library panel: counts, tagging progress, failures and their retry."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.admin.views.decorators import staff_member_required
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.http import ListenerRequest
from catalog.broker import send
from catalog.models import LibraryRoot, Song, SongLabel
from catalog.quantities import count
from catalog.services import signs
from catalog.tasks import rescan_confirmed

from . import tasks
from .services import queue_state, second_pass
from .services.queue_state import Failure
from .taggers import registry

_MOST_REASONS = 6
_MAY_RETRY = "catalog.change_song"
_MAY_CONFIRM = "catalog.change_libraryroot"


@dataclass(frozen=True, slots=True)
class FailureLine:
    """Songs that failed for one reason, and the URL of their list."""

    failure: Failure
    url: str


@staff_member_required
@never_cache
@require_safe
def library_panel(request: HttpRequest) -> HttpResponse:
    """Render the panel; it polls while songs are pending or running."""
    return _panel(request)


@staff_member_required
@require_POST
def confirm_gone(request: ListenerRequest) -> HttpResponse:
    """Take a root at its word of which most songs have vanished at once: they are gone for good."""
    if not request.user.has_perm(_MAY_CONFIRM):
        raise PermissionDenied("Saying that songs are gone for good is for those who may change library roots.")
    posted = request.POST.get("root", "")
    root = vanished().filter(name=posted.replace("\0", "")).first()
    if root is None:
        message = "Nothing to confirm: its songs are back, or have been taken for gone already."
    elif send(rescan_confirmed, root.pk):
        message = f"{root.name} is looked through again, and what is gone is taken for gone."
    else:
        message = f"No broker is there to ask a worker: manage.py import_music --gone {root.folder} does it here."
    if request.htmx:
        return _panel(request, message)
    messages.info(request, message)
    return redirect("admin:index")


def vanished() -> QuerySet[LibraryRoot]:
    """The roots of which most songs had vanished at once at the last scan."""
    return LibraryRoot.objects.exclude(vanished_songs=0).order_by("name")


@staff_member_required
@require_POST
def retry_failed(request: ListenerRequest) -> HttpResponse:
    """Requeue FAILED songs: those that failed for the posted `reason`, or all."""
    if not request.user.has_perm(_MAY_RETRY):
        raise PermissionDenied("Having songs heard again is for those who may change songs.")
    reason = request.POST.get("reason")
    message = _retry_message(queue_state.retry_failed(None if reason is None else reason.replace("\0", "")))
    if request.htmx:
        return _panel(request, message)
    messages.info(request, message)
    return redirect("admin:index")


def _retry_message(requeued: int) -> str:
    """Call the worker for requeued songs, and describe the outcome."""
    if not requeued:
        return "Nothing to try again: no song has failed for that any more."
    wait = f"{count(requeued, 'song')} {'waits' if requeued == 1 else 'wait'} again"
    if not registry.installed():
        return f"{wait}, but no tagger is installed: see manage.py taggers."
    if not tasks.call_worker():
        return f"{wait}. No broker is there to call a worker: once the server is up, it begins by itself."
    return f"{wait}, and the worker is called."


def _panel(request: HttpRequest, message: str = "") -> HttpResponse:
    progress = queue_state.progress()
    failures = queue_state.failures()
    context = {
        "message": message,
        "progress": progress,
        "done": progress.done,
        "total": progress.done + progress.left,
        "rate": _rate(progress.songs_per_second),
        "ready_at": progress.ready_at,
        "taggers": registry.installed(),
        "again": second_pass.progress(),
        "failures": [FailureLine(failure, _failed_songs_url(failure)) for failure in failures[:_MOST_REASONS]],
        "more": failures[_MOST_REASONS:],
        "failed": sum(failure.songs for failure in failures),
        "vanished": vanished(),
        "may_confirm": request.user.has_perm(_MAY_CONFIRM),
        "unseen_roots": signs.unseen_roots(),
        "may_try_again": request.user.has_perm(_MAY_RETRY),
        **_counts(),
    }
    return render(request, "tagging/dashboard.html", context)


def _rate(songs_per_second: float) -> str:
    """Format a rate in the shortest unit of time in which at least two songs finish."""
    for unit, seconds in (("second", 1), ("minute", 60)):
        if songs_per_second * seconds >= 1.95:
            each = songs_per_second * seconds
            return f"{each:.1f} songs a {unit}" if each < 9.95 else f"{each:,.0f} songs a {unit}"
    return f"{count(round(songs_per_second * 3600), 'song')} an hour"


def _counts() -> dict[str, int]:
    """Count all songs, the playable, those whose file is missing, and those with a label of any source."""
    counts = Song.objects.aggregate(
        songs=Count("pk"),
        playable=Count("pk", filter=~Q(path="") & Q(missing_since=None)),
        missing=Count("pk", filter=Q(missing_since__isnull=False)),
    )
    labelled = Song.objects.filter(Exists(SongLabel.objects.counting().filter(song=OuterRef("pk")))).count()
    return {**counts, "labelled": labelled}


def _failed_songs_url(failure: Failure) -> str:
    wanted = {"tagging_state__exact": "failed", "tagging_error__exact": failure.reason, "audio": "here"}
    return f"{reverse('admin:catalog_song_changelist')}?{urlencode(wanted)}"
