"""What a listener has played most: a page of the history."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from catalog.models import PlayCount
from catalog.services.listening import most_played, record_play
from tests.factories import make_song, make_user

pytestmark = pytest.mark.django_db

ADDRESS = "/taste/history/?by=most"


def test_counts_of_all_origins_are_added_and_what_was_last_breaks_ties(listener: User) -> None:
    now = timezone.now()
    once, often, imported, later = (make_song(title) for title in ("Once", "Often", "Imported", "Later"))
    for _ in range(3):
        record_play(listener, often)
    record_play(listener, once, played_at=now - timedelta(days=2))
    record_play(listener, later, played_at=now)
    record_play(listener, imported)
    PlayCount.objects.create(user=listener, song=imported, origin="listenbrainz", count=9)
    PlayCount.objects.create(user=make_user("bob"), song=once, origin="player", count=99)
    assert most_played(listener, 50) == [imported, often, later, once]
    assert most_played(listener, 2) == [imported, often]


def test_the_page_has_the_most_played_first_and_only_ones_own(client: Client, listener: User) -> None:
    often, once, skipped = make_song("Often"), make_song("Once"), make_song("Skipped")
    for song in (often, often, once):
        record_play(listener, song)
    record_play(listener, skipped, skipped=True)
    record_play(make_user("bob"), make_song("Of another"))
    page = client.get(ADDRESS).content.decode()
    assert page.index(">Often</a>") < page.index(">Once</a>")
    assert "Skipped" not in page
    assert "Of another" not in page
    assert 'href="?by=most"' in client.get("/taste/history/").content.decode()


def test_before_anything_was_played_it_says_what_comes(client: Client, listener: User) -> None:
    assert "Nothing played yet" in client.get(ADDRESS).content.decode()


def test_queries_do_not_grow_with_what_was_played(client: Client, listener: User) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get(ADDRESS)
        return len(captured)

    record_play(listener, make_song("First", labels={"calm": 0.9}))
    client.get(ADDRESS)
    before = queries()
    for number in range(60):
        record_play(listener, make_song(f"Song {number}", labels={"calm": 0.9}))
    client.get(ADDRESS)
    assert queries() == before
    assert before <= 8
