"""The admin dashboard's panels of the server itself: its disk and its queue.

The dashboard is Django's own index with a panel of each app above it. Each app serves its panel as a fragment at a
URL of its own, which the page requests: so no app imports another, and a slow panel does not delay the page.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.contrib.admin.views.decorators import staff_member_required
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from catalog.home import home

from . import disk, stalls, workers


@staff_member_required
@never_cache
@require_safe
def dashboard_disk(request: HttpRequest) -> HttpResponse:
    """The panel of the disk; it asks again while it is being measured."""
    measured, measuring = disk.measured()
    room = disk.room()
    context = {
        "home": home(),
        "room": room,
        "used": room.total - room.free,
        "measured": measured,
        "measuring": measuring,
        "just_now": measured is not None and datetime.now(UTC) - measured.at < timedelta(minutes=1),
        "database_elsewhere": _database_elsewhere(),
    }
    return render(request, "admin/dashboard/disk.html", context)


def _database_elsewhere() -> int | None:
    """Bytes of the database where it is a server's; None where it is a file in `DCMRS_HOME`."""
    if connection.vendor != "postgresql":
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        return int(cursor.fetchone()[0])


@staff_member_required
@never_cache
@require_safe
def dashboard_queue(request: HttpRequest) -> HttpResponse:
    """The panel of broker, workers and what waits; it asks again while something is done."""
    eager = settings.CELERY_TASK_ALWAYS_EAGER
    context = {"queue": workers.looks.look(), "eager": eager, "stalls": [] if eager else stalls.latest.look()}
    return render(request, "admin/dashboard/queue.html", context)
