"""The stars of a song, as the player asks for them."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from catalog.services.favourites import set_favourite_song
from tests.factories import NO_ID, make_rating, make_song, make_user

pytestmark = pytest.mark.django_db


def test_they_are_the_listeners_own_and_never_kept(client: Client, listener: User) -> None:
    song = make_song("Song")
    make_rating(make_user(), song, 5)
    unrated = client.get(f"/songs/{song.pk}/stars/")
    assert 'value="0" aria-label="No stars" title="No stars" checked' in unrated.content.decode()
    make_rating(listener, song, 3)
    rated = client.get(f"/songs/{song.pk}/stars/")
    assert 'value="3" aria-label="3 stars" checked' in rated.content.decode()
    assert f'action="/songs/{song.pk}/rate/"' in rated.content.decode()
    assert rated["Cache-Control"] == "no-store"


def test_whether_it_is_a_favourite_is_the_listeners_own_too(client: Client, listener: User) -> None:
    song = make_song("Song")
    set_favourite_song(make_user(), song)
    assert "data-favourite" not in client.get(f"/songs/{song.pk}/stars/").content.decode()
    set_favourite_song(listener, song)
    assert "data-favourite" in client.get(f"/songs/{song.pk}/stars/").content.decode()


def test_of_a_song_that_is_none_there_are_none_and_nothing_is_posted_to_them(client: Client, listener: User) -> None:
    assert client.get(f"/songs/{NO_ID}/stars/").status_code == 404
    assert client.post(f"/songs/{make_song('Song').pk}/stars/").status_code == 405
