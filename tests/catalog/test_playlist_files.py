"""Playlists of other players come in, and go out so that they can be told apart from root to root."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from rest_framework.test import APIClient

from catalog.importing.m3u import LARGEST_FILE_BYTES, MOST_ENTRIES, path_parts, read_m3u
from catalog.models import DuplicateFile, LibraryRoot, Playlist, Song
from catalog.services.playlist_files import import_playlist
from catalog.services.playlists import PlaylistRefused, m3u, make_playlist, songs_of
from tests.factories import make_root, make_song, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def roots() -> list[LibraryRoot]:
    return [make_root("/srv/music/Rock", "Rock"), make_root("/srv/music/Jazz", "Jazz")]


@pytest.fixture
def songs(roots: list[LibraryRoot]) -> list[Song]:
    rock, jazz = roots
    return [
        make_song("One", "Ann", root=rock, path="Ann/Best/01.mp3", duration_s=100.0),
        make_song("Two", "Bob", root=rock, path="Bob/Best/01.mp3", duration_s=100.0),
        make_song("Three", "Ann", root=jazz, path="Ann/Best/01.mp3", duration_s=200.0),
        make_song("Été", "Zoë", root=jazz, path="Zoë/Été chaud.flac", duration_s=50.0),
    ]


def found(content: str | bytes) -> tuple[list[str], list[str]]:
    """The titles of what is in the playlist that a file becomes, and what was not found."""
    made = import_playlist(make_user(), content.encode() if isinstance(content, str) else content, "List")
    return [song.title for song in songs_of(made.playlist)], made.missing


def test_with_several_roots_the_name_of_the_root_comes_first(songs: list[Song], listener: User) -> None:
    lines = "".join(m3u(make_playlist(listener, "All", [song.pk for song in songs]))).splitlines()
    assert [line for line in lines if not line.startswith("#")] == [
        "./Rock/Ann/Best/01.mp3",
        "./Rock/Bob/Best/01.mp3",
        "./Jazz/Ann/Best/01.mp3",
        "./Jazz/Zoë/Été chaud.flac",
    ]


def test_a_folder_can_be_chosen_for_each_root(client: Client, songs: list[Song], listener: User) -> None:
    playlist = make_playlist(listener, "All", [song.pk for song in songs])
    page = client.get(playlist.get_absolute_url()).content.decode()
    rock, jazz = (song.root_id for song in songs[1:3])
    assert f'name="folder_{rock}"' in page
    chosen = {f"folder_{rock}": "/home/me/Rock", f"folder_{jazz}": "D:\\Jazz"}
    lines = client.get(f"/playlists/{playlist.pk}/export.m3u8", chosen).content.decode().splitlines()
    assert [line for line in lines if not line.startswith("#")] == [
        "/home/me/Rock/Ann/Best/01.mp3",
        "/home/me/Rock/Bob/Best/01.mp3",
        "D:\\Jazz\\Ann\\Best\\01.mp3",
        "D:\\Jazz\\Zoë\\Été chaud.flac",
    ]


def test_what_is_exported_comes_back_as_it_was(songs: list[Song], listener: User) -> None:
    before = make_playlist(listener, "All", [songs[2].pk, songs[0].pk, songs[3].pk, songs[1].pk])
    assert found("".join(m3u(before))) == (["Three", "One", "Été", "Two"], [])


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ("/srv/music/Jazz/Ann/Best/01.mp3", "Three"),
        ("/mnt/nas/Rock/Ann/Best/01.mp3", "One"),
        ("D:\\Musik\\Rock\\Bob\\Best\\01.MP3", "Two"),
        ("../Rock/./Bob/Best/01.mp3", "Two"),
        ("Bob/Best/01.mp3", "Two"),
        ("file:///srv/music/Jazz/Zo%C3%AB/%C3%89t%C3%A9%20chaud.flac", "Été"),
        ("Zo\u0065\u0308/E\u0301te\u0301 chaud.flac", "Été"),
        ("#EXTINF:199,Ann - Three\nAnn/Best/01.mp3", "Three"),
        ("#EXTINF:100,Bob - Two\nelsewhere/two.ogg", "Two"),
    ],
)
def test_songs_are_found_by_the_end_of_their_path_or_by_name(songs: list[Song], line: str, title: str) -> None:
    assert found(f"#EXTM3U\r\n{line}\r\n") == ([title], [])


def test_a_path_that_fits_two_roots_is_where_the_others_are(songs: list[Song]) -> None:
    both = "Ann/Best/01.mp3\n"
    assert found(f"Bob/Best/01.mp3\n{both}") == (["Two", "One"], [])
    assert found(f"Zoë/Été chaud.flac\n{both}") == (["Été", "Three"], [])
    # Nothing tells which of the two is meant.
    assert found(f"Bob/Best/01.mp3\nZoë/Été chaud.flac\n{both}") == (["Two", "Été"], ["Ann/Best/01.mp3"])


def test_a_path_that_fits_two_roots_alike_is_named(songs: list[Song]) -> None:
    with pytest.raises(PlaylistRefused, match=r"the first is Ann/Best/01\.mp3"):
        found("Ann/Best/01.mp3\n")


def test_names_that_differ_by_case_are_two_files(roots: list[LibraryRoot], songs: list[Song]) -> None:
    make_song("Four", "Bob", root=roots[0], path="bob/best/01.mp3")
    assert found("Bob/Best/01.mp3\nbob/best/01.mp3\n") == (["Two", "Four"], [])


def test_the_path_of_a_copy_is_that_of_the_song(roots: list[LibraryRoot], songs: list[Song]) -> None:
    DuplicateFile.objects.create(song=songs[1], root=roots[1], path="Copies/two.mp3", size=1, mtime_ns=1)
    assert found("/srv/music/Jazz/Copies/two.mp3\n") == (["Two"], [])


def test_an_m3u_in_an_old_encoding_is_read(songs: list[Song]) -> None:
    assert found("Zoë/Été chaud.flac\n".encode("cp1252")) == (["Été"], [])
    assert found("Zoë/Été chaud.flac\n".encode("utf-16")) == (["Été"], [])


def test_songs_that_are_not_here_are_named(songs: list[Song]) -> None:
    assert found("Carl/Worst/01.mp3\nBob/Best/01.mp3\nnowhere.mp3\n") == (["Two"], ["Carl/Worst/01.mp3", "nowhere.mp3"])


def test_a_file_of_more_songs_than_are_looked_for_is_refused_and_not_read_in_part(songs: list[Song]) -> None:
    with pytest.raises(PlaylistRefused, match="names more than 20000 songs"):
        import_playlist(make_user(), b"Bob/Best/01.mp3\n" * (MOST_ENTRIES + 1), "List")


@pytest.mark.parametrize("content", [b"", b"#EXTM3U\n", b"nowhere.mp3\n"])
def test_a_file_without_a_song_of_the_library_makes_no_playlist(songs: list[Song], content: bytes) -> None:
    with pytest.raises(PlaylistRefused):
        import_playlist(make_user(), content, "List")
    assert not Playlist.objects.exists()


def test_the_page_takes_a_file_and_says_what_is_missing(client: Client, songs: list[Song], listener: User) -> None:
    sent = SimpleUploadedFile("Evening.m3u8", b"#EXTM3U\nBob/Best/01.mp3\nnowhere.mp3\n")
    page = client.post("/playlists/import/", {"file": sent}, follow=True).content.decode()
    assert Playlist.objects.get().name == "Evening"
    assert "1 song found. Not in the library: nowhere.mp3." in page
    page = client.post("/playlists/import/", follow=True).content.decode()
    assert "Choose a playlist" in page


def test_the_api_takes_a_file_and_names_what_is_missing(songs: list[Song], listener: User) -> None:
    api = APIClient()
    api.force_authenticate(listener)

    def send(content: bytes, **fields: str) -> Any:
        sent = SimpleUploadedFile("Evening.m3u8", content)
        return api.post("/api/playlists/import/", {"file": sent, **fields}, format="multipart")

    answer = send(b"#EXTM3U\r\n..\\Bob\\Best\\01.mp3\r\nnowhere.mp3\r\n")
    assert answer.status_code == 201
    made = answer.json()
    assert (made["name"], made["length"], made["not_found"]) == ("Evening", 1, ["nowhere.mp3"])
    assert [song["title"] for song in made["songs"]] == ["Two"]
    assert Playlist.objects.get(pk=made["id"]).user == listener
    assert send(b"Bob/Best/01.mp3\n", name="Mine").json()["name"] == "Mine"

    refused = send(b"nowhere.mp3\n")
    assert (refused.status_code, "the first is nowhere.mp3" in refused.content.decode()) == (400, True)
    assert send(b"x" * (LARGEST_FILE_BYTES + 1)).status_code == 413
    assert api.post("/api/playlists/import/", {}, format="multipart").status_code == 400
    assert APIClient().post("/api/playlists/import/", {}, format="multipart").status_code in (401, 403)
    assert Playlist.objects.count() == 2


def test_the_command_names_what_is_missing(songs: list[Song], tmp_path: Path) -> None:
    user, out = make_user(), StringIO()
    (tmp_path / "Evening.m3u").write_text("#PLAYLIST:Late\nBob/Best/01.mp3\nnowhere.mp3\n")
    with pytest.raises(CommandError, match=r"Evening\.m3u was read only in part: 1 of its songs are not here$"):
        call_command("import_playlist", str(tmp_path / "Evening.m3u"), user=user.username, stdout=out)
    assert out.getvalue().splitlines() == ["Not here: nowhere.mp3", "Late: 1 songs, 1 not found"]
    assert Playlist.objects.get().name == "Late"
    (tmp_path / "Whole.m3u").write_text("Bob/Best/01.mp3\n")
    call_command("import_playlist", str(tmp_path / "Whole.m3u"), user=user.username, stdout=out)
    with pytest.raises(CommandError, match="no such file"):
        call_command("import_playlist", str(tmp_path / "no.m3u"), user=user.username)


def test_paths_are_compared_without_what_differs_between_machines() -> None:
    assert path_parts("C:\\a\\..\\B\\.\\c.MP3") == ("b", "c.mp3")
    assert read_m3u(b'#EXTM3U\n#EXTINF:12 a="b",A, B - C\nx\n').entries[0].said == "A, B - C"
