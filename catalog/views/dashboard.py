"""The admin dashboard's panels of people and of curation."""

from __future__ import annotations

from django.conf import settings
from django.contrib.admin.views.decorators import staff_member_required
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from ..admin.read_only import MAY_CURATE
from ..charts import HEIGHT, WIDTH, columns
from ..models import CurationAction, CurationItem
from ..services.curation.queue import open_items, waiting
from ..services.people import people


@staff_member_required
@never_cache
@require_safe
def dashboard_people(request: HttpRequest) -> HttpResponse:
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
    return render(request, "catalog/dashboard_people.html", context)


@staff_member_required
@never_cache
@require_safe
def dashboard_curation(request: HttpRequest) -> HttpResponse:
    """The panel of labels that wait for a curator, and of who decided last."""
    left = waiting()
    reasons = dict(open_items().order_by().values_list("reason").annotate(Count("pk"))) if left else {}
    context = {
        "waiting": left,
        "reasons": [(CurationItem.Reason(reason).label, number) for reason, number in sorted(reasons.items())],
        "last": CurationAction.objects.filter(undone_at=None).select_related("user").first(),
        "may_curate": request.user.has_perm(MAY_CURATE),
    }
    return render(request, "catalog/dashboard_curation.html", context)
