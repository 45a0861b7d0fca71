"""The folders that the library's files lie in."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest

from ..models import LibraryRoot


@admin.register(LibraryRoot)
class LibraryRootAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """The library's folders."""

    list_display = ("name", "path", "songs", "rescan", "scanned_at", "scan_result")
    readonly_fields = ("scanned_at", "scan_result")
    search_fields = ("name", "path")

    def get_queryset(self, request: HttpRequest) -> QuerySet[LibraryRoot]:
        """Count with the rows what their list shows."""
        roots: QuerySet[LibraryRoot] = super().get_queryset(request)
        return roots.annotate(song_count=Count("songs"))

    @admin.display(ordering="song_count")
    def songs(self, root: Any) -> int:
        """Return how many songs lie in the folder."""
        return int(root.song_count)
