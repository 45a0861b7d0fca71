"""The log of curation: who did what when, and the way back."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.views.decorators.http import require_POST

from ..http import parse_id
from ..models import CurationAction, Label, Song
from ..services.curation.undo import CannotUndoError, undo
from .read_only import CuratorsAdmin

_MOST_SHOWN = 100
_NOTHING = "\u2013"
_OF_LABELS = (CurationAction.Kind.MERGED, CurationAction.Kind.CHANGED, CurationAction.Kind.DELETED)
_TABLES = {
    "Label": "label",
    "LabelAlias": "other spelling",
    "SongLabel": "word on a song",
    "LabelAssignment": "label given by a person",
    "LabelDoubt": "doubt of a listener",
    "Nudge": "nudge of a listener",
}


class PersonFilter(admin.SimpleListFilter):
    """By who did it: those who ever did something."""

    title = "person"
    parameter_name = "person"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the choices of the filter."""
        people = User.objects.filter(curation_actions__isnull=False).distinct().order_by("username")
        return [(str(person.pk), person.get_username()) for person in people[:200]]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Return the actions that the filter chooses."""
        try:
            return queryset.filter(user=parse_id(self.value() or ""))
        except ValueError:
            return queryset


class UndoneFilter(admin.SimpleListFilter):
    """By whether it still stands."""

    title = "undone"
    parameter_name = "undone"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the choices of the filter."""
        return [("no", "Still stands"), ("yes", "Undone")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Return the actions that the filter chooses."""
        wanted = {"no": True, "yes": False}.get(self.value() or "")
        return queryset if wanted is None else queryset.filter(undone_at__isnull=wanted)


@admin.register(CurationAction)
class CurationLog(CuratorsAdmin):
    """What curators did, the latest first; each opens to what it changed, and the button that undoes it."""

    list_display = ("summary", "kind", "songs", "who", "at", "undone")
    list_filter = (PersonFilter, "kind", UndoneFilter)
    list_select_related = ("user", "undone_by")
    search_fields = ("summary",)
    date_hierarchy = "at"
    list_per_page = 50
    actions = None

    def get_urls(self) -> list[Any]:
        """Add the page's own URLs to Django's."""
        undo_one = self.admin_site.admin_view(require_POST(self.undo_view))
        return [path("<int:pk>/undo/", undo_one, name="curation_undo_one"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the log under a title of its own."""
        return super().changelist_view(request, {"title": "Log of what curators decided", **(extra_context or {})})

    def may_undo(self, request: HttpRequest, action: CurationAction) -> bool:
        """Undoing a change of labels themselves needs the right to change labels."""
        return request.user.has_perm("catalog.change_label") or action.kind not in _OF_LABELS

    @admin.display(description="by", ordering="user__username")
    def who(self, action: CurationAction) -> str:
        """Return the curator's name."""
        return action.user.get_username() if action.user else "somebody who has left"

    @admin.display(ordering="undone_at")
    def undone(self, action: CurationAction) -> str:
        """Return when, and by whom, the action was undone."""
        if not action.undone_at:
            return _NOTHING
        return f"by {action.undone_by}" if action.undone_by else "yes"

    def change_view(self, request: HttpRequest, object_id: str, *_args: Any, **_options: Any) -> HttpResponse:
        """What one action changed, row by row, in words."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        action = get_object_or_404(CurationAction.objects.select_related("user", "undone_by"), pk=_pk(object_id))
        context = {
            **self.admin_site.each_context(request),
            "title": action.summary,
            "opts": self.opts,
            "action": action,
            "who": self.who(action),
            "lines": _lines(action),
            "more": max(action.changes.count() - _MOST_SHOWN, 0),
            "may_undo": self.may_undo(request, action),
        }
        return TemplateResponse(request, "admin/catalog/curationaction/action.html", context)

    def undo_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Make everything as it was before."""
        action = get_object_or_404(CurationAction, pk=_pk(str(pk)))
        if not (self.has_view_permission(request) and self.may_undo(request, action)):
            raise PermissionDenied
        try:
            undo(action, cast(User, request.user))
        except CannotUndoError as error:
            self.message_user(request, str(error), messages.ERROR)
            return redirect("admin:catalog_curationaction_change", action.pk)
        self.message_user(request, f"Undone: {action.summary}.", messages.SUCCESS)
        return redirect("admin:catalog_curationaction_changelist")


def _pk(text: str) -> int:
    """A primary key; 0, which no row has, for what is none."""
    try:
        return parse_id(text)
    except ValueError:
        return 0


def _lines(action: CurationAction) -> list[tuple[str, str, str, str]]:
    """What, of which song, before and after."""
    changes = list(action.changes.order_by("pk")[:_MOST_SHOWN])
    rows = [row for change in changes for row in (change.before, change.after) if row]
    songs = Song.objects.in_bulk({row["song_id"] for row in rows if row.get("song_id")})
    labels = {
        pk: label.name
        for pk, label in Label.objects.in_bulk({row["label_id"] for row in rows if row.get("label_id")}).items()
    }
    labels |= {row["id"]: row["name"] for row in rows if "kind" in row and row["id"] not in labels}
    return [
        (
            _TABLES.get(change.table, change.table),
            str(songs.get((change.before or change.after or {}).get("song_id"), "")),
            _said(change.before, labels),
            _said(change.after, labels),
        )
        for change in changes
    ]


def _said(row: dict[str, Any] | None, labels: dict[int, str]) -> str:
    """A row in words."""
    if row is None:
        return _NOTHING
    label = labels.get(row.get("label_id", 0), "a label that is gone")
    if "source" in row:
        if row["source"] == "curator":
            return f"{label}: {'yes' if row['weight'] > 0 else 'no'}{', ' + row['origin'] if row['origin'] else ''}"
        return f"{label}: {row['weight']:.3g} ({row['origin']})"
    if "kind" in row:
        return f"{row['name']} ({row['kind']})"
    if "key" in row:
        return f"{row['name']}, for {label}"
    if "settled_at" in row:
        return f"{label}: {'settled' if row['settled_at'] else 'open'}"
    return f"{label}: {row['weight']:+g}" if "weight" in row else label
