"""Playlists of listeners, to look at and to delete on request."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest

from ..models import Playlist
from .read_only import ReadOnlyAdmin


@admin.register(Playlist)
class PlaylistAdmin(ReadOnlyAdmin):
    """Playlists of listeners, to look at and to delete."""

    list_display = ("name", "user", "length", "changed_at")
    list_select_related = ("user",)
    search_fields: ClassVar[tuple[str, ...]] = ("name", "user__username")
    date_hierarchy = "changed_at"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Playlist]:
        """Count with the rows what their list shows."""
        playlists: QuerySet[Playlist] = super().get_queryset(request)
        return playlists.annotate(entry_count=Count("entries"))

    @admin.display(ordering="entry_count", description="songs")
    def length(self, playlist: Any) -> int:
        """Return how many songs the playlist has."""
        return int(playlist.entry_count)
