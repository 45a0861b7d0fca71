"""Rating, playing and refusing from the pages; the page of one's own ratings."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from catalog.models import NotThis, Play, PlayCount, Rating
from tests.factories import NO_ID, make_rating, make_song, make_user
from tests.pages import OWN_QUERIES

pytestmark = pytest.mark.django_db


def milliseconds(ago: timedelta = timedelta()) -> str:
    return str(round((timezone.now() - ago).timestamp() * 1000))


@pytest.mark.parametrize("action", ["rate", "plays", "not-this"])
def test_strangers_and_other_methods_are_refused(client: Client, action: str) -> None:
    song = make_song()
    assert client.post(f"/songs/{song.pk}/{action}/", {"stars": "5"}).status_code == 302
    client.force_login(make_user())
    assert client.get(f"/songs/{song.pk}/{action}/").status_code == 405
    assert client.post(f"/songs/{NO_ID}/{action}/", {"stars": "5"}).status_code == 404
    assert not Rating.objects.exists()


def test_stars_are_stored_changed_and_taken_back(client: Client, listener: User) -> None:
    song = make_song()
    for stars in (5, 2):
        client.post(f"/songs/{song.pk}/rate/", {"stars": stars})
        assert Rating.objects.get().stars == stars
    client.post(f"/songs/{song.pk}/rate/", {"stars": 0})
    assert not Rating.objects.exists()


@pytest.mark.parametrize("data", [{}, {"stars": "6"}, {"stars": "-1"}, {"stars": "4.5"}, {"stars": "many"}])
def test_stars_beyond_five_are_refused_with_a_reason(client: Client, listener: User, data: dict[str, str]) -> None:
    response = client.post(f"/songs/{make_song().pk}/rate/", data)
    assert response.status_code == 400
    assert response.content.decode() == "Stars go from 1 to 5, or 0 for none."
    assert not Rating.objects.exists()


def test_without_scripts_one_is_back_where_one_was(client: Client, listener: User) -> None:
    song = make_song()
    for referer, goal in (
        ("http://testserver/library/?page=2", "http://testserver/library/?page=2"),
        ("http://elsewhere.example/", f"/songs/{song.pk}/"),
        ("", f"/songs/{song.pk}/"),
    ):
        response = client.post(f"/songs/{song.pk}/rate/", {"stars": 3}, headers={"Referer": referer})
        assert response["Location"] == goal


def test_with_htmx_what_was_done_is_said_to_screen_readers(client: Client, listener: User) -> None:
    song = make_song("Blue <b>")
    response = client.post(f"/songs/{song.pk}/rate/", {"stars": 1}, headers={"HX-Request": "true"})
    assert "Blue &lt;b&gt;: 1 star</p>" in response.content.decode()


def test_a_play_is_counted_once_however_often_it_is_told(client: Client, listener: User) -> None:
    song = make_song()
    started = milliseconds(ago=timedelta(minutes=3))
    for _ in range(2):
        assert client.post(f"/songs/{song.pk}/plays/", {"started_at": started}).status_code == 204
    assert PlayCount.objects.get().count == 1


def test_a_skipped_play_is_kept_but_not_counted(client: Client, listener: User) -> None:
    client.post(f"/songs/{make_song().pk}/plays/", {"skipped": "1"})
    assert Play.objects.get().skipped
    assert not PlayCount.objects.exists()


@pytest.mark.parametrize(
    "data",
    [
        {"started_at": "soon"},
        {"started_at": "-1"},
        {"started_at": "9" * 30},
        {"started_at": "0"},
        {"started_at": "99999999999999"},
        {"started_at": "²"},
        {"skipped": "perhaps"},
    ],
)
def test_a_play_that_makes_no_sense_is_refused(client: Client, listener: User, data: dict[str, str]) -> None:
    response = client.post(f"/songs/{make_song().pk}/plays/", data)
    assert response.status_code == 400
    assert not Play.objects.exists()


def test_refusing_and_taking_it_back(client: Client, listener: User) -> None:
    song = make_song()
    response = client.post(f"/songs/{song.pk}/not-this/", headers={"HX-Request": "true"})
    assert "Not for me: undo" in response.content.decode()
    assert NotThis.objects.filter(user=listener, song=song).exists()
    client.post(f"/songs/{song.pk}/not-this/", {"refused": "0"})
    assert not NotThis.objects.exists()
    assert client.post(f"/songs/{song.pk}/not-this/", {"refused": "2"}).status_code == 400


def test_my_ratings_are_mine_and_sorted(client: Client, listener: User) -> None:
    make_rating(listener, make_song("b"), 2)
    make_rating(listener, make_song("a"), 5)
    make_rating(make_user(), make_song("Somebody else's"), 5)

    def titles(sort: str) -> list[str]:
        return [row.song.title for row in client.get(f"/ratings/?sort={sort}").context["rows"]]

    assert titles("newest") == titles("best") == titles("title") == ["a", "b"]
    assert titles("worst") == ["b", "a"]


def test_no_ratings_say_what_to_do_first(client: Client, listener: User) -> None:
    assert "Find songs to rate" in client.get("/ratings/").content.decode()


def test_the_queries_of_my_ratings_do_not_grow(
    client: Client, listener: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(30):
        make_rating(listener, make_song(labels={"jazz": 0.5}), 4)
    with django_assert_max_num_queries(OWN_QUERIES["my-ratings"]):
        client.get("/ratings/")


def test_a_post_without_the_token_is_refused_in_words() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_user())
    response = client.post(f"/songs/{make_song().pk}/rate/", {"stars": 3})
    assert response.status_code == 403
    assert "This form was too old" in response.content.decode()
