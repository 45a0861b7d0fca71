"""How far tagging is, for the admin's desk and for the library's page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.admin.views.decorators import staff_member_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from . import registry, services


@staff_member_required
@never_cache
@require_safe
def tagging_progress(request: HttpRequest) -> HttpResponse:
    """A line that asks for itself again while there is something left to hear."""
    return render(request, "tagging/progress.html", _context())


@never_cache
@require_safe
def tagging_status(request: HttpRequest) -> HttpResponse:
    """For listeners: how many songs still wait for their labels, and until when, or why there will be none."""
    return render(request, "tagging/status.html", _context())


def _context() -> dict[str, Any]:
    progress = services.progress()
    left_s = progress.seconds_left
    ready_at = None if left_s is None else timezone.now() + timedelta(seconds=left_s)
    return {"progress": progress, "taggers": registry.installed(), "ready_at": ready_at}
