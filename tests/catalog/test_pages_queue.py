"""The queue of the web's player on the server, shared with other players; how loud its songs are."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from catalog.models import NowPlaying, Play, Song, SoundDetails
from catalog.services import playback
from catalog.views.queue import WEB_PLAYER
from tests.factories import NO_ID, make_root, make_song, make_user

pytestmark = pytest.mark.django_db


def make_playable(title: str, artist: str, album: str = "") -> Song:
    return make_song(title, artist, root=make_root(), path=f"{title}.mp3", album=album)


@pytest.fixture
def songs(db: None) -> list[Song]:
    return [make_playable(title, "Nina") for title in ("One", "Two", "Three")]


def numbers(songs: list[Song]) -> str:
    return ",".join(str(song.pk) for song in songs)


def test_the_queue_is_kept_with_what_plays_now(client: Client, listener: User, songs: list[Song]) -> None:
    data = {"songs": numbers(songs), "current": "1", "position": "63000", "state": "playing"}
    assert client.post("/queue/", data).status_code == 204
    kept = playback.queue_of(listener)
    assert kept is not None
    assert (kept.song_ids, kept.current, kept.position_ms) == ([song.pk for song in songs], 1, 63000)
    [row] = playback.playing_now(listener)
    assert (row.song, row.player, row.state) == (songs[1], WEB_PLAYER, NowPlaying.State.PLAYING)
    # The page tells of plays itself.
    assert not Play.objects.exists()


def test_what_another_player_kept_is_there_to_go_on_with(client: Client, listener: User, songs: list[Song]) -> None:
    playback.save_queue(listener, [song.pk for song in songs], 2, 5000, "Symfonium <3")
    page = client.get("/queue/")
    text = page.content.decode()
    assert 'data-place="2" data-ms="5000" data-by="Symfonium &lt;3"' in text
    assert text.count("data-song=") == 3
    assert page["Cache-Control"] == "no-store"
    client.post("/queue/", {"songs": numbers(songs[:1]), "state": "paused"})
    assert 'data-by=""' in client.get("/queue/").content.decode()


def test_without_songs_only_what_plays_is_told(client: Client, listener: User, songs: list[Song]) -> None:
    playback.save_queue(listener, [songs[2].pk], 0, 5000, "Phone")
    client.post("/queue/", {"song": songs[0].pk, "state": "playing"})
    assert len(playback.playing_now(listener)) == 1
    client.post("/queue/", {"song": songs[0].pk, "state": "stopped"})
    assert playback.playing_now(listener) == []
    kept = playback.queue_of(listener)
    assert kept is not None
    assert kept.song_ids == [songs[2].pk]


def test_where_nothing_was_kept_there_is_nothing(client: Client, listener: User) -> None:
    assert client.get("/queue/").content.strip() == b""


def test_a_queue_is_each_persons_own(client: Client, listener: User, songs: list[Song]) -> None:
    playback.save_queue(make_user("otto"), [songs[0].pk], 0, 0, "Phone")
    assert client.get("/queue/").content.strip() == b""
    client.post("/queue/", {"songs": numbers(songs[1:]), "state": "paused"})
    other = playback.queue_of(User.objects.get(username="otto"))
    assert other is not None
    assert other.song_ids == [songs[0].pk]


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"songs": "1,x", "state": "playing"},
        {"songs": "1", "current": "1", "state": "playing"},
        {"songs": "1", "current": "-1", "state": "playing"},
        {"songs": "1", "state": "dancing"},
        {"songs": "1", "position": "1e9", "state": "playing"},
        {"song": "", "state": "playing"},
        {"songs": ",".join(["1"] * (playback.MOST_QUEUED + 1)), "state": "playing"},
    ],
)
def test_what_is_no_queue_is_refused_with_a_reason(client: Client, listener: User, data: dict[str, str]) -> None:
    response = client.post("/queue/", data)
    assert response.status_code == 400
    assert response.content
    assert playback.queue_of(listener) is None


def test_strangers_are_asked_to_log_in(client: Client) -> None:
    assert client.get("/queue/").status_code == 302
    assert client.get("/queue/loudness/").status_code == 302


def test_songs_say_how_loud_they_are_and_which_are_on_one_album(client: Client, listener: User) -> None:
    one, two = (make_playable(title, "Nina", album="Blue") for title in ("One", "Two"))
    alone, silent = make_playable("Alone", "Otis"), make_song("Silent")
    SoundDetails.objects.create(song=one, track_gain=-6.5, track_peak=0.9, album_gain=-7.0)
    songs = f"{one.pk},{two.pk},{alone.pk},{silent.pk},{NO_ID}"
    found = client.get(f"/queue/loudness/?songs={songs}").json()
    assert found[str(one.pk)] == {
        "album": found[str(two.pk)]["album"],
        "trackGain": -6.5,
        "trackPeak": 0.9,
        "albumGain": -7.0,
    }
    assert found[str(one.pk)]["album"]
    assert found[str(alone.pk)] == {"album": ""}
    assert set(found) == {str(one.pk), str(two.pk), str(alone.pk)}
    assert client.get("/queue/loudness/?songs=x").status_code == 400
