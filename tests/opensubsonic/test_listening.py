"""What a listener says and does by a player: favourites, stars, plays, queue, bookmarks, playlists."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from accounts.services.app_passwords import make_app_password
from catalog.models import CollectionOpinion, FavouriteSong, NowPlaying, Play, Playlist, Rating, Song
from recommender.services.taste import taste_of
from tests.factories import NO_ID

from .player import Player, song_ids

pytestmark = pytest.mark.django_db


def sid(song: Song) -> str:
    return f"so-{song.pk}"


# --- Favourites and stars -----------------------------------------------------------------------


def test_a_favourite_without_stars_counts_as_liked_at_once(player: Player, songs: list[Song], mira: User) -> None:
    player.ok("star", id=[sid(songs[0]), sid(songs[1])])
    player.ok("setRating", id=sid(songs[1]), rating=2)
    taste = taste_of(mira)
    assert (taste.starred, taste.disliked) == ([songs[0].pk], [songs[1].pk])
    assert songs[0].pk in taste.known
    player.ok("unstar", id=sid(songs[0]))
    assert taste_of(mira).starred == []


def test_a_star_that_names_something_that_is_not_there_does_nothing(player: Player, songs: list[Song]) -> None:
    assert player.code("star", id=[sid(songs[0]), f"so-{NO_ID}"]) == 70
    assert not FavouriteSong.objects.exists()
    assert player.code("star") == 10


def test_albums_and_artists_have_favourites_and_stars(player: Player, songs: list[Song]) -> None:
    song = player.ok("getSong", id=sid(songs[0]))["song"]
    player.ok("star", id=song["albumId"])
    player.ok("setRating", id=song["albumId"], rating=4)
    player.ok("setRating", id=song["artistId"], rating=3)
    album = player.ok("getAlbum", id=song["albumId"])["album"]
    assert album["userRating"] == 4
    assert "starred" in album
    assert [one["name"] for one in player.ok("getAlbumList2", type="highest")["albumList2"]["album"]] == ["Blue"]
    player.ok("unstar", albumId=song["albumId"])
    for thing in ("albumId", "artistId"):
        player.ok("setRating", id=song[thing], rating=0)
    assert not CollectionOpinion.objects.exists()


@pytest.mark.parametrize("rating", ["6", "-1", "x", ""])
def test_stars_go_from_1_to_5(player: Player, songs: list[Song], rating: str) -> None:
    assert player.code("setRating", id=sid(songs[0]), rating=rating) in (0, 10)
    assert not Rating.objects.exists()


# --- Plays --------------------------------------------------------------------------------------


def test_a_scrobble_is_a_play_at_its_time_once(player: Player, songs: list[Song], mira: User) -> None:
    for _ in range(2):
        player.ok("scrobble", id=[sid(songs[0]), sid(songs[1])], time=[1_700_000_000_000, 1_700_000_200_000])
    player.ok("scrobble", id=sid(songs[0]))
    assert taste_of(mira).play_counts == {songs[0].pk: 2, songs[1].pk: 1}
    assert player.code("scrobble", id=[sid(songs[0]), sid(songs[1])], time=1) == 0
    assert player.code("scrobble", id=sid(songs[0]), time=-(10**14)) == 0
    assert player.code("scrobble") == 10


def test_a_time_that_has_not_come_is_now(player: Player, songs: list[Song]) -> None:
    player.ok("scrobble", id=sid(songs[0]), time=10**15)
    assert Play.objects.get().played_at <= timezone.now()


def test_what_begins_plays_now_and_is_no_play(player: Player, stranger: Player, songs: list[Song]) -> None:
    player.ok("scrobble", id=sid(songs[0]), submission=False)
    [entry] = player.ok("getNowPlaying")["nowPlaying"]["entry"]
    assert (entry["id"], entry["username"], entry["playerName"]) == (sid(songs[0]), "mira", "test")
    assert stranger.ok("getNowPlaying")["nowPlaying"]["entry"] == []
    assert not Play.objects.exists()


def report(player: Player, song: Song, state: str, position_ms: int, passed_s: float = 0.0, **more: object) -> None:
    """A report so many seconds after the one before it."""
    for row in NowPlaying.objects.all():
        row.reported_at -= timedelta(seconds=passed_s)
        row.started_at -= timedelta(seconds=passed_s)
        row.save()
    player.ok("reportPlayback", mediaId=sid(song), mediaType="song", state=state, positionMs=position_ms, **more)


def test_half_a_song_is_a_play_and_less_is_a_skip(player: Player, songs: list[Song], mira: User) -> None:
    Song.objects.update(duration_s=200)
    report(player, songs[0], "starting", 0)
    report(player, songs[0], "playing", 60_000, 60)
    assert not Play.objects.exists()
    report(player, songs[0], "playing", 120_000, 60)
    assert taste_of(mira).play_counts == {songs[0].pk: 1}
    report(player, songs[0], "stopped", 200_000, 80)
    report(player, songs[1], "starting", 0)
    report(player, songs[1], "stopped", 5_000, 5)
    skipped = Play.objects.filter(skipped=True)
    assert [play.song for play in skipped] == [songs[1]]
    assert taste_of(mira).play_counts == {songs[0].pk: 1}
    assert player.ok("getNowPlaying")["nowPlaying"]["entry"] == []


def test_another_song_ends_the_one_before_it_as_a_skip(player: Player, songs: list[Song]) -> None:
    Song.objects.update(duration_s=200)
    report(player, songs[0], "starting", 0)
    report(player, songs[0], "playing", 10_000, 10)
    report(player, songs[1], "starting", 0)
    assert [play.song for play in Play.objects.filter(skipped=True)] == [songs[0]]


def test_what_was_leapt_over_or_paused_is_not_heard(player: Player, songs: list[Song]) -> None:
    Song.objects.update(duration_s=200)
    report(player, songs[0], "starting", 0)
    report(player, songs[0], "paused", 1_000, 1)
    report(player, songs[0], "playing", 150_000, 100)
    report(player, songs[0], "playing", 199_000, 1)
    assert not Play.objects.exists()


def test_a_report_that_is_not_to_count_does_not(player: Player, songs: list[Song]) -> None:
    report(player, songs[0], "starting", 0, ignoreScrobble=True)
    report(player, songs[0], "playing", 3_000, 3, ignoreScrobble=True)
    report(player, songs[0], "stopped", 3_000, 0, ignoreScrobble=True)
    assert not Play.objects.exists()


def test_a_song_that_is_reported_and_scrobbled_counts_once(player: Player, songs: list[Song], mira: User) -> None:
    report(player, songs[0], "starting", 0)
    report(player, songs[0], "playing", 2_900, 3)
    player.ok("scrobble", id=sid(songs[0]))
    assert taste_of(mira).play_counts == {songs[0].pk: 1}


def test_a_song_that_has_stopped_and_is_scrobbled_then_counts_once(
    player: Player, songs: list[Song], mira: User
) -> None:
    report(player, songs[0], "starting", 0)
    report(player, songs[0], "playing", 2_900, 3)
    report(player, songs[0], "stopped", 3_000)
    player.ok("scrobble", id=sid(songs[0]))
    assert taste_of(mira).play_counts == {songs[0].pk: 1}
    report(player, songs[0], "starting", 0)
    report(player, songs[0], "stopped", 2_900, 3)
    assert taste_of(mira).play_counts == {songs[0].pk: 2}


def test_a_song_on_repeat_counts_each_time(player: Player, songs: list[Song], mira: User) -> None:
    for _ in range(3):
        player.ok("scrobble", id=sid(songs[0]), submission=False)
        player.ok("scrobble", id=sid(songs[0]))
    assert taste_of(mira).play_counts == {songs[0].pk: 3}


def test_what_was_played_without_a_network_counts_beside_what_plays(
    player: Player, songs: list[Song], mira: User
) -> None:
    yesterday = int(1000 * (timezone.now() - timedelta(days=1)).timestamp())
    player.ok("scrobble", id=sid(songs[0]), submission=False)
    player.ok("scrobble", id=[sid(songs[0]), sid(songs[0])], time=[yesterday, yesterday + 200_000])
    player.ok("scrobble", id=sid(songs[0]))
    assert taste_of(mira).play_counts == {songs[0].pk: 3}


def test_two_devices_with_the_same_player_do_not_disturb_one_another(
    player: Player, songs: list[Song], mira: User
) -> None:
    Song.objects.update(duration_s=200)
    phone, tablet = (
        Player(player.client, apiKey=make_app_password(mira, name)[1]) for name in ("test on the phone", "Tablet")
    )
    report(phone, songs[0], "starting", 0)
    report(tablet, songs[1], "starting", 0)
    for device, song in ((phone, songs[0]), (tablet, songs[1])):
        report(device, song, "playing", 50_000, 50)
    playing = player.ok("getNowPlaying")["nowPlaying"]["entry"]
    assert {one["playerName"]: one["id"] for one in playing} == {
        "test on the phone": sid(songs[0]),
        "test (Tablet)": sid(songs[1]),
    }
    for device, song in ((phone, songs[0]), (tablet, songs[1])):
        report(device, song, "stopped", 110_000, 60)
    assert taste_of(mira).play_counts == {songs[0].pk: 1, songs[1].pk: 1}
    assert not Play.objects.filter(skipped=True).exists()


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"mediaType": "podcast"}, 70),
        ({"mediaType": "film"}, 0),
        ({"state": "dancing"}, 0),
        ({"positionMs": -1}, 0),
        ({"playbackRate": "fast"}, 0),
        ({"ignoreScrobble": "maybe"}, 0),
    ],
)
def test_a_report_that_makes_no_sense_is_refused(
    player: Player, songs: list[Song], wrong: dict[str, object], code: int
) -> None:
    said = {"mediaId": sid(songs[0]), "mediaType": "song", "state": "playing", "positionMs": 0} | wrong
    assert player.code("reportPlayback", **said) == code


# --- Queue and bookmarks ------------------------------------------------------------------------


def test_a_queue_goes_on_on_another_device(player: Player, songs: list[Song]) -> None:
    queue = [sid(songs[0]), sid(songs[1]), sid(songs[0])]
    player.ok("savePlayQueueByIndex", id=queue, currentIndex=2, position=1234)
    found = player.ok("getPlayQueueByIndex")["playQueueByIndex"]
    assert (song_ids(found["entry"]), found["currentIndex"], found["position"]) == (queue, 2, 1234)
    assert player.ok("getPlayQueue")["playQueue"]["current"] == queue[2]
    player.ok("savePlayQueue", id=queue[:2], current=queue[1])
    assert player.ok("getPlayQueueByIndex")["playQueueByIndex"]["currentIndex"] == 1
    player.ok("savePlayQueue")
    assert player.ok("getPlayQueue")["playQueue"]["entry"] == []


def test_a_queue_does_without_songs_that_are_gone(player: Player, songs: list[Song]) -> None:
    player.ok("savePlayQueue", id=[sid(song) for song in songs], current=sid(songs[1]), position=500)
    songs[1].delete()
    found = player.ok("getPlayQueue")["playQueue"]
    assert (song_ids(found["entry"]), found["current"]) == ([sid(songs[0]), sid(songs[2])], sid(songs[2]))
    assert found["position"] == 0


def test_a_queue_has_the_song_that_plays(player: Player, songs: list[Song]) -> None:
    assert player.code("savePlayQueue", id=sid(songs[0]), current=sid(songs[1])) == 0
    assert player.code("savePlayQueue", id=sid(songs[0])) == 10
    assert player.code("savePlayQueueByIndex", id=sid(songs[0]), currentIndex=1) == 0
    assert player.code("savePlayQueueByIndex", id=[sid(songs[0]), f"so-{NO_ID}"], currentIndex=0) == 70


def test_a_bookmark_is_kept_changed_and_deleted(player: Player, songs: list[Song]) -> None:
    player.ok("createBookmark", id=sid(songs[0]), position=1000, comment="here <b>")
    player.ok("createBookmark", id=sid(songs[0]), position=2000)
    [bookmark] = player.ok("getBookmarks")["bookmarks"]["bookmark"]
    assert (bookmark["position"], bookmark["entry"]["id"]) == (2000, sid(songs[0]))
    player.ok("deleteBookmark", id=sid(songs[0]))
    assert player.code("deleteBookmark", id=sid(songs[0])) == 70
    assert player.code("createBookmark", id=sid(songs[0])) == 10


# --- Playlists ----------------------------------------------------------------------------------


def test_a_playlist_is_made_changed_and_deleted(player: Player, songs: list[Song]) -> None:
    made = player.ok("createPlaylist", name="Mine", songId=[sid(songs[0]), sid(songs[1])])["playlist"]
    assert (made["songCount"], made["owner"], made["public"]) == (2, "mira", False)
    player.ok(
        "updatePlaylist",
        playlistId=made["id"],
        name="Ours",
        comment="for <all>",
        public=True,
        songIdToAdd=sid(songs[2]),
        songIndexToRemove=0,
    )
    found = player.ok("getPlaylist", id=made["id"])["playlist"]
    assert song_ids(found["entry"]) == [sid(songs[1]), sid(songs[2])]
    assert (found["name"], found["comment"], found["public"]) == ("Ours", "for <all>", False)
    listed = [one["id"] for one in player.ok("getPlaylists")["playlists"]["playlist"]]
    assert listed == ["dl-new-here", made["id"]]
    player.ok("createPlaylist", playlistId=made["id"], songId=sid(songs[0]))
    assert song_ids(player.ok("getPlaylist", id=made["id"])["playlist"]["entry"]) == [sid(songs[0])]
    player.ok("deletePlaylist", id=made["id"])
    assert not Playlist.objects.exists()


def test_songs_of_a_playlist_that_no_player_sees_stay_in_it(player: Player, songs: list[Song]) -> None:
    made = player.ok("createPlaylist", name="Mine", songId=[sid(song) for song in songs])["playlist"]
    Song.objects.filter(pk=songs[0].pk).update(missing_since=timezone.now())
    songs[1].save()
    player.ok("createPlaylist", playlistId=made["id"], songId=sid(songs[2]))
    assert {song.pk for song in Song.objects.filter(playlist_entries__playlist__name="Mine")} == {
        songs[0].pk,
        songs[2].pk,
    }


def test_a_playlist_that_cannot_be_is_refused(player: Player, songs: list[Song]) -> None:
    player.ok("createPlaylist", name="Mine")
    other = player.ok("createPlaylist", name="Other")["playlist"]
    assert player.code("createPlaylist") == 10
    assert player.code("createPlaylist", name="x" * 200) == 0
    assert player.code("updatePlaylist", playlistId=other["id"], name="Mine") == 0
    assert player.code("updatePlaylist", playlistId=other["id"], songIndexToRemove=0) == 0
    assert player.code("updatePlaylist", playlistId=other["id"], comment="x" * 501) == 0
    assert player.code("createPlaylist", name="New", songId=f"so-{NO_ID}") == 70
    assert Playlist.objects.count() == 2
