"""The pages of artists and albums."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from catalog.models import LibraryRoot, Song
from tests.factories import NO_ID, make_root, make_song
from tests.pages import OWN_QUERIES

pytestmark = pytest.mark.django_db


@pytest.fixture
def root() -> LibraryRoot:
    return make_root()


def song(root: LibraryRoot, title: str, artist: str, album: str = "", **fields: object) -> Song:
    fields = {"path": f"{artist} {album} {title}.mp3", "duration_s": 60.0} | fields
    return make_song(title, artist, root=root, album=album, **fields)  # type: ignore[arg-type]


def page_of(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_an_artist_has_albums_labels_and_songs(client: Client, listener: User, root: LibraryRoot) -> None:
    song(root, "So What", "Miles Davis", "Kind of Blue", year=1959, labels={"jazz": 0.9})
    song(root, "Nefertiti", "Miles Davis", "Nefertiti", year=1968, labels={"jazz": 0.9, "calm": 0.4})
    song(root, "Other", "Nina Simone", labels={"soul": 0.9})
    response = client.get("/artists/miles%20davis/")
    assert response.context["artist"].name == "Miles Davis"
    assert [album.title for album in response.context["artist"].albums] == ["Nefertiti", "Kind of Blue"]
    assert response.context["artist"].labels == [("jazz", 2), ("calm", 1)]
    assert [row.song.title for row in response.context["rows"]] == ["So What", "Nefertiti"]
    page = " ".join(response.content.decode().split())
    assert "2 songs · 2 albums" in page
    # What can be done comes before the labels, each of which says how many songs it is on.
    assert page.index("Play all") < page.index('aria-label="Labels of their songs"')
    assert '<span>jazz</span><span class="chip-said">2 songs</span></a>' in page
    assert '<span>calm</span><span class="chip-said">1 song</span></a>' in page
    assert reverse("similar_artists", args=["miles davis"]) in page


def test_of_very_many_albums_the_latest_come_first_and_the_others_are_a_click_away(
    client: Client, listener: User, root: LibraryRoot
) -> None:
    for n in range(26):
        song(root, f"Song {n}", "Nina", f"Album {n:02}", year=1950 + n)
    shown = client.get("/artists/nina/")
    assert [album.year for album in shown.context["artist"].albums] == list(range(1975, 1951, -1))
    page = " ".join(shown.content.decode().split())
    assert "26 songs · 26 albums" in page
    assert 'href="?albums=all#albums">All 26 albums' in page
    whole = client.get("/artists/nina/?albums=all")
    assert len(whole.context["artist"].albums) == 26
    assert "albums=all" not in whole.content.decode()


def test_guests_do_not_change_what_an_artist_is_called(client: Client, listener: User, root: LibraryRoot) -> None:
    song(root, "One", "Nina feat. Miles")
    song(root, "Two", "NINA")
    song(root, "Three", "NINA")
    assert client.get("/artists/nina/").context["artist"].name == "NINA"


@pytest.mark.parametrize("name", ["AC/DC", "!!!", "Мумий Тролль", "What? #1 & 100%", "../..", "<b>"])
def test_any_name_has_a_page_that_rows_lead_to(client: Client, listener: User, root: LibraryRoot, name: str) -> None:
    made = song(root, "Song", name)
    made.refresh_from_db()
    address = reverse("artist", args=[made.artist_key])
    assert address in client.get("/library/").content.decode().replace("&#x27;", "'")
    if name != "../..":
        assert client.get(address).context["artist"].name == name


def test_nobody_is_not_found(client: Client, listener: User, root: LibraryRoot) -> None:
    alone = song(root, "Song", "", "")
    assert client.get("/artists/nobody/").status_code == 404
    assert client.get(f"/songs/{alone.pk}/album/").status_code == 404
    assert client.get(f"/songs/{NO_ID}/album/").status_code == 404


def test_an_album_is_in_the_order_of_its_discs_and_tracks(client: Client, listener: User, root: LibraryRoot) -> None:
    places = [("D", 2, 2), ("B", 1, 2), ("C", 2, 1), ("A", 1, 1)]
    made = [
        song(root, title, "Miles", "Bitches Brew", disc_number=disc, track_number=track)
        for title, disc, track in places
    ]
    response = client.get(f"/songs/{made[0].pk}/album/")
    assert [[row.song.title for row in rows] for _, rows in response.context["discs"]] == [["A", "B"], ["C", "D"]]
    page = " ".join(response.content.decode().split())
    assert "<h2>Disc 1</h2>" in page
    assert "4 songs · 4:00" in page
    assert "Play all" in page


def test_one_disc_needs_no_heading(client: Client, listener: User, root: LibraryRoot) -> None:
    made = song(root, "A", "Miles", "Tutu", track_number=1)
    assert "Disc" not in page_of(client, f"/songs/{made.pk}/album/")


def test_an_album_of_many_is_by_various_artists(client: Client, listener: User, root: LibraryRoot) -> None:
    one = song(root, "A", "Queen", "Now 5", path="x/Now 5/1.mp3", gathered=True)
    song(root, "B", "Abba", "Now 5", path="x/Now 5/2.mp3", gathered=True)
    page = page_of(client, f"/songs/{one.pk}/album/")
    assert "Various artists" in page
    assert "2 songs" in page
    assert "Now 5" in page_of(client, "/artists/abba/")


def test_songs_without_a_file_are_shown_and_not_played(client: Client, listener: User) -> None:
    make_song("Only a name", "Nobody", album="Nothing")
    page = page_of(client, "/artists/nobody/")
    assert "Only a name" in page
    assert "Play all" not in page


def test_the_number_of_queries_is_bounded(
    client: Client, listener: User, root: LibraryRoot, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(60):
        made = song(root, f"Song {number}", "Miles", f"Album {number % 20}", labels={"jazz": 0.9})
    client.get("/library/")
    with django_assert_max_num_queries(OWN_QUERIES["artist"]):
        client.get("/artists/miles/")
    with django_assert_max_num_queries(OWN_QUERIES["album"]):
        client.get(f"/songs/{made.pk}/album/")


def test_strangers_are_asked_to_log_in(client: Client) -> None:
    assert client.get("/artists/miles/").status_code == 302
    assert client.get("/songs/1/album/").status_code == 302
