"""Metrics for who has the token, and log lines that tell no secret."""

from __future__ import annotations

import json
import logging

import pytest
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from catalog.services import signs
from dcmrs_site.logs import JsonLines, RequestIds
from tests.factories import make_root, make_song

pytestmark = pytest.mark.django_db


def test_without_a_token_there_are_no_metrics(client: Client, settings: Settings) -> None:
    assert client.get("/metrics").status_code == 404
    settings.METRICS_TOKEN = "token of the house"
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"Authorization": "Bearer another"}).status_code == 404
    assert client.get("/metrics", headers={"Authorization": "Bearer \u0663"}).status_code == 404


def test_metrics_are_read_by_prometheus(client: Client, settings: Settings) -> None:
    settings.METRICS_TOKEN = "token of the house"
    make_song("Waiting", root=make_root(), path="a.ogg")
    signs.give(signs.Kind.POOL)
    answer = client.get("/metrics", headers={"Authorization": "Bearer token of the house"})
    assert answer.status_code == 200
    found = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    assert found["dcmrs_songs", "pending"] == 1
    assert found["dcmrs_pool_processes",] == 1
    assert found["dcmrs_beat_processes",] == 0
    assert found["dcmrs_stalled", "beat"] == 1
    assert found["dcmrs_disk_free_bytes",] > 0


def test_the_access_log_names_routes_and_nothing_of_what_was_asked(
    client: Client, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.ACCESS_LOG = True
    with caplog.at_level(logging.INFO, "dcmrs.access"):
        answer = client.get("/accounts/reset/MQ/secret-token/?q=sad")
        client.get("/health/nothing/")
    assert "/accounts/reset/<uidb64>/<token>/" in caplog.text
    assert "secret-token" not in caplog.text
    assert "sad" not in caplog.text
    assert len(answer["X-Request-Id"]) == 16


def test_an_id_from_outside_is_taken_from_a_proxy_alone(client: Client, settings: Settings) -> None:
    given = {"X-Request-Id": "given-by-the-proxy"}
    assert client.get("/health/", headers=given)["X-Request-Id"] != "given-by-the-proxy"
    settings.BEHIND_PROXY = True
    assert client.get("/health/", headers=given)["X-Request-Id"] == "given-by-the-proxy"
    assert client.get("/health/", headers={"X-Request-Id": "a b\u00e9"})["X-Request-Id"] != "a b\u00e9"


def test_a_line_of_json_has_its_parts() -> None:
    record = logging.makeLogRecord({"name": "catalog", "levelname": "WARNING", "msg": "%s is away", "args": ("music",)})
    assert RequestIds().filter(record)
    line = json.loads(JsonLines().format(record))
    assert (line["logger"], line["level"], line["message"]) == ("catalog", "WARNING", "music is away")
