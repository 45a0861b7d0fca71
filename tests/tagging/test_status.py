"""What the library's page tells of the labels to come."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from catalog.models import Song
from tagging.taggers import registry
from tests.factories import make_root, make_song, make_user

pytestmark = pytest.mark.django_db


def status(client: Client, user: User) -> str:
    client.force_login(user)
    response = client.get("/tagging/status/")
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def waiting(number: int) -> None:
    root = make_root()
    for song in range(number):
        make_song(root=root, path=f"{song}.mp3")


def test_strangers_are_sent_to_the_log_in(client: Client) -> None:
    assert client.get("/tagging/status/").status_code == 302


def test_it_says_nothing_and_asks_no_more_once_all_is_tagged(client: Client) -> None:
    make_song(root=make_root(), path="song.mp3", tagging_state=Song.Tagging.DONE)
    make_song("Without a file")
    assert status(client, make_user()) == ""


def test_it_says_how_many_wait_and_asks_again(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "installed", lambda: ["jamendo-cnn"])
    waiting(2)
    line = status(client, make_user())
    assert "0 of 2 songs heard" in line
    assert 'hx-trigger="every 5s"' in line


def test_it_says_for_how_long(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "installed", lambda: ["jamendo-cnn"])
    waiting(300)
    lately = timezone.now() - timedelta(seconds=30)
    root = make_root()
    for number in range(30):
        make_song(root=root, path=f"{number}.mp3", tagging_state=Song.Tagging.DONE, tagging_changed_at=lately)
    assert "30 of 330 songs heard, about" in status(client, make_user())


def test_without_a_tagger_it_says_so_and_tells_admins_how(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "installed", lambda: [])
    waiting(1)
    line = status(client, make_user())
    assert "0 of 1 song heard: no tagger is installed" in line
    assert "manage.py taggers" not in line
    assert "manage.py taggers" in status(client, make_user(is_staff=True))
