"""The map in snapshots, on its page and in the API: what it shows, to whom, and how little is asked for it."""

from __future__ import annotations

import gzip
import json
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from catalog.models import Label, LibraryRoot, Song
from catalog.services import song_index
from catalog.services.embeddings import store_embedding
from catalog.services.listening import rate, refuse
from recommender.models import Snapshot
from recommender.services import song_map
from recommender.services.song_map import NO_LABEL, WIDTH
from recommender.snapshots import build, current
from tests.factories import NO_ID, add_labels, make_song

pytestmark = pytest.mark.django_db

N = 24
GENRES = ("jazz", "rock", "techno")


@pytest.fixture
def heard(root: LibraryRoot) -> list[Song]:
    """Songs of three genres that a network has heard, the last but two; every genre sounds of its own."""
    rng = np.random.default_rng(2)
    songs = []
    for number in range(N):
        genre = number % 3
        song = make_song(
            f"Song {number}",
            f"Artist {number % 5}",
            labels={GENRES[genre]: 0.9, "loud": 0.2 + 0.02 * number},
            root=root,
            path=f"{number}.ogg",
            duration_s=100 + number,
        )
        songs.append(song)
        if number < N - 2:
            store_embedding(song, "network-1", np.eye(3)[genre] * 5 + rng.random(3))
    Label.objects.filter(name__in=GENRES).update(kind=Label.Kind.GENRE)
    song_index.record_changes(None)
    return songs


@pytest.fixture
def mapped(heard: list[Song]) -> list[Song]:
    """The same songs, with a snapshot."""
    build.build(Snapshot.Kind.CONTENT)
    return heard


def places() -> dict[int, tuple[float, float]]:
    """Where each song lies on the map that counts, by primary key."""
    bundle = current.bundle()
    assert bundle is not None
    assert bundle.map is not None
    ids = bundle.index.song_ids[bundle.map.songs]
    return dict(zip(ids.tolist(), map(tuple, bundle.map.places.tolist()), strict=True))


def unpacked(body: bytes) -> dict[str, Any]:
    """What `static/js/map_points.js` reads."""
    length = int(np.frombuffer(body, "<u4", 1)[0])
    about: dict[str, Any] = json.loads(body[4 : 4 + length])
    n, at = about["songs"], 4 + length
    steps = np.frombuffer(body, "<u4", n, at)
    x, y = (np.frombuffer(body, "<u2", n, at + 4 * n + 2 * n * axis) for axis in (0, 1))
    strongest = np.frombuffer(body, np.uint8, n * about["per_song"], at + 8 * n).reshape(about["per_song"], n)
    assert len(body) == at + 8 * n + n * about["per_song"]
    ids = about["first"] + np.cumsum(steps)
    return {**about, "ids": ids.tolist(), "x": x.tolist(), "y": y.tolist(), "strongest": strongest.T.tolist()}


# --- In snapshots ---------------------------------------------------------------------------------


def test_a_snapshot_has_a_map_of_the_songs_that_were_heard(mapped: list[Song]) -> None:
    assert sorted(places()) == [song.pk for song in mapped[: N - 2]]
    row = current.current_row()
    assert row is not None
    assert row.methods["map"]["songs"] == N - 2


def test_a_song_heard_today_lies_beside_what_it_sounds_like_and_nothing_else_moves(mapped: list[Song]) -> None:
    before = places()
    new = mapped[-1]
    store_embedding(new, "network-1", np.eye(3)[2] * 5 + 0.5)
    add_labels(new, {"new": 0.5})
    build.build(Snapshot.Kind.CONTENT)
    now = places()
    assert {pk: place for pk, place in now.items() if pk != new.pk} == before
    far = {pk: np.hypot(*np.subtract(now[new.pk], place)) for pk, place in before.items()}
    assert mapped.index(Song.objects.get(pk=min(far, key=lambda pk: far[pk]))) % 3 == 2


def test_a_whole_snapshot_begins_from_the_map_that_people_know(mapped: list[Song]) -> None:
    before = places()
    Song.objects.filter(pk=mapped[0].pk).delete()
    build.build(Snapshot.Kind.FULL)
    now = places()
    kept = [pk for pk in before if pk != mapped[0].pk]
    width = np.ptp([before[pk] for pk in kept], axis=0).max()
    moved = [np.hypot(*np.subtract(now[pk], before[pk])) / width for pk in kept]
    assert np.median(moved) < 0.1


def test_the_first_whole_snapshot_has_a_map_too(heard: list[Song]) -> None:
    build.build(Snapshot.Kind.FULL)
    assert len(places()) == N - 2


def test_the_time_for_the_map_does_not_slow_the_pace_of_content(mapped: list[Song]) -> None:
    row = current.current_row()
    assert row is not None
    assert 0 < row.methods["map"]["seconds"] <= row.seconds


# --- What is sent ---------------------------------------------------------------------------------


def test_points_come_packed_with_places_and_strongest_labels(page: Client, mapped: list[Song]) -> None:
    found = unpacked(page.get("/map/places").content)
    assert found["ids"] == [song.pk for song in mapped[: N - 2]]
    assert max(max(found["x"]) - min(found["x"]), max(found["y"]) - min(found["y"])) == WIDTH
    names = [name for name, _ in found["labels"]]
    for song, strongest in zip(mapped, found["strongest"], strict=False):
        assert names[strongest[0]] == GENRES[mapped.index(song) % 3]
        assert strongest[2:] == [NO_LABEL] * 3
    assert dict(map(tuple, found["labels"]))["jazz"] == "genre"


def test_points_are_sent_once_and_again_when_something_has_changed(page: Client, mapped: list[Song]) -> None:
    first = page.get("/map/places")
    again = page.get("/map/places", headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 304
    assert not again.content
    mapped[0].delete()
    now = page.get("/map/places", headers={"If-None-Match": first["ETag"]})
    assert now.status_code == 200
    assert unpacked(now.content)["ids"] == [song.pk for song in mapped[1 : N - 2]]


def test_points_are_compressed_for_who_understands_that(page: Client, mapped: list[Song]) -> None:
    zipped = page.get("/map/places", headers={"Accept-Encoding": "gzip, br"})
    assert zipped["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in zipped["Vary"]
    assert gzip.decompress(zipped.content) == page.get("/map/places").content


def test_twenty_thousand_songs_are_small(root: LibraryRoot) -> None:
    rng = np.random.default_rng(0)
    n = 20_000
    many = song_map.Shown(
        song_ids=np.cumsum(rng.integers(1, 4, n)),
        places=rng.integers(0, WIDTH, (n, 2)).astype(np.uint16),
        labels=rng.integers(0, 100, (n, song_map.LABELS)).astype(np.uint8),
        label_names=[f"label {number}" for number in range(100)],
        label_kinds=["genre"] * 100,
        left_out=0,
        not_drawn=0,
    )
    assert unpacked(many.packed)["ids"] == many.song_ids.tolist()
    assert len(many.packed) < 280_000
    assert len(many.zipped) < 200_000


def test_a_song_that_has_lost_its_file_leaves_the_map_at_once(page: Client, mapped: list[Song]) -> None:
    Song.objects.filter(pk=mapped[3].pk).update(missing_since=timezone.now())
    song_index.record_changes([mapped[3].pk])
    assert mapped[3].pk not in unpacked(page.get("/map/places").content)["ids"]
    assert page.get(f"/map/songs/?songs={mapped[3].pk}").json() == {"songs": []}


def test_of_too_many_songs_a_part_is_drawn_and_the_page_says_so(
    page: Client, mapped: list[Song], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(song_map, "MOST_SHOWN", 10)
    song_map.forget()
    assert unpacked(page.get("/map/places").content)["songs"] == 10
    assert "10 songs, spread evenly over 22" in page.get("/map/").content.decode()
    song_map.forget()


def test_songs_are_named_in_the_order_asked_for(page: Client, mapped: list[Song]) -> None:
    asked = [mapped[5], mapped[2]]
    found = page.get(f"/map/songs/?songs={asked[0].pk},{NO_ID},{asked[1].pk}").json()["songs"]
    assert [one["id"] for one in found] == [song.pk for song in asked]
    assert found[0]["title"] == "Song 5"
    assert found[0]["artist"] == "Artist 0"
    assert found[0]["song"] == f"/songs/{asked[0].pk}/"
    assert found[0]["seconds"] == 105
    assert found[0]["cover"].startswith(f"/songs/{asked[0].pk}/cover?v=")


@pytest.mark.parametrize("songs", ["x", "-1", "1;2", "1,²", "9" * 30, ",".join(map(str, range(101)))])
def test_what_names_no_songs_is_refused_in_words(page: Client, songs: str) -> None:
    answer = page.get("/map/songs/", {"songs": songs})
    assert answer.status_code == 400
    assert answer["Content-Type"].startswith("text/plain")


# --- The page -------------------------------------------------------------------------------------


def test_the_page_says_how_many_songs_are_on_the_map_and_how_many_are_not(page: Client, mapped: list[Song]) -> None:
    content = page.get("/map/").content.decode()
    assert "22 songs" in content
    assert "2 more are not on it yet" in content
    assert '<a href="/map/" aria-current="page">' in content


def test_songs_you_like_and_refuse_are_marked_for_you_alone(
    page: Client, ada: User, mapped: list[Song], client: Client
) -> None:
    rate(ada, mapped[1], 5)
    rate(ada, mapped[2], 1)
    refuse(ada, mapped[4], True)
    content = page.get("/map/").content.decode()
    assert f'data-liked="{mapped[1].pk}"' in content
    assert f'data-refused="{mapped[2].pk} {mapped[4].pk}"' in content
    other = Client()
    other.force_login(User.objects.create_user("bob"))
    assert 'data-liked=""' in other.get("/map/").content.decode()
    assert other.get("/map/places").content == page.get("/map/places").content


def test_before_anything_was_heard_the_page_says_what_is_to_come(page: Client, root: LibraryRoot) -> None:
    assert "No music here yet" in page.get("/map/").content.decode()
    make_song("Waits", root=root, path="waits.ogg")
    song_index.record_changes(None)
    assert "Nothing on the map yet" in page.get("/map/").content.decode()
    assert unpacked(page.get("/map/places").content)["ids"] == []


def test_a_snapshot_from_before_there_was_a_map_is_no_map(page: Client, mapped: list[Song]) -> None:
    bundle = current.bundle()
    assert bundle is not None
    del bundle.parts["map"]
    song_map.forget()
    assert "Nothing on the map yet" in page.get("/map/").content.decode()
    song_map.forget()


@pytest.mark.parametrize("address", ["/map/", "/map/places", "/map/songs/?songs=1"])
def test_strangers_are_sent_to_log_in(client: Client, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize("address", ["/map/", "/map/places", "/map/songs/", "/api/map/"])
def test_nothing_is_taken(page: Client, address: str) -> None:
    assert page.post(address).status_code == 405


@pytest.mark.parametrize(("address", "most"), [("/map/", 6), ("/map/places", 5), ("/map/songs/?songs={}", 4)])
def test_few_queries_whatever_the_library(page: Client, mapped: list[Song], address: str, most: int) -> None:
    asked = address.format(",".join(str(song.pk) for song in mapped))
    page.get(asked)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert page.get(asked).status_code == 200
    assert len(queries) <= most


# --- The API --------------------------------------------------------------------------------------


def test_the_api_has_the_same_in_json(ada: User, mapped: list[Song], page: Client) -> None:
    api = APIClient()
    api.force_authenticate(ada)
    answer = api.get("/api/map/")
    found, packed = answer.json(), unpacked(page.get("/map/places").content)
    assert (found["songs"], found["x"], found["y"]) == (packed["ids"], packed["x"], packed["y"])
    assert found["labels"] == [name for name, _ in packed["labels"]]
    assert [[label for label in one if label != NO_LABEL] for one in packed["strongest"]] == found["strongest"]
    assert (found["left_out"], found["not_drawn"]) == (2, 0)
    assert api.get("/api/map/", headers={"If-None-Match": answer["ETag"]}).status_code == 304


def test_strangers_get_no_map_from_the_api() -> None:
    assert APIClient().get("/api/map/").status_code == 401
