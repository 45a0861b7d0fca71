"""Commands on the site of browser tests, and waiting for its web server."""

from __future__ import annotations

import socket
import sqlite3
import struct
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from tests.browser.commands import commands
from tests.browser.site import _wait_for

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def test_a_server_that_drops_its_first_connections_is_waited_for() -> None:
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener, _runs_until_told() as server:

        def serve() -> None:
            for answer in (b"", ANSWER):
                connection, _ = listener.accept()
                with connection:
                    asked.append(connection.recv(4096))
                    connection.sendall(answer)
                    if not answer:
                        # Closed like this, it is reset at the other end.
                        linger = struct.pack("ii", 1, 0)
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

        serving = threading.Thread(target=serve, daemon=True)
        serving.start()
        _wait_for(f"http://127.0.0.1:{listener.getsockname()[1]}", server)
        serving.join()
        server.communicate(b"")
    assert len(asked) == 2


def test_a_server_that_ends_is_not_waited_for() -> None:
    with _runs_until_told() as server:
        server.communicate(b"")
        with pytest.raises(RuntimeError):
            _wait_for("http://127.0.0.1:1", server)


def _runs_until_told() -> subprocess.Popen[bytes]:
    """A process that ends once its input does."""
    return subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)


def test_commands_and_functions_run_on_one_home_one_after_the_other_and_the_first_that_fails_says_why(
    tmp_path: Path,
) -> None:
    with commands(tmp_path) as run:
        run("migrate", "-v0")
        run("tests.browser.people.make_listener", "mira")
        with closing(sqlite3.connect(tmp_path / "db.sqlite3")) as database:
            assert database.execute("SELECT username FROM auth_user").fetchall() == [("mira",)]
        with pytest.raises(RuntimeError) as failure:
            run("no_such_command")
    assert str(failure.value).startswith("no_such_command: ")
    assert "Unknown command: 'no_such_command'" in str(failure.value)
