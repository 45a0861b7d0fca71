"""Days and hours on pages: those of the device that asks."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.test import Client

from catalog.services.listening import record_play
from dcmrs_site.device_time import COOKIE
from tests.factories import make_song

pytestmark = pytest.mark.django_db


@pytest.fixture
def played(listener: User) -> None:
    record_play(listener, make_song("Late"), skipped=False, played_at=datetime(2026, 3, 1, 20, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    ("zone", "day", "hour"),
    [
        ("Asia/Tokyo", "Monday, 2 March 2026", "05:30"),
        ("America%2FNew_York", "Sunday, 1 March 2026", "15:30"),
        ("Asia/Calcutta", "Monday, 2 March 2026", "02:00"),
    ],
)
@pytest.mark.usefixtures("played")
def test_history_has_the_days_and_hours_of_the_device(client: Client, zone: str, day: str, hour: str) -> None:
    client.cookies[COOKIE] = zone
    page = client.get("/taste/history/").content.decode()
    assert day in page
    assert hour in page


@pytest.mark.parametrize(
    "zone", ["", "Nowhere/Here", "../../etc/passwd", "/etc/passwd", "America", "x" * 3000, "\udcff"]
)
@pytest.mark.usefixtures("played")
def test_what_is_no_time_zone_leaves_the_servers(client: Client, zone: str) -> None:
    servers = client.get("/taste/history/").content.decode()
    client.cookies[COOKIE] = zone.encode("utf-8", "surrogateescape").decode("latin-1")
    answer = client.get("/taste/history/")
    assert answer.status_code == 200
    assert "20:30" in servers
    assert "20:30" in answer.content.decode()


@pytest.mark.usefixtures("played")
def test_the_next_request_has_its_own(client: Client) -> None:
    client.cookies[COOKIE] = "Asia/Tokyo"
    client.get("/taste/history/")
    del client.cookies[COOKIE]
    client.force_login(User.objects.get())
    assert "20:30" in client.get("/taste/history/").content.decode()
