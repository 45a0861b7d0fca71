"""Looking at processes from outside, for tests that must leave none behind."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path


def running_with(variable: str, value: str) -> dict[int, str]:
    """The command lines, by process id, of what runs with this environment variable; Linux only."""
    wanted = f"{variable}={value}".encode()
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue  # gone, or somebody else's
    return found


def wait_until(true: Callable[[], object], what_was: Callable[[], object], seconds: float = 20.0) -> None:
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
