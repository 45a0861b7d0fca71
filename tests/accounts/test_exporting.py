"""The export: one JSON document with everything that is kept of a person."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db.models import ForeignKey
from django.http import StreamingHttpResponse
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.services import exporting
from accounts.services.exporting import export, exports
from catalog.models import Label, Nudge, Play
from catalog.services import listening
from tests.factories import make_plays, make_rating, make_song, make_token, make_user

pytestmark = pytest.mark.django_db

NOT_EXPORTED = {
    "auth.User_groups": "a group's right is the site's, not the person's",
    "auth.User_user_permissions": "the same",
    "catalog.CurationItem": "who looks at it right now, for three minutes",
    "catalog.Listener": "says only whether somebody came with an import; such listeners cannot log in",
    "tagging.TrainingJob": "which tagger was fitted, and by whose click: the site's own work",
}


def document(user: User) -> dict[str, Any]:
    read: dict[str, Any] = json.loads("".join(export(user)))
    return read


def test_everything_that_is_kept_of_a_person_is_exported() -> None:
    exported = {model._meta.label for section in exporting.sections() for model in section.models}
    kept = {
        model._meta.label
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.get_fields()
        if isinstance(field, ForeignKey) and field.related_model is User and not model._meta.proxy
    }
    assert kept - exported - set(NOT_EXPORTED) == set()


def test_a_document_holds_what_was_said_and_done(listener: User) -> None:
    song = make_song("So What", "Miles Davis", external_id="mbid:1", album="Kind of Blue", uploaded_by=listener)
    jazz = Label.objects.create(name="jazz")
    make_rating(listener, song, 5)
    make_plays(listener, song, 3)
    Play.objects.create(user=listener, song=song, played_at=datetime(2026, 1, 2, 3, 4, tzinfo=UTC), skipped=True)
    Nudge.objects.create(user=listener, label=jazz, weight=-1.5)
    listening.refuse(listener, make_song('Song of <b> & "signs" 夜'))
    read = document(listener)
    assert (read["format"], read["version"]) == ("dcmrs-export", 1)
    assert read["account"]["username"] == listener.username
    named = {
        "song": song.pk,
        "title": "So What",
        "artist": "Miles Davis",
        "album": "Kind of Blue",
        "identifiers": ["mbid:1"],
    }
    (rating,) = read["ratings"]
    assert {**named, "stars": 5, "rated_at": rating["rated_at"]} == rating
    assert read["plays"] == [{**named, "played_at": "2026-01-02T03:04:00Z", "skipped": True, "origin": "player"}]
    assert read["play_counts"] == [{**named, "count": 3, "last_played": None, "origin": "player"}]
    assert read["nudges"] == [{"label": "jazz", "weight": -1.5}]
    assert read["not_this"][0]["title"] == 'Song of <b> & "signs" 夜'
    assert read["uploads"][0]["title"] == "So What"


def test_a_document_holds_nothing_of_others(listener: User) -> None:
    eve = make_user("eve", email="eve@example.org")
    song = make_song(uploaded_by=eve)
    make_rating(eve, song, 1)
    make_plays(eve, song)
    listening.refuse(eve, song)
    read = document(listener)
    assert all(read[section.name] == [] for section in exporting.sections())
    assert "eve" not in json.dumps(read)


def test_an_export_is_no_key_to_the_account(listener: User) -> None:
    key = make_token(listener)
    text = "".join(export(listener))
    assert key not in text
    assert listener.password not in text


def test_a_long_export_is_whole_and_takes_few_questions(
    listener: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    song = make_song()
    moments = [datetime.fromtimestamp(second, tz=UTC) for second in range(2500)]
    Play.objects.bulk_create(Play(user=listener, song=song, played_at=moment) for moment in moments)
    with django_assert_max_num_queries(40):
        read = document(listener)
    assert len(read["plays"]) == 2500


def test_the_page_and_the_api_send_the_same_document_as_a_file(client: Client, listener: User) -> None:
    make_rating(listener, make_song("So What"), 4)
    api = APIClient()
    api.force_authenticate(listener)
    read: list[dict[str, Any]] = []
    for answer in (client.get("/accounts/export/"), api.get("/api/export/")):
        assert isinstance(answer, StreamingHttpResponse)
        assert answer["Content-Type"] == "application/json"
        assert answer["Content-Disposition"].startswith('attachment; filename="dcmrs-')
        read.append(json.loads(answer.getvalue()))
    assert read[0]["ratings"] == read[1]["ratings"]
    assert [song["title"] for song in read[0]["ratings"]] == ["So What"]


def test_strangers_get_nothing(client: Client) -> None:
    assert client.get("/accounts/export/")["Location"].startswith("/accounts/login/")
    assert client.get("/api/export/").status_code == 401


def test_two_sections_cannot_have_one_name() -> None:
    with pytest.raises(ValueError, match="ratings"):
        exports("ratings")(lambda _: [])
