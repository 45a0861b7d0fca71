"""The dashboard's addresses, and songs for it to count."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from catalog.models import Song
from tests.factories import make_root, make_song

LIBRARY = "/admin/desk/library/"
TRY_AGAIN = "/admin/desk/try-again/"
SNAPSHOTS = "/admin/desk/snapshots/"
RECOMPUTE = "/admin/desk/recompute/"
QUEUE = "/admin/desk/queue/"
PEOPLE = "/admin/desk/people/"
DISK = "/admin/desk/disk/"
CURATION = "/admin/desk/curation/"
PANELS = (LIBRARY, SNAPSHOTS, CURATION, QUEUE, PEOPLE, DISK)
BY_HTMX = {"HX-Request": "true"}


def text(client: Client, address: str) -> str:
    """A panel as one line."""
    answer = client.get(address)
    assert answer.status_code == 200
    return in_one_line(answer.text)


def in_one_line(page: str) -> str:
    return " ".join(page.replace("\xa0", " ").split())


def tagged(number: int, ago_s: float = 3600.0, **fields: Any) -> None:
    """Songs with a file that were listened to so long ago."""
    root, at = make_root(), timezone.now() - timedelta(seconds=ago_s)
    for n in range(number):
        fields = {"tagging_state": "done", **fields}
        make_song(root=root, path=f"{n}.mp3", tagging_changed_at=at, **fields)


def failed(reason: str, number: int = 1, **fields: Any) -> list[Song]:
    root = make_root()
    return [
        make_song(
            root=root, path=f"{n}.mp3", tagging_state="failed", tagging_error=reason, tagging_attempts=3, **fields
        )
        for n in range(number)
    ]
