"""Looking at processes from outside, for tests that must leave none behind."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path


def running_on(home: Path, session: int | None = None) -> dict[int, str]:
    """What runs on a `DCMRS_HOME`, as command lines by process id; Linux only.

    Parameters
    ----------
    home : Path
    session : int, optional
        A session that belongs to it: Redis writes over its environment, and is found only so.
    """
    wanted = f"DCMRS_HOME={home}".encode()
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, _, _, its_session = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
            its_own = wanted in (folder / "environ").read_bytes().split(b"\0")
            if state != "Z" and (its_own or int(its_session) == session):
                found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue  # gone, or somebody else's
    return found


def wait_until(true: Callable[[], object], what_was: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait for something to become true.

    Raises
    ------
    TimeoutError
        With what was seen instead.
    """
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"still not so after {seconds} s: {what_was()}")
        time.sleep(0.05)
