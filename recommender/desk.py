"""The part of the admin's desk that shows snapshots: the last one, how good it is, and the one at work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib import messages
from django.contrib.admin.views.decorators import staff_member_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from catalog import charts
from catalog.broker import send
from catalog.http import ListenerRequest

from . import changes, evaluating, recomputing, snapshot, tasks
from .engine.evaluation.protocols import Protocol
from .engine.methods import METHODS, PARTS
from .evaluating import Night
from .models import Recomputation, Snapshot

_MAY_RECOMPUTE = "recommender.add_snapshot"
_NAMES = {
    "content": "content",
    "cooccurrence": "co-occurrence",
    "latent": "latent factors",
    "hybrid": "hybrid",
    "popular": "popularity",
    "sound": "sound",
    "towers": "songs without listeners",
    "weights": "the weights of the hybrid",
}
_TITLES = {Protocol.WARM: "Songs held back from each listener", Protocol.COLD: "Songs that had lost all their plays"}
# Chance is 0.5, perfection 1: a line near the lower edge is no better than chance.
_CHANCE = 0.5
_DRAWN_FIRST = ("hybrid", "content")
_LEFT_OUT = {"popular"}
# So long after it was asked for, a snapshot that nobody has begun waits for a worker that is not there.
_BEGUN_WITHIN = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Line:
    """One method over the nights."""

    name: str
    points: str
    first: float
    last: float
    lowest: float


@dataclass(frozen=True, slots=True)
class Drawing:
    """AUC over the nights, in one way of holding plays out.

    Attributes
    ----------
    figures : list of (name, AUC)
        Of the last night, best first.
    """

    title: str
    figures: list[tuple[str, float]]
    lines: list[Line]
    nights: int
    first: datetime
    last: datetime
    width: float = charts.WIDTH
    height: float = charts.HEIGHT

    @property
    def in_words(self) -> str:
        """All that is drawn, to be read aloud."""
        said = (
            f"{line.name} {line.last:.2f}, from {line.first:.2f}, lowest {line.lowest:.2f}"
            if self.nights > 1
            else f"{line.name} {line.last:.2f}"
            for line in self.lines
        )
        return f"AUC over {self.nights} night{'s' if self.nights > 1 else ''}: {'; '.join(said)}"


@dataclass(frozen=True, slots=True)
class AtWork:
    """A snapshot that is being computed.

    Attributes
    ----------
    done, of : int
        Parts, a part that is cut into blocks being as many.
    now : list of str
        What is fitted at this moment.
    """

    since: datetime
    done: int
    of: int
    now: list[str]


@staff_member_required
@never_cache
@require_safe
def desk_snapshots(request: HttpRequest) -> HttpResponse:
    """The panel; it asks again while a snapshot is computed, or is asked for."""
    return _panel(request, asked=_moment(request.GET.get("asked", "")))


@staff_member_required
@require_POST
def desk_recompute(request: ListenerRequest) -> HttpResponse:
    """Have a whole snapshot computed now, unless one is at work."""
    if not request.user.has_perm(_MAY_RECOMPUTE):
        raise PermissionDenied("Having snapshots computed is for those who may add them.")
    asked: datetime | None = None
    if recomputing.at_work():
        said = "One is being computed already."
    elif send(tasks.recompute):
        said, asked = "Asked for: a worker begins as soon as it is free.", timezone.now()
    else:
        said = (
            "No broker is there to ask a worker. Start the server with manage.py up, or compute it here with "
            "manage.py recompute."
        )
    if request.htmx:
        return _panel(request, said=said, asked=asked)
    messages.info(request, said)
    return redirect("admin:index")


def _panel(request: HttpRequest, said: str = "", asked: datetime | None = None) -> HttpResponse:
    at_work = _at_work()
    last = Snapshot.objects.filter(kind=Snapshot.Kind.FULL, current=True).first()
    used = snapshot.current_row()
    if asked is not None and (
        at_work or timezone.now() - asked > _BEGUN_WITHIN or (last is not None and last.created_at > asked)
    ):
        asked = None
    context = {
        "said": said,
        "last": last,
        "used": used,
        "methods": _methods(used),
        "lacking": _lacking(last),
        "drawings": [drawing for protocol in Protocol if (drawing := _drawing(protocol)) is not None],
        "at_work": at_work,
        # Reading what there is to learn from comes before the first part.
        "reading": at_work is None and changes.somebody_builds(),
        "asked": None if asked is None else int(asked.timestamp()),
        "may_recompute": request.user.has_perm(_MAY_RECOMPUTE),
    }
    return render(request, "recommender/desk.html", context)


def _moment(seconds: str) -> datetime | None:
    """The moment that a snapshot was asked for, as the panel's address names it; None for any other."""
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) <= 10):
        return None
    return datetime.fromtimestamp(int(seconds), tz=timezone.get_current_timezone())


def _at_work() -> AtWork | None:
    recomputation = Recomputation.objects.prefetch_related("parts").order_by("pk").first()
    if recomputation is None:
        return None
    parts, now = list(recomputation.parts.all()), timezone.now()
    fitted = {part.name for part in parts if not part.done and part.taken_until and part.taken_until > now}
    return AtWork(
        since=recomputation.started_at,
        done=sum(part.done for part in parts),
        of=len(parts),
        now=[_NAMES.get(name, name) for name in PARTS if name in fitted],
    )


def _methods(used: Snapshot | None) -> list[str]:
    """What people call the methods that answer now."""
    if used is None:
        return []
    fitted = {name for name, about in used.methods.items() if "lacking" not in about}
    if {"content", "cooccurrence", "latent", "towers", "popular", "weights"} <= fitted:
        fitted.add("hybrid")
    return [_NAMES[name] for name in METHODS if name in fitted]


def _lacking(last: Snapshot | None) -> list[tuple[str, str]]:
    """The methods that could not be fitted, and why."""
    if last is None:
        return []
    # The hybrid is put together from parts: without its weights there is none.
    about = {name: last.methods.get("weights" if name == "hybrid" else name, {}) for name in METHODS}
    return [(_NAMES[name], of_method["lacking"]) for name, of_method in about.items() if "lacking" in of_method]


def _drawing(protocol: Protocol) -> Drawing | None:
    nights = [night for night in evaluating.history(protocol) if night.aucs]
    if not nights:
        return None
    last = nights[-1]
    own = {name: auc for name, auc in last.aucs.items() if name in METHODS and name not in _LEFT_OUT}
    return Drawing(
        title=_TITLES[protocol],
        figures=sorted(((_NAMES[name], auc) for name, auc in own.items()), key=lambda one: -one[1]),
        lines=[_line(nights, name) for name in _DRAWN_FIRST if name in own],
        nights=len(nights),
        first=nights[0].at,
        last=last.at,
    )


def _line(nights: Sequence[Night], name: str) -> Line:
    first, last = nights[0].at, nights[-1].at
    seconds = (last - first).total_seconds()
    known = [(night.at, night.aucs[name]) for night in nights if name in night.aucs]
    points = [
        ((at - first).total_seconds() / seconds if seconds else 1.0, (max(auc, _CHANCE) - _CHANCE) / (1 - _CHANCE))
        for at, auc in known
    ]
    aucs = [auc for _, auc in known]
    return Line(_NAMES[name], charts.line(points), first=aucs[0], last=aucs[-1], lowest=min(aucs))
