"""What Find says of each song, and which songs come first where several words are asked for."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from catalog.models import LibraryRoot, Song
from catalog.services.embeddings import store_embedding
from recommender.services.finding import Findings, find
from recommender.snapshots.build import build as recompute
from tests.factories import make_song

AddSong = Callable[..., Song]

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


def titles(found: Findings) -> list[str]:
    return [one.song.title for one in found.songs]


@pytest.fixture
def add(root: LibraryRoot) -> AddSong:
    """A function that adds a song with labels to the library."""

    def make(title: str, labels: dict[str, float], album: str = "") -> Song:
        return make_song(
            title, f"By {title}", album=album, labels=labels, source="import", root=root, path=f"{title}.mp3"
        )

    return make


def test_a_song_whose_names_say_the_word_gives_them_as_its_reason(ada: User, add: AddSong) -> None:
    add("White Christmas", {"calm": 2, "jazz": 3})
    add("Bells", {"calm": 1, "choir": 3}, album="Christmas Songs")
    add("Vacation", {"holiday": 5, "happy": 5})
    add("Hammer", {"metal": 5})
    recompute()
    found = find(ada, "christmas")
    whys = {one.song.title: found.why(one) for one in found.songs}
    assert whys["White Christmas"].startswith("christmas (title)")
    assert whys["Bells"].startswith("christmas (album)")
    assert whys["Vacation"].startswith("christmas (holiday")


def test_a_song_that_is_called_so_is_listed_once(page: Client, add: AddSong) -> None:
    called = add("White Christmas", {"calm": 2, "jazz": 3})
    other = add("Bells", {"calm": 1, "choir": 3}, album="Songs for Christmas")
    recompute()
    found = page.get("/find/", {"q": "christmas"}).context
    assert next(row.song for row in found["named_rows"]) == called
    listed = {*(row.song for row in found["named_rows"]), *(one["row"].song for one in found["matches"])}
    assert listed == {called, other}
    assert len(found["named_rows"]) + len(found["matches"]) == 2


def test_where_all_that_fits_is_called_so_the_page_says_that(page: Client, add: AddSong) -> None:
    add("White Christmas", {"calm": 2, "jazz": 3})
    recompute()
    assert "All that fits is called so." in page.get("/find/", {"q": "christmas"}).content.decode()


def test_words_that_only_say_what_should_stay_away_are_no_reason_for_a_song(ada: User, add: AddSong) -> None:
    sounds: dict[str, list[float]] = {"rock": [1, 0.1], "jazz": [0.1, 1], "soul": [0.2, 1], "metal": [1, 0]}
    for label, sound in sounds.items():
        store_embedding(add(f"Some {label}", {label: 1}), "some-1", sound)
    recompute()
    found = find(ada, "not rock")
    assert "Some jazz" in titles(found)
    assert not [why for one in found.songs if "sounds like" in (why := found.why(one))]


def test_a_song_of_all_the_words_comes_before_one_with_much_of_one_word(ada: User, add: AddSong) -> None:
    for place in range(12):
        add(f"All {place}", {"80s": 1, "synthesizer": 1, "instrumental": 1, "pop": 2})
    add("Sung", {"80s": 9, "synthesizer": 4})
    for place in range(30):
        add(f"Other {place}", {"metal": 1})
    recompute()
    found = titles(find(ada, "80s synthesizer instrumental"))
    assert len(found) == 13
    assert found[-1] == "Sung"


def test_what_is_asked_for_is_the_reason_however_faint_and_no_song_is_one_for_itself(
    ada: User, root: LibraryRoot
) -> None:
    for place in range(40):
        song = make_song(
            f"Old {place}",
            f"By {place}",
            labels={"oldies": 0.3, "swing": 0.9} if place else {"swing": 0.9},
            source="cnn",
            root=root,
            path=f"{place}.mp3",
        )
        store_embedding(song, "some-1", [1.0, 0.01 * place])
    store_embedding(make_song("New", labels={"metal": 0.9}, root=root, path="new.mp3"), "some-1", [0.0, 1.0])
    recompute()
    found = find(ada, "oldies", n=50)
    assert len(found.songs) == 39
    assert all("oldies" in found.why(one) for one in found.songs)
    assert not [one for one in found.songs if f"“{one.song.title}”" in found.why(one)]
