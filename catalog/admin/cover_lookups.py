"""Covers that are looked up elsewhere: asked for here, and taken away again here."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.views.decorators.http import require_POST

from ..models import CoverLookup
from ..quantities import count
from ..services import cover_lookups
from ..tasks import look_up_covers_soon
from .read_only import ReadOnlyAdmin

MAY_LOOK_UP = "catalog.change_song"
"""The permission to have covers looked up and taken away: it changes songs."""


@admin.register(CoverLookup)
class CoverLookupAdmin(ReadOnlyAdmin):
    """Albums that were looked up, and what became of them."""

    list_display = ("album", "artist", "state", "said", "asked_by", "done_at")
    list_filter = ("state",)
    list_select_related = ("asked_by",)
    search_fields = ("album", "artist")
    actions = ("take_away", "look_up_again")

    def get_urls(self) -> list[Any]:
        """Add the address that asks for all albums without a cover."""
        ask = self.admin_site.admin_view(require_POST(self.ask_view))
        return [path("ask/", ask, name="catalog_coverlookup_ask"), *super().get_urls()]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: a row that goes would leave a cover that nothing takes away."""
        return False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Tell the template how many albums have no cover, and whether they may be looked up."""
        context = {
            "title": "Covers looked up elsewhere",
            "is_on": cover_lookups.is_on(),
            "may_ask": request.user.has_perm(MAY_LOOK_UP),
            "bare": cover_lookups.n_bare_albums(),
        }
        return super().changelist_view(request, context | (extra_context or {}))

    def ask_view(self, request: HttpRequest) -> HttpResponse:
        """Have all albums without a cover looked up."""
        if not (request.user.has_perm(MAY_LOOK_UP) and cover_lookups.is_on()):
            raise PermissionDenied
        asked = cover_lookups.ask(request.user)  # type: ignore[arg-type]
        look_up_covers_soon()
        self.message_user(request, f"{count(asked, 'album')} will be looked up, one request a second.")
        return redirect("admin:catalog_coverlookup_changelist")

    @admin.action(description="Take these covers away again", permissions=["look_up"])
    def take_away(self, request: HttpRequest, rows: QuerySet[CoverLookup]) -> None:
        """Undo what was found."""
        undone = cover_lookups.undo(rows)
        self.message_user(request, f"{count(undone, 'cover')} taken away again.", messages.SUCCESS)

    @admin.action(description="Look these up again", permissions=["look_up"])
    def look_up_again(self, request: HttpRequest, rows: QuerySet[CoverLookup]) -> None:
        """Ask once more for what was not found."""
        asked = cover_lookups.ask_again(rows, request.user)  # type: ignore[arg-type]
        look_up_covers_soon()
        self.message_user(request, f"{count(asked, 'album')} will be looked up again.")

    def has_look_up_permission(self, request: HttpRequest) -> bool:
        """Whether this admin may use the actions."""
        return request.user.has_perm(MAY_LOOK_UP)
