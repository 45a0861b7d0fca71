"""Ratings, refusals, nudges and plays, to look at; the first three to delete on request."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest

from ..models import Listener, NotThis, Nudge, Play, PlayCount, Rating
from ..services import listening
from .read_only import ReadOnlyAdmin


class _TakenBack(ReadOnlyAdmin):
    """Delete through the service, which sends the signals that recommendations depend on."""

    list_select_related: ClassVar[tuple[str, ...]] = ("user", "song")
    search_fields: ClassVar[tuple[str, ...]] = ("user__username", "song__title", "song__artist")

    def take_back(self, said: Any) -> None:
        raise NotImplementedError

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.take_back(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for said in queryset:
            self.take_back(said)


@admin.register(Rating)
class RatingAdmin(_TakenBack):
    """Ratings, which may be taken back."""

    list_display = ("user", "song", "stars", "rated_at")
    list_filter = ("stars", "user__listener__origin")
    date_hierarchy = "rated_at"

    def take_back(self, said: Rating) -> None:
        """Take the row back through the service."""
        listening.rate(said.user, said.song, None)


@admin.register(NotThis)
class NotThisAdmin(_TakenBack):
    """Refused songs, which may be taken back."""

    list_display = ("user", "song", "created_at")

    def take_back(self, said: NotThis) -> None:
        """Take the row back through the service."""
        listening.refuse(said.user, said.song, refused=False)


@admin.register(Nudge)
class NudgeAdmin(_TakenBack):
    """Nudges, which may be taken back."""

    list_display = ("user", "label", "weight")
    list_select_related = ("user", "label")
    search_fields = ("user__username", "label__name")

    def take_back(self, said: Nudge) -> None:
        """Take the row back through the service."""
        listening.nudge(said.user, said.label, None)


class _Kept(ReadOnlyAdmin):
    """What happened is not undone."""

    list_select_related = ("user", "song")
    search_fields = ("user__username", "song__title", "song__artist")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Play)
class PlayAdmin(_Kept):
    """Plays, read only."""

    list_display = ("user", "song", "played_at", "skipped", "origin")
    list_filter = ("skipped", "origin")
    date_hierarchy = "played_at"


@admin.register(PlayCount)
class PlayCountAdmin(_Kept):
    """Counts of plays, read only."""

    list_display = ("user", "song", "count", "last_played", "origin")
    list_filter = ("origin",)


@admin.register(Listener)
class ListenerAdmin(ReadOnlyAdmin):
    """Listeners who are not people with an account here: imported, simulated. Accounts stand under Users."""

    list_display = ("user", "origin", "ratings", "songs_played")
    list_filter = ("origin",)
    list_select_related = ("user",)
    search_fields = ("user__username",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Listener]:
        """Count with the rows what their list shows."""
        listeners: QuerySet[Listener] = super().get_queryset(request)
        return listeners.annotate(
            rating_count=Count("user__ratings", distinct=True),
            song_count=Count("user__play_counts__song", distinct=True),
        )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: listeners go with their accounts."""
        return False

    @admin.display(ordering="rating_count")
    def ratings(self, listener: Any) -> int:
        """Return how many songs the listener has rated."""
        return int(listener.rating_count)

    @admin.display(ordering="song_count")
    def songs_played(self, listener: Any) -> int:
        """Return how many songs the listener has played."""
        return int(listener.song_count)
