"""Nobody reaches what is another person's, by any call that takes an id; and what others say does not show."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db.models import Model
from django.http import StreamingHttpResponse
from django.test import Client

from accounts.models import AppPassword
from accounts.services.app_passwords import make_app_password
from catalog.models import Bookmark, FavouriteSong, NowPlaying, Playlist, PlaylistSong, PlayQueue, Rating, Song
from catalog.services import playback
from opensubsonic import views  # noqa: F401 (its endpoints register themselves)
from opensubsonic.registry import ENDPOINTS
from recommender.models import DailyList, ListeningContext
from tests.factories import NO_ID

from .player import Player
from .test_media import hang_up

pytestmark = pytest.mark.django_db


@pytest.fixture
def playlist(player: Player, songs: list[Song]) -> str:
    """The id of a playlist of Mira's."""
    made = player.ok("createPlaylist", name="Mine", songId=f"so-{songs[0].pk}")["playlist"]
    return str(made["id"])


@pytest.mark.parametrize(
    ("name", "parameter", "more"),
    [
        ("getPlaylist", "id", {}),
        ("deletePlaylist", "id", {}),
        ("updatePlaylist", "playlistId", {"name": "Stolen"}),
        ("createPlaylist", "playlistId", {"songId": "so-1"}),
        ("getCoverArt", "id", {}),
    ],
)
def test_another_persons_playlist_is_not_there(
    stranger: Player, playlist: str, songs: list[Song], name: str, parameter: str, more: dict[str, str]
) -> None:
    more = {key: f"so-{songs[1].pk}" if key == "songId" else value for key, value in more.items()}
    assert stranger.code(name, **{parameter: playlist}, **more) == 70
    kept = Playlist.objects.get()
    assert (kept.name, kept.entries.count()) == ("Mine", 1)


def test_an_admin_does_not_reach_them_either(player: Player, stranger: Player, playlist: str, otto: User) -> None:
    User.objects.filter(pk=otto.pk).update(is_superuser=True, is_staff=True)
    assert stranger.code("getPlaylist", id=playlist) == 70
    assert stranger.ok("getPlaylists", username="mira")["playlists"]["playlist"] == []
    assert player.code("getPlaylists", username="otto") == 50
    assert stranger.code("getPlaylists", username="nobody") == 70


def test_queue_and_bookmarks_are_each_persons_own(player: Player, stranger: Player, songs: list[Song]) -> None:
    first = f"so-{songs[0].pk}"
    player.ok("savePlayQueue", id=first, current=first)
    player.ok("createBookmark", id=first, position=1)
    assert stranger.ok("getPlayQueue")["playQueue"]["entry"] == []
    assert stranger.ok("getBookmarks")["bookmarks"]["bookmark"] == []
    assert stranger.code("deleteBookmark", id=first) == 70
    stranger.ok("savePlayQueue")
    stranger.ok("createBookmark", id=first, position=2)
    assert PlayQueue.objects.count() == 1
    assert Bookmark.objects.get(user__username="mira").position_ms == 1


def test_daily_lists_are_each_persons_own(player: Player, stranger: Player, songs: list[Song], mira: User) -> None:
    context = ListeningContext.objects.create(user=mira, name="Work", words="jazz")
    assert stranger.code("getPlaylist", id=f"dl-context-{context.pk}") == 70
    assert stranger.code("getCoverArt", id=f"dl-context-{context.pk}") == 70
    assert not DailyList.objects.exists()


def test_what_others_say_does_not_show(player: Player, stranger: Player, heard: list[Song]) -> None:
    for song in stranger.ok("search3", query="")["searchResult3"]["song"]:
        assert not {"userRating", "playCount", "starred", "played"} & set(song)
    assert stranger.ok("getStarred2")["starred2"]["song"] == []
    assert stranger.ok("getAlbumList2", type="frequent")["albumList2"]["album"] == []


def test_other_people_are_an_admins_business(player: Player, stranger: Player, mira: User) -> None:
    assert player.code("getUsers") == 50
    assert player.code("getUser", username="otto") == 50
    User.objects.filter(pk=mira.pk).update(is_superuser=True, is_staff=True)
    assert [one["username"] for one in player.ok("getUsers")["users"]["user"]] == ["mira", "otto"]
    assert player.ok("getUser", username="otto")["user"]["adminRole"] is False
    assert player.code("getUser", username="nobody") == 70


def test_only_staff_has_folders_looked_through(player: Player) -> None:
    assert player.code("startScan") == 50


@pytest.mark.parametrize(
    "name",
    ["createUser", "updateUser", "deleteUser", "changePassword", "createShare", "jukeboxControl", "addChatMessage",
     "createInternetRadioStation", "createPodcastChannel"],
)  # fmt: skip
def test_what_is_not_here_says_so(player: Player, name: str) -> None:
    assert player.code(name, username="otto", password="x") == 50
    assert User.objects.get(username="mira").check_password("correct horse")


@pytest.mark.parametrize("name", ["getVideoInfo", "getAvatar", "hls", "getCaptions", "getPodcastEpisode"])
def test_what_is_not_to_be_found_says_so(player: Player, name: str) -> None:
    assert player.code(name, id="so-1", username="mira") == 70


SONG_CALLS = ["getSong", "getLyricsBySongId", "getSimilarSongs", "getSonicSimilarTracks", "stream", "download", "star",
              "setRating", "scrobble", "createBookmark", "deleteBookmark", "getCoverArt", "getAlbumInfo"]  # fmt: skip


@pytest.mark.parametrize("name", SONG_CALLS)
def test_an_id_of_another_kind_or_of_nothing_is_not_found(player: Player, songs: list[Song], name: str) -> None:
    for wrong in (f"pl-{songs[0].pk}", str(songs[0].pk), f"so-{NO_ID}", f"so-{songs[0].pk}x"):
        assert player.code(name, id=wrong, rating=1, position=1) == 70, wrong


def test_no_call_whatever_shows_or_changes_another_persons_things(
    player: Player, stranger: Player, songs: list[Song], mira: User
) -> None:
    first = f"so-{songs[0].pk}"
    own = player.ok("createPlaylist", name="Secret list", songId=first)["playlist"]["id"]
    player.ok("updatePlaylist", playlistId=own, comment="Secret comment")
    player.ok("createBookmark", id=first, position=1, comment="Secret place")
    playback.save_queue(mira, [songs[0].pk], 0, 5, "Secret player")
    playback.report_playback(mira, songs[0], "Secret player", state="playing", position_ms=0)
    context = ListeningContext.objects.create(user=mira, name="Secret context", words="jazz")
    made = make_app_password(mira, "Secret phone")[1]

    def state() -> list[object]:
        tables = (
            Playlist,
            PlaylistSong,
            Bookmark,
            PlayQueue,
            NowPlaying,
            Rating,
            FavouriteSong,
            AppPassword,
            DailyList,
        )
        return [list(table._default_manager.filter(**{_owner(table): mira}).values()) for table in tables]

    before = state()
    asked = ("id", "playlistId", "songId", "albumId", "artistId", "mediaId", "startSongId", "endSongId", "songIdToAdd")
    for thing in (own, f"dl-context-{context.pk}", first, str(context.pk), "mira"):
        more = dict.fromkeys(asked, thing) | {"username": "mira", "name": "Stolen", "comment": "x", "rating": "1"}
        more |= {"position": "9", "current": thing, "currentIndex": "0", "mediaType": "song", "state": "stopped"}
        for one in ENDPOINTS.values():
            response = stranger.raw(one.name, **more, positionMs=1)
            if not isinstance(response, StreamingHttpResponse):
                content: bytes = response.content  # type: ignore[attr-defined]
                assert b"Secret" not in content, (one.name, thing)
                assert made.encode() not in content
            else:
                hang_up(response)
    assert state() == before


def _owner(table: type[Model]) -> str:
    return "playlist__user" if table is PlaylistSong else "user"


def test_app_passwords_of_others_are_out_of_reach(client: Client, listener: User, mira: User) -> None:
    row, password = make_app_password(mira, "Pocket")
    page = client.get("/accounts/players/").content.decode()
    assert "Pocket" not in page
    client.post("/accounts/players/", {"what": "revoke", "password": row.pk})
    Player(client, apiKey=password).ok("ping")
