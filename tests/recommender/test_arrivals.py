"""Songs that For You shows before they are in the recommendations."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from catalog.models import LibraryRoot, Song
from recommender.services.for_you.arrivals import arrivals
from recommender.snapshots import build, current
from tests.factories import add_labels, make_song

pytestmark = pytest.mark.django_db

DONE = Song.Tagging.DONE


@pytest.fixture
def page(client: Client, ada: User) -> Client:
    client.force_login(ada)
    return client


def add(root: LibraryRoot, number: int, **fields: Any) -> Song:
    return make_song(f"Title {number}", root=root, path=f"{number}.mp3", **fields)


def text(client: Client, path: str = "/") -> str:
    return " ".join(client.get(path).content.decode().split())


def cards(page: str) -> list[tuple[str, str]]:
    """Titles and reasons of the songs that arrive."""
    part = page.partition('id="arriving"')[2].partition("</section>")[0]
    return list(
        zip(
            re.findall(r'class="song-card-title"[^>]*>([^<]*)<', part),
            re.findall(r'class="song-card-why"[^>]*>([^<]*)<', part),
            strict=True,
        )
    )


def seen(page: str) -> str:
    return str(re.findall(r'hx-get="(/arrivals/[^"]*)"', page)[0])


def test_an_import_is_on_the_page_from_the_first_file_on(page: Client, root: LibraryRoot) -> None:
    shown = text(page)
    assert "Nothing to recommend yet" in shown
    asked_again = seen(shown)
    assert page.get(asked_again).status_code == 204
    add(root, 1)
    assert cards(text(page, asked_again)) == [("Title 1", "not heard yet")]
    shown = text(page)
    assert "Nothing to recommend yet" not in shown
    assert "0 of 1 song heard" in shown
    assert "Just arrived" in shown


def test_songs_are_shown_with_their_labels_as_they_are_heard(page: Client, root: LibraryRoot) -> None:
    now = timezone.now()
    add(root, 1)
    add(root, 2, labels={"jazz": 0.9}, tagging_state=DONE, tagging_changed_at=now - timedelta(seconds=9))
    add(root, 3, labels={"rock": 0.9}, tagging_state=DONE, tagging_changed_at=now)
    shown = text(page)
    assert "2 of 3 songs heard" in shown
    assert cards(shown) == [("Title 3", "rock"), ("Title 2", "jazz"), ("Title 1", "not heard yet")]
    assert page.get(seen(shown)).status_code == 204


def test_songs_that_are_all_heard_before_the_first_snapshot_are_shown_until_it_is_there(
    page: Client, root: LibraryRoot
) -> None:
    add(root, 1, labels={"jazz": 0.9}, tagging_state=DONE, tagging_changed_at=timezone.now())
    shown = text(page)
    assert "Nothing to recommend yet" not in shown
    assert cards(shown) == [("Title 1", "jazz")]


def test_the_page_is_told_when_the_recommendations_have_them(page: Client, root: LibraryRoot) -> None:
    for number in range(3):
        add(root, number, labels={"jazz": 0.9 - 0.1 * number, f"era {number}": 0.5}, tagging_state=DONE)
    asked_again = seen(text(page))
    build.build()
    answer = page.get(asked_again)
    assert "songs-arrived" in answer.headers["HX-Trigger"]
    answer_text = answer.content.decode()
    assert "hx-get" not in answer_text
    assert cards(answer_text) == []
    assert "Just heard" not in text(page)


def test_songs_that_arrive_are_in_no_row(page: Client, root: LibraryRoot) -> None:
    for number in range(4):
        add(root, number, labels={"jazz": 0.9, f"era {number}": 0.5} if number else {}, tagging_state=DONE)
    Song.objects.filter(title="Title 0").update(tagging_state=Song.Tagging.PENDING)
    build.build()
    shown = text(page)
    assert cards(shown) == [("Title 0", "not heard yet")]
    assert "3 of 4 songs heard" in shown
    assert "Title 0" not in shown.partition('id="rows"')[2]


def test_songs_of_a_missing_file_are_not_waited_for(page: Client, root: LibraryRoot) -> None:
    add(root, 1, missing_since=timezone.now())
    assert cards(text(page)) == []


def test_songs_heard_after_the_snapshot_that_knows_them_are_shown(page: Client, root: LibraryRoot) -> None:
    for number in range(4):
        add(root, number, labels={"jazz": 0.9, f"era {number}": 0.5} if number < 3 else {}, tagging_state=DONE)
    build.build()
    song = Song.objects.get(title="Title 3")
    Song.objects.filter(pk=song.pk).update(tagging_changed_at=timezone.now())
    # Nothing was heard in it: there is nothing to wait for.
    assert cards(text(page)) == []
    add_labels(song, {"rock": 0.9})
    shown = text(page)
    assert cards(shown) == [("Title 3", "rock")]
    build.build()
    assert "songs-arrived" in page.get(seen(shown)).headers["HX-Trigger"]
    assert cards(text(page)) == []


def test_no_song_is_looked_at_one_by_one_where_nothing_arrives(root: LibraryRoot) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("another database tells its plan in another way")
    add(root, 1, tagging_state=DONE)
    build.build()
    with CaptureQueriesContext(connection) as asked:
        assert not arrivals(current.bundle()).going_on
    (query,) = [one["sql"] for one in asked if "tagging_state" in one["sql"]]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {query}")
        plan = [row[-1] for row in cursor.fetchall()]
    assert plan
    assert not [step for step in plan if step.startswith("SCAN catalog_song")], plan


def test_songs_of_the_very_same_labels_arrive_too(root: LibraryRoot) -> None:
    for number in range(3):
        add(root, number, labels={"jazz": 0.9}, tagging_state=DONE, tagging_changed_at=timezone.now())
    assert len(arrivals(current.bundle()).cards) == 3
    build.build()
    # Labels that every song has tell none from another, and have no weight in the snapshot.
    assert not arrivals(current.bundle()).cards
