"""Recommendations as a player sees them: lists with their reasons, similar songs, the way from song to song."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.test import Client

from catalog.models import LibraryRoot, Song
from catalog.services.embeddings import store_embedding
from catalog.services.listening import rate, refuse
from recommender.models import AskedMood, DailyList
from recommender.services.contexts import keep_context
from recommender.services.mixes import choose_similarity
from recommender.services.similar import By
from recommender.snapshots.build import build
from tests.factories import make_song

from .player import Player, song_ids

pytestmark = pytest.mark.django_db

N_SONGS = 12


@pytest.fixture
def circle(root: LibraryRoot, mira: User, snapshots: object) -> list[Song]:
    """Songs of four artists that sound as they stand on half a circle, in the order of their numbers."""
    songs = []
    for number in range(N_SONGS):
        labels = {"calm": 1.0} if number < N_SONGS // 2 else {"loud": 1.0}
        song = make_song(
            f"S{number}", f"Artist {number % 4}", labels=labels | {"all": 0.5}, root=root, path=f"{number}.mp3"
        )
        angle = np.pi * number / N_SONGS
        store_embedding(song, "some-1", np.array([np.cos(angle), np.sin(angle)], np.float32))
        songs.append(song)
    rate(mira, songs[0], 5)
    build()
    return songs


def lists(player: Player) -> dict[str, dict[str, object]]:
    return {one["name"]: one for one in player.ok("getPlaylists")["playlists"]["playlist"]}


def test_recommended_lists_say_why_and_cannot_be_changed(player: Player, circle: list[Song]) -> None:
    found = lists(player)
    assert list(found) == ["For you", "New here"]
    mine = found["For you"]
    assert (mine["id"], mine["readonly"], mine["comment"]) == ("dl-for-you", True, "Because you like calm.")
    entries = player.ok("getPlaylist", id="dl-for-you")["playlist"]["entry"]
    assert entries[0]["title"] in {f"S{number}" for number in range(1, 6)}
    for call, parameters in (
        ("updatePlaylist", {"playlistId": "dl-for-you", "name": "Mine"}),
        ("createPlaylist", {"playlistId": "dl-for-you", "songId": f"so-{circle[0].pk}"}),
        ("deletePlaylist", {"id": "dl-for-you"}),
    ):
        assert player.code(call, **parameters) == 50
    assert player.code("getPlaylist", id="dl-nothing") == 70


def test_the_order_is_kept_for_the_day(player: Player, circle: list[Song], mira: User) -> None:
    before = song_ids(player.ok("getPlaylist", id="dl-for-you")["playlist"]["entry"])
    for song in circle[6:9]:
        rate(mira, song, 5)
    assert song_ids(player.ok("getPlaylist", id="dl-for-you")["playlist"]["entry"]) == before
    for daily in DailyList.objects.all():
        daily.day -= timedelta(days=1)
        daily.save()
    after = song_ids(player.ok("getPlaylist", id="dl-for-you")["playlist"]["entry"])
    assert after != before
    assert not {f"so-{song.pk}" for song in circle[6:9]} & set(after)


def test_contexts_and_the_last_mood_are_lists(player: Player, circle: list[Song], mira: User, client: Client) -> None:
    keep_context(mira, "Evening", "calm")
    client.force_login(mira)
    client.post("/recommendations/for-labels/", {"label": "calm", "weight": "1", "share": "0.5"})
    assert "Your mood" not in lists(player)
    asked = {"label": "loud", "weight": "1", "share": "0.5", "remember": "1"}
    client.post("/recommendations/for-labels/", asked)
    found = lists(player)
    assert found["Evening"]["comment"] == "You asked for “calm”: calm."
    assert found["Your mood"]["comment"] == "For the mood you asked for last: loud."
    entries = player.ok("getPlaylist", id="dl-mood")["playlist"]["entry"]
    assert {entry["title"] for entry in entries} <= {f"S{number}" for number in range(1, 12)}
    AskedMood.objects.update(asked_at=AskedMood.objects.get().asked_at - timedelta(days=2))
    assert "Your mood" not in lists(player)
    assert not AskedMood.objects.exists()
    mira.listening_contexts.all().delete()
    assert "Evening" not in lists(player)


def test_similar_songs_go_by_what_the_listener_has_chosen(player: Player, circle: list[Song], mira: User) -> None:
    choose_similarity(mira, By.SOUND)
    found = player.ok("getSonicSimilarTracks", id=f"so-{circle[5].pk}", count=2)["sonicMatch"]
    assert {one["entry"]["title"] for one in found} == {"S4", "S6"}
    assert found[0]["similarity"] == pytest.approx(np.cos(np.pi / N_SONGS), abs=0.01)
    choose_similarity(mira, By.LISTENERS)
    assert player.ok("getSonicSimilarTracks", id=f"so-{circle[5].pk}", count=2)["sonicMatch"] == []


def test_a_mix_leaves_out_what_is_not_wanted(player: Player, circle: list[Song], mira: User) -> None:
    refuse(mira, circle[4])
    seed = f"so-{circle[5].pk}"
    song = player.ok("getSong", id=seed)["song"]
    for call, inside in (("getSimilarSongs", "similarSongs"), ("getSimilarSongs2", "similarSongs2")):
        mixed = song_ids(player.ok(call, id=seed, count=5)[inside]["song"])
        assert mixed
        assert not {seed, f"so-{circle[4].pk}"} & set(mixed)
        for thing in (song["artistId"], song["albumId"]):
            assert player.ok(call, id=thing, count=3)[inside]["song"]
        assert player.ok(call, id=seed, count=0)[inside]["song"] == []


def test_a_path_leads_from_song_to_song_by_sound(player: Player, circle: list[Song]) -> None:
    first, last = (f"so-{song.pk}" for song in (circle[0], circle[-1]))
    found = player.ok("findSonicPath", startSongId=first, endSongId=last)["sonicMatch"]
    assert [one["entry"]["title"] for one in found] == [f"S{number}" for number in range(N_SONGS)]
    assert found[0]["similarity"] == 1.0
    artists = [one["entry"]["artist"] for one in found]
    assert all(one != other for one, other in pairwise(artists))
    short = player.ok("findSonicPath", startSongId=first, endSongId=last, count=4)["sonicMatch"]
    assert len(short) <= 4
    same = player.ok("findSonicPath", startSongId=first, endSongId=first)["sonicMatch"]
    assert [one["entry"]["title"] for one in same] == ["S0"]
    assert player.code("findSonicPath", startSongId=first) == 10


def test_before_the_first_snapshot_there_is_nothing_alike(player: Player, songs: list[Song]) -> None:
    first, second = (f"so-{song.pk}" for song in songs[:2])
    assert player.ok("findSonicPath", startSongId=first, endSongId=second)["sonicMatch"] == []
    assert player.ok("getSonicSimilarTracks", id=first)["sonicMatch"] == []
    assert player.ok("getSimilarSongs2", id=first)["similarSongs2"]["song"] == []
