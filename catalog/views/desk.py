"""The parts of the admin's desk that are about people."""

from __future__ import annotations

from django.conf import settings
from django.contrib.admin.views.decorators import staff_member_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from ..charts import HEIGHT, WIDTH, columns
from ..services.people import people


@staff_member_required
@never_cache
@require_safe
def desk_people(request: HttpRequest) -> HttpResponse:
    """The panel of who listens here, and how much."""
    who = people()
    plays = list(who.plays.values())
    context = {
        "people": who,
        "columns": columns((f"{day:%-d %B}", played) for day, played in who.plays.items()),
        "width": f"{WIDTH:.0f}",
        "height": f"{HEIGHT:.0f}",
        "first": min(who.plays),
        "total": sum(plays),
        "most": max(plays),
        "today": plays[-1],
        "signup_open": settings.SIGNUP_OPEN,
    }
    return render(request, "catalog/desk_people.html", context)
