from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.db import OperationalError, connection
from django.test import Client

from dcmrs_site import health
from dcmrs_site.celery import app
from tests.silence import silence

pytestmark = pytest.mark.django_db


def well() -> None:
    pass


def refuse() -> None:
    raise ConnectionRefusedError("Connection refused: 10.1.2.3:5432, password hunter2")


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Put other checks in the place of the real ones."""

    def put(**checks: Callable[[], None]) -> None:
        monkeypatch.setattr(health, "checks", health.Checks(**checks))

    put(database=well, broker=well, worker=well)
    return put


def test_strangers_see_that_all_is_well(checks: Callable[..., None]) -> None:
    answer = Client().get("/health/")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "database": "ok", "broker": "ok", "worker": "ok"}
    assert "no-store" in answer["Cache-Control"]


def test_without_broker_and_worker_the_site_still_works_and_says_so(checks: Callable[..., None]) -> None:
    checks(database=well, broker=refuse, worker=refuse)
    answer = Client().get("/health/")
    assert answer.status_code == 200
    assert answer.json() == {"status": "degraded", "database": "ok", "broker": "down", "worker": "down"}


def test_without_a_database_there_is_no_service(checks: Callable[..., None]) -> None:
    checks(database=refuse, broker=well, worker=well)
    answer = Client().get("/health/")
    assert answer.status_code == 503
    assert answer.json()["database"] == "down"


def test_strangers_learn_nothing_of_what_lies_behind_and_the_log_does(
    checks: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    checks(database=refuse, broker=refuse, worker=refuse)
    assert "hunter2" not in Client().get("/health/").text
    assert "the database is down: Connection refused" in caplog.text


def test_what_hangs_is_down_in_less_than_a_second_and_is_asked_only_once(checks: Callable[..., None]) -> None:
    release = threading.Event()
    begun: list[None] = []

    def hang() -> None:
        begun.append(None)
        release.wait(30)
        release.set()

    checks(database=hang, broker=hang, worker=well)
    assert health.DEADLINE_S < 1
    try:
        answer = Client().get("/health/")
        # It has not waited for what hangs, however busy the machine.
        assert not release.is_set()
        assert answer.json() == {"status": "down", "database": "down", "broker": "down", "worker": "ok"}
        health.checks.forget()
        assert Client().get("/health/").json()["database"] == "down"
        assert len(begun) == 2
    finally:
        release.set()


def test_a_crowd_that_asks_costs_one_look(checks: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_GOOD_FOR_S", 3600.0)
    looks: list[None] = []
    checks(database=lambda: looks.append(None), broker=well, worker=well)
    for _ in range(20):
        Client().get("/health/")
    assert len(looks) == 1


def test_only_reading_is_allowed(checks: Callable[..., None]) -> None:
    assert Client().post("/health/").status_code == 405
    assert Client().head("/health/").status_code == 200


def test_the_database_is_asked() -> None:
    health.look_at_database()


def test_a_database_that_cannot_be_reached_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(connection, "cursor", gone)
    with pytest.raises(OperationalError):
        health.look_at_database()


@pytest.mark.parametrize("look", [health.look_at_broker, health.look_at_worker])
def test_a_broker_that_is_silent_or_not_there_is_noticed_in_less_than_a_second(
    look: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    with silence() as silent:
        for port in (silent.port, 1):
            monkeypatch.setattr(app.conf, "broker_write_url", f"redis://127.0.0.1:{port}/0")
            with pytest.raises(Exception, match=r"(?i)refused|timeout|timed out"):
                look()
        assert 0 < silent.tries() * health._PATIENCE_S < 1
