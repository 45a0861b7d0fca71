"""Playlists: making them, what is in them and in which order, their pages, their files, and whose they are."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.services import exporting
from catalog.models import MergedSong, Playlist, Song
from catalog.services import playlists, song_merging
from catalog.services.playlists import PlaylistRefused, add_songs, make_playlist, songs_of
from tests.factories import NO_ID, make_root, make_song, make_user
from tests.pages import OWN_QUERIES

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


@pytest.fixture
def songs() -> list[Song]:
    root = make_root()
    return [
        make_song(f"Title {number}", f"Artist {number}", root=root, path=f"album/{number}.mp3", duration_s=100.4)
        for number in range(6)
    ]


@pytest.fixture
def playlist(listener: User, songs: list[Song]) -> Playlist:
    """Four songs, in the order of their numbers."""
    return make_playlist(listener, "Evening", [song.pk for song in songs[:4]])


def titles(playlist: Playlist) -> str:
    """The numbers of its songs, in order."""
    return "".join(song.title[-1] for song in songs_of(playlist))


def address(playlist: Playlist, song: Song | None = None, what: str = "") -> str:
    return f"/playlists/{playlist.pk}/" + (f"songs/{song.pk}/" if song else "") + (f"{what}/" if what else "")


# --- Making and naming


def test_a_playlist_keeps_its_songs_in_order_and_each_once(listener: User, songs: list[Song]) -> None:
    playlist = make_playlist(listener, "  Late   evening ", [songs[2].pk, songs[0].pk, songs[2].pk, NO_ID])
    assert playlist.name == "Late evening"
    assert titles(playlist) == "20"
    assert add_songs(playlist, [songs[0].pk, songs[1].pk]) == 1
    assert titles(playlist) == "201"


def test_a_name_that_is_taken_gets_a_number(listener: User) -> None:
    names = [make_playlist(listener, "x" * 100).name for _ in range(3)]
    assert names == ["x" * 100, "x" * 96 + " (2)", "x" * 96 + " (3)"]
    assert make_playlist(make_user(), "x" * 100).name == "x" * 100


@pytest.mark.parametrize("name", ["", " \n ", "\0", "x" * 101])
def test_a_name_that_is_none_is_refused_and_said_so(client: Client, listener: User, name: str) -> None:
    answer = client.post("/playlists/", {"name": name})
    assert answer.status_code == 400
    assert "field-errors" in answer.content.decode()
    assert not Playlist.objects.exists()


def test_a_playlist_is_renamed_but_not_to_the_name_of_another(client: Client, playlist: Playlist) -> None:
    other = make_playlist(playlist.user, "Morning")
    client.post(address(other, what="rename"), {"name": "Noon"})
    other.refresh_from_db()
    assert other.name == "Noon"
    answer = client.post(address(other, what="rename"), {"name": "Evening"}, follow=True)
    assert "You have a playlist called Evening already." in answer.content.decode()
    other.refresh_from_db()
    assert other.name == "Noon"


def test_there_is_an_end_to_how_many_and_how_long(
    client: Client, listener: User, songs: list[Song], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(playlists, "MOST_PLAYLISTS", 2)
    monkeypatch.setattr(playlists, "MOST_SONGS", 3)
    playlist = make_playlist(listener, "One", [song.pk for song in songs[:2]])
    with pytest.raises(PlaylistRefused, match="room for 3 songs"):
        add_songs(playlist, [song.pk for song in songs])
    assert titles(playlist) == "01"
    answer = client.post("/playlists/", {"name": "Two", "song": [song.pk for song in songs]}, headers=HTMX)
    assert (answer.status_code, Playlist.objects.count()) == (400, 1)
    make_playlist(listener, "Two")
    with pytest.raises(PlaylistRefused, match="There can be 2 playlists"):
        make_playlist(listener, "Three")


def test_deleting_asks_first(client: Client, playlist: Playlist) -> None:
    assert "Delete Evening?" in client.get(address(playlist, what="delete")).content.decode()
    assert Playlist.objects.exists()
    answer = client.post(address(playlist, what="delete"), follow=True)
    assert "The playlist Evening is deleted." in answer.content.decode()
    assert not Playlist.objects.exists()
    assert Song.objects.count() == 6


# --- What is in it, and where


@pytest.mark.parametrize(
    ("song", "asked", "then"),
    [
        (2, {"to": "up"}, "0213"),
        (0, {"to": "up"}, "0123"),
        (0, {"to": "down"}, "1023"),
        (2, {"to": "down"}, "0132"),
        (3, {"to": "down"}, "0123"),
        (3, {"before": 0}, "3012"),
        (0, {"before": 3}, "1203"),
        (1, {"before": 1}, "0123"),
        (0, {}, "1230"),
    ],
)
def test_songs_are_moved(
    client: Client, playlist: Playlist, songs: list[Song], song: int, asked: dict[str, object], then: str
) -> None:
    if "before" in asked:
        asked = {"before": songs[int(str(asked["before"]))].pk}
    answer = client.post(address(playlist, songs[song], "move"), asked, headers=HTMX)
    assert answer.status_code == 204
    assert titles(playlist) == then


def test_many_moves_keep_every_song_once(playlist: Playlist, songs: list[Song]) -> None:
    for turn in range(40):
        playlists.move_song(playlist, songs[turn * 7 % 4].pk, songs[turn * 3 % 4].pk)
        playlists.shift_song(playlist, songs[turn % 4].pk, -1 if turn % 3 else 1)
    assert sorted(titles(playlist)) == list("0123")


def test_a_song_that_was_taken_out_can_be_put_back_where_it_was(
    client: Client, playlist: Playlist, songs: list[Song]
) -> None:
    answer = client.post(address(playlist, songs[1], "remove"), headers=HTMX).content.decode()
    assert titles(playlist) == "023"
    assert "3 songs" in answer
    assert f'name="before" value="{songs[2].pk}"' in answer
    back = {"song": songs[1].pk, "before": songs[2].pk, "undo": "1"}
    assert client.post(f"/playlists/{playlist.pk}/songs/", back)["Location"] == address(playlist)
    assert titles(playlist) == "0123"


def test_the_last_song_goes_back_to_the_end(client: Client, playlist: Playlist, songs: list[Song]) -> None:
    client.post(address(playlist, songs[3], "remove"), headers=HTMX)
    client.post(f"/playlists/{playlist.pk}/songs/", {"song": songs[3].pk, "before": "", "undo": "1"})
    assert titles(playlist) == "0123"


def test_songs_are_added_from_elsewhere_and_it_is_said_how_many(
    client: Client, playlist: Playlist, songs: list[Song]
) -> None:
    given = {"song": [song.pk for song in songs]}
    chosen = client.post("/playlists/choose/", given).content.decode()
    assert f'formaction="/playlists/{playlist.pk}/songs/"' in chosen
    assert chosen.count(f'name="song" value="{songs[5].pk}"') == 2
    answer = client.post(f"/playlists/{playlist.pk}/songs/", given, headers=HTMX).content.decode()
    assert "2 songs added to" in answer
    again = client.post(f"/playlists/{playlist.pk}/songs/", given, headers=HTMX).content.decode()
    assert "All of that is already in" in again
    made = client.post("/playlists/", {"name": "New", **given}, headers=HTMX).content.decode()
    assert "6 songs added to" in made


@pytest.mark.parametrize("song", ["x", "-1", "1.5", "9" * 30, "٣"])
def test_what_is_no_song_is_refused(client: Client, playlist: Playlist, song: str) -> None:
    for path in (f"/playlists/{playlist.pk}/songs/", "/playlists/choose/", "/playlists/"):
        assert client.post(path, {"song": song, "name": "x"}).status_code == 400
    assert titles(playlist) == "0123"
    assert Playlist.objects.count() == 1


def test_moving_what_is_gone_is_refused_and_changes_nothing(
    client: Client, playlist: Playlist, songs: list[Song]
) -> None:
    assert client.post(address(playlist, songs[5], "move"), {"to": "up"}).status_code == 400
    assert client.post(address(playlist, songs[0], "move"), {"before": songs[5].pk}).status_code == 400
    assert client.post(address(playlist, songs[0], "move"), {"before": "x"}).status_code == 400
    assert titles(playlist) == "0123"


def test_a_song_that_leaves_the_library_leaves_its_playlists(playlist: Playlist, songs: list[Song]) -> None:
    songs[1].delete()
    assert titles(playlist) == "023"


# --- Pages


def test_the_pages_ask_the_database_little_however_much_there_is(
    client: Client,
    listener: User,
    playlist: Playlist,
    songs: list[Song],
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(5):
        make_playlist(listener, f"Other {number}", [song.pk for song in songs])
    with django_assert_max_num_queries(OWN_QUERIES["playlist"]):
        page = client.get(address(playlist)).content.decode()
    assert [page.index(f">Title {number}<") for number in range(4)] == sorted(
        page.index(f">Title {number}<") for number in range(4)
    )
    with django_assert_max_num_queries(OWN_QUERIES["playlists"]):
        page = client.get("/playlists/").content.decode()
    assert "4 songs" in page
    assert page.count("6 songs") == 5


def test_a_playlist_says_how_long_it_is_also_after_a_song_is_taken_out(
    client: Client, playlist: Playlist, songs: list[Song]
) -> None:
    Song.objects.update(duration_s=1200)
    Song.objects.filter(pk=songs[3].pk).update(duration_s=None)
    page = client.get(address(playlist)).content.decode()
    assert "4 songs · 1:00:00" in page
    assert 'data-play-all="playlist-songs" data-shuffled' in page
    taken = client.post(address(playlist, songs[0], "remove"), headers={"HX-Request": "true"}).content.decode()
    assert "3 songs · 40:00" in taken
    Song.objects.update(duration_s=None)
    assert "3 songs</p>" in client.get(address(playlist)).content.decode()


def test_no_playlist_and_an_empty_one_say_what_to_do(client: Client, listener: User) -> None:
    assert "No playlist yet" in client.get("/playlists/").content.decode()
    empty = make_playlist(listener, "Empty")
    assert "Nothing in it yet" in client.get(address(empty)).content.decode()


def test_nobody_else_sees_or_changes_a_playlist(client: Client, playlist: Playlist, songs: list[Song]) -> None:
    client.force_login(make_user(is_staff=True, is_superuser=True))
    assert "Evening" not in client.get("/playlists/").content.decode()
    for path in (address(playlist), address(playlist, what="delete"), f"/playlists/{playlist.pk}/export.m3u8"):
        assert client.get(path).status_code == 404
    for path in (
        address(playlist, what="rename"),
        address(playlist, what="delete"),
        f"/playlists/{playlist.pk}/songs/",
        address(playlist, songs[0], "move"),
        address(playlist, songs[0], "remove"),
    ):
        assert client.post(path, {"name": "Mine", "song": songs[5].pk}).status_code == 404
    playlist.refresh_from_db()
    assert (playlist.name, titles(playlist)) == ("Evening", "0123")


# --- Files


def test_a_file_names_paths_that_another_player_finds(client: Client, playlist: Playlist, songs: list[Song]) -> None:
    Song.objects.filter(pk=songs[1].pk).update(title="Two\nlines", artist="", duration_s=None)
    Song.objects.filter(pk=songs[2].pk).update(path="")
    Song.objects.filter(pk=songs[3].pk).update(path="#1 hits/3.mp3")
    answer = client.get(f"/playlists/{playlist.pk}/export.m3u8")
    assert answer["Content-Type"] == "audio/x-mpegurl; charset=utf-8"
    assert 'filename="evening.m3u8"' in answer["Content-Disposition"]
    assert answer.content.decode().splitlines() == [
        "#EXTM3U",
        "#PLAYLIST:Evening",
        "#EXTINF:100,Artist 0 - Title 0",
        "./album/0.mp3",
        "#EXTINF:-1,Two lines",
        "./album/1.mp3",
        "#EXTINF:100,Artist 3 - Title 3",
        "./#1 hits/3.mp3",
    ]


@pytest.mark.parametrize(
    ("folder", "path"),
    [
        ("/home/me/Music/", "/home/me/Music/album/0.mp3"),
        ("M:\\Music", "M:\\Music\\album\\0.mp3"),
        (" a\nb ", "a b/album/0.mp3"),
    ],
)
def test_a_file_names_paths_in_the_folder_of_the_one_who_asks(
    client: Client, playlist: Playlist, folder: str, path: str
) -> None:
    text = client.get(f"/playlists/{playlist.pk}/export.m3u8", {"folder": folder}).content.decode()
    assert text.splitlines()[3] == path
    assert "nowhere" not in text


def test_a_file_of_a_name_in_any_script_keeps_it(client: Client, listener: User) -> None:
    playlist = make_playlist(listener, '夜/"x"')
    answer = client.get(f"/playlists/{playlist.pk}/export.m3u8")
    assert "filename*=UTF-8''%E5%A4%9C-%22x%22.m3u8" in answer["Content-Disposition"]


# --- Songs that are merged, and what is exported


def test_a_merged_song_brings_its_place_and_takes_it_along_again(playlist: Playlist, songs: list[Song]) -> None:
    silent = make_song("Title 9")
    add_songs(playlist, [silent.pk], before=songs[1].pk)
    song_merging.merge_songs([silent], songs[5])
    assert titles(playlist) == "05123"
    song_merging.unmerge_song(MergedSong.objects.get())
    assert titles(playlist) == "09123"


def test_songs_that_are_in_it_both_are_in_it_once_when_merged_and_twice_again(
    playlist: Playlist, songs: list[Song]
) -> None:
    silent = make_song("Title 9")
    add_songs(playlist, [silent.pk])
    song_merging.merge_songs([silent], songs[0])
    assert titles(playlist) == "0123"
    song_merging.unmerge_song(MergedSong.objects.get())
    assert titles(playlist) == "01239"


def test_a_playlist_that_was_deleted_in_the_meantime_stays_deleted(playlist: Playlist, songs: list[Song]) -> None:
    silent = make_song("Title 9")
    add_songs(playlist, [silent.pk])
    song_merging.merge_songs([silent], songs[0])
    playlist.delete()
    song_merging.unmerge_song(MergedSong.objects.get())
    assert not Playlist.objects.exists()


def test_playlists_stand_in_the_export(playlist: Playlist, listener: User) -> None:
    (section,) = (section for section in exporting.sections() if section.name == "playlists")
    (exported,) = section.entries(listener)
    assert exported["name"] == "Evening"
    assert [song["title"][-1] for song in exported["songs"]] == list("0123")


# --- API


@pytest.fixture
def api(listener: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(listener)
    return client


def test_the_api_makes_reads_changes_and_deletes(api: APIClient, songs: list[Song]) -> None:
    made = api.post("/api/playlists/", {"name": "Evening", "songs": [songs[1].pk, songs[0].pk]})
    assert made.status_code == 201
    assert [song["song"] for song in made.json()["songs"]] == [songs[1].pk, songs[0].pk]
    here = f"/api/playlists/{made.json()['id']}/"
    assert api.get("/api/playlists/").json()["results"][0]["length"] == 2
    changed = api.patch(here, {"songs": [songs[2].pk, songs[1].pk]}).json()
    assert [song["title"] for song in changed["songs"]] == ["Title 2", "Title 1"]
    assert api.patch(here, {"name": "Noon"}).json()["name"] == "Noon"
    assert api.get(here).json()["length"] == 2
    assert api.delete(here).status_code == 204
    assert api.get(here).status_code == 404


def test_the_api_refuses_what_cannot_be(api: APIClient, playlist: Playlist) -> None:
    here = f"/api/playlists/{playlist.pk}/"
    assert api.post("/api/playlists/", {"name": ""}).status_code == 400
    assert api.post("/api/playlists/", {"name": "x", "songs": [NO_ID]}).status_code == 400
    assert api.patch(here, {"songs": [0]}).status_code == 400
    assert api.patch(here, {"songs": [1] * 1001}).status_code == 400
    make_playlist(playlist.user, "Morning")
    assert api.patch(here, {"name": "Morning", "songs": []}).status_code == 400
    assert titles(playlist) == "0123"
    assert Playlist.objects.count() == 2


def test_the_api_shows_nobody_elses(playlist: Playlist) -> None:
    client = APIClient()
    client.force_authenticate(make_user())
    assert client.get("/api/playlists/").json()["results"] == []
    for method in (client.get, client.delete, client.patch):
        assert method(f"/api/playlists/{playlist.pk}/").status_code == 404
    assert Playlist.objects.exists()


def test_the_admin_lists_playlists_and_how_long_they_are(client: Client, playlist: Playlist) -> None:
    client.force_login(make_user(is_staff=True, is_superuser=True))
    page = client.get("/admin/catalog/playlist/").content.decode()
    assert "Evening" in page
    assert client.get("/admin/catalog/playlist/add/").status_code == 403
