"""The dashboard's queue: with a broker, without one, and with one that hangs."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import shared_task
from celery.contrib.testing.worker import start_worker
from django.contrib.auth.models import User
from django.test import Client
from kombu import pools
from pytest_django import Settings

from catalog.broker import connected
from dcmrs_site import processes, workers
from dcmrs_site.celery import app
from tests.processes import wait_until

from .desk import BY_HTMX, QUEUE, RECOMPUTE, TRY_AGAIN, failed, in_one_line, text

pytestmark = pytest.mark.django_db


def test_without_a_broker_the_queue_says_by_name_what_to_do(client: Client, boss: User, settings: Settings) -> None:
    assert "by <code>manage.py up</code>" in text(client, QUEUE)
    settings.REDIS_URL = "redis://elsewhere/0"
    workers.looks.forget()
    assert "that <code>REDIS_URL</code> names" in text(client, QUEUE)


def test_a_broker_that_hangs_keeps_no_page_waiting(client: Client, boss: User, monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    begun: list[None] = []

    def hang() -> workers.Queue:
        begun.append(None)
        release.wait(30)
        return workers.Queue("", there=True, own=True)

    monkeypatch.setattr(workers, "ask", hang)
    try:
        page = text(client, QUEUE)
        assert "take long to answer" in page
        assert "every 2s" in page
        monkeypatch.setattr(workers, "LATE_FOR_S", 0.0)
        assert "The broker does not answer" in text(client, QUEUE)
        assert len(begun) == 1
    finally:
        release.set()


def test_where_tasks_are_done_at_once_there_is_no_queue(client: Client, boss: User, settings: Settings) -> None:
    settings.CELERY_TASK_ALWAYS_EAGER = True
    assert "There is none" in text(client, QUEUE)


def test_the_brokers_password_is_shown_to_nobody(client: Client, boss: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.conf, "broker_write_url", "redis://user:hunter2@127.0.0.1:1/0")
    page = text(client, QUEUE)
    assert "127.0.0.1:1" in page
    assert "hunter2" not in page


@pytest.fixture
def broker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a real Redis of the test's own."""
    socket = tmp_path / "redis.sock"
    command = [
        processes.redis_server(),
        "--port",
        "0",
        "--unixsocket",
        str(socket),
        "--save",
        "",
        "--dir",
        str(tmp_path),
    ]
    redis = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    wait_until(socket.exists, lambda: list(tmp_path.iterdir()))
    address = f"redis+socket://{socket}"
    for name in ("broker_url", "broker_read_url", "broker_write_url"):
        monkeypatch.setattr(app.conf, name, address)
    forget_connections()
    yield address
    forget_connections()
    redis.terminate()
    redis.wait(60)


def forget_connections() -> None:
    """Connections that are kept of the broker of an earlier test would answer for this one's worker."""
    pools.reset()
    app._after_fork()  # type: ignore[attr-defined]


_go_on = threading.Event()


@shared_task(name="tests.take_your_time", ignore_result=True)
def take_your_time() -> None:
    _go_on.wait(60)


def ask_for_time() -> None:
    # Not by a connection that was kept of the broker of an earlier test.
    with connected() as connection:
        take_your_time.apply_async(connection=connection)  # type: ignore[call-arg]


@pytest.mark.redis
def test_a_broker_without_a_worker_is_told_from_no_broker(client: Client, boss: User, broker: str) -> None:
    ask_for_time()
    ask_for_time()

    def shown() -> str:
        return text(client, QUEUE)

    # A machine that is busy enough makes the broker look silent for a moment.
    told = "No worker answers", "<strong>2</strong> tasks wait", "every 5s"
    wait_until(lambda: all(said in page for page in [shown()] for said in told), shown)


# A worker that starts closes the connections of its process, which would end a test's transaction.
@pytest.mark.redis
@pytest.mark.django_db(transaction=True)
def test_a_worker_is_named_with_what_it_does(
    client: Client, boss: User, broker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "GOOD_FOR_S", 0.0)
    _go_on.clear()
    queues = "celery,tagging"
    with start_worker(app, pool="threads", concurrency=1, perform_ping_check=False, queues=queues, hostname="ann@here"):

        def shown() -> str:
            return text(client, QUEUE)

        wait_until(lambda: "ann@here</th><td>has nothing to do</td>" in shown(), shown)
        ask_for_time()
        busy = "<strong>1</strong> worker answers", "ann@here</th><td>take your time</td>", "every 5s"
        wait_until(lambda: all(said in page for page in [shown()] for said in busy), shown)
        _go_on.set()
        wait_until(lambda: "has nothing to do" in shown(), shown)


@pytest.mark.redis
def test_recomputing_is_queued_where_a_broker_is(client: Client, boss: User, broker: str) -> None:
    page = in_one_line(client.post(RECOMPUTE, headers=BY_HTMX).text)
    assert "Asked for: a worker begins as soon as it is free." in page
    assert "asked=" in page
    assert "every 3s" in page
    assert workers.ask().waiting == 1


@pytest.mark.redis
def test_trying_again_calls_the_worker_where_a_broker_is(client: Client, boss: User, broker: str) -> None:
    failed("cut off")
    assert "1 song waits again, and the worker is called." in client.post(TRY_AGAIN, headers=BY_HTMX).text
    assert workers.ask().waiting == 1
