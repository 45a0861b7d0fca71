"""Speech and noise are in no recommendation to a listener of music; library and search have them."""

from __future__ import annotations

import json
from io import StringIO

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from catalog.models import LibraryRoot, Song
from catalog.services.embeddings import store_embedding
from recommender.services.daily_lists import daily_lists
from recommender.services.finding import find
from recommender.services.for_you.page import Page, for_you
from recommender.services.mixes import alike, mix
from recommender.services.radio import songs_after
from recommender.services.recommending import recommend
from recommender.services.similar import By, similar_songs
from recommender.services.similar_artists import artists_like
from recommender.snapshots import build, current
from tagging.frontend.sound import NOTHING, SPOKEN
from tests.factories import add_labels, make_plays, make_rating, make_song, make_user

pytestmark = pytest.mark.django_db

SPEECH = "A chapter"
RAIN = "Rain"


@pytest.fixture
def songs(root: LibraryRoot, ada: User) -> dict[str, Song]:
    """Music, a speech and rain that all sound alike and that the same people play, and jazz that is half spoken."""
    rng = np.random.default_rng(0)
    said = {f"Jazz {n}": {"jazz": 0.9, f"era {n % 3}": 0.4} for n in range(12)}
    said |= {SPEECH: {SPOKEN: 0.95}, RAIN: {NOTHING: 1.0}, "Beat poetry": {SPOKEN: 0.9, "jazz": 0.6}}
    others = [make_user() for _ in range(3)]
    made = {}
    for number, (title, labels) in enumerate(said.items()):
        song = make_song(title, f"Artist {number}", labels=labels, root=root, path=f"{number}.mp3")
        store_embedding(song, "test", np.ones(8) + 0.01 * rng.normal(size=8))
        for other in others:
            make_plays(other, song, 5)
        made[title] = song
    for title in ("Jazz 0", "Jazz 1"):
        make_rating(ada, made[title], 5)
        make_plays(ada, made[title], 2)
    build.build()
    return made


def shown(page: Page) -> set[str]:
    titles = {card.song.title for row in page.rows for card in row.cards}
    titles |= {song.title for song in page.mix.songs} if page.mix else set()
    return titles | {row.song.title for row in page.songs_to_try}


def test_songs_whose_labels_only_say_so_are_no_music(songs: dict[str, Song]) -> None:
    bundle = current.bundle()
    assert bundle is not None
    none = bundle.index.song_ids[~bundle.has_music].tolist()
    assert none == [songs[SPEECH].pk, songs[RAIN].pk]


def test_for_you_has_no_speech_in_any_row_or_mix(songs: dict[str, Song], ada: User) -> None:
    page = for_you(ada)
    assert "Beat poetry" in shown(page)
    assert not shown(page) & {SPEECH, RAIN}
    newcomer = for_you(make_user())
    assert "Jazz 5" in shown(newcomer)
    assert not shown(newcomer) & {SPEECH, RAIN}


@pytest.mark.parametrize("method", [None, "content", "cooccurrence", "popular"])
def test_recommendations_have_no_speech(songs: dict[str, Song], ada: User, method: str | None) -> None:
    found = {one.song.title for one in recommend(ada, method, n=50)}
    every = {one.song.title for one in recommend(ada, method, n=50, every_song=True)}
    assert found
    assert every - {SPEECH, RAIN} == found


def test_the_command_has_the_method_as_it_is(songs: dict[str, Song], ada: User) -> None:
    output = StringIO()
    call_command("recommend", "ada", "--method", "popular", "--format", "json", "-n", "50", stdout=output)
    assert {SPEECH, RAIN} <= {one["title"] for one in json.loads(output.getvalue())}


def test_a_mood_lists_no_speech_unless_it_is_asked_for(songs: dict[str, Song], ada: User) -> None:
    jazz = {one.song.title for one in recommend(ada, query={"jazz": 1.0}, query_share=0.5, n=50)}
    assert "Beat poetry" in jazz
    assert not jazz & {SPEECH, RAIN}
    assert SPEECH in {one.song.title for one in recommend(ada, query={SPOKEN: 1.0}, n=50)}


def test_find_has_no_speech_unless_it_is_asked_for(songs: dict[str, Song], ada: User) -> None:
    assert not {one.song.title for one in find(ada, "jazz", n=50).songs} & {SPEECH, RAIN}
    assert not {one.song.title for one in find(ada, "like Jazz 4", n=50).songs} & {SPEECH, RAIN}
    assert SPEECH in {one.song.title for one in find(ada, "spoken word", n=50).songs}
    assert SPEECH in {song.title for song in find(ada, "chapter").named.songs}


@pytest.mark.parametrize("bend", [False, True])
def test_the_radio_of_music_plays_no_speech(songs: dict[str, Song], ada: User, bend: bool) -> None:
    found = {one.song.title for one in songs_after(ada, songs["Jazz 4"], n=50, bend=bend)}
    assert "Beat poetry" in found
    assert not found & {SPEECH, RAIN}


@pytest.mark.parametrize("by", list(By))
def test_songs_like_music_are_music(songs: dict[str, Song], by: By) -> None:
    found = {one.song.title for one in similar_songs(songs["Jazz 4"], by, 50).songs}
    assert "Beat poetry" in found
    assert not found & {SPEECH, RAIN}


def test_songs_like_speech_may_be_speech(songs: dict[str, Song], root: LibraryRoot) -> None:
    assert RAIN in {one.song.title for one in similar_songs(songs[SPEECH], By.SOUND, 50).songs}


def test_mixes_and_similar_songs_of_players_have_no_speech(songs: dict[str, Song], ada: User) -> None:
    none = {songs[SPEECH].pk, songs[RAIN].pk}
    mixed = set(mix(ada, [songs["Jazz 4"], songs[SPEECH]], 50))
    assert songs["Beat poetry"].pk in mixed
    assert not mixed & none
    assert not {song.pk for song, _ in alike(ada, songs["Jazz 4"], 50)} & none


def test_artists_like_those_of_music_are_of_music(songs: dict[str, Song]) -> None:
    found = {one.song.title for one in artists_like(songs["Jazz 4"].artist_key, 50)}
    assert "Beat poetry" in found
    assert not found & {SPEECH, RAIN}


def test_daily_lists_have_no_speech(songs: dict[str, Song], ada: User) -> None:
    listed = {pk for one in daily_lists(ada) for pk in one.song_ids}
    assert songs["Beat poetry"].pk in listed
    assert not listed & {songs[SPEECH].pk, songs[RAIN].pk}


def test_a_curators_word_makes_it_music(songs: dict[str, Song]) -> None:
    add_labels(songs[SPEECH], {"jazz": 1.0}, source="curator")
    build.build()
    bundle = current.bundle()
    assert bundle is not None
    assert bundle.has_music[bundle.index.songs([songs[SPEECH].pk])].all()


def test_the_library_has_it(songs: dict[str, Song], page: Client) -> None:
    assert SPEECH in page.get("/library/").content.decode()
