"""The dashboard panel of snapshots: the current one, its figures, and a running build."""

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

from accounts.http import ListenerRequest
from catalog import charts
from catalog.broker import send

from .. import tasks
from ..engine.evaluation.protocols import Protocol
from ..engine.methods import METHODS, PARTS, method_names
from ..evaluation import evaluating
from ..evaluation.evaluating import EvaluationRecord
from ..models import Snapshot, SnapshotBuild
from ..snapshots import changes, current

_MAY_RECOMPUTE = "recommender.add_snapshot"
_NO_BROKER = (
    "No broker is there to ask a worker. Start one with manage.py up, or compute it here by manage.py recompute."
)
_NAMES = {
    "content": "content",
    "cooccurrence": "co-occurrence",
    "latent": "latent factors",
    "hybrid": "hybrid",
    "popular": "popularity",
    "labels_and_sound": "labels and sound",
    "sound": "sound",
    "song_evidence": "how much is known of songs",
    "towers": "songs without listeners",
    "weights": "the weights of the hybrid",
}
_TITLES = {Protocol.WARM: "Songs held back from each listener", Protocol.COLD: "Songs that had lost all their plays"}
# The charts start at an AUC of 0.5, which is chance.
_CHANCE = 0.5
_DRAWN_FIRST = ("hybrid", "content")
_LEFT_OUT = {"popular"}
# A request not started within this time has no worker; the panel stops polling for it.
_BEGUN_WITHIN = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class AucLine:
    """The AUC of one method over time."""

    name: str
    points: str
    first: float
    last: float
    lowest: float


@dataclass(frozen=True, slots=True)
class AucChart:
    """AUC over time for one protocol.

    Attributes
    ----------
    figures : list of (name, AUC)
        Of the last evaluation, best first.
    """

    title: str
    figures: list[tuple[str, float]]
    lines: list[AucLine]
    n_evaluations: int
    first: datetime
    last: datetime
    width: float = charts.WIDTH
    height: float = charts.HEIGHT

    @property
    def in_words(self) -> str:
        """The chart as text, for screen readers."""
        message = (
            f"{line.name} {line.last:.2f}, from {line.first:.2f}, lowest {line.lowest:.2f}"
            if self.n_evaluations > 1
            else f"{line.name} {line.last:.2f}"
            for line in self.lines
        )
        return f"AUC over {self.n_evaluations} night{'s' if self.n_evaluations > 1 else ''}: {'; '.join(message)}"


@dataclass(frozen=True, slots=True)
class BuildProgress:
    """The progress of a running build.

    Attributes
    ----------
    done, of : int
        Number of parts and blocks.
    now : list of str
        Parts being fitted.
    """

    since: datetime
    done: int
    of: int
    now: list[str]

    @property
    def in_words(self) -> str:
        """What is going on, as an answer to a request for another one."""
        done = f"{self.done} of {self.of} parts are done"
        if self.now:
            return f"One is being computed already: {done}, at work on {', '.join(self.now)}."
        return f"One has been begun already: {done}, and no worker is at it. One was asked to go on."


@staff_member_required
@never_cache
@require_safe
def dashboard_snapshots(request: HttpRequest) -> HttpResponse:
    """The panel; polls itself while a build runs or is requested."""
    return _panel(request, requested_at=_requested_at(request.GET.get("asked", "")))


@staff_member_required
@require_POST
def dashboard_recompute(request: ListenerRequest) -> HttpResponse:
    """Queue a full build, unless one is running."""
    if not request.user.has_perm(_MAY_RECOMPUTE):
        raise PermissionDenied("Having snapshots computed is for those who may add them.")
    requested_at: datetime | None = None
    if (at_work := _build_progress()) is not None:
        # Workers look for what others have left by themselves, and a call costs nothing.
        message = at_work.in_words if at_work.now or send(tasks.fit_parts) else _NO_BROKER
    elif changes.build_running():
        message = "One is being begun already: what there is to learn from is being read."
    elif send(tasks.recompute):
        message, requested_at = "Asked for: a worker begins as soon as it is free.", timezone.now()
    else:
        message = _NO_BROKER
    if request.htmx:
        return _panel(request, message=message, requested_at=requested_at)
    messages.info(request, message)
    return redirect("admin:index")


def _panel(request: HttpRequest, message: str = "", requested_at: datetime | None = None) -> HttpResponse:
    at_work = _build_progress()
    last = Snapshot.objects.filter(kind=Snapshot.Kind.FULL, current=True).first()
    used = current.current_row()
    if requested_at is not None and (
        at_work
        or timezone.now() - requested_at > _BEGUN_WITHIN
        or (last is not None and last.created_at > requested_at)
    ):
        requested_at = None
    context = {
        "said": message,
        "last": last,
        "used": used,
        "methods": _methods(used),
        "lacking": _lacking(last),
        "auc_charts": [chart for protocol in Protocol if (chart := _auc_chart(protocol)) is not None],
        "at_work": at_work,
        "damaged": Snapshot.objects.exclude(damaged="").first(),
        # The training data is read before the build has parts.
        "reading": at_work is None and changes.build_running(),
        "asked": None if requested_at is None else int(requested_at.timestamp()),
        "may_recompute": request.user.has_perm(_MAY_RECOMPUTE),
    }
    return render(request, "recommender/dashboard.html", context)


def _requested_at(seconds: str) -> datetime | None:
    """The request time from the panel's URL; None if it is not a timestamp."""
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) <= 10):
        return None
    return datetime.fromtimestamp(int(seconds), tz=timezone.get_current_timezone())


def _build_progress() -> BuildProgress | None:
    snapshot_build = SnapshotBuild.objects.prefetch_related("parts").order_by("pk").first()
    if snapshot_build is None:
        return None
    rows, now = list(snapshot_build.parts.all()), timezone.now()
    fitted = {part.name for part in rows if not part.done and part.taken_until and part.taken_until > now}
    return BuildProgress(
        since=snapshot_build.started_at,
        done=sum(part.done for part in rows),
        of=len(rows),
        now=[_NAMES.get(name, name) for name in PARTS if name in fitted],
    )


def _methods(used: Snapshot | None) -> list[str]:
    """Display names of the methods of a snapshot."""
    if used is None:
        return []
    fitted = {name for name, about in used.methods.items() if "lacking" not in about}
    return [_NAMES.get(name, name) for name in method_names(fitted)]


def _lacking(last: Snapshot | None) -> list[tuple[str, str]]:
    """The methods that could not be fitted, with reasons."""
    if last is None:
        return []
    # The hybrid is composed of parts; its weights are the part that can be lacking.
    about = {name: last.methods.get("weights" if name == "hybrid" else name, {}) for name in METHODS}
    return [
        (_NAMES.get(name, name), of_method["lacking"]) for name, of_method in about.items() if "lacking" in of_method
    ]


def _auc_chart(protocol: Protocol) -> AucChart | None:
    records = [record for record in evaluating.history(protocol) if record.aucs]
    if not records:
        return None
    last = records[-1]
    own = {name: auc for name, auc in last.aucs.items() if name in METHODS and name not in _LEFT_OUT}
    return AucChart(
        title=_TITLES[protocol],
        figures=sorted(((_NAMES.get(name, name), auc) for name, auc in own.items()), key=lambda one: -one[1]),
        lines=[_auc_line(records, name) for name in _DRAWN_FIRST if name in own],
        n_evaluations=len(records),
        first=records[0].at,
        last=last.at,
    )


def _auc_line(records: Sequence[EvaluationRecord], name: str) -> AucLine:
    first, last = records[0].at, records[-1].at
    seconds = (last - first).total_seconds()
    known = [(record.at, record.aucs[name]) for record in records if name in record.aucs]
    points = [
        ((at - first).total_seconds() / seconds if seconds else 1.0, (max(auc, _CHANCE) - _CHANCE) / (1 - _CHANCE))
        for at, auc in known
    ]
    aucs = [auc for _, auc in known]
    return AucLine(_NAMES.get(name, name), charts.line(points), first=aucs[0], last=aucs[-1], lowest=min(aucs))
