"""A verdict on a label as a whole: twelve songs to listen to, what it would change, then storing it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, cast

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from ..http import parse_id
from ..models import Label, Song
from ..services.curation.judging import N_HEARD, effect, fitting_probability, judge, to_hear
from ..services.curation.question import telling_place

_VERDICTS = {"right": True, "wrong": False}


@dataclass(frozen=True, slots=True)
class _Row:
    song: Song
    probability: float
    begin_s: int
    verdict: bool | None


def label_view(model_admin: ModelAdmin[Any], request: HttpRequest, label: Label) -> HttpResponse:
    """GET shows songs to listen to; POST shows what the verdicts come to, or stores it, by the button pressed."""
    posted = request.POST
    verdicts = _verdicts(posted)
    least, storing = _least(posted), "store" in posted
    if storing and least is not None:
        action = judge(label, least, verdicts, cast(User, request.user))
        if action is not None:
            model_admin.message_user(request, f"{action.summary}. The log can undo it.", messages.SUCCESS)
        return redirect("admin:catalog_curationitem_changelist")
    rows = [
        _Row(song, probability, telling_place(song.duration_s), verdicts.get(song.pk))
        for song, probability in to_hear(label)
    ]
    heard = [(row.probability, row.verdict) for row in rows if row.verdict is not None]
    looked = request.method == "POST" and (bool(heard) or bool(posted.get("least")))
    if looked and least is None and not posted.get("least"):
        least = fitting_probability(heard, label.least_probability)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": f"{label} as a whole",
        "opts": model_admin.opts,
        "label": label,
        "rows": rows,
        "looked": looked,
        "nothing_said": request.method == "POST" and not looked,
        "bad_number": looked and least is None,
        "least": least,
        "effect": effect(label, least) if looked and least is not None else None,
        "right": sum(1 for _, verdict in heard if verdict),
        "wrong": sum(1 for _, verdict in heard if not verdict),
    }
    return TemplateResponse(request, "admin/catalog/curationitem/label.html", context)


def _verdicts(posted: QueryDict) -> dict[int, bool]:
    """The verdicts by a song's primary key; what is none is passed over."""
    verdicts: dict[int, bool] = {}
    for name, value in posted.items():
        if not name.startswith("song-") or value not in _VERDICTS or len(verdicts) >= 2 * N_HEARD:
            continue
        try:
            verdicts[parse_id(name.removeprefix("song-"))] = _VERDICTS[str(value)]
        except ValueError:
            continue
    return verdicts


def _least(posted: QueryDict) -> float | None:
    """The probability that was typed; None for none, or no number between 0 and 1."""
    try:
        least = float(posted.get("least", ""))
    except ValueError:
        return None
    return least if math.isfinite(least) and 0 <= least <= 1 else None
