"""Leafing through the library: artists, albums, songs, genres, lists, searching."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from catalog.models import Label, LibraryRoot, Song
from catalog.services import song_index
from catalog.services.favourites import set_favourite_song
from catalog.services.labels import curate, labels_by_name
from catalog.services.listening import record_play
from catalog.services.song_index import record_changes
from opensubsonic import kept
from opensubsonic.genre_table import GenreTable
from recommender.snapshots.build import build
from tests.factories import add_labels, make_root, make_song, make_user

from .player import Player, song_ids

pytestmark = pytest.mark.django_db

READING: dict[str, dict[str, Any]] = {
    "ping": {},
    "getLicense": {},
    "getOpenSubsonicExtensions": {},
    "getUser": {},
    "getMusicFolders": {},
    "getIndexes": {},
    "getArtists": {},
    "getGenres": {},
    "getAlbumList": {"type": "newest"},
    "getAlbumList2": {"type": "alphabeticalByArtist"},
    "getRandomSongs": {"size": 3},
    "getSongsByGenre": {"genre": "jazz"},
    "getNowPlaying": {},
    "getStarred": {},
    "getStarred2": {},
    "search": {"any": "one"},
    "search2": {"query": "one"},
    "search3": {"query": ""},
    "getPlaylists": {},
    "getPlayQueue": {},
    "getPlayQueueByIndex": {},
    "getBookmarks": {},
    "getScanStatus": {},
    "getInternetRadioStations": {},
    "getShares": {},
    "getPodcasts": {},
    "getNewestPodcasts": {},
    "getVideos": {},
    "getChatMessages": {},
    "getLyrics": {"artist": "Nina", "title": "One"},
    "getTopSongs": {"artist": "Nina"},
}
"""Calls that need no id, with parameters that they can do with in any library."""


@pytest.mark.parametrize("name", READING)
def test_every_list_answers_in_an_empty_library(player: Player, name: str) -> None:
    player.ok(name, **READING[name])


@pytest.mark.parametrize("name", READING)
def test_every_list_answers_in_a_library_of_odd_songs(player: Player, heard: list[Song], name: str) -> None:
    player.ok(name, **READING[name])


def test_artists_lead_to_albums_and_albums_to_songs(player: Player, heard: list[Song]) -> None:
    artists = [one for index in player.ok("getArtists")["artists"]["index"] for one in index["artist"]]
    names = {artist["name"]: artist for artist in artists}
    assert set(names) == {"Nina", "[Unknown Artist]"}
    found: dict[str, Any] = {}
    for artist in artists:
        for album in player.ok("getArtist", id=artist["id"])["artist"]["album"]:
            with_songs = player.ok("getAlbum", id=album["id"])["album"]
            assert with_songs["songCount"] == len(with_songs["song"])
            found |= {song["id"]: song for song in with_songs["song"]}
    assert set(found) == {f"so-{song.pk}" for song in heard}
    assert names["Nina"]["albumCount"] == 1


def test_a_song_says_all_that_is_known_of_it(player: Player, heard: list[Song]) -> None:
    song = player.ok("getSong", id=f"so-{heard[0].pk}")["song"]
    assert (
        song
        | {
            "title": "One",
            "album": "Blue",
            "artist": "Nina",
            "track": 1,
            "year": 1971,
            "duration": 3,
            "genre": "jazz",
            "suffix": "flac",
            "contentType": "audio/flac",
            "bitRate": 400,
            "samplingRate": 22050,
            "userRating": 5,
            "playCount": 1,
            "musicBrainzId": "5b11f4ce-a62d-471e-81fc-a69a8278c7da",
            "replayGain": {"trackGain": -6.5, "trackPeak": 0.9},
            "path": "Nina/Blue/01 One.flac",
        }
        == song
    )
    assert "starred" in player.ok("getSong", id=f"so-{heard[1].pk}")["song"]


def test_a_song_without_anything_is_on_an_album_that_says_so(player: Player, songs: list[Song]) -> None:
    song = player.ok("getSong", id=f"so-{songs[2].pk}")["song"]
    assert (song["album"], song["artist"]) == ("[No Album]", "[Unknown Artist]")
    assert song["title"] == 'Øþ "夜" <&> \u200f'
    assert not {"track", "year", "genre", "duration", "bitRate"} & set(song)


def test_folders_lead_from_artists_to_songs(player: Player, heard: list[Song]) -> None:
    [nina] = [
        artist
        for index in player.ok("getIndexes")["indexes"]["index"]
        for artist in index["artist"]
        if artist["name"] == "Nina"
    ]
    [album] = player.ok("getMusicDirectory", id=nina["id"])["directory"]["child"]
    assert album["isDir"]
    children = player.ok("getMusicDirectory", id=album["id"])["directory"]["child"]
    assert song_ids(children) == [f"so-{heard[0].pk}", f"so-{heard[1].pk}"]


def test_indexes_that_have_not_changed_are_not_sent_again(player: Player, songs: list[Song]) -> None:
    first = player.ok("getIndexes")["indexes"]
    again = player.ok("getIndexes", ifModifiedSince=first["lastModified"])["indexes"]
    assert "index" in first
    assert "index" not in again


@pytest.mark.parametrize("call", ["getArtistInfo", "getArtistInfo2", "getAlbumInfo", "getAlbumInfo2", "getTopSongs"])
def test_artists_and_albums_are_told_of(player: Player, heard: list[Song], call: str) -> None:
    song = player.ok("getSong", id=f"so-{heard[0].pk}")["song"]
    player.ok(call, id=song["albumId"] if "Album" in call else song["artistId"])


def test_top_songs_are_those_that_are_played_most(player: Player, heard: list[Song], mira: User) -> None:
    artist = player.ok("getSong", id=f"so-{heard[0].pk}")["song"]["artistId"]
    record_play(mira, heard[1])
    record_play(mira, heard[1])
    wanted = [f"so-{heard[1].pk}", f"so-{heard[0].pk}"]
    assert song_ids(player.ok("getTopSongs", id=artist)["topSongs"]["song"]) == wanted
    assert song_ids(player.ok("getTopSongs", artist="NINA", count=1)["topSongs"]["song"]) == wanted[:1]
    assert player.ok("getTopSongs", artist="nobody")["topSongs"]["song"] == []
    assert player.code("getTopSongs") == 10


@pytest.mark.parametrize(
    ("kind", "more", "names"),
    [
        ("newest", {}, ["[No Album]", "Blue"]),
        ("alphabeticalByName", {}, ["Blue", "[No Album]"]),
        ("alphabeticalByArtist", {}, ["Blue", "[No Album]"]),
        ("frequent", {}, ["Blue"]),
        ("recent", {}, ["Blue"]),
        ("highest", {}, ["Blue"]),
        ("starred", {}, []),
        ("byYear", {"fromYear": 1980, "toYear": 1970}, ["Blue"]),
        ("byYear", {"fromYear": 1980, "toYear": 1990}, []),
        ("byGenre", {"genre": "Jazz"}, ["Blue"]),
        ("byGenre", {"genre": "polka"}, []),
    ],
)
def test_lists_of_albums(
    player: Player, heard: list[Song], kind: str, more: dict[str, object], names: list[str]
) -> None:
    albums = player.ok("getAlbumList2", type=kind, **more)["albumList2"]["album"]
    folders = player.ok("getAlbumList", type=kind, **more)["albumList"]["album"]
    assert [album["name"] for album in albums] == names
    assert [album["title"] for album in folders] == names


def test_a_list_of_random_albums_has_each_once(player: Player, heard: list[Song]) -> None:
    albums = player.ok("getAlbumList2", type="random", size=10, offset=3)["albumList2"]["album"]
    assert {album["name"] for album in albums} == {"Blue", "[No Album]"}
    assert len(albums) == 2


@pytest.mark.parametrize("wrong", [{"type": "best"}, {"type": "byYear", "fromYear": 1990}, {"type": "byGenre"}, {}])
def test_a_list_that_is_not_said_well_is_refused(player: Player, wrong: dict[str, object]) -> None:
    assert player.code("getAlbumList2", **wrong) in (0, 10)


def test_pages_of_a_list_follow_one_another(player: Player, songs: list[Song]) -> None:
    pages = [player.ok("search3", query='""', songCount=1, songOffset=at)["searchResult3"]["song"] for at in range(4)]
    assert [song_ids(page) for page in pages] == [[f"so-{song.pk}"] for song in songs] + [[]]
    assert player.ok("search3", query="", songCount=0, songOffset=10**14)["searchResult3"]["song"] == []


def test_words_find_songs_albums_and_artists(player: Player, songs: list[Song]) -> None:
    found = player.ok("search3", query="blue")["searchResult3"]
    assert [album["name"] for album in found["album"]] == ["Blue"]
    assert song_ids(found["song"]) == [f"so-{song.pk}" for song in songs[:2]]
    found = player.ok("search2", query="nin*")["searchResult2"]
    assert [artist["name"] for artist in found["artist"]] == ["Nina"]
    assert player.ok("search3", query="davsi", songCount=5)["searchResult3"]["song"] == []


def test_one_folder_of_several_can_be_asked_for(player: Player, songs: list[Song], root: LibraryRoot) -> None:
    other = make_root(name="Other")
    make_song("Elsewhere", "Zoe", root=other, path="x.mp3")
    inside = player.ok("search3", query="", musicFolderId=root.pk)["searchResult3"]
    outside = player.ok("search3", query="", musicFolderId=other.pk)["searchResult3"]
    assert len(inside["song"]) == 3
    assert [artist["name"] for artist in outside["artist"]] == ["Zoe"]
    assert player.ok("getRandomSongs", musicFolderId=other.pk)["randomSongs"]["song"][0]["title"] == "Elsewhere"
    assert player.code("getArtists", musicFolderId=10**9) == 70


def test_random_songs_keep_to_a_genre_and_to_years(player: Player, songs: list[Song]) -> None:
    first = f"so-{songs[0].pk}"
    assert song_ids(player.ok("getRandomSongs", genre="jazz")["randomSongs"]["song"]) == [first]
    assert len(player.ok("getRandomSongs", fromYear=1970, toYear=1972)["randomSongs"]["song"]) == 2
    assert player.ok("getRandomSongs", fromYear=1999)["randomSongs"]["song"] == []


def test_genres_of_a_small_library_are_new_however_slow_the_machine(
    one: Song, two: Song, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = GenreTable.read

    def slowly() -> GenreTable:
        time.sleep(0.3)
        return read()

    monkeypatch.setattr(GenreTable, "read", slowly)
    assert two.pk not in kept.genres(song_index.current()).of_song
    add_labels(two, {"jazz": 1.0}, source="import", origin="file")
    song_index.reset()
    assert kept.genres(song_index.current()).of_song[two.pk].genres == ("jazz",)


def test_a_songs_genre_is_the_files_or_else_what_is_surely_true(player: Player, songs: list[Song]) -> None:
    for song in songs[:2]:
        add_labels(song, {"rock": 0.9, "pop": 0.4, "happy": 0.8})
    Label.objects.filter(name__in=["rock", "pop"]).update(kind=Label.Kind.GENRE)
    Label.objects.filter(name="happy").update(kind=Label.Kind.MOOD)
    first, second = (player.ok("getSong", id=f"so-{song.pk}")["song"] for song in songs[:2])
    assert first["genres"] == [{"name": "jazz"}]
    assert second["genres"] == [{"name": "rock"}]
    assert second["moods"] == ["happy"]


def test_favourites_are_listed(player: Player, heard: list[Song], mira: User) -> None:
    set_favourite_song(mira, heard[2])
    song = player.ok("getSong", id=f"so-{heard[0].pk}")["song"]
    player.ok("star", albumId=song["albumId"], artistId=song["artistId"])
    starred = player.ok("getStarred2")["starred2"]
    assert song_ids(starred["song"]) == [f"so-{heard[2].pk}", f"so-{heard[1].pk}"]
    assert [album["id"] for album in starred["album"]] == [song["albumId"]]
    assert [artist["id"] for artist in starred["artist"]] == [song["artistId"]]
    assert [album["name"] for album in player.ok("getAlbumList2", type="starred")["albumList2"]["album"]] == ["Blue"]


def test_a_compilation_is_of_various_artists(player: Player, root: LibraryRoot) -> None:
    for number, artist in enumerate(["Ann", "Ben", "Cid"]):
        make_song(f"S{number}", artist, album="Mix", root=root, path=f"Mix/{number}.mp3", gathered=True)
    [album] = player.ok("search3", query="mix", songCount=0, artistCount=0)["searchResult3"]["album"]
    assert (album["artist"], album["isCompilation"], album["songCount"]) == ("Various Artists", True, 3)
    assert [one["name"] for one in player.ok("getArtist", id=album["artistId"])["artist"]["album"]] == ["Mix"]


def test_similar_artists_are_those_of_here(player: Player, heard: list[Song], snapshots: object) -> None:
    build()
    artist = player.ok("getSong", id=f"so-{heard[0].pk}")["song"]["artistId"]
    assert player.ok("getArtistInfo2", id=artist)["artistInfo2"]["similarArtist"] == []


def test_a_song_of_several_people_is_found_with_each_of_them(player: Player, root: LibraryRoot) -> None:
    song = make_song("Duet", "Ann & Ben", artists=["Ann", "Ben"], album="Both", root=root, path="d.mp3")
    found = player.ok("getSong", id=f"so-{song.pk}")["song"]
    assert ([one["name"] for one in found["artists"]], found["displayArtist"]) == (["Ann", "Ben"], "Ann & Ben")
    for one in found["artists"]:
        assert [album["name"] for album in player.ok("getArtist", id=one["id"])["artist"]["album"]] == ["Both"]
    albums = player.ok("search3", query="both", songCount=0, artistCount=0)["searchResult3"]["album"]
    assert [(album["artist"], album["isCompilation"]) for album in albums] == [("Ann", False)]


def in_both_forms(player: Player, song: Song) -> dict[str, Any]:
    """A song as a list has it; its XML is compared with it on the way."""
    found = {one["id"]: one for one in player.ok("search3", query="")["searchResult3"]["song"]}
    described: dict[str, Any] = found[f"so-{song.pk}"]
    return described


def test_a_list_that_is_kept_shows_at_once_what_is_said_of_a_song(
    player: Player, stranger: Player, songs: list[Song], mira: User
) -> None:
    first = songs[0]
    before = in_both_forms(player, first)
    assert not {"starred", "userRating", "playCount", "played"} & set(before)
    player.ok("star", id=before["id"])
    player.ok("setRating", id=before["id"], rating=4)
    player.ok("scrobble", id=before["id"])
    said = in_both_forms(player, first)
    assert (said["userRating"], said["playCount"]) == (4, 1)
    assert {"starred", "played"} <= set(said)
    assert in_both_forms(stranger, first) == before
    player.ok("unstar", id=before["id"])
    assert "starred" not in in_both_forms(player, first)


def test_a_list_that_is_kept_shows_at_once_what_became_of_a_song(player: Player, songs: list[Song]) -> None:
    first, second, _ = songs
    in_both_forms(player, first)
    first.album_artist, first.track_number, first.year = "Nina S.", 7, 1999
    first.save()
    changed = in_both_forms(player, first)
    assert (changed["track"], changed["year"], changed["displayAlbumArtist"]) == (7, 1999, "Nina S.")
    record_changes([second.pk])
    Song.objects.filter(pk=second.pk).update(missing_since=timezone.now())
    assert f"so-{second.pk}" not in song_ids(player.ok("search3", query="")["searchResult3"]["song"])


def test_a_long_page_of_a_sync_takes_as_many_queries_as_a_short_one(player: Player, root: LibraryRoot) -> None:
    for number in range(30):
        make_song(f"S{number}", f"A{number}", album=f"B{number}", root=root, path=f"{number}.mp3")

    def queries(first: int, count: int) -> int:
        page = {"songOffset": first, "songCount": count, "albumCount": 0, "artistCount": 0}
        with CaptureQueriesContext(connection) as captured:
            answer = player.raw("search3", query="", **page)
        found = json.loads(answer.content)["subsonic-response"]["searchResult3"]["song"]  # type: ignore[attr-defined]
        assert len(found) == count
        return len(captured)

    queries(0, 1)
    assert queries(1, 1) == queries(2, 28)


def test_what_was_described_before_is_told_anew_once_it_has_changed(
    player: Player, stranger: Player, songs: list[Song]
) -> None:
    def told(who: Player) -> dict[str, Any]:
        song: dict[str, Any] = who.ok("getSong", id=f"so-{songs[0].pk}")["song"]
        return song

    assert (told(player)["title"], told(player)["genre"]) == ("One", "jazz")
    player.ok("setRating", id=f"so-{songs[0].pk}", rating=5)
    assert (told(player)["userRating"], told(stranger).get("userRating")) == (5, None)
    songs[0].title = "Uno"
    songs[0].save()
    curate(songs[0], labels_by_name({"soul": Label.Kind.GENRE})["soul"], True, make_user())
    curate(songs[0], Label.objects.get(name="jazz"), False, make_user())
    assert (told(player)["title"], told(player)["genre"]) == ("Uno", "soul")
    album = told(player)["albumId"]
    assert "playCount" not in player.ok("getAlbum", id=album)["album"]
    mira = User.objects.get(username="mira")
    for person in (make_user(), mira):
        record_play(person, songs[0])
    assert player.ok("getAlbum", id=album)["album"]["playCount"] == 1
    record_play(mira, songs[0])
    assert player.ok("getAlbumList2", type="frequent")["albumList2"]["album"][0]["playCount"] == 2
