"""Listeners' playlists: how many there are and how long; to delete where somebody asks for it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest

from ..models import Playlist
from .read_only import ReadOnlyAdmin


@admin.register(Playlist)
class PlaylistAdmin(ReadOnlyAdmin):
    list_display = ("name", "user", "length", "changed_at")
    list_select_related = ("user",)
    search_fields: ClassVar[tuple[str, ...]] = ("name", "user__username")
    date_hierarchy = "changed_at"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Playlist]:
        playlists: QuerySet[Playlist] = super().get_queryset(request)
        return playlists.annotate(entry_count=Count("entries"))

    @admin.display(ordering="entry_count", description="songs")
    def length(self, playlist: Any) -> int:
        return int(playlist.entry_count)
