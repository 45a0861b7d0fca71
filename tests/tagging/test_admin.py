"""What tagging adds to the dashboard."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from catalog.models import Song
from tests.factories import make_root, make_song, make_user
from tests.tagging.conftest import Know

pytestmark = pytest.mark.django_db

PROGRESS = "/admin/tagging/progress/"
SONGS = "/admin/catalog/song/"


@pytest.fixture
def admin(client: Client) -> User:
    user = make_user("admin", is_staff=True, is_superuser=True)
    client.force_login(user)
    return user


def ask_again(client: Client, *songs: Song) -> str:
    """The page that follows on "Tag again"."""
    chosen = {"action": "requeue", "_selected_action": [song.pk for song in songs]}
    return client.post(SONGS, chosen, follow=True).content.decode()


def test_songs_are_tagged_again(client: Client, admin: User, tagger: str) -> None:
    root = make_root()
    failed, done, other = (
        make_song(root=root, path=f"{state}{n}.mp3", tagging_state=state, tagging_error="cut off", tagging_attempts=3)
        for n, state in enumerate(("failed", "done", "done"))
    )
    page = ask_again(client, failed, done)
    assert "2 songs are pending; no worker is running." in page
    for song, state, attempts in ((failed, "pending", 0), (done, "pending", 0), (other, "done", 3)):
        song.refresh_from_db()
        assert (song.tagging_state, song.tagging_attempts) == (state, attempts)


def test_a_worker_that_is_there_is_called(
    client: Client, admin: User, tagger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tagging.tasks.call_worker", lambda: True)
    song = make_song(root=make_root(), path="1.mp3", tagging_state="done")
    assert "1 songs are being tagged again." in ask_again(client, song)


def test_without_a_tagger_it_is_said_so(client: Client, admin: User, know: Know) -> None:
    know("first")
    song = make_song(root=make_root(), path="1.mp3", tagging_state="done")
    assert "No tagger is installed" in ask_again(client, song)
    assert "No tagger is installed" in client.get(PROGRESS).content.decode()


def test_the_list_of_songs_asks_how_tagging_goes(client: Client, admin: User) -> None:
    assert f'hx-get="{PROGRESS}"' in client.get(SONGS).content.decode()


def test_progress_is_told_with_the_time_left(client: Client, admin: User, tagger: str) -> None:
    root = make_root()
    Song.objects.bulk_create(Song(title=f"{n}", root=root, path=f"{n}.mp3") for n in range(590))
    now, done = timezone.now(), list(Song.objects.order_by("pk")[:30])
    for n, song in enumerate(done):
        song.tagging_state, song.tagging_changed_at = Song.Tagging.DONE, now - timedelta(seconds=n / 3)
    Song.objects.bulk_update(done, ["tagging_state", "tagging_changed_at"])
    line = client.get(PROGRESS).content.decode().replace("\xa0", " ")
    assert "30 listened to" in line
    assert "560 waiting" in line
    # Three by the songs' times; a machine that is slow to answer makes it four.
    assert re.search(r"songs a second, [34] minutes left", line)
    assert 'hx-trigger="every 2s"' in line


def test_nothing_left_is_asked_for_seldom(client: Client, admin: User, tagger: str) -> None:
    line = client.get(PROGRESS).content.decode()
    assert 'hx-trigger="every 30s"' in line
    assert "left" not in line


def test_progress_is_for_staff(client: Client, tmp_path: Path) -> None:
    client.force_login(make_user())
    assert client.get(PROGRESS).status_code == 302
