"""The whole server: it starts, says so, ends, and leaves nobody behind."""

import os
import signal
import socket
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from redis import Redis

from benchmarks.faults import site
from dcmrs_site.processes import redis_server
from tests.processes import wait_until

from .server import ONCE, REDIS, Server, new_server

pytestmark = ONCE


class FirstRun(NamedTuple):
    """A server that began with nothing in its home, and was ended by Ctrl-C once it was well."""

    server: Server
    printed: str
    ran: list[str]
    status: int
    left: dict[int, str]


@pytest.fixture(scope="module")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FirstRun]:
    with new_server(tmp_path_factory.mktemp("running")) as server:
        server.start()
        server.wait_until_well()
        printed, ran = server.printed(), list(server.left().values())
        yield FirstRun(server, printed, ran, server.send(signal.SIGINT), server.left())


@pytest.fixture(scope="module")
def running(first_run: FirstRun) -> Server:
    """A server for tests that leave it running, and well: the first run's, started again."""
    server = first_run.server
    server.start()
    server.wait_until_well()
    return server


def test_it_says_where_it_is_and_ctrl_c_ends_all_of_it(first_run: FirstRun) -> None:
    assert {line.split(" | ")[0].strip() for line in first_run.printed.splitlines() if " | " in line} <= {"web"}
    for command in (REDIS, "gunicorn", "celery -q -A dcmrs_site worker", "celery -q -A dcmrs_site beat"):
        assert any(command in line for line in first_run.ran), f"no {command}"
    assert first_run.status == 0
    assert first_run.left == {}


def test_a_second_start_finds_everything_in_order(first_run: FirstRun, running: Server) -> None:
    assert "migrations" in first_run.printed
    assert "Gathering" in first_run.printed
    assert "migrations" not in running.printed()
    assert "Gathering" not in running.printed()


def test_its_redis_is_for_its_owner_alone_and_on_no_port(running: Server) -> None:
    server = running
    redis_socket = server.home / "run" / "redis.sock"
    with Redis(unix_socket_path=str(redis_socket)) as redis:
        assert redis.config_get("port")["port"] == "0"
        assert redis.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"
        assert redis.config_get("dir")["dir"] == str(server.home / "redis")
    assert stat.S_IMODE(redis_socket.stat().st_mode) == 0o700
    assert stat.S_IMODE(redis_socket.parent.stat().st_mode) == 0o700


def test_killed_it_leaves_nobody_behind_and_starts_again_whatever_redis_left(running: Server) -> None:
    """As after a power cut and an update, or where the same home is used with another Redis installed."""
    server = running
    server.wait_until_well()
    server.send(signal.SIGKILL)
    wait_until(lambda: not server.left(), server.left)

    for name in {"dump.rdb", "redis-server.rdb", "valkey-server.rdb"} - {f"{REDIS}.rdb"}:
        (server.home / "redis" / name).write_bytes(b"REDIS9999")
    server.start()
    server.wait_until_well()


def test_a_second_one_on_the_same_home_is_refused(running: Server) -> None:
    server = running
    refused = server.manage("up", "--port", "0", status=1)
    assert f"DCMRS is already running on {server.home}" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    assert server.health()["database"] == "ok"


def test_a_port_in_use_is_one_clear_line(server: Server) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused = server.manage("up", "--port", port, status=1)
    assert refused.stderr == (
        f"CommandError: Cannot listen on 127.0.0.1, port {port}: Address already in use. Choose another with --port.\n"
    )


def test_a_worker_that_is_killed_is_started_again_and_its_children_are_gone(running: Server) -> None:
    server = running
    server.wait_until_well()
    before = server.left("celery -q -A dcmrs_site worker")
    main = next(iter(before))

    os.kill(main, signal.SIGKILL)

    server.wait_for("worker was killed by signal 9; it starts again in 1 s")
    wait_until(lambda: before.keys().isdisjoint(server.left()), server.left)
    wait_until(lambda: len(server.left("celery -q -A dcmrs_site worker")) == len(before), server.left)
    server.wait_until_well()


def test_a_web_server_that_is_killed_comes_back_on_the_same_address(running: Server) -> None:
    server = running
    os.kill(next(iter(server.left("gunicorn"))), signal.SIGKILL)
    server.wait_for("web was killed by signal 9")
    assert server.health()["database"] == "ok"  # who asks meanwhile waits, and is not refused


def test_its_web_processes_hold_once_what_all_of_them_have_loaded(running: Server) -> None:
    server = running
    wait_until(lambda: len(server.left("gunicorn")) > 2, server.left)
    server.wait_until_well()
    for process in list(server.left("gunicorn"))[1:]:
        shared, private = kilobytes(process, "Shared_"), kilobytes(process, "Private_")
        assert private < shared


def kilobytes(process: int, kind: str) -> int:
    """The memory of a process, of the kinds whose name begins so."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(kind))


def test_redis_that_is_killed_comes_back_and_the_worker_finds_it(running: Server) -> None:
    server = running
    server.wait_until_well()
    os.kill(next(iter(server.left(REDIS))), signal.SIGKILL)
    server.wait_for("redis was killed by signal 9")
    server.wait_until_well()


def test_what_was_acknowledged_is_there_whoever_is_killed(running: Server) -> None:
    """Part of `python -m benchmarks.faults kills`, which kills thirty of all kinds."""
    server = running
    server.wait_until_well()
    server.run(
        "import django; django.setup(); from tests.factories import make_song, make_token, make_user; import pathlib; "
        f"ada = make_user('ada'); [make_song() for _ in range({site.SONGS})]; "
        f"pathlib.Path({str(server.home / 'token')!r}).write_text(make_token(ada))"
    )
    with site.Listener(server, (server.home / "token").read_text()) as listener:
        for victim in ("gunicorn", "gunicorn", "celery -q -A dcmrs_site worker", REDIS):
            seen = len(listener.acknowledged)
            wait_until(lambda: len(listener.acknowledged) > seen + 3, lambda: listener.refused, 60)  # noqa: B023
            os.kill(list(server.left(victim))[-1], signal.SIGKILL)
        server.wait_until_well()
    assert listener.acknowledged
    assert listener.lost() == 0


def test_with_a_redis_of_the_owners_none_is_started(server: Server, tmp_path: Path) -> None:
    address = tmp_path / "owners.sock"
    command = [redis_server(), "--port", "0", "--unixsocket", str(address), "--dir", str(tmp_path), "--save", ""]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as owners:
        try:
            server.environment["REDIS_URL"] = f"unix://{address}"
            server.start()
            server.wait_until_well()
            assert not server.left(REDIS)
            assert not (server.home / "redis").exists()
        finally:
            owners.kill()


def test_without_the_owners_redis_the_pages_are_there_all_the_same(server: Server, tmp_path: Path) -> None:
    server.environment["REDIS_URL"] = f"unix://{tmp_path}/nobody.sock"
    server.start()
    health = server.health()
    assert health | {"beat": "", "disk": "", "work": ""} == {
        "status": "degraded",
        "database": "ok",
        "broker": "down",
        "worker": "down",
        "beat": "",
        "disk": "",
        "work": "",
    }
    assert server.send(signal.SIGINT) == 0
    assert server.left() == {}
