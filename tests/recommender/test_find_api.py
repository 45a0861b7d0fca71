"""Finding by words, and contexts, over the API."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from catalog.models import Song
from recommender.models import ListeningContext
from recommender.snapshots.build import build as recompute
from tests.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(library: dict[str, Song], ada: User) -> APIClient:
    recompute()
    client = APIClient()
    client.force_authenticate(ada)
    return client


def test_words_come_back_as_they_were_understood_with_songs(api: APIClient, library: dict[str, Song]) -> None:
    asked = {"words": "calm jzaz zzyzx, not rock", "n": "5"}
    read = api.get("/api/find/", asked).json()
    assert read == api.post("/api/find/", asked).json()
    assert [term["words"] for term in read["understood"]] == ["calm", "jazz", "not rock"]
    assert [term["typed"] for term in read["understood"]] == ["", "jzaz", ""]
    assert [term["strength"] for term in read["understood"]] == [1, 1, -1]
    assert read["understood"][2]["without"] == "calm, jazz, zzyzx"
    assert read["not_understood"] == ["zzyzx"]
    assert read["refused"] == ["rock"]
    assert read["labels"]["rock"] == -1
    assert read["songs"][0]["title"] == "Blue in Green"
    assert "Birdland" not in [one["title"] for one in read["songs"]]


def test_names_are_found_too(api: APIClient, library: dict[str, Song]) -> None:
    read = api.get("/api/find/", {"words": "so what"}).json()
    assert [one["song"] for one in read["called_so"]] == [library["So What"].pk]
    assert api.get("/api/find/", {"words": "artist of thunder"}).json()["artists_called_so"] == [
        {"name": "Artist of Thunder", "key": "artist of thunder"}
    ]


@pytest.mark.parametrize("asked", [{}, {"words": ""}, {"words": "x" * 201}, {"words": "calm", "n": "0"}])
def test_what_is_no_question_is_refused(api: APIClient, asked: dict[str, str]) -> None:
    assert api.get("/api/find/", asked).status_code == 400
    assert api.post("/api/find/", asked).status_code == 400


def test_contexts_are_kept_listed_renamed_and_deleted(api: APIClient, ada: User) -> None:
    cached = api.post("/api/contexts/", {"name": "work", "words": "calm piano"})
    assert cached.status_code == 201
    address = f"/api/contexts/{cached.json()['id']}/"
    assert [one["name"] for one in api.get("/api/contexts/").json()["results"]] == ["work"]
    assert api.patch(address, {"name": "office"}).json()["name"] == "office"
    assert api.get(address).json()["words"] == "calm piano"
    assert api.post("/api/contexts/", {"name": "Office", "words": "jazz"}).status_code == 400
    assert api.delete(address).status_code == 204
    assert not ListeningContext.objects.exists()


def test_contexts_of_others_are_not_there(api: APIClient) -> None:
    other = ListeningContext.objects.create(user=make_user(), name="work", words="calm")
    assert api.get("/api/contexts/").json()["results"] == []
    address = f"/api/contexts/{other.pk}/"
    assert [api.get(address).status_code, api.patch(address, {"name": "x"}).status_code] == [404, 404]
    assert api.delete(address).status_code == 404
