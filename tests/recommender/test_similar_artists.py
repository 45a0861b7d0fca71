"""Artists who sound alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from django.test import Client

from catalog.models import LibraryRoot
from catalog.services.embeddings import store_embedding
from recommender.services.similar_artists import artists_like
from recommender.snapshots import build
from tests.factories import make_song

pytestmark = pytest.mark.django_db


def heard(root: LibraryRoot, artist: str, *directions: list[float], silent: bool = False) -> None:
    for number, direction in enumerate(directions):
        place: dict[str, Any] = {} if silent else {"root": root, "path": f"{artist} {number}.mp3"}
        store_embedding(
            make_song(f"{artist} {number}", artist, labels={"jazz": 0.5}, **place), "test", np.array(direction)
        )


@pytest.fixture
def artists(root: LibraryRoot) -> None:
    heard(root, "Miles", [1, 0, 0], [0.9, 0.1, 0])
    heard(root, "Near", [1, 0.2, 0], [-1, 0.1, 0.5])
    heard(root, "Nearer", [1, 0.3, 0], [1, 0.2, 0])
    heard(root, "Far", [0.3, 0, 1])
    heard(root, "Not here", [1, 0, 0], silent=True)
    heard(root, "", [1, 0, 0])
    build.build()


def test_the_average_of_all_songs_counts(artists: None) -> None:
    found = artists_like("miles")
    assert [one.song.artist for one in found] == ["Nearer", "Far", "Near"]
    assert found[0].of_100 > 90


def test_each_is_shown_with_the_song_that_is_nearest(artists: None) -> None:
    assert {one.song.title for one in artists_like("miles")} == {"Nearer 1", "Far 0", "Near 0"}


def test_nothing_is_said_of_who_was_not_heard(artists: None) -> None:
    make_song("New", "Unheard")
    assert artists_like("unheard") == []
    assert artists_like("") == []
    assert artists_like("nobody") == []


def test_before_the_first_snapshot_there_are_none(db: None) -> None:
    assert artists_like("miles") == []


def test_the_artists_page_asks_for_them(page: Client, artists: None) -> None:
    shown = page.get("/similar-artists/miles/").content.decode()
    assert "Nearer" in shown
    assert "% alike" in shown
    make_song("New", "Unheard")
    assert "Nobody here sounds like them yet" in page.get("/similar-artists/unheard/").content.decode()
    assert page.get("/similar-artists/nobody/").status_code == 404
