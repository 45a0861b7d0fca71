"""What tagging adds to the admin's desk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.views.decorators.http import require_POST

from catalog.admin.read_only import ReadOnlyAdmin
from catalog.admin.songs import SongAdmin
from catalog.broker import send
from catalog.models import Song

from . import corrections, learning, lessons, registry, services, tasks
from .models import Lesson
from .registry import OwnTagger

_MOST_LABELS_SHOWN = 30
_LESSONS_SHOWN = 8


@admin.action(description="Tag again", permissions=["change"])
def tag_again(model_admin: SongAdmin, request: HttpRequest, songs: QuerySet[Song]) -> None:
    """Have the chosen songs heard anew."""
    count = services.tag_again(songs)
    if not registry.installed():
        model_admin.message_user(request, "No tagger is installed: see manage.py taggers.", messages.WARNING)
    elif not tasks.call_worker():
        model_admin.message_user(request, f"{count} songs are pending; no worker is running.", messages.WARNING)
    else:
        model_admin.message_user(request, f"{count} songs are being tagged again.")


SongAdmin.actions = (*SongAdmin.actions, tag_again)  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class TaggerLine:
    """One of the own family, as the page shows it."""

    tagger: OwnTagger
    in_use: bool
    learned: list[dict[str, Any]]
    network: bool
    to_hear: int


def tagger_lines() -> list[TaggerLine]:
    """The own family: the bundled one first, what was learned last next."""
    used = registry.in_use()
    family = sorted(registry.own_family().values(), key=lambda tagger: (tagger.base is not None, -_written_at(tagger)))
    return [
        TaggerLine(tagger, tagger.name == used, _learned(tagger), "network" in tagger.figures, services.to_hear(tagger))
        for tagger in family
    ]


def _written_at(tagger: OwnTagger) -> float:
    try:
        return tagger.file.stat().st_mtime if tagger.file else 0.0
    except OSError:
        return 0.0


def _learned(tagger: OwnTagger) -> list[dict[str, Any]]:
    """Before and after of what a tagger learned; its file may come from anywhere, and hold anything there."""
    labels = tagger.figures.get("labels")
    wanted = [label for label in labels if isinstance(label, dict)] if isinstance(labels, list) else []
    return [label for label in wanted if label.get("kept") is True]


@admin.register(Lesson)
class LessonAdmin(ReadOnlyAdmin):
    """The page of the taggers: which is in use, what they learned from curators, and the way back."""

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [
            path("use/", view(require_POST(self.use_view)), name="tagging_lesson_use"),
            path("learn/", view(require_POST(self.learn_view)), name="tagging_lesson_learn"),
            path("state/", view(self.state_view), name="tagging_lesson_state"),
            *super().get_urls(),
        ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def may_learn(self, request: HttpRequest) -> bool:
        """Whether somebody may have corrections learned."""
        return request.user.has_perm("tagging.add_lesson")

    def may_use(self, request: HttpRequest) -> bool:
        """Whether somebody may put another tagger to use."""
        return request.user.has_perm("tagging.change_lesson")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": "Taggers",
            "opts": self.opts,
            "lines": tagger_lines(),
            "published": [name for name in registry.installed() if name not in registry.own_family()],
            "may_use": self.may_use(request),
            "may_learn": self.may_learn(request),
            **_corrections(),
            **_state(),
        }
        return TemplateResponse(request, "admin/tagging/taggers.html", context)

    def change_view(self, request: HttpRequest, object_id: str, *_args: Any, **_options: Any) -> HttpResponse:
        # The log of what was done leads here.
        return redirect("admin:tagging_lesson_changelist")

    def state_view(self, request: HttpRequest) -> HttpResponse:
        """Lessons and relabelling as they stand; it asks for itself again while they move."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return TemplateResponse(request, "admin/tagging/state.html", _state())

    def use_view(self, request: HttpRequest) -> HttpResponse:
        """Put another of the own family to use."""
        if not self.may_use(request):
            raise PermissionDenied
        name, before = request.POST.get("name", ""), registry.in_use()
        try:
            registry.use(name)
        except registry.TaggerError as error:
            self.message_user(request, f"It stays as it was: {error}.", messages.ERROR)
            return redirect("admin:tagging_lesson_changelist")
        if name != before:
            self._log(request, CHANGE, name, f"Put to use, in place of {before}")
        heard = services.to_hear(registry.own_family()[name])
        again = f" It hears otherwise: {heard} songs are heard again for that." if heard else ""
        if send(tasks.relabel):
            self.message_user(request, f"In use: {name}. Songs are given its labels now.{again}", messages.SUCCESS)
        else:
            note = f"In use: {name}. Songs get its labels once a worker runs.{again}"
            self.message_user(request, note, messages.WARNING)
        return redirect("admin:tagging_lesson_changelist")

    def learn_view(self, request: HttpRequest) -> HttpResponse:
        """Have the worker learn from the corrections."""
        if not self.may_learn(request):
            raise PermissionDenied
        lesson = lessons.ask(cast(User, request.user))
        self._log(request, ADDITION, str(lesson.pk), "Asked to learn from the corrections")
        if send(tasks.learn):
            self.message_user(request, "A worker learns from the corrections.", messages.SUCCESS)
        else:
            self.message_user(request, "The lesson waits; no worker is running.", messages.WARNING)
        return redirect("admin:tagging_lesson_changelist")

    def _log(self, request: HttpRequest, action: int, name: str, message: str) -> None:
        LogEntry.objects.create(
            user_id=cast(User, request.user).pk,
            content_type=ContentType.objects.get_for_model(Lesson),
            object_id=name,
            object_repr=f"Tagger {name}" if action == CHANGE else f"Lesson {name}",
            action_flag=action,
            change_message=message,
        )


def _corrections() -> dict[str, Any]:
    """What there is to learn from."""
    try:
        begin = learning.origin()
    except registry.TaggerError as error:
        return {"nothing_to_begin_with": str(error)}
    taught = corrections.so_far(begin)
    return {
        "begin": begin,
        "corrections": sum(one.yes + one.no for one in taught),
        "taught": taught[:_MOST_LABELS_SHOWN],
        "more_labels": max(len(taught) - _MOST_LABELS_SHOWN, 0),
        "ready": sum(one.enough for one in taught),
        "unheard": corrections.unheard(begin),
    }


def _state() -> dict[str, Any]:
    """Lessons and relabelling as they stand."""
    given = list(Lesson.objects.select_related("asked_by")[:_LESSONS_SHOWN])
    moving = any(lesson.state in (Lesson.State.WAITING, Lesson.State.RUNNING) for lesson in given)
    left = services.to_relabel()
    return {"lessons": given, "to_relabel": left, "moving": moving or left > 0}
