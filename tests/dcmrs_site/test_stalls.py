"""What stands still is seen, and those that hang are ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from catalog.models import Alert, LibraryRoot, ProcessSign, Song
from catalog.services import signs
from dcmrs_site import alerts, disk, health, stalls, worker_signs
from recommender.models import Snapshot
from recommender.snapshots import build, current
from tests.factories import make_root, make_song

# They end and watch processes, whatever the database: a closed connection would be the next test's too.
pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


@pytest.fixture
def alive() -> None:
    """Worker and beat are well."""
    signs.give(signs.Kind.POOL)
    signs.give(signs.Kind.BEAT)


def names() -> list[str]:
    return [stall.name for stall in stalls.stalls()]


def age(kind: str, minutes: float) -> None:
    ProcessSign.objects.filter(kind=kind).update(seen_at=timezone.now() - timedelta(minutes=minutes))


def test_where_all_is_well_nothing_stands_still(alive: None) -> None:
    assert names() == []
    health.look_at_work()
    health.look_at_beat()
    health.look_at_disk()
    assert ProcessSign.objects.filter(kind=signs.Kind.WEB).exists()


def test_without_any_sign_of_life_worker_and_beat_are_named() -> None:
    assert names() == ["worker", "beat"]


def test_silent_processes_are_named_with_how_long(alive: None) -> None:
    age(signs.Kind.POOL, 5)
    age(signs.Kind.BEAT, 180)
    assert [stall.sentence.split(":")[0] for stall in stalls.stalls()] == [
        "No process of any worker has given a sign of life for 5 minutes",
        "Beat has given no sign of life for 3 hours",
    ]
    with pytest.raises(TimeoutError, match="beat gives no sign"):
        health.look_at_beat()
    stalls.latest.forget()
    with pytest.raises(TimeoutError, match="No process of any worker"):
        health.look_at_work()


def test_a_task_without_end_songs_that_wait_and_a_root_that_is_away_are_named(alive: None) -> None:
    long_ago = timezone.now() - stalls.LONGEST_TASK - timedelta(minutes=1)
    signs.give(signs.Kind.POOL, doing="tagging.tasks.tag_songs", doing_since=long_ago, unseen_roots=["music"])
    make_song("Waiting", root=make_root(), path="a.ogg", tagging_state=Song.Tagging.PENDING)
    Song.objects.update(tagging_changed_at=timezone.now() - stalls.LONGEST_WAIT)
    found = {stall.name: stall.sentence for stall in stalls.stalls()}
    assert set(found) == {"tasks", "songs", "roots"}
    assert "is at tagging.tasks.tag_songs for 2 hours" in found["tasks"]
    assert found["songs"].startswith("1 song")
    assert "The folder of music cannot be seen by" in found["roots"]


def test_late_scans_snapshots_and_backups_are_named(
    alive: None, snapshots: Path, tmp_path: Path, settings: Settings
) -> None:
    make_root()
    LibraryRoot.objects.update(scanned_at=timezone.now() - timedelta(days=1))
    row = build.build()
    signs.give(signs.Kind.POOL)
    signs.give(signs.Kind.BEAT)
    Snapshot.objects.update(created_at=timezone.now() - timedelta(days=2))
    settings.BACKUP_FOLDER = str(tmp_path)
    assert names() == ["scans", "snapshot", "backup"]
    (tmp_path / "dcmrs-2026-01-01-040000.tar").touch()
    current.withdraw(row.folder, "cut")
    found = {stall.name: stall.sentence for stall in stalls.stalls()}
    assert set(found) == {"scans", "snapshot"}
    assert "is damaged (cut)" in found["snapshot"]


def test_a_disk_without_room_is_named(alive: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "room", lambda: disk.Room(free=100_000_000, total=10**12))
    assert names() == ["disk"]


def test_strangers_learn_that_something_is_wrong_and_not_what(
    client: Client, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "checks", health.Checks(database=lambda: None, work=health.look_at_work))
    monkeypatch.setattr(stalls, "stalls", lambda: [stalls.Stall("songs", "12 songs of Ada wait")])
    answer = client.get("/health/")
    assert answer.json() == {"status": "degraded", "database": "ok", "work": "down"}
    assert "12 songs of Ada wait" in caplog.text


@pytest.mark.parametrize("gave_a_sign", [True, False])
def test_a_process_that_hangs_is_ended_once_others_are_known_to_write(gave_a_sign: bool) -> None:
    hung = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    watch = worker_signs.PoolWatch()
    try:
        if gave_a_sign:
            signs.give(signs.Kind.POOL)
            ProcessSign.objects.update(pid=hung.pid)
            age(signs.Kind.POOL, 5)
        assert watch.end_hung([hung.pid]) == [], "the database may have been away until now"
        watch.known_since[hung.pid] -= 300
        assert watch.end_hung([]) == []
        watch.known_since[hung.pid] = time.monotonic() - 300
        signs.give(signs.Kind.POOL)
        assert watch.end_hung([hung.pid, os.getpid()]) == [hung.pid]
        assert hung.wait(60) == -signal.SIGKILL
        assert not ProcessSign.objects.filter(pid=hung.pid).exists()
    finally:
        hung.kill()
        hung.wait()


def test_a_process_that_hangs_beside_living_ones_is_named_and_one_that_was_killed_is_forgotten(alive: None) -> None:
    hung = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        ProcessSign.objects.filter(kind=signs.Kind.POOL).update(pid=hung.pid)
        age(signs.Kind.POOL, 3)
        signs.give(signs.Kind.POOL)
        (stall,) = stalls.stalls()
        assert f"The process {hung.pid} of the worker on" in stall.sentence
        worker_signs.forget_ended()
        assert names() == ["worker"], "it is there, and hangs"
    finally:
        hung.kill()
        hung.wait()
    worker_signs.forget_ended()
    assert names() == []


def test_a_process_says_what_it_does_and_takes_its_sign_back(home: Path) -> None:
    signs.give(signs.Kind.POOL, doing="catalog.tasks.rescan", doing_since=timezone.now())
    signs.give(signs.Kind.POOL)
    sign = ProcessSign.objects.get()
    assert (sign.pid, sign.doing) == (os.getpid(), "")
    signs.take_back(signs.Kind.POOL)
    assert not ProcessSign.objects.exists()
    worker_signs.touch("worker")
    assert worker_signs.alive_file("worker").exists()


def test_what_lasts_is_told_once_and_again_once_it_was_well(alive: None, settings: Settings) -> None:
    settings.ALERT_EMAIL, settings.ALERT_MINUTES = ["boss@example.org"], 30
    assert alerts.wanted()
    age(signs.Kind.BEAT, 5)
    assert alerts.look() == []
    Alert.objects.update(since=timezone.now() - timedelta(minutes=31))
    assert alerts.look() == ["Beat has given no sign of life for 5 minutes: what is done every so often is not done."]
    assert alerts.look() == []
    (letter,) = mail.outbox
    assert letter.to == ["boss@example.org"]
    assert "Beat has given no sign" in letter.body
    signs.give(signs.Kind.BEAT)
    assert alerts.look() == []
    assert not Alert.objects.exists()


def test_what_could_not_be_told_is_tried_again_and_seen_meanwhile(
    alive: None, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.ALERT_EMAIL, settings.ALERT_MINUTES = ["boss@example.org"], 0
    settings.ALERT_URL = "http://127.0.0.1:1/"
    age(signs.Kind.BEAT, 5)
    (told,) = alerts.look()
    assert "Nobody could be told by the web hook" in caplog.text
    assert names() == ["beat", "outbox"]
    assert "the web hook says" in stalls.stalls()[-1].sentence
    assert alerts.look() == [], "not again at once"
    with hook() as (settings.ALERT_URL, received):
        Alert.objects.update(tried_at=timezone.now() - timedelta(minutes=6))
        assert [sentence.split(" for ")[0] for sentence in alerts.look()] == [told.split(" for ")[0]]
        assert alerts.look() == []
    assert [len(sent["stalls"]) for sent in received] == [1]
    assert len(mail.outbox) == 1, "the mail arrived the first time"
    assert names() == ["beat"]


@contextmanager
def hook() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A web hook: its address, and what it has received."""
    received: list[dict[str, Any]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/", received
        finally:
            server.shutdown()
            thread.join()


def test_a_queue_of_which_no_task_is_begun_is_named(alive: None, monkeypatch: pytest.MonkeyPatch) -> None:
    # Another test's task may have been noted down a moment ago, and that is enough for a while.
    monkeypatch.setattr(worker_signs, "_begun_at", float("-inf"))
    worker_signs._note_task()
    assert ProcessSign.objects.filter(kind=signs.Kind.TASK).exists()
    ProcessSign.objects.update(started_at=timezone.now() - timedelta(hours=3))
    assert names() == []
    age(signs.Kind.TASK, 20)
    (stall,) = stalls.stalls()
    assert stall.sentence.startswith("No task has been begun for 20 minutes")
    ProcessSign.objects.filter(kind=signs.Kind.BEAT).update(started_at=timezone.now())
    assert names() == [], "beat has only just begun to send"


def test_a_panel_that_asks_often_looks_once(alive: None, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(5):
        stalls.latest.look()
    with django_assert_num_queries(0):
        stalls.latest.look()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DCMRS_HOME", str(tmp_path))
    (tmp_path / "run").mkdir()
    return tmp_path
