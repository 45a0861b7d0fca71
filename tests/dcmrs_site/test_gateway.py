"""Connections that stall keep no thread: the others are answered, and health always."""

from __future__ import annotations

import asyncio
import http.client
import io
import json
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from catalog.home import PROJECT_ROOT
from dcmrs_site import gateway
from dcmrs_site.gateway import PAGES_AT_ONCE, SMALL_BODY_BYTES, THREADS, FileWrapper, answer_of, environment

STALLED = 70


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """One process of the real web server, with a small application."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        number = listener.getsockname()[1]
        command = [
            sys.executable,
            "-m",
            "gunicorn",
            "tests.dcmrs_site.stalling_app",
            "--bind",
            f"fd://{listener.fileno()}",
        ]
        command += [
            "--worker-class",
            "dcmrs_site.web_worker.MannerlyWorker",
            "--keep-alive",
            "0",
            "--no-control-socket",
        ]
        server = subprocess.Popen(command, cwd=PROJECT_ROOT, pass_fds=[listener.fileno()])
    try:
        assert ask(number, "/")[0] == 200
        yield number
    finally:
        server.terminate()
        server.wait(60)


def ask(port: int, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes, float]:
    """Status, body and seconds of a request."""
    begun = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=90)
    try:
        connection.request("GET" if body is None else "POST", path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read(), time.monotonic() - begun
    finally:
        connection.close()


def stall(port: int, what: bytes) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    connection.sendall(what)
    return connection


HALF_HEADERS = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-"
HALF_BODY = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nhalf"
LARGE_BODY = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 90000000\r\n\r\nhalf"
NOT_READ = b"GET /song/ HTTP/1.1\r\nHost: localhost\r\n\r\n"


def test_two_hundred_and_more_stalled_connections_keep_nobody_waiting(port: int) -> None:
    alone = [ask(port, "/")[2] for _ in range(20)]
    with ExitStack() as stack:
        for what in (HALF_HEADERS, HALF_BODY, LARGE_BODY, NOT_READ):
            for _ in range(STALLED):
                stack.enter_context(stall(port, what))
        answers = [ask(port, "/") for _ in range(20)]
        assert {status for status, _, _ in answers} == {200}
        assert ask(port, "/health/")[0] == 200
        # What a busy machine does to both is the same; a stalled thread would cost seconds.
        assert statistics.median(seconds for _, _, seconds in answers) < 20 * statistics.median(alone) + 2


def test_uploads_that_do_not_come_do_not_make_the_process_come_later_to_others() -> None:
    begun: list[int] = []

    def site(_environ: dict[str, Any], start_response: Any) -> list[bytes]:
        begun.append(served.computing)
        start_response("200 OK", [])
        return []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(_message: dict[str, Any]) -> None:
        """Nobody reads it."""

    served = gateway.Gateway(site)
    large = [(b"content-length", str(SMALL_BODY_BYTES + 1).encode())]
    asyncio.run(served(scope(method="POST", headers=large), receive, send))
    asyncio.run(served(scope(), receive, send))
    assert begun == [0, 1]


def test_pages_are_computed_in_turn_and_what_is_sent_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "TURN_S", 600.0)
    together = threading.Barrier(PAGES_AT_ONCE + 2, timeout=60)
    computing: list[None] = []
    most: list[int] = []

    def site(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        if environ["REQUEST_METHOD"] == "POST":
            together.wait()
        computing.append(None)
        time.sleep(0.01)
        most.append(len(computing) if environ["REQUEST_METHOD"] == "GET" else 0)
        computing.pop()
        start_response("200 OK", [])
        return []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(_message: dict[str, Any]) -> None:
        """Nobody reads it."""

    async def ask_for_all(method: str, number: int) -> None:
        await asyncio.gather(*(served(scope(method=method), receive, send) for _ in range(number)))

    served = gateway.Gateway(site)
    asyncio.run(ask_for_all("GET", 12))
    assert max(most) <= PAGES_AT_ONCE
    asyncio.run(ask_for_all("POST", together.parties))


def test_health_has_a_lane_of_its_own(port: int) -> None:
    with ThreadPoolExecutor(THREADS["page"] * 2) as pool:
        busy = [pool.submit(ask, port, "/compute/") for _ in range(THREADS["page"] * 2)]
        # Each of them waits until health was asked, as none of those that wait for a thread can be.
        while not all(one.done() for one in busy):
            assert ask(port, "/health/")[0] == 200
        assert all(one.result()[0] == 200 for one in busy)


def test_half_headers_are_waited_for_a_while(port: int) -> None:
    with stall(port, HALF_HEADERS) as connection:
        connection.settimeout(60)
        try:
            ended = connection.recv(1)
        except ConnectionResetError:
            ended = b""
        assert ended == b""


def test_bodies_arrive_whole_small_and_large(port: int) -> None:
    assert ask(port, "/", b"x" * 1000)[1] == b"1000 bytes"
    assert ask(port, "/", b"x" * (SMALL_BODY_BYTES + 1))[1] == b"%d bytes" % (SMALL_BODY_BYTES + 1)


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET %s?q=" + b"x" * 9000 + b" HTTP/1.1", 414),
        (b"GET %s HTTP/1.1\r\nX: " + b"x" * 90_000, 431),
        (b"GET %s", 400),
    ],
)
def test_what_never_reaches_the_site_is_refused_in_its_words(port: int, request_line: bytes, status: int) -> None:
    for path in (b"/api/songs/", b"/library/"):
        with stall(port, request_line.replace(b"%s", path) + b"\r\n\r\n") as connection:
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            assert answer.status == status
            if path == b"/api/songs/":
                assert set(json.loads(answer.read())) == {"detail"}
            else:
                assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"


def test_a_song_is_sent_as_it_is_read(port: int) -> None:
    with stall(port, NOT_READ) as connection:
        received = 0
        while received < 3_000_000:
            received += len(connection.recv(1 << 16))


def test_more_bodies_than_may_be_held_at_once_are_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "BUFFERED_BYTES", 1000)
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": bytes(600), "more_body": True}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    busy = gateway.Gateway(lambda _environ, _start: [])
    for _ in range(2):
        # The second finds that the first has let go of what it held.
        asyncio.run(busy(scope(method="POST"), receive, send))
    assert [message["status"] for message in sent if "status" in message] == [503, 503]


def scope(**more: Any) -> dict[str, Any]:
    return {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/caf\u00e9/",
        "raw_path": b"/caf%C3%A9/?q=1",
        "query_string": b"q=1",
        "headers": [
            (b"host", b"localhost"),
            (b"cookie", b"a=1"),
            (b"cookie", b"b=2"),
            (b"accept", b"x"),
            (b"accept", b"y"),
        ],
        "server": ("localhost", 80),
        "client": ("10.0.0.7", 1234),
        **more,
    }


def test_the_environment_is_that_of_wsgi() -> None:
    environ = environment(scope(), io.BytesIO(b"12345"))
    assert environ["PATH_INFO"].encode("latin-1").decode() == "/caf\u00e9/"
    assert environ["HTTP_COOKIE"] == "a=1; b=2"
    assert environ["HTTP_ACCEPT"] == "x,y"
    assert environ["CONTENT_LENGTH"] == "5"
    assert environ["REMOTE_ADDR"] == "10.0.0.7"


class Rows:
    """What a database connection of one thread gives."""

    streaming = True
    closed = False

    def __iter__(self) -> Iterator[bytes]:
        yield b"row 1"
        yield b"row 2"

    def close(self) -> None:
        self.closed = True


def test_what_belongs_to_a_thread_is_read_to_its_end_by_it() -> None:
    rows = Rows()

    def site(_environ: dict[str, Any], start_response: Any) -> Rows:
        start_response("200 OK", [])
        return rows

    answer = answer_of(site, {})
    assert answer.rest is not None
    assert b"".join(answer.rest) == b"row 1row 2"
    assert not rows.closed
    answer.close()
    assert rows.closed


def test_files_are_read_piece_by_piece_and_short_ones_at_once() -> None:
    def site(environ: dict[str, Any], start_response: Any) -> FileWrapper:
        start_response("200 OK", [("Content-Type", "text/css")])
        return FileWrapper(io.BytesIO(bytes(environ["size"])), 4096)

    short = answer_of(site, {"size": 1000})
    assert (len(short.body), short.rest) == (1000, None)
    long = answer_of(site, {"size": 1_000_000})
    assert long.rest is not None
    assert len(long.body) + sum(map(len, long.rest)) == 1_000_000


def test_what_fails_is_closed_and_raised() -> None:
    def site(_environ: dict[str, Any], _start_response: Any) -> list[bytes]:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        answer_of(site, {})
