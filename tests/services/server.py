"""`manage.py up` as its owner runs it, looked at from outside."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest

from catalog.home import PROJECT_ROOT
from dcmrs_site.processes import redis_server
from tests.processes import running_on, wait_until

ADDRESS = re.compile(r"DCMRS is at (http://\S+)/ ")
REDIS = Path(redis_server()).name
"""Of the command line of the embedded Redis: redis-server or valkey-server."""

STARTING = 180.0
"""Seconds a start may take on a busy machine."""

ANSWERING = 60.0
"""Seconds an answer may take on a busy machine: only one that never comes is a fault."""

ONCE = pytest.mark.one_database
"""About processes, whatever their database."""

ON_POSTGRES = pytest.mark.skipif(
    "TEST_DATABASE_URL" not in os.environ, reason="on PostgreSQL; on SQLite others are killed in the same test"
)
"""Servers take long to start: each way of killing is tried on one of the databases."""


@contextmanager
def new_server(home: Path, like: Server | None = None) -> Iterator[Server]:
    """A server that is not started yet; ended, whatever the test did to it.

    Parameters
    ----------
    home : Path
        An empty folder.
    like : Server, optional
        One that does not run: this one gets a copy of its home and of its database.
    """
    with own_database(os.environ.get("TEST_DATABASE_URL"), like.database_url if like else None) as database:
        server = Server(home, database)
        if like:
            shutil.copytree(like.home, home, dirs_exist_ok=True)
            server.environment["DJANGO_SETTINGS_MODULE"] = like.environment["DJANGO_SETTINGS_MODULE"]
        try:
            yield server
        finally:
            server.kill_all()


@contextmanager
def own_database(postgres_url: str | None, like: str | None) -> Iterator[str | None]:
    """The address of a new database on a PostgreSQL; None, for the home's SQLite, where there is none.

    It is a copy of `like`, the address of a database that nobody uses, or else empty.
    """
    if postgres_url is None:
        yield None
        return
    name = f"server_{uuid4().hex}"
    template = urlsplit(like).path.removeprefix("/") if like else "template1"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        yield postgres_url.replace("/postgres?", f"/{name}?")
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


class Server:
    """One home with its database, and the processes that run on it.

    Parameters
    ----------
    home : Path
    database_url : str, optional
        None for the home's own SQLite.
    variables : str
        More of the environment.
    """

    def __init__(self, home: Path, database_url: str | None, **variables: str) -> None:
        self.home = home
        self.database_url = database_url
        self.environment = {
            "DJANGO_SETTINGS_MODULE": "dcmrs_site.settings",
            **os.environ,
            "DCMRS_HOME": str(home),
            **variables,
        }
        self.environment.pop("DATABASE_URL", None)
        if database_url:
            self.environment["DATABASE_URL"] = database_url
        self._output = home / "output"
        self.process: subprocess.Popen[bytes] | None = None
        self.address = ""

    def manage(self, *arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a management command; what it printed is in the answer."""
        return self._python("manage.py", *arguments, status=status)

    def run(self, code: str) -> None:
        """Run Python code with this server's settings."""
        self._python("-c", code)

    def _python(self, *arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=PROJECT_ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=STARTING,
            check=False,
        )
        assert done.returncode == status, f"{arguments} ended with {done.returncode}: {done.stdout}{done.stderr}"
        return done

    def start(self, *command: str) -> None:
        """Run `up`, or another command that becomes it, on a free port, and wait until it says where."""
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", *(command or ("up",)), "--port", "0"],
                cwd=PROJECT_ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.wait_for("DCMRS is at")
        found = ADDRESS.search(self.printed())
        assert found, self.printed()
        self.address = found[1]

    def printed(self) -> str:
        return self._output.read_text()

    def wait_for(self, text: str) -> None:
        """Wait until `up` or one of its processes has printed something."""
        wait_until(lambda: text in self.printed() or self._is_over(), self.printed, STARTING)
        assert text in self.printed(), self.printed()

    def _is_over(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def send(self, number: signal.Signals) -> int:
        """Send `up` a signal that ends it, and give its exit status."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(ANSWERING)

    def left(self, command: str = "") -> dict[int, str]:
        """What runs on this home, by process id, the oldest first; only what has `command` in its command line."""
        running = running_on(self.home, self.process.pid if self.process else None)
        return {pid: line for pid, line in running.items() if command in line}

    def kill_all(self) -> None:
        """The end of a test."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        for pid in self.left():
            os.kill(pid, signal.SIGKILL)

    def health(self) -> dict[str, str]:
        """What the server says of itself."""
        try:
            with urllib.request.urlopen(f"{self.address}/health/", timeout=ANSWERING) as answer:  # noqa: S310
                return dict(json.load(answer))
        except urllib.error.HTTPError as error:
            return dict(json.load(error))

    def wait_until_well(self) -> None:
        """Wait until database, broker and worker all answer."""
        wait_until(lambda: self.health()["status"] == "ok", self.health, STARTING)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The answer of the database to a query."""
        if self.database_url:
            with psycopg.connect(self.database_url) as postgres:
                return postgres.execute(sql.encode()).fetchall()
        with closing(sqlite3.connect(self.home / "db.sqlite3", timeout=30)) as sqlite:
            return sqlite.execute(sql).fetchall()
