"""Snapshots on the dashboard."""

from __future__ import annotations

import pytest
from django.test import Client

from catalog.models import Song
from recommender.snapshots import build
from tests.factories import make_user

pytestmark = pytest.mark.django_db


def test_snapshots_can_be_looked_at_only(client: Client, library: dict[str, Song]) -> None:
    row = build.build()
    client.force_login(make_user("root", is_staff=True, is_superuser=True))
    assert "labelled songs" in client.get("/admin/recommender/snapshot/").content.decode().lower()
    looked = client.get(f"/admin/recommender/snapshot/{row.pk}/change/").content.decode()
    assert "<li>4 labelled songs</li>" in looked
    assert client.get("/admin/recommender/snapshot/add/").status_code == 403
    assert client.post(f"/admin/recommender/snapshot/{row.pk}/delete/").status_code == 403
