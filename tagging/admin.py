"""What tagging adds to the admin's desk."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from catalog.admin.songs import SongAdmin
from catalog.models import Song

from . import registry, services, tasks


@admin.action(description="Tag again")
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
