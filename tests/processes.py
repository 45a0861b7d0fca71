"""Looking at processes from outside, for tests that must leave none behind."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path


def running_on(home: Path, session: int | None = None) -> dict[int, str]:
    """What runs on a `DCMRS_HOME`, as command lines by process id, the oldest first; Linux only.

    Process ids say nothing of age: they begin anew once the highest has been given.

    Parameters
    ----------
    home : Path
    session : int, optional
        A session that belongs to it: Redis writes over its environment, and is found only so.
    """
    wanted = f"DCMRS_HOME={home}".encode()
    found: dict[int, tuple[int, str]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            # State, parent, group, session, and as the 22nd of all the time of the start.
            numbers = (folder / "stat").read_text().rpartition(")")[2].split()
            state, its_session, start = numbers[0], numbers[3], int(numbers[19])
            its_own = wanted in (folder / "environ").read_bytes().split(b"\0")
            if state != "Z" and (its_own or int(its_session) == session):
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                found[int(folder.name)] = start, line
        except OSError:
            continue  # gone, or somebody else's
    return {pid: line for pid, (_, line) in sorted(found.items(), key=lambda one: one[1][0])}


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
