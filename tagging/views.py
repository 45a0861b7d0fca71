"""How far tagging is, for the admin's desk."""

from __future__ import annotations

from datetime import timedelta

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
    progress = services.progress()
    left_s = progress.seconds_left
    ready_at = None if left_s is None else timezone.now() + timedelta(seconds=left_s)
    context = {"progress": progress, "taggers": registry.installed(), "ready_at": ready_at}
    return render(request, "tagging/progress.html", context)
