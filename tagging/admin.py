"""Admin pages of tagging: the taggers and their training jobs, and the action that requeues songs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.views.decorators.http import require_POST

from catalog.admin.read_only import ReadOnlyAdmin
from catalog.admin.songs import SongAdmin
from catalog.broker import send
from catalog.models import SongQuerySet

from . import tasks
from .learning import corrections, learned_layer, training_jobs
from .models import TrainingJob
from .services import relabelling
from .taggers import registry
from .taggers.registry import LocalTagger

_MOST_LABELS_SHOWN = 30
_JOBS_SHOWN = 8


@admin.action(description="Tag again", permissions=["change"])
def requeue(model_admin: SongAdmin, request: HttpRequest, songs: SongQuerySet) -> None:
    """Requeue the selected songs."""
    count = songs.requeue_tagging()
    if not registry.installed():
        model_admin.message_user(request, "No tagger is installed: see manage.py taggers.", messages.WARNING)
    elif not tasks.call_worker():
        model_admin.message_user(request, f"{count} songs are pending; no worker is running.", messages.WARNING)
    else:
        model_admin.message_user(request, f"{count} songs are being tagged again.")


SongAdmin.actions = (*SongAdmin.actions, requeue)  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class TaggerLine:
    """A local tagger, as the page shows it."""

    tagger: LocalTagger
    in_use: bool
    learned: list[dict[str, Any]]
    network: bool
    to_retag: int


def tagger_lines() -> list[TaggerLine]:
    """List the local taggers: the bundled one first, then the trained ones, the newest first."""
    used = registry.in_use()
    family = sorted(
        registry.local_family().values(), key=lambda tagger: (tagger.base is not None, -_written_at(tagger))
    )
    return [
        TaggerLine(
            tagger,
            tagger.name == used,
            _trained_labels(tagger),
            "network" in tagger.figures,
            relabelling.to_retag(tagger),
        )
        for tagger in family
    ]


def _written_at(tagger: LocalTagger) -> float:
    try:
        return tagger.file.stat().st_mtime if tagger.file else 0.0
    except OSError:
        return 0.0


def _trained_labels(tagger: LocalTagger) -> list[dict[str, Any]]:
    """Read the kept labels of a tagger's figures; a file from elsewhere may hold anything there."""
    labels = tagger.figures.get("labels")
    wanted = [label for label in labels if isinstance(label, dict)] if isinstance(labels, list) else []
    return [label for label in wanted if label.get("kept") is True]


@admin.register(TrainingJob)
class TrainingJobAdmin(ReadOnlyAdmin):
    """The page of the taggers: the one in use, what training kept, the corrections, and the training jobs."""

    def get_urls(self) -> list[Any]:
        """Add the page's views."""
        view = self.admin_site.admin_view
        return [
            path("use/", view(require_POST(self.use_view)), name="tagging_trainingjob_use"),
            path("learn/", view(require_POST(self.learn_view)), name="tagging_trainingjob_learn"),
            path("state/", view(self.state_view), name="tagging_trainingjob_state"),
            *super().get_urls(),
        ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Deny adding by hand: `learn_view` requests training jobs."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Deny deleting: the jobs are a log."""
        return False

    def may_learn(self, request: HttpRequest) -> bool:
        """Whether the user may start a training job."""
        return request.user.has_perm("tagging.add_trainingjob")

    def may_use(self, request: HttpRequest) -> bool:
        """Whether the user may put another tagger to use."""
        return request.user.has_perm("tagging.change_trainingjob")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Render the page."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": "Taggers",
            "opts": self.opts,
            "lines": tagger_lines(),
            "published": [name for name in registry.installed() if name not in registry.local_family()],
            "may_use": self.may_use(request),
            "may_learn": self.may_learn(request),
            **_corrections(),
            **_state(),
        }
        return TemplateResponse(request, "admin/tagging/taggers.html", context)

    def change_view(self, request: HttpRequest, object_id: str, *_args: Any, **_options: Any) -> HttpResponse:
        """Redirect to the page."""
        # The admin's log links to objects; training jobs have no page of their own.
        return redirect("admin:tagging_trainingjob_changelist")

    def state_view(self, request: HttpRequest) -> HttpResponse:
        """Render the state of training jobs and relabelling; it polls while one of them goes on."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return TemplateResponse(request, "admin/tagging/state.html", _state())

    def use_view(self, request: HttpRequest) -> HttpResponse:
        """Put another local tagger to use."""
        if not self.may_use(request):
            raise PermissionDenied
        name, before = request.POST.get("name", ""), registry.in_use()
        try:
            registry.use(name)
        except registry.TaggerError as error:
            self.message_user(request, f"It stays as it was: {error}.", messages.ERROR)
            return redirect("admin:tagging_trainingjob_changelist")
        if name != before:
            self._log(request, CHANGE, name, f"Put to use, in place of {before}")
        to_retag = relabelling.to_retag(registry.local_family()[name])
        again = f" It hears otherwise: {to_retag} songs are heard again for that." if to_retag else ""
        if send(tasks.relabel):
            self.message_user(request, f"In use: {name}. Songs are given its labels now.{again}", messages.SUCCESS)
        else:
            note = f"In use: {name}. Songs get its labels once a worker runs.{again}"
            self.message_user(request, note, messages.WARNING)
        return redirect("admin:tagging_trainingjob_changelist")

    def learn_view(self, request: HttpRequest) -> HttpResponse:
        """Request a training job, and call the worker."""
        if not self.may_learn(request):
            raise PermissionDenied
        job = training_jobs.ask(cast(User, request.user))
        self._log(request, ADDITION, str(job.pk), "Asked to learn from the corrections")
        if send(tasks.learn):
            self.message_user(request, "A worker learns from the corrections.", messages.SUCCESS)
        else:
            self.message_user(request, "The training job waits; no worker is running.", messages.WARNING)
        return redirect("admin:tagging_trainingjob_changelist")

    def _log(self, request: HttpRequest, action: int, name: str, message: str) -> None:
        LogEntry.objects.create(
            user_id=cast(User, request.user).pk,
            content_type=ContentType.objects.get_for_model(TrainingJob),
            object_id=name,
            object_repr=f"Tagger {name}" if action == CHANGE else f"Training job {name}",
            action_flag=action,
            change_message=message,
        )


def _corrections() -> dict[str, Any]:
    """Count the corrections that a training job would use."""
    try:
        base = learned_layer.base_tagger()
    except registry.TaggerError as error:
        return {"no_base": str(error)}
    labels = corrections.corrections_by_label(base)
    return {
        "base": base,
        "corrections": sum(one.yes + one.no for one in labels),
        "labels": labels[:_MOST_LABELS_SHOWN],
        "more_labels": max(len(labels) - _MOST_LABELS_SHOWN, 0),
        "ready": sum(one.enough for one in labels),
        "untagged": corrections.without_embedding(base),
    }


def _state() -> dict[str, Any]:
    """Read the state of training jobs and relabelling."""
    given = list(TrainingJob.objects.select_related("asked_by")[:_JOBS_SHOWN])
    moving = any(job.state in (TrainingJob.State.WAITING, TrainingJob.State.RUNNING) for job in given)
    left = relabelling.to_relabel()
    return {"jobs": given, "to_relabel": left, "moving": moving or left > 0}
