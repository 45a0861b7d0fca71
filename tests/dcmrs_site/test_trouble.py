"""A disk that is full or read-only: one sentence, a status of its own, and whoever looks after it gets in."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.test import Client

from catalog.home import home
from catalog.models import Rating, Song
from dcmrs_site.trouble import AWAY, BUSY, FULL, NO_MEMORY, NOT_PERMITTED, READ_ONLY, trouble_of
from tests.factories import make_song

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"


@contextmanager
def refused(message: str) -> Iterator[None]:
    """A database that is read, and refuses every write."""

    def refuse_writes(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.split(maxsplit=1)[0] in ("INSERT", "UPDATE", "DELETE"):
            raise OperationalError(message)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(refuse_writes):
        yield


@pytest.fixture
def boss(client: Client) -> User:
    client.raise_request_exception = False
    return User.objects.create_superuser("boss", password=PASSWORD)


@pytest.fixture
def song() -> Song:
    return make_song("Blue in Green")


@pytest.mark.parametrize(
    ("message", "trouble"),
    [("database or disk is full", FULL), ("attempt to write a readonly database", READ_ONLY)],
)
def test_what_cannot_be_saved_is_told_in_page_and_api(
    client: Client, boss: User, song: Song, message: str, trouble: Any
) -> None:
    client.force_login(boss)
    with refused(message):
        page = client.post(f"/songs/{song.pk}/rate/", {"stars": 5})
        assert page.status_code == trouble.status
        assert trouble.sentence.replace("'", "&#x27;") in page.text
        answer = client.put("/api/ratings/", {"song": song.pk, "stars": 5}, content_type="application/json")
        if answer.status_code == 405:
            answer = client.post("/api/ratings/", {"song": song.pk, "stars": 5}, content_type="application/json")
        assert (answer.status_code, answer.json()) == (trouble.status, {"detail": trouble.sentence})
        assert client.get(f"/songs/{song.pk}/").status_code == 200
    assert client.post(f"/songs/{song.pk}/rate/", {"stars": 5}).status_code < 400
    assert Rating.objects.get().stars == 5


def test_an_admin_logs_in_and_sees_the_disk_though_nothing_can_be_written(client: Client, boss: User) -> None:
    with refused("database or disk is full"):
        answer = client.post("/accounts/login/", {"username": "boss", "password": PASSWORD})
        assert answer.status_code == 302
        assert client.cookies["sessionid"].value.startswith("signed.")
        assert client.get("/admin/desk/disk/").status_code == 200
        tampered = Client()
        tampered.cookies["sessionid"] = client.cookies["sessionid"].value[:-2] + "xx"
        assert tampered.get("/admin/desk/disk/").status_code == 302
    assert client.get("/admin/desk/disk/").status_code == 200
    session = client.session
    session["changed"] = True
    session.save()
    assert not str(session.session_key).startswith("signed.")


def test_somebody_logged_out_is_out_though_nothing_can_be_written(client: Client, boss: User) -> None:
    with refused("database or disk is full"):
        client.post("/accounts/login/", {"username": "boss", "password": PASSWORD})
        client.post("/accounts/logout/")
        assert client.get("/ratings/").status_code == 302


def test_other_errors_stay_what_they_are(client: Client, boss: User, song: Song) -> None:
    client.force_login(boss)
    with refused("something else"):
        assert client.post(f"/songs/{song.pk}/rate/", {"stars": 5}).status_code == 500


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), FULL),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), FULL),
        (OSError(errno.EROFS, "Read-only file system"), READ_ONLY),
        (PermissionError(errno.EACCES, "Permission denied", str(home() / "media")), NOT_PERMITTED),
        (PermissionError(errno.EACCES, "Permission denied", "/music/a.ogg"), None),
        (MemoryError(), NO_MEMORY),
        (OSError(errno.ENOENT, "No such file"), None),
        (ValueError("database or disk is full"), None),
        (None, None),
    ],
)
def test_troubles_are_told_from_faults(error: BaseException | None, trouble: Any) -> None:
    assert trouble_of(error) == trouble
    if error is not None:
        wrapped = RuntimeError("wrapped")
        wrapped.__cause__ = error
        assert trouble_of(wrapped) == trouble


def test_a_database_that_does_not_answer_is_told_in_a_sentence(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(psycopg.OperationalError) as refusal:
        psycopg.connect("postgresql://nobody@127.0.0.1:1/nothing", connect_timeout=2)
    assert trouble_of(refusal.value) is AWAY
    assert trouble_of(psycopg.errors.AdminShutdown("terminating connection")) is AWAY
    assert trouble_of(psycopg.errors.UniqueViolation("duplicate key")) is None
    assert trouble_of(OperationalError("database is locked")) is BUSY
    client.raise_request_exception = False

    def gone(*_: object, **__: object) -> None:
        raise OperationalError("connection failed") from refusal.value

    monkeypatch.setattr(connection, "cursor", gone)
    page = client.post("/accounts/login/", {"username": "boss", "password": PASSWORD})
    assert page.status_code == 503
    assert "database does not answer just now" in page.text
    answer = client.get("/api/songs/", headers={"Authorization": "Token x"})
    assert (answer.status_code, answer.json()) == (503, {"detail": AWAY.sentence})
