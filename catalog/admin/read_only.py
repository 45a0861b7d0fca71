"""Admins of rows that are written elsewhere: nothing is added or changed here by hand."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

MAY_CURATE = "catalog.change_songlabel"
"""The permission to decide on labels."""


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows that nobody adds or changes by hand."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: rows are made elsewhere."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: rows are changed elsewhere."""
        return False


class CuratorsAdmin(ReadOnlyAdmin):
    """Rows that only curators see, and that decisions alone delete."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow users who may curate."""
        return request.user.has_perm(MAY_CURATE)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show the app to users who may curate."""
        return self.has_view_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: rows are deleted by decisions and merges, not here."""
        return False
