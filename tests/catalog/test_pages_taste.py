"""The pages beside the profile: what was played, and what was refused."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from catalog.models import NotThis, Play
from catalog.services.listening import record_play, refuse
from tests.factories import make_song, make_user
from tests.pages import OWN_QUERIES

pytestmark = pytest.mark.django_db


NOON = datetime(2026, 3, 2, 12, 30, tzinfo=timezone.get_default_timezone())


def text(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def titles(page: str) -> list[str]:
    return re.findall(r'class="song-(?:row|line)-title"[^>]*>([^<]*)<', page)


# --- History ------------------------------------------------------------------------------------


def test_plays_stand_by_day_latest_first(client: Client, listener: User) -> None:
    one, two = make_song("One"), make_song("Two")
    record_play(listener, one, played_at=NOON)
    record_play(listener, two, played_at=NOON + timedelta(hours=1), skipped=True)
    record_play(listener, one, played_at=NOON + timedelta(days=1))
    record_play(make_user(), make_song("Somebody else's"))
    shown = text(client, "/taste/history/")
    assert titles(shown) == ["One", "Two", "One"]
    assert re.findall(r'class="history-day"[^>]*>([^<]*)<', shown) == ["Tuesday, 3 March 2026", "Monday, 2 March 2026"]
    assert "3 plays" in shown
    assert ">13:30<" in shown
    assert shown.count("skipped") == 1


def test_a_long_history_comes_in_pages_and_takes_few_questions(
    client: Client, listener: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    songs = [make_song(f"Song {number}") for number in range(60)]
    Play.objects.bulk_create(
        Play(user=listener, song=song, played_at=NOON + timedelta(minutes=number)) for number, song in enumerate(songs)
    )
    text(client, "/taste/history/")
    with django_assert_num_queries(OWN_QUERIES["history"]):
        first = text(client, "/taste/history/")
    assert titles(first) == [f"Song {number}" for number in range(59, 9, -1)]
    assert titles(text(client, "/taste/history/?page=2")) == [f"Song {number}" for number in range(9, -1, -1)]


@pytest.mark.parametrize("page", ["0", "999", "last", "-1", "x", "%00"])
def test_a_page_that_is_none_is_no_error(client: Client, listener: User, page: str) -> None:
    record_play(listener, make_song("One"))
    for address in ("history", "not-this"):
        text(client, f"/taste/{address}/?page={page}")


def test_without_plays_the_page_says_what_will_stand_there(client: Client, listener: User) -> None:
    assert "Nothing played yet" in text(client, "/taste/history/")


# --- Not this -----------------------------------------------------------------------------------


def test_refused_songs_stand_there_with_the_way_back(
    client: Client, listener: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for name in ("One", "Two"):
        refuse(listener, make_song(name))
    refuse(make_user(), make_song("Somebody else's"))
    text(client, "/taste/not-this/")
    with django_assert_num_queries(OWN_QUERIES["not-this"]):
        shown = text(client, "/taste/not-this/")
    assert titles(shown) == ["Two", "One"]
    undo = re.findall(r'action="(/songs/\d+/not-this/)"', shown)[0]
    client.post(undo, {"refused": "0"})
    assert titles(text(client, "/taste/not-this/")) == ["One"]
    assert NotThis.objects.filter(user=listener).count() == 1


def test_without_refusals_the_page_says_what_will_stand_there(client: Client, listener: User) -> None:
    assert "Nothing here" in text(client, "/taste/not-this/")
