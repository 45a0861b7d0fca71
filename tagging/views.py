"""Fragments that show the progress of tagging, in the admin and on the library's page."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.views.decorators import staff_member_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from .services import queue_state
from .taggers import registry


@staff_member_required
@never_cache
@require_safe
def tagging_progress(request: HttpRequest) -> HttpResponse:
    """Render the admin's line of progress; it polls while songs are PENDING or RUNNING."""
    return render(request, "tagging/progress.html", _context())


@never_cache
@require_safe
def tagging_status(request: HttpRequest) -> HttpResponse:
    """Render the listeners' line: how many songs are untagged, and until when, or that no tagger is installed."""
    return render(request, "tagging/status.html", _context())


def _context() -> dict[str, Any]:
    progress = queue_state.progress()
    return {"progress": progress, "taggers": registry.installed(), "ready_at": progress.ready_at}
