from __future__ import annotations

import pytest
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks
from rest_framework.test import APIClient

from catalog.models import Label, LabelAlias, Song, SongLabel
from catalog.services.labels import curate
from catalog.signals import labels_changed
from tests.factories import make_song, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> APIClient:
    client = APIClient()
    client.force_authenticate(make_user("ada"))
    return client


@pytest.fixture
def curator() -> APIClient:
    client = APIClient()
    client.force_authenticate(make_user("grace", is_staff=True))
    return client


def label(name: str) -> Label:
    return Label.objects.get(name=name)


def test_labels_are_told_with_their_aliases_and_how_many_songs_have_them(api: APIClient) -> None:
    make_song(labels={"jazz": 0.5, "calm": 0.5})
    both = make_song(labels={"jazz": 0.5})
    SongLabel.objects.create(song=both, label=label("jazz"), source="import", origin="lastfm", weight=3)
    LabelAlias.objects.create(label=label("jazz"), name="Jazz music")
    told = {each["name"]: each for each in api.get("/api/labels/").json()["results"]}
    assert (told["jazz"]["songs"], told["jazz"]["aliases"]) == (2, ["Jazz music"])
    assert (told["calm"]["songs"], told["calm"]["aliases"]) == (1, [])
    assert api.get(f"/api/labels/{told['jazz']['id']}/").json() == told["jazz"]


def test_songs_of_which_a_curator_refused_the_label_are_not_counted(api: APIClient) -> None:
    song = make_song(labels={"jazz": 0.5})
    curate(song, label("jazz"), False, make_user())
    assert api.get("/api/labels/").json()["results"][0]["songs"] == 0


def test_labels_are_found_by_kind_name_and_alias_and_ordered(api: APIClient) -> None:
    make_song(labels={"jazz": 0.5})
    make_song(labels={"jazz": 0.5, "Calm": 0.5})
    Label.objects.filter(name="Calm").update(kind=Label.Kind.MOOD)
    LabelAlias.objects.create(label=label("jazz"), name="Jazz music")

    def names(**parameters: str) -> list[str]:
        return [each["name"] for each in api.get("/api/labels/", parameters).json()["results"]]

    assert names() == ["Calm", "jazz"]
    assert names(ordering="-songs") == ["jazz", "Calm"]
    assert names(kind="mood") == ["Calm"]
    assert names(name="jazz  MUSIC") == ["jazz"]
    assert names(name="???") == []


def test_a_page_of_labels_costs_three_queries(
    api: APIClient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_song(labels={f"label {number}": 0.5 for number in range(40)})
    with django_assert_num_queries(3):
        assert len(api.get("/api/labels/").json()["results"]) == 40


def test_an_admin_says_yes_to_a_label_and_it_is_announced(
    curator: APIClient, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    song = make_song(labels={"jazz": 0.5})
    announced: list[list[int]] = []

    def listen(song_ids: list[int], **_: object) -> None:
        announced.append(song_ids)

    labels_changed.connect(listen)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            answer = curator.post(f"/api/songs/{song.pk}/labels/", {"name": "Jazz", "verdict": True})
    finally:
        labels_changed.disconnect(listen)
    assert answer.status_code == 200
    assert [(annotation["source"], annotation["origin"], annotation["weight"]) for annotation in answer.json()] == [
        ("curator", "grace", 1.0),
        ("cnn", "test", 0.5),
    ]
    assert announced == [[song.pk]]


def test_an_admin_says_no_and_takes_it_back(curator: APIClient) -> None:
    song = make_song(labels={"jazz": 0.5})
    address = f"/api/songs/{song.pk}/labels/"
    curator.post(address, {"name": "jazz", "verdict": False})
    assert song.song_labels.get(source="curator").weight == -1
    curator.post(address, {"name": "jazz", "verdict": None})
    assert not song.song_labels.filter(source="curator").exists()


def test_an_admin_says_it_by_an_alias_and_makes_new_labels(curator: APIClient) -> None:
    song = make_song(labels={"Hip-Hop": 0.5})
    LabelAlias.objects.create(label=label("Hip-Hop"), name="Rap")
    address = f"/api/songs/{song.pk}/labels/"
    curator.post(address, {"name": "rap", "verdict": True})
    curator.post(address, {"name": "Oud", "kind": "instrument", "verdict": True})
    assert set(song.song_labels.filter(source="curator").values_list("label__name", "label__kind")) == {
        ("Hip-Hop", "other"),
        ("Oud", "instrument"),
    }


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"name": "jazz"},
        {"name": "", "verdict": True},
        {"name": "   ", "verdict": True},
        {"name": "x" * 101, "verdict": True},
        {"name": "a\x00b", "verdict": True},
        {"name": "jazz", "verdict": "perhaps"},
        {"name": "new", "verdict": True, "kind": "smell"},
        {"name": "nobody said this", "verdict": False},
        {"name": ["jazz"], "verdict": True},
        [],
        "jazz",
    ],
)
def test_what_an_admin_cannot_say_is_refused(curator: APIClient, said: object) -> None:
    song = make_song(labels={"jazz": 0.5})
    answer = curator.post(f"/api/songs/{song.pk}/labels/", said)
    assert answer.status_code == 400
    assert set(answer.json()) == {"detail", "errors"}
    assert not SongLabel.objects.filter(source="curator").exists()
    assert Label.objects.count() == 1


def test_half_a_character_is_no_name(curator: APIClient) -> None:
    address = f"/api/songs/{make_song().pk}/labels/"
    answer = curator.post(address, b'{"name": "\\ud800", "verdict": true}', content_type="application/json")
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["name"]


def test_listeners_read_labels_and_do_not_curate(api: APIClient) -> None:
    song = make_song(labels={"jazz": 0.5})
    address = f"/api/songs/{song.pk}/labels/"
    assert [annotation["name"] for annotation in api.get(address).json()] == ["jazz"]
    assert api.post(address, {"name": "jazz", "verdict": False}).status_code == 403
    assert not SongLabel.objects.filter(source="curator").exists()


def test_only_admins_learn_which_admin_it_was(api: APIClient, curator: APIClient) -> None:
    song = make_song()
    curator.post(f"/api/songs/{song.pk}/labels/", {"name": "jazz", "verdict": True})
    assert api.get(f"/api/songs/{song.pk}/").json()["labels"][0]["origin"] == ""
    assert curator.get(f"/api/songs/{song.pk}/").json()["labels"][0]["origin"] == "grace"


def test_a_song_that_is_none_has_no_labels(api: APIClient, curator: APIClient) -> None:
    assert api.get("/api/songs/1/labels/").status_code == 404
    assert curator.post("/api/songs/1/labels/", {"name": "jazz", "verdict": True}).status_code == 404
    assert not Song.objects.exists()
