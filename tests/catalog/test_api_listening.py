from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from catalog.models import Label, NotThis, Nudge, Play, PlayCount, Rating, Song
from catalog.services import listening
from tests.factories import make_song, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    return make_user("ada")


@pytest.fixture
def bob() -> User:
    return make_user("bob")


@pytest.fixture
def song() -> Song:
    return make_song("Take Five", "Dave Brubeck")


@pytest.fixture
def api(ada: User) -> APIClient:
    return client_of(ada)


def client_of(user: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


def results(client: APIClient, address: str, **parameters: Any) -> list[dict[str, Any]]:
    answer = client.get(address, parameters)
    assert answer.status_code == 200, answer.json()
    found: list[dict[str, Any]] = answer.json()["results"]
    return found


# --- Ratings


def test_a_rating_is_put_and_put_again(api: APIClient, ada: User, song: Song) -> None:
    address = f"/api/ratings/{song.pk}/"
    first = api.put(address, {"stars": 4})
    again = api.put(address, {"stars": 4})
    other = api.put(address, {"stars": 2})
    assert [first.status_code, again.status_code, other.status_code] == [201, 200, 200]
    assert list(Rating.objects.values_list("user", "song", "stars")) == [(ada.pk, song.pk, 2)]
    told = api.get(address).json()
    assert (told["song"], told["title"], told["artist"], told["stars"]) == (song.pk, "Take Five", "Dave Brubeck", 2)


def test_a_rating_is_posted_in_the_place_of_an_earlier_one(api: APIClient, song: Song) -> None:
    assert api.post("/api/ratings/", {"song": song.pk, "stars": 5}).status_code == 201
    assert api.post("/api/ratings/", {"song": song.pk, "stars": 1}).status_code == 200
    assert [rating["stars"] for rating in results(api, "/api/ratings/")] == [1]


def test_a_rating_is_taken_back(api: APIClient, ada: User, song: Song) -> None:
    api.put(f"/api/ratings/{song.pk}/", {"stars": 4})
    assert list(Rating.objects.values_list("user", "song", "stars")) == [(ada.pk, song.pk, 4)]
    assert api.delete(f"/api/ratings/{song.pk}/").status_code == 204
    assert api.delete(f"/api/ratings/{song.pk}/").status_code == 404
    assert not Rating.objects.exists()


def test_ratings_are_filtered_and_ordered(api: APIClient, ada: User) -> None:
    songs = [make_song(title) for title in "abc"]
    for song, stars in zip(songs, (3, 5, 4), strict=True):
        listening.rate(ada, song, stars)
    assert [rating["title"] for rating in results(api, "/api/ratings/")] == ["c", "b", "a"]
    assert [rating["title"] for rating in results(api, "/api/ratings/", ordering="-stars")] == ["b", "c", "a"]
    assert [rating["title"] for rating in results(api, "/api/ratings/", stars_min=4)] == ["c", "b"]
    assert [rating["title"] for rating in results(api, "/api/ratings/", song=songs[0].pk)] == ["a"]


@pytest.mark.parametrize("stars", [0, 6, -1, 4.5, "four", "", None, True, [], {}, 10**30, "nan", "1e400", "٣٣"])
def test_stars_that_are_none_are_refused(api: APIClient, song: Song, stars: object) -> None:
    for answer in (
        api.put(f"/api/ratings/{song.pk}/", {"stars": stars}),
        api.post("/api/ratings/", {"song": song.pk, "stars": stars}),
    ):
        assert answer.status_code == 400
        assert list(answer.json()["errors"]) == ["stars"]
    assert not Rating.objects.exists()


@pytest.mark.parametrize("wrong", [0, -1, 10**30, 2**63, "x", "", None, True, 1.5, [], {}, "\x00"])
def test_a_song_that_is_none_cannot_be_rated_or_played(api: APIClient, song: Song, wrong: object) -> None:
    for answer in (
        api.post("/api/ratings/", {"song": wrong, "stars": 3}),
        api.post("/api/plays/", {"song": wrong}),
    ):
        assert answer.status_code == 400
        assert list(answer.json()["errors"]) == ["song"]


@pytest.mark.parametrize("kind", ["ratings", "not-this", "nudges"])
@pytest.mark.parametrize("pk", ["0", str(2**63), "9" * 30, "9" * 5000])
def test_what_is_not_there_cannot_be_spoken_of(api: APIClient, kind: str, pk: str) -> None:
    address = f"/api/{kind}/{pk}/"
    answers = [api.put(address, {"stars": 3, "weight": 1}), api.get(address), api.delete(address)]
    assert [answer.status_code for answer in answers] == [404] * 3


# --- Plays


def test_a_play_is_stored_and_counted(api: APIClient, ada: User, song: Song) -> None:
    moment = timezone.now() - timedelta(days=1)
    said = {"song": song.pk, "played_at": moment.isoformat()}
    first = api.post("/api/plays/", said)
    again = api.post("/api/plays/", said)
    assert first.status_code == 201
    assert again.json()["id"] == first.json()["id"]
    assert list(Play.objects.values_list("user", "song", "skipped", "origin")) == [(ada.pk, song.pk, False, "player")]
    (count,) = results(api, "/api/play-counts/")
    assert (count["song"], count["title"], count["count"], count["origin"]) == (song.pk, "Take Five", 1, "player")


def test_a_play_without_a_moment_is_now_and_a_skipped_one_does_not_count(api: APIClient, song: Song) -> None:
    answer = api.post("/api/plays/", {"song": song.pk, "skipped": True})
    assert answer.json()["skipped"] is True
    assert timezone.now() - Play.objects.get().played_at < timedelta(minutes=1)
    assert results(api, "/api/play-counts/") == []


@pytest.mark.parametrize(
    "moment",
    [
        "3000-01-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "1969-12-31T23:59:59Z",
        "yesterday",
        "2026-02-30T00:00:00Z",
        5,
        [],
        "\x00",
    ],
)
def test_a_moment_at_which_nobody_played_is_refused(api: APIClient, song: Song, moment: object) -> None:
    answer = api.post("/api/plays/", {"song": song.pk, "played_at": moment})
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["played_at"]
    assert not Play.objects.exists()


def test_plays_are_filtered_and_come_latest_first(api: APIClient, ada: User) -> None:
    now = timezone.now()
    for days, title in enumerate("abc"):
        listening.record_play(ada, make_song(title), played_at=now - timedelta(days=days), skipped=title == "b")

    def played(**parameters: Any) -> list[str]:
        return [play["title"] for play in results(api, "/api/plays/", **parameters)]

    assert played() == ["a", "b", "c"]
    assert played(skipped="true") == ["b"]
    assert played(since=(now - timedelta(days=1)).isoformat()) == ["a", "b"]
    assert played(until=(now - timedelta(days=1)).isoformat()) == ["c"]
    assert played(song=Song.objects.get(title="c").pk) == ["c"]


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "x", "\x00"])
def test_a_moment_that_no_database_can_be_asked_for_is_refused(api: APIClient, moment: str) -> None:
    for parameter in ("since", "until"):
        answer = api.get("/api/plays/", {parameter: moment})
        assert answer.status_code == 400
        assert list(answer.json()["errors"]) == [parameter]


def test_every_moment_of_the_calendar_can_be_asked_for(api: APIClient, ada: User, song: Song) -> None:
    listening.record_play(ada, song)
    assert len(results(api, "/api/plays/", since="0001-01-01T00:00:00Z", until="9999-12-31T23:59:59Z")) == 1


# --- Not this, and nudges


def test_a_song_is_refused_and_forgiven(api: APIClient, ada: User, song: Song) -> None:
    address = f"/api/not-this/{song.pk}/"
    assert api.get(address).status_code == 404
    assert [api.put(address).status_code, api.put(address).status_code] == [201, 200]
    assert [refusal["song"] for refusal in results(api, "/api/not-this/")] == [song.pk]
    assert NotThis.objects.get().user == ada
    assert api.delete(address).status_code == 204
    assert not NotThis.objects.exists()


def test_a_label_is_nudged_and_forgotten(api: APIClient, ada: User) -> None:
    jazz = Label.objects.create(name="jazz")
    address = f"/api/nudges/{jazz.pk}/"
    assert api.put(address, {"weight": 0.5}).status_code == 201
    assert api.put(address, {"weight": -0.5}).json() == {"label": jazz.pk, "name": "jazz", "weight": -0.5}
    assert Nudge.objects.get().user == ada
    assert api.delete(address).status_code == 204
    assert results(api, "/api/nudges/") == []


def test_a_nudge_is_as_strong_here_as_the_page_of_tastes_makes_them(api: APIClient, ada: User) -> None:
    jazz = Label.objects.create(name="jazz")
    listening.nudge(ada, jazz, -532.25)
    (nudge,) = results(api, "/api/nudges/")
    assert api.put(f"/api/nudges/{jazz.pk}/", {"weight": nudge["weight"]}).status_code == 200


@pytest.mark.parametrize("weight", [0, 1_000_001, -1_000_001, "nan", "inf", "-inf", "x", None, 10**400, [], {}])
def test_a_nudge_that_is_none_is_refused(api: APIClient, weight: object) -> None:
    jazz = Label.objects.create(name="jazz")
    answer = api.put(f"/api/nudges/{jazz.pk}/", {"weight": weight})
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["weight"]
    assert not Nudge.objects.exists()


# --- What belongs to others


@pytest.fixture
def of_bob(bob: User, song: Song) -> dict[str, str]:
    """The address of everything that Bob has said and played."""
    jazz = Label.objects.create(name="jazz")
    listening.rate(bob, song, 5)
    listening.refuse(bob, song)
    listening.nudge(bob, jazz, 2.0)
    play = listening.record_play(bob, song)
    return {
        "ratings": f"/api/ratings/{song.pk}/",
        "not-this": f"/api/not-this/{song.pk}/",
        "nudges": f"/api/nudges/{jazz.pk}/",
        "plays": f"/api/plays/{play.pk}/",
    }


@pytest.mark.parametrize("staff", [False, True])
def test_what_another_has_said_and_played_is_not_there(
    of_bob: dict[str, str], song: Song, bob: User, staff: bool
) -> None:
    api = client_of(make_user("eve", is_staff=staff, is_superuser=staff))
    for address in of_bob.values():
        assert api.get(address).status_code == 404
        assert api.delete(address).status_code in (404, 405)
    for kind in (*of_bob, "play-counts"):
        assert results(api, f"/api/{kind}/") == []
        assert results(api, f"/api/{kind}/", user=bob.pk) == []
    assert [model.objects.count() for model in (Rating, NotThis, Nudge, Play, PlayCount)] == [1] * 5


def test_nobody_speaks_for_another(of_bob: dict[str, str], song: Song, bob: User, ada: User) -> None:
    api = client_of(ada)
    api.post("/api/ratings/", {"song": song.pk, "stars": 1, "user": bob.pk})
    api.put(f"/api/ratings/{song.pk}/", {"stars": 1, "user": bob.pk})
    api.post("/api/plays/", {"song": song.pk, "user": bob.pk})
    assert Rating.objects.get(user=bob).stars == 5
    assert Rating.objects.get(user=ada).stars == 1
    assert Play.objects.filter(user=bob).count() == 1


@pytest.mark.parametrize("kind", ["ratings", "plays", "play-counts", "not-this"])
def test_a_long_list_costs_two_queries(
    api: APIClient, ada: User, kind: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(30):
        song = make_song()
        listening.rate(ada, song, 4)
        listening.record_play(ada, song)
        listening.refuse(ada, song)
    with django_assert_num_queries(2):
        assert len(results(api, f"/api/{kind}/")) == 30
