"""The API of recommendations and similar songs."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from catalog.models import Label, Nudge, Song
from recommender.snapshots import build
from tests.factories import NO_ID, make_plays, make_rating, make_song, make_user

pytestmark = pytest.mark.django_db


def titles(page: Client, query: str) -> list[str]:
    return [one["title"] for one in page.get(f"/api/recommendations/?{query}").json()]


def test_recommendations_are_ones_own(page: Client, ada: User, library: dict[str, Song]) -> None:
    build.build()
    make_rating(make_user(), library["So What"], 5)
    assert page.get("/api/recommendations/").json() == []
    make_rating(ada, library["Thunder"], 5)
    (only,) = page.get("/api/recommendations/").json()
    assert (only["rank"], only["song"], only["title"], only["has_audio"]) == (
        1,
        library["Birdland"].pk,
        "Birdland",
        True,
    )
    assert only["external_id"] is None
    assert [reason["label"] for reason in only["reasons"]] == ["rock"]


def test_method_labels_and_number(page: Client, ada: User, library: dict[str, Song]) -> None:
    make_song("Silent", labels={"calm": 5}, source="import", external_id="mbid:1")
    make_plays(make_user(), library["Thunder"], 3)
    build.build()
    assert titles(page, "label=calm&label=rock&n=2") == ["Thunder", "Silent"]
    assert titles(page, "label=calm&has_audio=true") == ["Blue in Green"]
    popular = page.get("/api/recommendations/?method=popular").json()
    assert popular[0]["reasons"] == [{"song": library["Thunder"].pk, "title": "Thunder", "weight": 3.0}]


@pytest.mark.parametrize("query", ["label=polka", "n=0", "n=501", "method=magic", "method=popular&label=rock"])
def test_bad_questions_are_refused(page: Client, library: dict[str, Song], query: str) -> None:
    build.build()
    assert page.get(f"/api/recommendations/?{query}").status_code == 400


def test_similar_songs(page: Client, library: dict[str, Song]) -> None:
    build.build()
    found = page.get(f"/api/songs/{library['So What'].pk}/similar/?n=1").json()
    assert [one["title"] for one in found] == ["Birdland"]
    assert page.get(f"/api/songs/{NO_ID}/similar/").status_code == 404


def test_strangers_get_nothing(client: Client, db: None) -> None:
    assert client.get("/api/recommendations/").status_code in (401, 403)


# --- Taste --------------------------------------------------------------------------------------


@pytest.fixture
def jazz(library: dict[str, Song], ada: User) -> Label:
    """The label, which ada likes two songs of."""
    build.build()
    make_rating(ada, library["So What"], 5)
    make_rating(ada, library["Birdland"], 4)
    return Label.objects.get(name="jazz")


def test_the_profile_is_told_label_by_label(page: Client, jazz: Label) -> None:
    labels = page.get("/api/taste/").json()
    assert [label["weight"] for label in labels] == sorted((label["weight"] for label in labels), reverse=True)
    (found,) = (label for label in labels if label["label"] == jazz.pk)
    assert (found["name"], found["kind"], found["liked"], found["disliked"], found["nudge"]) == (
        "jazz",
        "other",
        2,
        0,
        0.0,
    )
    behind = page.get(f"/api/taste/{jazz.pk}/").json()
    assert {song["title"] for song in behind} == {"So What", "Birdland"}
    assert sum(song["weight"] for song in behind) == pytest.approx(found["learned"])


def test_a_label_is_corrected_and_taken_back(page: Client, jazz: Label) -> None:
    def change(how: str) -> dict[str, Any]:
        answer = page.post(f"/api/taste/{jazz.pk}/", {"change": how}, content_type="application/json")
        assert answer.status_code == 200
        told: dict[str, Any] = answer.json()
        return told

    learned = change("more")["learned"]
    assert page.get(f"/api/nudges/{jazz.pk}/").json()["weight"] == 1.0
    assert change("undo")["nudge"] == 0.0
    forgotten = change("forget")
    assert (forgotten["weight"], forgotten["nudge"]) == (0.0, -learned)
    assert change("undo")["weight"] == learned


@pytest.mark.parametrize(("pk", "change", "status"), [(0, "burn", 400), (0, None, 400), (NO_ID, "more", 404)])
def test_a_correction_that_is_none_is_refused(page: Client, jazz: Label, pk: int, change: str, status: int) -> None:
    answer = page.post(f"/api/taste/{pk or jazz.pk}/", {"change": change}, content_type="application/json")
    assert answer.status_code == status
    assert not Nudge.objects.exists()


def test_a_label_that_is_not_there_has_no_songs(page: Client, jazz: Label) -> None:
    assert page.get(f"/api/taste/{NO_ID}/").status_code == 404
