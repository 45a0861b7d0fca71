"""All artists and all albums."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from catalog.models import LibraryRoot
from catalog.views.overviews import ENTRIES_A_PAGE
from tests.factories import make_root, make_song

pytestmark = pytest.mark.django_db


@pytest.fixture
def root(db: None) -> LibraryRoot:
    return make_root()


def names(client: Client, address: str) -> list[str]:
    return [one.name for one, _ in client.get(address).context["entries"]]


def test_artists_are_listed_once_with_what_is_here_of_them(client: Client, listener: User, root: LibraryRoot) -> None:
    for title, artist, album in [
        ("a", "Nina Simone", "Pastel Blues"),
        ("b", "nina simone", "Little Girl Blue"),
        ("c", "Nina Simone", ""),
        ("d", "Ágætis", "x"),
        ("e", "", "y"),
    ]:
        make_song(title, artist, album=album, root=root, path=f"{title}.mp3")
    make_song("silent", "Nobody Here")
    entries = [one for one, _ in client.get("/artists/").context["entries"]]
    assert [(one.name, one.songs, one.albums) for one in entries] == [("Ágætis", 1, 1), ("Nina Simone", 3, 2)]
    page = client.get("/artists/").content.decode()
    assert 'href="/artists/nina%20simone/"' in page
    assert client.get("/artists/nina%20simone/").status_code == 200


def test_an_album_of_several_people_is_one_album(client: Client, listener: User, root: LibraryRoot) -> None:
    for title, artist in [("a", "Ada"), ("b", "Bob")]:
        make_song(title, artist, album="Now", album_artist="Various", root=root, path=f"{title}.mp3", year=1999)
    make_song("c", "Ada", album="Alone", root=root, path="c.mp3", year=2020)
    entries = [one for one, _ in client.get("/albums/").context["entries"]]
    assert [(one.name, one.songs, one.year) for one in entries] == [("Alone", 1, 2020), ("Now", 2, 1999)]
    assert names(client, "/albums/?sort=year") == ["Alone", "Now"]
    assert f'href="/songs/{entries[1].first}/album/"' in client.get("/albums/").content.decode()
    assert names(client, "/albums/?q=ada") == ["Alone"]


def test_names_are_found_while_they_are_typed_and_with_a_typing_error(
    client: Client, listener: User, root: LibraryRoot
) -> None:
    for artist in ("Miles Davis", "Nina Simone", "Sigur Rós"):
        make_song(f"by {artist}", artist, root=root, path=f"{artist}.mp3")
    assert names(client, "/artists/?q=sim") == ["Nina Simone"]
    assert names(client, "/artists/?q=ros+sigur") == ["Sigur Rós"]
    assert names(client, "/artists/?q=mils+davsi") == ["Miles Davis"]
    assert names(client, "/artists/?q=zzzzzz") == []


def test_sorting(client: Client, listener: User, root: LibraryRoot) -> None:
    for number, artist in enumerate(["Zoe", "Ada", "Ada"]):
        make_song(f"{number}", artist, root=root, path=f"{number}.mp3")
    make_song("last", "Mia", root=root, path="last.mp3")
    assert names(client, "/artists/?sort=songs")[0] == "Ada"
    assert names(client, "/artists/?sort=newest")[0] == "Mia"
    assert names(client, "/artists/?sort=nonsense") == ["Ada", "Mia", "Zoe"]


def test_more_of_them_come_a_page_at_a_time(client: Client, listener: User, root: LibraryRoot) -> None:
    for number in range(ENTRIES_A_PAGE + 2):
        make_song(f"Song {number}", f"Artist {number:03}", root=root, path=f"{number}.mp3")
    page = client.get("/artists/?q=artist").content.decode()
    assert "?q=artist&amp;page=2" in page
    more = client.get(
        "/artists/?q=artist&page=2", headers={"HX-Request": "true", "HX-Target": "more-entries"}
    ).content.decode()
    assert more.count("<li") == 2
    assert "<html" not in more
    found = client.get("/artists/?q=049", headers={"HX-Request": "true", "HX-Target": "found"})
    assert found["HX-Replace-Url"] == "/artists/?q=049"
    assert "1 artist found" in found.content.decode()


def test_a_new_song_is_there_at_once(client: Client, listener: User, root: LibraryRoot) -> None:
    make_song("a", "Ada", root=root, path="a.mp3")
    assert names(client, "/artists/") == ["Ada"]
    make_song("b", "Bob", root=root, path="b.mp3")
    assert names(client, "/artists/") == ["Ada", "Bob"]


def test_an_empty_library_says_what_to_do_first(client: Client, listener: User) -> None:
    assert "No music here yet" in client.get("/artists/").content.decode()
    make_song("nameless")
    assert "No names yet" in client.get("/albums/").content.decode()
