"""Accepting many labels at once: how many, a sample to listen to, then all of them."""

from __future__ import annotations

import math
from typing import Any, cast

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from ..models import Label
from ..search import labels_named
from ..services.curation.bulk import MOST, accept, unconfirmed
from ..services.curation.picker import labels_like
from ..services.curation.question import telling_place

_USUAL = 0.9
_MOST_SUGGESTIONS = 500


def bulk_view(model_admin: ModelAdmin[Any], request: HttpRequest) -> HttpResponse:
    """GET shows what would be accepted; POST accepts it."""
    asked = request.POST if request.method == "POST" else request.GET
    name, lowest = asked.get("name", "").strip()[:100], _lowest(asked)
    label = labels_named(name).first() if name else None
    if request.method == "POST" and label is not None and lowest is not None:
        action = accept(label, lowest, cast(User, request.user))
        if action is None:
            model_admin.message_user(request, f"There is nothing left of {label} to accept.", messages.WARNING)
        else:
            model_admin.message_user(request, f"{action.summary}. The log can undo it.", messages.SUCCESS)
        return redirect("admin:curation_bulk")
    found = unconfirmed(label, lowest) if label is not None and lowest is not None else None
    context = {
        **model_admin.admin_site.each_context(request),
        "title": "Accept many",
        "opts": model_admin.opts,
        "name": name,
        "lowest": _USUAL if lowest is None else lowest,
        "bad_number": lowest is None,
        "unknown": labels_like(name, 3) if name and label is None else None,
        "found": found,
        "sample": [(song, weight, telling_place(song.duration_s)) for song, weight in found.sample] if found else [],
        "most": MOST,
        "known_labels": Label.objects.values_list("name", flat=True)[:_MOST_SUGGESTIONS],
    }
    return TemplateResponse(request, "admin/catalog/curationitem/bulk.html", context)


def _lowest(asked: QueryDict) -> float | None:
    """The probability that was asked for; None for no number between 0 and 1."""
    try:
        lowest = float(asked.get("lowest", _USUAL))
    except ValueError:
        return None
    return lowest if math.isfinite(lowest) and 0 <= lowest <= 1 else None
