"""Why a song is, or is not, recommended to a listener."""

from __future__ import annotations

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from catalog.models import LibraryRoot, NotThis, Song
from catalog.services.embeddings import store_embedding
from catalog.services.listening import record_play
from recommender.services.fit import fits_you
from recommender.services.story import story_of
from recommender.snapshots import build
from tests.factories import add_labels, make_plays, make_rating, make_song, make_user
from tests.pages import OWN_QUERIES

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


@pytest.fixture
def songs(root: LibraryRoot) -> list[Song]:
    made = [
        make_song(f"Title {number}", labels={f"genre {number % 3}": 0.9, "all": 0.1}, root=root, path=f"{number}.mp3")
        for number in range(30)
    ]
    bob, eve = make_user("bob"), make_user("eve")
    for number in (0, 3, 6):
        make_plays(bob, made[number])
        make_plays(eve, made[number])
    build.build()
    return made


def told(ada: User, song: Song) -> str:
    story = story_of(ada, song)
    assert story is not None
    return " ".join([story.verdict, *story.more])


def test_a_song_that_is_recommended_says_where_it_stands(ada: User, songs: list[Song]) -> None:
    make_rating(ada, songs[0], 5)
    assert told(ada, songs[3]).startswith("Recommended to you: number ")
    assert "of the 29 songs that you do not know yet" in told(ada, songs[3])


def test_a_song_nobody_played_says_so(ada: User, songs: list[Song]) -> None:
    make_rating(ada, songs[0], 5)
    assert "Nobody has played it yet, so only its labels and its sound" in told(ada, songs[9])


def test_a_song_that_one_knows_says_how(ada: User, songs: list[Song]) -> None:
    make_rating(ada, songs[0], 5)
    make_rating(ada, songs[1], 1)
    NotThis.objects.create(user=ada, song=songs[2])
    make_plays(ada, songs[3], 1)
    make_plays(ada, songs[4], 7)
    record_play(ada, songs[5], skipped=True)
    for number, said in enumerate(
        (
            "you gave it 5 stars on",
            "you gave it 1 star on",
            "that it is not for you",
            "you played it once",
            "you played it 7 times",
            "you began it and went on to another",
        )
    ):
        assert told(ada, songs[number]).startswith("Not recommended, because you know it: ")
        assert said in told(ada, songs[number])
    assert "songs like it are kept away" in told(ada, songs[1])


def test_a_song_that_shares_nothing_says_so(ada: User, songs: list[Song], root: LibraryRoot) -> None:
    make_rating(ada, songs[0], 5)
    strange = make_song("Strange", labels={"other": 0.9}, root=root, path="strange.mp3")
    build.build()
    assert told(ada, strange).startswith("Not recommended: it shares no label")


def test_a_song_that_shares_a_label_is_not_said_to_share_none(ada: User, root: LibraryRoot) -> None:
    rng = np.random.default_rng(0)
    liked = make_song("Liked", labels={"rock": 0.9, "loud": 0.8}, root=root, path="liked.mp3")
    other = make_song("Other", labels={"rock": 0.1, "choir": 0.9, "organ": 0.9}, root=root, path="other.mp3")
    store_embedding(liked, "test", np.arange(1, 9))
    store_embedding(other, "test", -np.arange(1, 9))
    for number in range(20):
        song = make_song(labels={f"genre {number % 4}": 0.9}, root=root, path=f"{number}.mp3")
        store_embedding(song, "test", rng.normal(size=8))
    make_rating(ada, liked, 5)
    build.build()
    fit = fits_you(ada, other)
    assert [label.label for label in fit.labels] == ["rock"]
    assert fit.of_100 > 0
    assert told(ada, other).startswith("Not recommended: what it shares with the songs that you like is too little")


def test_labels_that_the_snapshot_does_not_know_yet_are_said_to_be_new(
    page: Client, ada: User, songs: list[Song], root: LibraryRoot
) -> None:
    bare = make_song("Bare", root=root, path="bare.mp3")
    make_rating(ada, songs[0], 5)
    build.build()
    assert fits_you(ada, bare).unknown == "song"
    add_labels(bare, {"genre 0": 0.9})
    late = make_song("Late", labels={"genre 1": 0.9}, root=root, path="late.mp3")
    assert told(ada, bare).startswith("Not recommended yet: its labels are new")
    for song in (bare, late):
        shown = page.get(f"/songs/{song.pk}/fits-you/").content.decode()
        assert "with the next computation this says" in shown
        assert "once it has labels" not in shown
        assert "it has no label yet" not in shown


def test_a_listener_without_taste_is_told_so(ada: User, songs: list[Song]) -> None:
    assert "nothing is known of your taste yet" in told(ada, songs[0])


def test_a_song_without_labels_says_so(ada: User, songs: list[Song], root: LibraryRoot) -> None:
    bare = make_song("Bare", root=root, path="bare.mp3")
    build.build()
    assert "it has no label yet" in told(ada, bare)


def test_a_song_newer_than_the_snapshot_says_so(ada: User, songs: list[Song], root: LibraryRoot) -> None:
    assert "so new" in told(ada, make_song("New", root=root, path="new.mp3"))


def test_a_song_without_a_file_says_so(ada: User, songs: list[Song]) -> None:
    make_rating(ada, songs[0], 5)
    silent = make_song("Silent", labels={"genre 0": 0.9})
    build.build()
    assert "There is no file of it here" in told(ada, silent)


def test_before_the_first_snapshot_there_is_no_story(ada: User) -> None:
    assert story_of(ada, make_song()) is None


def test_the_page_tells_it_in_a_bounded_number_of_queries(
    page: Client, ada: User, songs: list[Song], django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    make_rating(ada, songs[0], 5)
    page.get(f"/songs/{songs[3].pk}/fits-you/")
    for song in (songs[0], songs[3], songs[9]):
        with django_assert_max_num_queries(OWN_QUERIES["song: fits you"]):
            shown = page.get(f"/songs/{song.pk}/fits-you/").content.decode()
        assert "ecommended" in shown
