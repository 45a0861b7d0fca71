"""Snapshots at the admin's desk: to look at, not to change."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from catalog.admin.read_only import ReadOnlyAdmin

from . import nights
from .models import Evaluation, Snapshot


@admin.register(Snapshot)
class SnapshotAdmin(ReadOnlyAdmin):
    list_display = ["version", "kind", "current", "created_at", "took", "songs", "labelled_songs", "labels", "plays"]
    list_filter = ["kind", "current"]
    fields = ["version", "kind", "current", "created_at", "took", "built_from", "folder"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(ordering="seconds")
    def took(self, snapshot: Snapshot) -> str:
        return f"{snapshot.seconds:.1f} s"

    @admin.display
    def songs(self, snapshot: Snapshot) -> str:
        return _count(snapshot, "songs")

    @admin.display
    def labelled_songs(self, snapshot: Snapshot) -> str:
        return _count(snapshot, "labelled_songs")

    @admin.display
    def labels(self, snapshot: Snapshot) -> str:
        return _count(snapshot, "labels")

    @admin.display
    def plays(self, snapshot: Snapshot) -> str:
        return _count(snapshot, "plays")

    @admin.display
    def built_from(self, snapshot: Snapshot) -> SafeString:
        counts = ((_count(snapshot, name), name.replace("_", " ")) for name in snapshot.figures)
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{} {}</li>", counts))


@admin.register(Evaluation)
class EvaluationAdmin(ReadOnlyAdmin):
    list_display = ["created_at", "protocol", "snapshot_version", "took", "best", "its_map", "listeners", "splits"]
    list_filter = ["protocol"]
    fields = ["created_at", "protocol", "snapshot_version", "took", "listeners", "splits", "figures"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list, under the figures of the last thirty nights."""
        return super().changelist_view(request, {"drawings": nights.drawings(), **(extra_context or {})})

    @admin.display(ordering="seconds")
    def took(self, evaluation: Evaluation) -> str:
        return f"{evaluation.seconds:.0f}\u00a0s"

    @admin.display
    def best(self, evaluation: Evaluation) -> str:
        methods: dict[str, Any] = evaluation.figures["methods"]
        return max(methods, key=lambda name: float(methods[name]["map"]))

    @admin.display(description="its MAP")
    def its_map(self, evaluation: Evaluation) -> str:
        return f"{max(figures['map'] for figures in evaluation.figures['methods'].values()):.3f}"

    @admin.display
    def listeners(self, evaluation: Evaluation) -> str:
        return f"{evaluation.figures['listeners']:,}"

    @admin.display
    def splits(self, evaluation: Evaluation) -> int:
        return int(evaluation.figures["splits"])


def _count(snapshot: Snapshot, name: str) -> str:
    """One of the figures, with a mark at every thousand."""
    value = snapshot.figures.get(name)
    return "" if value is None else f"{value:,}"
