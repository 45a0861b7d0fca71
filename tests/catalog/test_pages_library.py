"""The library's page: finding, filtering, sorting, leafing through."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from catalog.models import PlayCount, Song, SongLabel
from catalog.views.library import SONGS_A_PAGE
from tests.factories import add_labels, make_rating, make_root, make_song, make_user

pytestmark = pytest.mark.django_db

QUERIES_OF_A_PAGE = 8  # session, user, count, songs, labels, stars, plays, songs waiting for labels


def playable(title: str, artist: str = "", **fields: object) -> Song:
    return make_song(title, artist, root=make_root(), path=f"{title}.mp3", **fields)  # type: ignore[arg-type]


def titles(client: Client, query: str = "") -> list[str]:
    response = client.get(f"/library/?{query}")
    assert response.status_code == 200
    return [row.song.title for row in response.context["rows"]]


def test_a_stranger_is_sent_to_the_log_in_and_back(client: Client) -> None:
    response = client.get("/library/?q=love")
    assert response.status_code == 302
    assert response["Location"] == "/accounts/login/?next=/library/%3Fq%3Dlove"


def test_it_shows_what_can_be_played_newest_first(client: Client, listener: User) -> None:
    playable("Old")
    playable("New")
    make_song("Only known by name")
    playable("Gone", missing_since="2026-01-01T00:00:00Z")
    assert titles(client) == ["New", "Old"]


def test_songs_without_a_file_are_behind_a_switch(client: Client, listener: User) -> None:
    playable("Here")
    make_song("Only known by name")
    assert titles(client, "silent=1") == ["Only known by name", "Here"]


@pytest.mark.parametrize("words", ["blue", "BLÜE", "miles blue", "kind", "davis"])
def test_words_are_found_in_title_artist_and_album(client: Client, listener: User, words: str) -> None:
    playable("Blue in Green", "Miles Davis", album="Kind of Blue")
    playable("Red", "King Crimson")
    assert titles(client, f"q={words}") == ["Blue in Green"]


def test_every_label_chosen_must_be_there(client: Client, listener: User) -> None:
    playable("Both", labels={"jazz": 0.9, "calm": 0.5})
    playable("One", labels={"jazz": 0.9})
    assert titles(client, "label=jazz") == ["One", "Both"]
    assert titles(client, "label=JAZZ&label=calm&label=") == ["Both"]


def test_a_label_that_a_curator_refused_is_not_there(client: Client, listener: User) -> None:
    song = playable("No jazz", labels={"jazz": 0.9})
    add_labels(song, {"jazz": -1.0}, source=SongLabel.Source.CURATOR, origin="admin")
    assert titles(client, "label=jazz") == []


def test_an_artist_is_found_however_spelled(client: Client, listener: User) -> None:
    playable("Song", "The Beatles")
    playable("Other", "Beat Happening")
    assert titles(client, "artist=beatles") == ["Song"]


def test_an_artist_typed_now_comes_before_the_one_chosen_earlier(client: Client, listener: User) -> None:
    playable("Song", "Nina")
    playable("Other", "Miles")
    assert titles(client, "artist=Nina&artist=Miles") == ["Song"]


def test_sorting(client: Client, listener: User) -> None:
    playable("b", "Z", year=1970)
    playable("A", "Y", year=1990)
    playable("c", "X")
    assert titles(client, "sort=title") == ["A", "b", "c"]
    assert titles(client, "sort=artist") == ["c", "A", "b"]
    assert titles(client, "sort=year") == ["A", "b", "c"]
    assert titles(client, "sort=nonsense") == ["c", "A", "b"]


def test_leafing_keeps_what_was_asked(client: Client, listener: User) -> None:
    for number in range(SONGS_A_PAGE + 1):
        playable(f"Song {number}", "Nina")
    first = client.get("/library/", {"artist": "Nina", "sort": "title"})
    assert "?artist=Nina&amp;sort=title&amp;page=2" in first.content.decode()
    assert len(titles(client, "artist=Nina&sort=title&page=2")) == 1


@pytest.mark.parametrize("page", ["0", "-1", "99", "x", ""])
def test_a_page_that_is_not_there_is_the_nearest(client: Client, listener: User, page: str) -> None:
    playable("Song")
    assert titles(client, f"page={page}") == ["Song"]


def test_the_listeners_own_stars_and_plays_are_shown(client: Client, listener: User) -> None:
    song = playable("Song")
    make_rating(listener, song, 4)
    make_rating(make_user(), song, 1)
    PlayCount.objects.create(user=listener, song=song, count=2)
    PlayCount.objects.create(user=listener, song=song, count=1, origin="lastfm")
    (row,) = client.get("/library/").context["rows"]
    assert (row.stars, row.plays) == (4, 3)


def test_labels_are_shown_strongest_first_and_a_curators_before_all(client: Client, listener: User) -> None:
    song = playable("Song", labels={"sad": 0.9, "calm": 0.5, "dark": 0.1, "epic": 0.05})
    add_labels(song, {"piano": 1.0, "sad": -1.0}, source=SongLabel.Source.CURATOR, origin="admin")
    (row,) = client.get("/library/").context["rows"]
    assert row.labels == ["piano", "calm", "dark"]


def test_the_number_of_queries_does_not_grow(
    client: Client, listener: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(SONGS_A_PAGE):
        song = playable(f"Song {number}", "Nina", labels={"jazz": 0.9, "calm": 0.5})
        make_rating(listener, song, 3)
    with django_assert_max_num_queries(QUERIES_OF_A_PAGE):
        client.get("/library/?q=song&label=jazz&artist=nina&sort=artist")


def test_htmx_gets_the_list_alone_and_the_address_to_show(client: Client, listener: User) -> None:
    playable("Song", labels={"jazz": 0.9})
    response = client.get("/library/", {"q": "so", "label": "jazz", "artist": ""}, headers={"HX-Request": "true"})
    page = response.content.decode()
    assert "<html" not in page
    assert 'id="songs"' in page
    assert response["HX-Replace-Url"] == "/library/?q=so&label=jazz"
    assert "HX-Request" in response["Vary"]


def test_text_from_files_and_addresses_is_never_markup(client: Client, listener: User) -> None:
    playable("<script>alert(1)</script>", '"><img src=x>', album="<b>")
    page = client.get("/library/", {"label": "<i>", "silent": "1"}).content.decode()
    assert "<i>" not in page
    page = client.get("/library/").content.decode()
    assert "<script>alert" not in page
    assert "<img src=x>" not in page


def test_an_empty_library_says_what_to_do_first(client: Client, listener: User) -> None:
    page = client.get("/library/").content.decode()
    assert "No music here yet" in page
    assert "Whoever runs this server" in page
    client.force_login(make_user("boss", is_staff=True))
    page = client.get("/library/").content.decode()
    assert "manage.py import_music" in page
    assert "bin/demo" in page
    assert "/upload/" in page


def test_songs_that_wait_for_labels_are_told(client: Client, listener: User) -> None:
    playable("Waits")
    playable("Is at work", tagging_state=Song.Tagging.RUNNING)
    playable("Is done", tagging_state=Song.Tagging.DONE)
    assert "2 songs wait for their labels" in client.get("/library/").content.decode()


def test_nothing_found_says_so(client: Client, listener: User) -> None:
    playable("Song")
    assert "Nothing found" in client.get("/library/?q=zzz").content.decode()


def test_a_library_of_names_alone_says_so(client: Client, listener: User) -> None:
    make_song("Only known by name")
    assert "No song here has a file" in client.get("/library/").content.decode()


def test_suggestions_are_the_most_frequent_names(client: Client, listener: User) -> None:
    playable("One", "Nina", labels={"jazz": 0.9})
    playable("Two", "Nina", labels={"jazz": 0.9, "calm": 0.1})
    playable("Three", "Miles")
    labels = client.get("/library/labels/").content.decode()
    artists = client.get("/library/artists/").content.decode()
    assert labels.index("jazz") < labels.index("calm")
    assert artists.index("Nina") < artists.index("Miles")
