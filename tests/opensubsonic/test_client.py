"""Real clients of the protocol, py-opensonic and subsonic-api of npm, make every call that they have."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from libopensonic import Connection, errors  # type: ignore[import-untyped]
from pytest_django.live_server_helper import LiveServer

from accounts.services.app_passwords import make_app_password
from catalog.models import Song
from recommender.snapshots.build import build
from tests.conftest import PROJECT

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_database]

Connect = Callable[..., Any]


@pytest.fixture
def connect(live_server: LiveServer) -> Iterator[Connect]:
    """Connects a client to the server, until the test ends."""
    made = []

    def new(**credentials: Any) -> Any:
        address, _, port = live_server.url.rpartition(":")
        connection = Connection(address, port=int(port), app_name="py-opensonic", **credentials)
        made.append(connection)
        return connection

    yield new
    for connection in made:
        connection.cleanup()


def test_every_way_to_log_in_works(connect: Connect, mira: User, songs: list[Song]) -> None:
    password = make_app_password(mira, "client")[1]
    for credentials in (
        {"username": "mira", "password": password},
        {"username": "mira", "password": password, "use_get": True},
        {"username": "mira", "password": password, "legacy_auth": True},
        {"username": "mira", "password": "correct horse", "legacy_auth": True},
        {"api_key": password},
    ):
        connection = connect(**credentials)
        assert connection.ping()
        assert {song.title for song in connection.search3("blue").song} == {"One", "Two"}
    with pytest.raises(errors.SonicError):
        connect(username="mira", password="wrong").get_license()


def test_the_client_makes_every_call(connect: Connect, mira: User, heard: list[Song], snapshots: object) -> None:
    build()
    client = connect(api_key=make_app_password(mira, "client")[1])
    first, second = (f"so-{song.pk}" for song in heard[:2])
    song = client.get_song(first)
    assert (song.title, song.replay_gain.track_gain) == ("One", -6.5)
    album, artist = song.album_id, song.artist_id
    # Leafing
    assert client.get_license()["license"]["valid"]
    assert client.token_info().username == "mira"
    assert client.get_user("mira").username == "mira"
    assert {one.name for one in client.get_open_subsonic_extensions()} >= {"transcoding", "songLyrics"}
    # Not get_music_folders: version 10.4.1 reads its answer one level too high, whatever server answers.
    assert client.get_indexes().index
    assert client.get_artists().index
    assert client.get_artist(artist).album[0].id == album
    assert [one.id for one in client.get_album(album).song] == [first, second]
    assert client.get_music_directory(artist).child[0].id == album
    assert client.get_genres()[0].value == "jazz"
    for kind in ("random", "newest", "highest", "frequent", "recent", "alphabeticalByName", "starred"):
        client.get_album_list(kind)
        client.get_album_list2(kind)
    assert client.get_album_list2("byYear", from_year=1970, to_year=1980)[0].id == album
    assert client.get_songs_by_genre("jazz")[0].id == first
    assert len(client.get_random_songs(size=2)) == 2
    client.get_artist_info(artist)
    client.get_artist_info2(artist)
    client.get_album_info(album)
    client.get_album_info2(album)
    assert client.get_top_songs("Nina")[0].id == first
    assert client.search2("one").song
    assert client.search3("").song
    # Sound and pictures
    for response in (client.stream(first), client.download(first), client.get_cover_art(album, size=64)):
        assert response.status == 200
    assert client.stream(first, tformat="mp3", max_bit_rate=64).headers["Content-Type"] == "audio/mpeg"
    assert client.get_lyrics(artist="Nina", title="One").value.startswith("First line")
    assert client.get_lyrics_by_song_id(first)[0].line[0].start == 500
    info = {
        "name": "x",
        "platform": "y",
        "transcodingProfiles": [{"container": "mp3", "audioCodec": "mp3", "protocol": "http"}],
    }
    decision = client.get_transcode_decision(first, "song", info)
    assert decision.can_transcode
    assert client.get_transcode_stream(first, "song", decision.transcode_params).status == 200
    # Saying
    assert client.star(sids=[first], album_ids=[album], artist_ids=[artist])
    assert client.get_starred().song
    assert client.get_starred2().album[0].id == album
    assert client.unstar(sids=[first], album_ids=[album], artist_ids=[artist])
    assert client.set_rating(first, 4)
    assert client.scrobble(first)
    assert client.report_playback(first, "song", 0, "starting")
    assert client.get_now_playing()[0].id == first
    # Keeping
    assert client.create_playlist(name="Mine", song_ids=[first])
    [made] = [one for one in client.get_playlists() if one.name == "Mine"]
    assert client.get_playlist(made.id).entry[0].id == first
    assert client.update_playlist(made.id, name="Ours", song_ids_to_add=[second])
    assert "Ours" in {one.name for one in client.get_playlists()}
    assert client.delete_playlist(made.id)
    assert client.save_play_queue([first, second], current=second, position=10)
    assert client.get_play_queue().current == second
    assert client.save_play_queue_by_index([first, first], 1, 20)
    assert client.get_play_queue_by_index().current_index == 1
    assert client.create_bookmark(first, 1000)
    assert client.get_bookmarks()[0].position == 1000
    assert client.delete_bookmark(first)
    # Alike
    client.get_similar_songs(first)
    client.get_similar_songs2(artist)
    client.get_sonic_similar_tracks(first)
    client.find_sonic_path(first, second)
    # The rest
    assert client.get_scan_status().count == 3
    assert client.get_internet_radio_stations() == []
    assert client.get_shares() == []
    assert client.get_podcasts() == []
    assert client.get_newest_podcasts() == []
    assert client.get_chat_messages() == []
    refusals: list[Callable[[], Any]] = [
        lambda: client.get_users(),
        lambda: client.start_scan(),
        lambda: client.create_user("new", "password", "a@b.c"),
        lambda: client.change_password("otto", "x"),
        lambda: client.delete_user("mira"),
        lambda: client.add_chat_message("hello"),
        lambda: client.create_share([first]),
        lambda: client.create_podcast_channel("http://a.b"),
        lambda: client.create_internet_radio_station("http://a.b", "c"),
        lambda: client.jukebox_control("get"),
        lambda: client.get_avatar("mira"),
        lambda: client.get_video_info("1"),
    ]
    for refused in refusals:
        with pytest.raises(errors.SonicError):
            refused()


@pytest.fixture
def node() -> str:
    """Node, with the client of npm that `package.json` names."""
    found = shutil.which("node") or shutil.which("node", path=Path(sys.executable).parent)
    if found is None or not (PROJECT / "node_modules/subsonic-api").is_dir():
        left_out = "no subsonic-api (npm ci): the client of JavaScript made no calls"
        if os.environ.get("CI") == "true":
            pytest.fail(left_out)
        pytest.skip(left_out)
    return found


@pytest.mark.parametrize(("way", "method"), [("password", "GET"), ("password", "POST"), ("key", "GET")])
def test_the_client_of_npm_makes_every_call(
    live_server: LiveServer, node: str, mira: User, heard: list[Song], snapshots: object, way: str, method: str
) -> None:
    build()
    password = make_app_password(mira, "client")[1]
    auth = {"apiKey": password} if way == "key" else {"username": "mira", "password": password}
    first, second = (f"so-{song.pk}" for song in heard[:2])
    script = Path(__file__).with_name("node_client.js")
    command = [node, str(script), live_server.url, json.dumps(auth), method, first, second]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert "transcoding" in found["extensions"]
    assert found["songs"] == [first, second]
    assert "One" in found["titles"]
    assert found["playing"] == [first]
    assert "New here" in found["playlists"]
    assert found["current"] == second
    assert found["picture"] in ("image/png", "image/jpeg")
    assert found["sound"][0] == "audio/mpeg"
    assert found["sound"][1] > 10_000
