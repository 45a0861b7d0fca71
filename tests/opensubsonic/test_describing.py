"""What is described once for everybody: kept while it is true, and no longer."""

from __future__ import annotations

import json
import threading
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.models import LibraryRoot, Song, SoundDetails
from catalog.services.labels import curate, labels_by_name, rename_label
from opensubsonic import ahead, kept
from opensubsonic.written import JSON
from tests.audio import tag
from tests.factories import add_labels, make_root, make_song, make_user

from .player import Player, song_ids

pytestmark = pytest.mark.django_db


def listed(player: Player) -> list[dict[str, Any]]:
    """All songs, as a sync reads them."""
    found: list[dict[str, Any]] = player.ok("search3", query="", songCount=500)["searchResult3"]["song"]
    return found


def read_of_files(player: Player) -> list[str]:
    """What a list of all songs asks the database of their files."""
    with CaptureQueriesContext(connection) as captured:
        player.raw("search3", query="", songCount=500, albumCount=0, artistCount=0)
    return [query["sql"] for query in captured.captured_queries if "sounddetails" in query["sql"]]


def test_a_changed_song_is_read_again_and_the_others_are_not(player: Player, songs: list[Song]) -> None:
    assert len(read_of_files(player)) == 1
    assert read_of_files(player) == []
    songs[1].title = "Due"
    songs[1].track_number = 7
    songs[1].save(update_fields=["title", "track_number"])
    listed(player)
    SoundDetails.objects.create(song=songs[2], bit_rate=96_000, channels=1)
    songs[2].save()
    [read] = read_of_files(player)
    assert str(songs[2].pk) in read
    assert str(songs[1].pk) not in read.partition("WHERE")[2]
    assert [one["bitRate"] for one in listed(player) if one["id"] == f"so-{songs[2].pk}"] == [96]


@pytest.mark.django_db(transaction=True)
def test_albums_and_songs_have_the_genres_of_now(player: Player, songs: list[Song]) -> None:
    def told() -> tuple[list[str], list[str], list[str]]:
        found = player.ok("search3", query="")["searchResult3"]
        of_song = next(one for one in found["song"] if one["id"] == f"so-{songs[0].pk}")
        [album] = [one for one in found["album"] if one["name"] == "Blue"]
        genres = player.ok("getGenres")["genres"]["genre"]
        return (
            [one["name"] for one in of_song["genres"]],
            [one["name"] for one in album["genres"]],
            [one["value"] for one in genres],
        )

    assert told() == (["jazz"], ["jazz"], ["jazz"])
    rename_label(labels_by_name({"jazz": "genre"})["jazz"], "bebop")
    assert told() == (["bebop"], ["bebop"], ["bebop"])
    curate(songs[0], labels_by_name({"bebop": "genre"})["bebop"], False, make_user())
    assert told() == ([], [], [])


def test_what_an_import_of_listens_learns_of_a_song_shows(player: Player, songs: list[Song], tmp_path: Path) -> None:
    assert "isrc" not in next(one for one in listed(player) if one["title"] == "Two")
    listen = {
        "listened_at": 1_700_000_000,
        "user_name": "rob",
        "track_metadata": {
            "track_name": "Two",
            "artist_name": "Nina feat. Otis",
            "additional_info": {"isrc": "GBAYE0601498"},
        },
    }
    export = tmp_path / "listens.jsonl"
    export.write_text(json.dumps(listen) + "\n")
    call_command("import_plays", str(export), format="listenbrainz", user="mira", stdout=StringIO())
    assert next(one for one in listed(player) if one["title"] == "Two")["isrc"] == ["GBAYE0601498"]


def test_a_song_is_told_of_as_the_database_has_it_while_lists_are_still_behind(
    player: Player, songs: list[Song], root: LibraryRoot
) -> None:
    before = next(one for one in listed(player) if one["id"] == f"so-{songs[0].pk}")
    # Nobody says that something has changed: so it is with thousands of songs until all are read again.
    Song.objects.filter(pk=songs[0].pk).update(title="Uno", title_key="uno", track_number=9)
    SoundDetails.objects.filter(song=songs[0]).update(track_gain=-3.0)
    songs[0].song_labels.all().delete()
    new = Song(title="New", artist="Nina", album="Blue", album_artist="Nina", root=root, path="new.mp3", size=1)
    new.set_keys()
    Song.objects.bulk_create([new])
    add_labels(new, {"jazz": 1.0}, source="import", origin="file")

    assert next(one for one in listed(player) if one["id"] == before["id"]) == before
    assert f"so-{new.pk}" not in song_ids(listed(player))
    now = player.ok("getSong", id=before["id"])["song"]
    assert (now["title"], now["track"], now["replayGain"]["trackGain"]) == ("Uno", 9, -3.0)
    assert "genre" not in now
    assert {name: now[name] for name in ("albumId", "artistId", "parent", "displayAlbumArtist")} == {
        name: before[name] for name in ("albumId", "artistId", "parent", "displayAlbumArtist")
    }
    of_new = player.ok("getSong", id=f"so-{new.pk}")["song"]
    assert (of_new["title"], of_new["albumId"], of_new["genre"]) == ("New", before["albumId"], "jazz")
    Song.objects.filter(pk=new.pk).delete()
    assert player.code("getSong", id=f"so-{new.pk}") == 70


@pytest.mark.django_db(transaction=True)
def test_a_file_with_other_tags_is_told_of_with_them_at_once(player: Player, one: Song, root: LibraryRoot) -> None:
    listed(player)
    path = root.folder / "Nina/Blue/retagged.flac"
    path.write_bytes((root.folder / one.path).read_bytes())
    tag(path, title="First", artist="Nina", album="Blue", replaygain_track_gain="-4.00 dB")
    call_command("import_music", str(root.folder), verbosity=0)
    [first] = [song for song in listed(player) if song["title"] == "First"]
    assert first["replayGain"]["trackGain"] == -4.0
    tag(path, title="Second", artist="Nina", album="Green", replaygain_track_gain="-2.00 dB")
    call_command("import_music", str(root.folder), verbosity=0)
    path.unlink()
    for song in (
        player.ok("getSong", id=first["id"])["song"],
        next(song for song in listed(player) if song["id"] == first["id"]),
    ):
        assert (song["title"], song["album"], song["replayGain"]["trackGain"]) == ("Second", "Green", -2.0)


@pytest.mark.django_db(transaction=True)
def test_a_large_library_is_described_before_it_is_asked_for(
    player: Player, root: LibraryRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [make_song(f"S{number}", "A", root=root, path=f"{number}.mp3") for number in range(250)]
    assert ahead.describe_ahead(kept.current(), JSON) is None
    monkeypatch.setattr(ahead, "_LARGE", 100)
    monkeypatch.setattr(ahead, "_REST", 0.0)
    monkeypatch.setattr(ahead, "_SETTLED_S", 0.0)
    player.raw("getRandomSongs", size=1)
    for thread in threading.enumerate():
        if thread.name == "describe-ahead":
            thread.join()
    library = kept.current()
    assert library.descriptions(JSON).songs.keys() == {song.pk for song in made}
    assert read_of_files(player) == []
    assert len(listed(player)) == 250


def test_a_song_is_in_the_folder_to_which_it_has_been_moved(
    player: Player, songs: list[Song], root: LibraryRoot, tmp_path: Path
) -> None:
    other = make_root(tmp_path, "Other")

    def inside(folder: LibraryRoot) -> set[str]:
        asked = {"musicFolderId": folder.pk}
        ids = set(song_ids(player.ok("search3", query="", **asked)["searchResult3"]["song"]))
        assert set(song_ids(player.ok("getRandomSongs", size=500, **asked)["randomSongs"]["song"])) == ids
        return ids

    first = f"so-{songs[0].pk}"
    assert first in inside(root)
    assert inside(other) == set()
    songs[0].root = other
    songs[0].save()
    assert first not in inside(root)
    assert inside(other) == {first}
    assert song_ids(player.ok("getSongsByGenre", genre="jazz", musicFolderId=other.pk)["songsByGenre"]["song"]) == [
        first
    ]
    asked = {"musicFolderId": other.pk, "size": 500}
    assert player.ok("getRandomSongs", fromYear=1971, toYear=1960, **asked)["randomSongs"]["song"]
    assert player.ok("getRandomSongs", fromYear=1972, **asked)["randomSongs"].get("song", []) == []
