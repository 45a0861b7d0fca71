"""The dashboard: true figures, nothing for strangers, and never a page that hangs."""

from __future__ import annotations

import json
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from celery import shared_task
from celery.contrib.testing.worker import start_worker
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone
from kombu import pools
from pytest_django import DjangoAssertNumQueries, Settings

from catalog.broker import connected
from catalog.models import Label, Listener, Play, Song
from catalog.services.doubts import doubt
from catalog.services.labels import curate
from dcmrs_site import disk, processes, workers
from dcmrs_site.celery import app
from recommender.models import Evaluation, Snapshot, SnapshotBuildPart
from recommender.snapshots import build, current
from recommender.snapshots import parts as snapshot_parts
from tests.factories import make_root, make_song, make_user
from tests.processes import wait_until

pytestmark = pytest.mark.django_db

LIBRARY = "/admin/desk/library/"
TRY_AGAIN = "/admin/desk/try-again/"
SNAPSHOTS = "/admin/desk/snapshots/"
RECOMPUTE = "/admin/desk/recompute/"
QUEUE = "/admin/desk/queue/"
PEOPLE = "/admin/desk/people/"
DISK = "/admin/desk/disk/"
CURATION = "/admin/desk/curation/"
PANELS = (LIBRARY, SNAPSHOTS, CURATION, QUEUE, PEOPLE, DISK)
BY_HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def _look_anew() -> Iterator[None]:
    """No test sees the queue of an earlier one."""
    workers.looks.forget()
    yield
    workers.looks.forget()


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `DCMRS_HOME` of the test's own, without a server."""
    monkeypatch.setenv("DCMRS_HOME", str(tmp_path / "home"))
    processes.run_folder()
    return tmp_path / "home"


@pytest.fixture
def boss(client: Client) -> User:
    """The admin that `client` is logged in as."""
    user = make_user("boss", is_staff=True, is_superuser=True)
    client.force_login(user)
    return user


@pytest.fixture
def helper(client: Client) -> User:
    """Staff without any right, whom `client` is logged in as."""
    user = make_user("helper", is_staff=True)
    client.force_login(user)
    return user


def text(client: Client, address: str) -> str:
    """A panel as one line."""
    answer = client.get(address)
    assert answer.status_code == 200
    return in_one_line(answer.text)


def in_one_line(page: str) -> str:
    return " ".join(page.replace("\xa0", " ").split())


def tagged(number: int, ago_s: float = 3600.0, **fields: Any) -> None:
    """Songs with a file that were listened to so long ago."""
    root, at = make_root(), timezone.now() - timedelta(seconds=ago_s)
    for n in range(number):
        fields = {"tagging_state": "done", **fields}
        make_song(root=root, path=f"{n}.mp3", tagging_changed_at=at, **fields)


def failed(reason: str, number: int = 1, **fields: Any) -> list[Song]:
    root = make_root()
    return [
        make_song(
            root=root, path=f"{n}.mp3", tagging_state="failed", tagging_error=reason, tagging_attempts=3, **fields
        )
        for n in range(number)
    ]


# --- Who sees it --------------------------------------------------------------------------------


def test_the_dashboard_asks_for_a_panel_of_each_room_above_djangos_list(client: Client, boss: User) -> None:
    page = client.get("/admin/").text
    assert [address for address in PANELS if f'hx-get="{address}" hx-trigger="load"' not in page] == []
    assert page.index(LIBRARY) < page.index("Recent actions")
    assert LIBRARY not in client.get("/admin/catalog/").text


@pytest.mark.parametrize("address", [*PANELS, TRY_AGAIN, RECOMPUTE])
def test_panels_are_for_staff(client: Client, address: str) -> None:
    for user in (None, make_user()):
        if user is not None:
            client.force_login(user)
        for answer in (client.get(address), client.post(address)):
            assert answer.status_code == 302
            assert "/login/" in answer["Location"]


def test_staff_without_rights_sees_figures_and_no_buttons(client: Client, helper: User, snapshots: Path) -> None:
    song = failed("cut off")[0]
    assert "1 could not be listened to" in text(client, LIBRARY)
    for address in (LIBRARY, SNAPSHOTS):
        assert "<button" not in client.get(address).text
    assert client.post(TRY_AGAIN).status_code == 403
    assert client.post(RECOMPUTE).status_code == 403
    song.refresh_from_db()
    assert song.tagging_state == "failed"


@pytest.mark.parametrize("address", [TRY_AGAIN, RECOMPUTE])
def test_what_changes_something_is_not_done_by_looking(client: Client, boss: User, address: str) -> None:
    assert client.get(address).status_code == 405


def test_panels_ask_few_queries(
    client: Client, boss: User, snapshots: Path, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    tagged(20, labels={"jazz": 0.8})
    for n in range(10):
        failed(f"reason {n}")
    for protocol in ("warm", "cold"):
        evaluation(protocol, 0.8, 0.9)
    build.build()
    for address in PANELS:
        # The first look fills the queue of curation and the index of songs, for all who look after it.
        client.get(address)
        with django_assert_max_num_queries(10):
            client.get(address)


# --- Library ------------------------------------------------------------------------------------


def test_an_empty_library_says_what_to_do(client: Client, boss: User) -> None:
    assert "manage.py import_music" in text(client, LIBRARY)


def test_the_librarys_figures_are_true(client: Client, boss: User) -> None:
    tagged(3, labels={"jazz": 0.8})
    failed("cut off")
    make_song("Known from plays")
    make_song("Known from plays and labels", labels={"jazz": 3})
    make_song("Gone", root=make_root(), path="gone.mp3", tagging_state="done", missing_since=timezone.now())
    page = text(client, LIBRARY)
    assert "<strong>7</strong> songs" in page
    assert "<strong>4</strong> can be played here" in page
    assert "<strong>4</strong> have labels" in page
    assert "<strong>1</strong> whose file is gone" in page
    assert "4 of 4 listened to: nothing waits." in page
    assert "every" not in page


def test_what_waits_is_told_with_the_time_left_and_looked_at_again(client: Client, boss: User) -> None:
    root = make_root()
    Song.objects.bulk_create(Song(title=f"{n}", root=root, path=f"{n}.mp3") for n in range(331))
    now, done = timezone.now(), list(Song.objects.order_by("pk")[:31])
    for n, song in enumerate(done):
        song.tagging_state, song.tagging_changed_at = Song.Tagging.DONE, now - timedelta(seconds=2 * n)
    Song.objects.bulk_update(done, ["tagging_state", "tagging_changed_at"])
    page = text(client, LIBRARY)
    assert "31 of 331 listened to; " in page
    assert re.search(r">300 waiting</a>, about (9|10|11) minutes left at (2[6-9]|30) songs a minute\.", page)
    assert "every 3s" in page


def test_where_nobody_listens_it_says_so_and_asks_seldom(client: Client, boss: User) -> None:
    make_song(root=make_root(), path="1.mp3")
    tagged(1)
    page = text(client, LIBRARY)
    assert "Nothing was finished in the last ten minutes" in page
    assert "every 15s" in page


def test_failures_are_counted_by_reason_and_lead_to_their_songs(client: Client, boss: User) -> None:
    failed("cut off before its end & more", 2)
    failed("no audio", 1)
    page = text(client, LIBRARY)
    assert "3 could not be listened to" in page
    assert page.index("cut off before its end &amp; more") < page.index("no audio")
    address = page.split('cut off before its end &amp; more</span> <a href="')[1].split('"')[0].replace("&amp;", "&")
    assert "2 songs" in in_one_line(client.get(address).text)


def test_songs_of_one_reason_are_tried_again(client: Client, boss: User) -> None:
    (cut, also_cut), (other,) = failed("cut off", 2), failed("no audio")
    answer = client.post(TRY_AGAIN, {"reason": "cut off"}, headers=BY_HTMX)
    page = in_one_line(answer.text)
    assert "2 songs wait again. No broker is there to call a worker" in page
    assert 'id="dashboard-library"' in page
    assert "1 could not be listened to" in page
    for song, state in ((cut, "pending"), (also_cut, "pending"), (other, "failed")):
        song.refresh_from_db()
        assert (song.tagging_state, song.tagging_attempts) == (state, 0 if state == "pending" else 3)


def test_all_are_tried_again_but_those_whose_file_is_gone(client: Client, boss: User) -> None:
    failed("cut off", 2)
    failed("no audio")
    (gone,) = failed("no file", missing_since=timezone.now())
    page = client.post(TRY_AGAIN, follow=True).text
    assert "3 songs wait again" in page
    assert Song.objects.filter(tagging_state="pending").count() == 3
    gone.refresh_from_db()
    assert gone.tagging_state == "failed"


@pytest.mark.parametrize("reason", ["cut off", "", "\x00", "x" * 5000])
def test_a_reason_that_nothing_failed_for_changes_nothing(client: Client, boss: User, reason: str) -> None:
    failed("no audio")
    assert "Nothing to try again" in client.post(TRY_AGAIN, {"reason": reason}, headers=BY_HTMX).text
    assert Song.objects.get().tagging_state == "failed"


def test_who_may_change_songs_may_try_again(client: Client, helper: User) -> None:
    failed("cut off")
    helper.user_permissions.add(Permission.objects.get(codename="change_song"))
    assert "<button" in client.get(LIBRARY).text
    assert "1 song waits again" in client.post(TRY_AGAIN, headers=BY_HTMX).text


# --- Snapshots ----------------------------------------------------------------------------------


def evaluation(protocol: str, content: float, hybrid: float, days_ago: int = 0) -> None:
    """The figures of one night."""
    methods = {"content": (content, False), "hybrid": (hybrid, False), "random": (0.5, True)}
    figures = {name: {"auc": auc, "map": 0.1, "baseline": baseline} for name, (auc, baseline) in methods.items()}
    row = Evaluation.objects.create(protocol=protocol, seconds=1, figures={"methods": figures})
    Evaluation.objects.filter(pk=row.pk).update(created_at=timezone.now() - timedelta(days=days_ago))


def test_before_the_first_snapshot_it_says_so(client: Client, boss: User) -> None:
    page = text(client, SNAPSHOTS)
    assert "There is none yet" in page
    assert "Recompute now" in page
    assert "every" not in page


def test_the_last_snapshot_is_told(client: Client, boss: User, snapshots: Path) -> None:
    for n in range(3):
        make_song(labels={"jazz": 0.8, f"label {n}": 0.5})
    row = build.build()
    Snapshot.objects.filter(pk=row.pk).update(seconds=41.3)
    page = text(client, SNAPSHOTS)
    assert "</a>, 41 s, from 3 songs with labels and 0 plays." in page
    assert "Recommends by content" in page
    assert "Not by" in page, page
    assert "once 20 listeners have played" in page


def test_the_last_thirty_nights_are_drawn_and_told(client: Client, boss: User) -> None:
    for days, content, hybrid in ((40, 0.1, 0.1), (29, 0.80, 0.90), (1, 0.75, 0.70), (0, 0.88, 0.92)):
        evaluation("warm", content, hybrid, days)
    evaluation("cold", 0.84, 0.86)
    page = text(client, SNAPSHOTS)
    assert "AUC hybrid <strong>0.92</strong>, content <strong>0.88</strong>" in page
    words = "AUC over 3 nights: hybrid 0.92, from 0.90, lowest 0.70; content 0.88, from 0.80, lowest 0.75"
    assert f'aria-label="{words}"' in page
    assert 'aria-label="AUC over 1 night: hybrid 0.86; content 0.84"' in page
    assert page.count("<polyline") == 4


def test_without_a_broker_recomputing_says_what_to_do(client: Client, boss: User) -> None:
    page = in_one_line(client.post(RECOMPUTE, headers=BY_HTMX).text)
    assert "manage.py up" in page
    assert "manage.py recompute" in page
    assert "every" not in page


def test_a_snapshot_at_work_is_told_with_how_far_it_is(client: Client, boss: User, snapshots: Path) -> None:
    make_song(labels={"jazz": 0.8, "calm": 0.2})
    snapshot_build = snapshot_parts.begin()
    part = snapshot_parts.take_part(snapshot_build)
    assert part is not None
    snapshot_parts.fit(part)
    assert snapshot_parts.take_part(snapshot_build) is not None
    parts = snapshot_build.parts.count()
    page = text(client, SNAPSHOTS)
    assert f"1 of {parts} parts are done, at work on" in page
    assert "every 3s" in page
    assert "Recompute now" not in page
    assert f"One is being computed already: 1 of {parts} parts" in client.post(RECOMPUTE, headers=BY_HTMX).text
    SnapshotBuildPart.objects.update(taken_until=None)
    assert "No broker" in client.post(RECOMPUTE, headers=BY_HTMX).text, "a build left behind is to go on"


def test_a_damaged_snapshot_is_told(client: Client, boss: User, snapshots: Path) -> None:
    row = build.build()
    current.withdraw(row.folder, "content.data.npy has 7 bytes")
    assert "is damaged and not read any more (content.data.npy has 7 bytes)" in text(client, SNAPSHOTS)


@pytest.mark.parametrize("asked", ["", "x", "-1", "9" * 5000, "\u0663", "0", "9999999999"])
def test_any_moment_of_asking_is_borne(client: Client, boss: User, asked: str) -> None:
    assert client.get(SNAPSHOTS, {"asked": asked}).status_code == 200


def test_what_was_asked_for_a_moment_ago_is_looked_for_again_and_at_last_not(client: Client, boss: User) -> None:
    now = int(time.time())
    assert f"asked={now}" in text(client, f"{SNAPSHOTS}?asked={now}")
    assert "every" not in text(client, f"{SNAPSHOTS}?asked={now - 3600}")


# --- Queue --------------------------------------------------------------------------------------


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
    wait_until(lambda: "take long to answer" not in text(client, QUEUE), lambda: "late")
    page = text(client, QUEUE)
    assert "No worker answers" in page
    assert "<strong>2</strong> tasks wait" in page
    assert "every 5s" in page


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


# --- People -------------------------------------------------------------------------------------


def test_people_and_plays_are_counted(client: Client, boss: User) -> None:
    ada, bob = make_user("ada"), make_user("bob")
    imported = make_user("lastfm-1", is_active=False)
    Listener.objects.create(user=imported, origin=Listener.Origin.IMPORTED)
    song, now = make_song(), timezone.now()
    for user, days, more in (
        (ada, 0, {}),
        (ada, 0, {"skipped": True}),
        (ada, 2, {}),
        (bob, 9, {}),
        (bob, 40, {}),
        (imported, 1, {}),
        (bob, 1, {"origin": "listenbrainz"}),
    ):
        Play.objects.create(user=user, song=song, played_at=now - timedelta(days=days, seconds=len(more)), **more)
    page = text(client, PEOPLE)
    assert "<strong>3</strong> accounts" in page
    assert "<strong>1</strong> listened this week" in page
    assert "<strong>1</strong> came with imports" in page
    assert "4 in 30 days" in page
    assert "Plays a day over the last 30 days: 4 in all, 1 on the busiest day, 1 today" in page
    assert page.count("<rect") == 4


def test_a_site_where_nothing_was_played_says_so(client: Client, boss: User) -> None:
    assert "Nothing was played in the last 30 days." in text(client, PEOPLE)


# --- Disk ---------------------------------------------------------------------------------------


def write(home: Path, **sizes: int) -> None:
    for name, size in sizes.items():
        path = home / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * size)


def measure() -> disk.Measure:
    disk.measure()
    found, measuring = disk.measured()
    assert found is not None
    assert not measuring
    return found


def test_the_disk_is_measured_by_what_lies_there(own_home: Path) -> None:
    write(
        own_home,
        media__covers__one=1000,
        media__sound__ab__two=200,
        media__sound__cd__three=300,
        media__other=1,
        uploads__song=5000,
        snapshots__1__array=40,
        models__tagger=70,
    )
    for name, size in (("db.sqlite3", 600), ("db.sqlite3-wal", 60)):
        (own_home / name).write_bytes(b"x" * size)
    (own_home / "elsewhere").symlink_to("/usr")
    found = measure().bytes_by_part
    assert next(iter(found)) == "uploaded songs"
    assert found["uploaded songs"] == 5000
    assert found["covers"] == 1000
    assert found["waveforms and spectrograms"] == 500
    assert found["snapshots"] == 40
    assert found["taggers"] == 70
    assert found["database"] == 660
    assert found["everything else"] < 1000


def test_a_measure_is_good_for_a_while_and_then_taken_anew(own_home: Path) -> None:
    first = measure()
    write(own_home, uploads__song=5000)
    assert measure() == first
    file = own_home / "run" / "disk.json"
    old = {**json.loads(file.read_text()), "at": (datetime.now(UTC) - timedelta(hours=1)).isoformat()}
    file.write_text(json.dumps(old))
    assert measure().bytes_by_part["uploaded songs"] == 5000


@pytest.mark.parametrize("written", ["", "{", "[]", "{}", '{"at": "x"}'])
def test_a_measure_that_is_none_is_taken_anew(own_home: Path, written: str) -> None:
    (own_home / "run" / "disk.json").write_text(written)
    assert measure().whole


def test_what_takes_too_long_is_left_and_said(client: Client, boss: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "LONGEST_S", -1.0)
    assert not measure().whole
    assert "more than 0 bytes</strong> written by DCMRS" in text(client, DISK)


def test_one_process_measures_at_a_time(own_home: Path) -> None:
    hold = ["sh", "-c", "echo held; exec sleep 60"]
    lock = ["flock", "--no-fork", str(own_home / "run" / "disk.lock"), *hold]
    with subprocess.Popen(lock, stdout=subprocess.PIPE) as other:
        try:
            assert other.stdout
            assert other.stdout.readline() == b"held\n"
            disk.measure()
            assert not (own_home / "run" / "disk.json").exists()
        finally:
            other.terminate()


def test_a_full_disk_is_warned_of() -> None:
    gigabyte = 1_000_000_000
    assert disk.Room(gigabyte // 2, 4 * gigabyte).short
    assert disk.Room(9 * gigabyte, 1000 * gigabyte).short
    assert not disk.Room(3 * gigabyte, 20 * gigabyte).short
    assert not disk.Room(40 * gigabyte, 1000 * gigabyte).short


def test_the_disk_is_shown(client: Client, boss: User, own_home: Path) -> None:
    write(own_home, uploads__song=5000)
    measure()
    page = text(client, DISK)
    assert "uploaded songs</th><td>5.0 kB</td>" in page
    assert "Measured just now" in page


# --- To curate ----------------------------------------------------------------------------------


def test_where_nothing_waits_for_a_curator_it_says_what_would(client: Client, boss: User) -> None:
    assert "Nothing waits. Labels come here that listeners doubt" in text(client, CURATION)


def test_labels_that_wait_for_a_curator_are_counted_by_reason(client: Client, boss: User) -> None:
    song = make_song(root=make_root(), path="1.mp3", labels={"jazz": 0.8, "sad": 0.7})
    for label in Label.objects.all():
        doubt(make_user(), song, label, doubted=True)
    page = text(client, CURATION)
    assert "<strong>2</strong> labels wait for a word" in page
    assert "listeners say it is wrong</th><td>2</td>" in page
    assert 'href="/admin/catalog/curationitem/"' in page
    curate(song, Label.objects.get(name="jazz"), True, boss)
    assert "<strong>1</strong> label waits for a word" in text(client, CURATION)


def test_who_may_not_curate_sees_how_many_wait_and_no_way_there(client: Client, helper: User) -> None:
    song = make_song(root=make_root(), path="1.mp3", labels={"jazz": 0.8})
    doubt(make_user(), song, Label.objects.get(), doubted=True)
    page = text(client, CURATION)
    assert "<strong>1</strong> label waits for a word" in page
    assert "curationitem" not in page
