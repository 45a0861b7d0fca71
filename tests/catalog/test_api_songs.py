from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from catalog.models import LabelAlias, Song, SongIdentifier
from catalog.services.labels import curate
from tests.factories import add_labels, make_root, make_song, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> APIClient:
    client = APIClient()
    client.force_authenticate(make_user("ada"))
    return client


def titles(api: APIClient, **parameters: Any) -> list[str]:
    answer = api.get("/api/songs/", parameters)
    assert answer.status_code == 200, answer.json()
    return [song["title"] for song in answer.json()["results"]]


def test_a_song_is_told_with_its_names_and_with_who_says_which_label(api: APIClient) -> None:
    song = make_song("Take Five", "Dave Brubeck", external_id="mbid:1", album="Time Out", year=1959)
    SongIdentifier.objects.create(song=song, value="isrc:2")
    add_labels(song, {"jazz": 0.9, "calm": 0.4}, origin="jamendo-cnn")
    add_labels(song, {"jazz": 12}, source="import", origin="lastfm")
    told = api.get(f"/api/songs/{song.pk}/").json()
    assert (told["id"], told["title"], told["artist"], told["album"]) == (
        song.pk,
        "Take Five",
        "Dave Brubeck",
        "Time Out",
    )
    assert told["external_id"] == "mbid:1"
    assert told["identifiers"] == ["mbid:1", "isrc:2"]
    assert told["tagging_state"] == "pending"
    assert [
        (annotation["name"], annotation["source"], annotation["origin"], annotation["weight"])
        for annotation in told["labels"]
    ] == [
        ("jazz", "import", "lastfm", 12.0),
        ("jazz", "cnn", "jamendo-cnn", 0.9),
        ("calm", "cnn", "jamendo-cnn", 0.4),
    ]


def test_a_song_without_audio_has_no_address_to_stream_it_from(api: APIClient) -> None:
    told = api.get(f"/api/songs/{make_song().pk}/").json()
    assert (told["has_audio"], told["audio"]) == (False, None)


def test_a_song_with_audio_says_where_to_stream_it_from_and_not_where_it_lies(api: APIClient) -> None:
    root = make_root("/music/of/somebody", "music")
    song = make_song(root=root, path="jazz/five.ogg")
    answer = api.get(f"/api/songs/{song.pk}/")
    assert answer.json()["audio"] == f"http://testserver/api/songs/{song.pk}/audio/"
    assert answer.json()["cover"] == f"http://testserver/api/songs/{song.pk}/cover/"
    assert "somebody" not in answer.text
    assert "five.ogg" not in answer.text


def test_a_song_whose_file_is_gone_has_no_audio(api: APIClient) -> None:
    make_song("gone", root=make_root(), path="gone.ogg", missing_since=datetime(2026, 1, 1, tzinfo=UTC))
    make_song("here", root=make_root(), path="here.ogg")
    make_song("never")
    assert titles(api, has_audio="true") == ["here"]
    assert titles(api, has_audio="false") == ["gone", "never"]


def test_labels_filter_by_name_and_alias_and_all_of_them_count(api: APIClient) -> None:
    both = make_song("both", labels={"Hip-Hop": 0.9, "calm": 0.2})
    make_song("one", labels={"Hip-Hop": 0.9})
    LabelAlias.objects.create(label=both.song_labels.get(label__key="hip hop").label, name="Rap")
    assert titles(api, label="hip hop") == ["both", "one"]
    assert titles(api, label="rap") == ["both", "one"]
    assert titles(api, label=["RAP", "calm"]) == ["both"]
    assert titles(api, label="nobody says this") == []


def test_a_label_that_a_curator_refused_does_not_count(api: APIClient) -> None:
    song = make_song("refused", labels={"jazz": 0.9})
    curate(song, song.song_labels.get().label, False, make_user("curator", is_staff=True))
    assert titles(api, label="jazz") == []


def test_songs_are_found_by_artist_album_and_year(api: APIClient) -> None:
    make_song("a", "The Beatles", album="Help!", year=1965)
    make_song("b", "Beatles feat. Nobody", album="Abbey Road", year=1969)
    make_song("c", "Kinks", album="help!", year=None)
    assert titles(api, artist="beatles") == ["a", "b"]
    assert titles(api, album="help!") == ["a", "c"]
    assert titles(api, year_min=1966) == ["b"]
    assert titles(api, year_min=1960, year_max=1968) == ["a"]


def test_songs_are_found_by_words_in_title_artist_and_album(api: APIClient) -> None:
    make_song("Déjà Vu", "Beyoncé")
    make_song("Don't Stop", "The Others", album="100 % Live")
    assert titles(api, search="deja beyonce") == ["Déjà Vu"]
    assert titles(api, search="don't the others") == ["Don't Stop"]
    assert titles(api, search="100 % live") == ["Don't Stop"]
    assert titles(api, search="deja others") == []
    assert titles(api, search="beyonse") == ["Déjà Vu"]
    assert titles(api, search="zzzzzz") == []


def test_songs_are_found_by_the_state_of_their_tagging(api: APIClient) -> None:
    make_song("waiting")
    make_song("failed", tagging_state=Song.Tagging.FAILED)
    assert titles(api, tagging_state="failed") == ["failed"]


def test_songs_are_ordered_and_what_is_unknown_comes_last(api: APIClient) -> None:
    make_song("b", year=1990)
    make_song("a", year=None)
    make_song("c", year=1980)
    assert titles(api) == ["a", "b", "c"]
    assert titles(api, ordering="-title") == ["c", "b", "a"]
    assert titles(api, ordering="year") == ["c", "b", "a"]
    assert titles(api, ordering="-year") == ["b", "c", "a"]


def test_pages_of_equal_songs_never_overlap(api: APIClient) -> None:
    for _ in range(7):
        make_song("Same", year=2000)
    pages = [
        api.get("/api/songs/", {"ordering": "-year", "page_size": 3, "page": page}).json()["results"]
        for page in (1, 2, 3)
    ]
    assert len({song["id"] for page in pages for song in page}) == 7


def test_a_page_holds_no_more_than_500(api: APIClient) -> None:
    for title in "abc":
        make_song(title)
    answer = api.get("/api/songs/", {"page_size": 2}).json()
    assert (answer["count"], len(answer["results"])) == (3, 2)
    assert answer["next"].endswith("page=2&page_size=2")
    Song.objects.bulk_create(Song(title=f"{n}", title_key=f"{n}") for n in range(600))
    assert len(api.get("/api/songs/", {"page_size": 100_000}).json()["results"]) == 500


@pytest.mark.parametrize("songs", [5, 50])
def test_a_page_of_songs_costs_four_queries_however_long_it_is(
    api: APIClient, songs: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(songs):
        make_song(external_id=f"x:{number}", labels={"jazz": 0.5, "calm": 0.25}, root=make_root(), path="a.ogg")
    with django_assert_num_queries(4):  # how many there are, the songs, their identifiers, their labels
        assert len(titles(api)) == songs


def test_filters_cost_no_query_a_song(api: APIClient, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    for _ in range(20):
        make_song("Blue", labels={"jazz": 0.5})
    with django_assert_max_num_queries(6):
        assert len(titles(api, label="jazz", search="blue", has_audio="false", ordering="-added")) == 20


@pytest.mark.parametrize(
    "parameters",
    [
        {"search": "a\x00b"},
        {"search": "x" * 201},
        {"artist": "\x00"},
        {"album": "\x00"},
        {"label": "\x00"},
        {"label": "x" * 101},
        {"label": ["jazz"] * 21},
        {"year_min": "99999999999999999999"},
        {"year_max": "-1"},
        {"year_max": "NaN"},
        {"year_min": "1e3"},
        {"tagging_state": "bored"},
        {"ordering": "password"},
        {"ordering": "-"},
    ],
)
def test_what_cannot_be_filtered_by_is_refused_by_name(api: APIClient, parameters: dict[str, Any]) -> None:
    answer = api.get("/api/songs/", parameters)
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == list(parameters)
    assert answer.json()["detail"].startswith(next(iter(parameters)))


@pytest.mark.parametrize("page", ["0", "-1", "2", "x", "1.5", "9" * 30, "9" * 5000, "\x00"])
def test_a_page_that_is_none_is_not_found(api: APIClient, page: str) -> None:
    make_song()
    assert api.get("/api/songs/", {"page": page}).status_code == 404


@pytest.mark.parametrize("size", ["0", "-1", "x", "9" * 30, "9" * 5000, "\x00"])
def test_a_page_size_that_is_none_is_passed_over(api: APIClient, size: str) -> None:
    make_song()
    assert len(api.get("/api/songs/", {"page_size": size}).json()["results"]) == 1


@pytest.mark.parametrize(
    "pk", ["0", "9223372036854775807", "9223372036854775808", "9" * 40, "9" * 5000, "-1", "x", "%00"]
)
def test_a_song_that_is_none_is_not_found(api: APIClient, pk: str) -> None:
    answer = api.get(f"/api/songs/{pk}/")
    assert answer.status_code == 404
    assert set(answer.json()) == {"detail"}


def test_nobody_changes_songs_through_their_address(api: APIClient) -> None:
    api.force_authenticate(make_user("staff", is_staff=True, is_superuser=True))
    address = f"/api/songs/{make_song().pk}/"
    assert {api.put(address).status_code, api.patch(address).status_code, api.delete(address).status_code} == {405}
