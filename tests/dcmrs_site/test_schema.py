from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """The schema, generated without a warning and valid as OpenAPI 3."""
    out = StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", "--format", "openapi-json", stdout=out)
    described: dict[str, Any] = json.loads(out.getvalue())
    return described


def test_every_room_of_the_api_is_described(schema: dict[str, Any]) -> None:
    assert {
        "/api/songs/",
        "/api/songs/{id}/",
        "/api/songs/{id}/labels/",
        "/api/labels/",
        "/api/ratings/{song}/",
        "/api/plays/",
        "/api/play-counts/",
        "/api/not-this/{song}/",
        "/api/nudges/{label}/",
        "/api/playlists/{id}/",
        "/api/songs/{id}/audio/",
        "/api/songs/{id}/cover/",
        "/api/songs/{id}/similar/",
        "/api/recommendations/",
        "/api/taste/",
        "/api/taste/{label}/",
        "/api/export/",
        "/api/compare/",
        "/api/compare/why/",
        "/api/recommendations/for-labels/",
        "/api/map/",
        "/api/mood/",
        "/api/mood/picture/",
        "/api/mood/readings/{id}/",
        "/api/upload/",
        "/api/token/",
    } <= set(schema["paths"])


def test_every_operation_says_in_which_shape_it_refuses(schema: dict[str, Any]) -> None:
    for operations in schema["paths"].values():
        for operation in operations.values():
            assert {"400", "429"} <= set(operation["responses"])
            for code in {"400", "401", "403", "404", "408", "413", "414", "415", "429"} & set(operation["responses"]):
                described = operation["responses"][code]["content"]["application/json"]["schema"]
                assert described == {"$ref": "#/components/schemas/Error"}


def test_addresses_that_are_too_long_are_described(schema: dict[str, Any]) -> None:
    assert "414" in schema["paths"]["/api/songs/"]["get"]["responses"]


def test_filters_are_described_with_their_types(schema: dict[str, Any]) -> None:
    parameters = {each["name"]: each for each in schema["paths"]["/api/songs/"]["get"]["parameters"]}
    assert parameters["label"]["schema"]["type"] == "array"
    assert parameters["year_min"]["schema"] == {"type": "integer", "minimum": 0, "maximum": 9999}
    assert parameters["has_audio"]["schema"]["type"] == "boolean"
    assert "-added" in parameters["ordering"]["schema"]["items"]["enum"]


def test_ids_are_numbers(schema: dict[str, Any]) -> None:
    (of_songs,) = schema["paths"]["/api/songs/{id}/"]["get"]["parameters"]
    assert of_songs["schema"] == {"type": "integer"}


def test_both_ways_in_are_described(schema: dict[str, Any]) -> None:
    assert set(schema["components"]["securitySchemes"]) == {"tokenAuth", "cookieAuth"}


def test_the_token_is_asked_for_without_one(schema: dict[str, Any]) -> None:
    described = schema["paths"]["/api/token/"]["post"]
    assert "security" not in described
    assert "401" not in described["responses"]
