"""Songs like a song: by sound, by listeners, by both."""

from __future__ import annotations

import pytest

from catalog.models import Song
from catalog.services.embeddings import store_embedding
from recommender.engine.ranking import CALM
from recommender.services.similar import By, similar_songs
from recommender.snapshots import build
from tests.factories import make_plays, make_song, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


def scores(found: object) -> dict[str, float]:
    return {one.song.title: one.score for one in found.songs}  # type: ignore[attr-defined]


@pytest.fixture
def listened(library: dict[str, Song]) -> dict[str, Song]:
    """Twenty listeners: nineteen of them play So What, and with it Thunder three, Birdland one; one Thunder alone."""
    users = [make_user() for _ in range(20)]
    for number, user in enumerate(users):
        if number < 19:
            make_plays(user, library["So What"])
        if number < 3 or number == 19:
            make_plays(user, library["Thunder"])
    make_plays(users[5], library["Birdland"], 4)
    return library


def test_by_sound_before_any_tagger_songs_share_labels(library: dict[str, Song]) -> None:
    build.build()
    found = similar_songs(library["So What"])
    assert scores(found) == pytest.approx({"Birdland": 0.09822, "Blue in Green": 0.01587}, abs=6e-6)
    assert found.songs[0].words == "jazz"
    assert not found.by_embedding
    assert similar_songs(library["Unheard"]).songs == []


def test_by_sound_it_is_the_cosine_of_what_a_tagger_heard(library: dict[str, Song]) -> None:
    vectors = {"So What": [3, 4], "Thunder": [4, 3], "Unheard": [0, 2]}
    for title, vector in vectors.items():
        store_embedding(library[title], "some-1", vector)
    build.build()
    found = similar_songs(library["So What"])
    assert found.by_embedding
    assert scores(found) == pytest.approx({"Thunder": 0.96, "Unheard": 0.8}, abs=1e-6)
    assert list(scores(found)) == ["Thunder", "Unheard"]
    assert not similar_songs(library["Birdland"]).by_embedding
    assert list(scores(similar_songs(library["Birdland"]))) == ["Thunder", "So What", "Blue in Green"]


def test_by_listeners_it_is_the_part_of_them_that_played_both(listened: dict[str, Song]) -> None:
    build.build()
    found = similar_songs(listened["So What"], By.LISTENERS)
    assert scores(found) == pytest.approx({"Thunder": 3 / 20, "Birdland": 1 / 19})
    assert [one.shared for one in found.songs] == [3, 1]
    assert not found.over_sessions
    assert similar_songs(listened["Unheard"], By.LISTENERS).songs == []


def test_by_both_reciprocal_places_are_added(listened: dict[str, Song]) -> None:
    build.build()
    found = similar_songs(listened["So What"], By.BOTH)
    assert scores(found) == pytest.approx(
        {
            "Birdland": 1 / (CALM + 1) + 1 / (CALM + 2),
            "Thunder": 1 / (CALM + 1),
            "Blue in Green": 1 / (CALM + 2),
        }
    )
    first = found.songs[0]
    assert (first.song.title, first.sound_rank, first.listeners_rank, first.shared) == ("Birdland", 1, 2, 1)


def test_songs_without_a_file_are_left_out_where_only_playable_ones_are_asked_for(library: dict[str, Song]) -> None:
    make_song("Silent", labels={"jazz": 3, "piano": 4}, source="import")
    build.build()
    for by in (By.SOUND, By.BOTH):
        assert "Silent" in scores(similar_songs(library["So What"], by))
        assert "Silent" not in scores(similar_songs(library["So What"], by, playable_only=True))


def test_a_song_that_came_after_the_snapshot_is_like_none_yet(library: dict[str, Song]) -> None:
    build.build()
    for by in By:
        assert similar_songs(make_song("New", labels={"jazz": 1}), by).songs == []
