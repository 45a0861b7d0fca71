"""How much room it takes what DCMRS writes: measured beside the pages, once in a while, by one process at a time.

A folder of a million pictures takes longer to look through than anybody waits for a page. So a page shows what was
measured last, and has it measured anew where that is long ago.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from catalog.home import home

from .processes import run_folder

GOOD_FOR = timedelta(minutes=15)
"""How long a measure is shown before another is taken."""

LONGEST_S = 60.0
"""The longest time to measure; what is found by then is shown, marked as incomplete."""

_PAGE_WAITS_S = 0.25
_OTHER = "everything else"
# What lies where in `DCMRS_HOME`, in the order that the page has; a folder's own part comes before that of its parent.
_PARTS = {
    "uploads": "uploaded songs",
    "media/covers": "covers",
    "media/sound": "waveforms and spectrograms",
    "snapshots": "snapshots",
    "snapshot-copies": "snapshots",
    "snapshot-drafts": "snapshots",
    "models": "taggers",
    "static": "scripts, styles and icons",
}
_DATABASE = "db.sqlite3"

_thread = ThreadPoolExecutor(1, thread_name_prefix="disk")


@dataclass(frozen=True, slots=True)
class Measure:
    """What was measured.

    Attributes
    ----------
    at : datetime
    bytes_by_part : dict of str to int
        By what it is, largest first.
    whole : bool
        Whether all was looked at: measuring ends after a minute.
    """

    at: datetime
    bytes_by_part: dict[str, int]
    whole: bool

    @property
    def total(self) -> int:
        """Bytes of all."""
        return sum(self.bytes_by_part.values())


@dataclass(frozen=True, slots=True)
class Room:
    """The disk that `DCMRS_HOME` lies on, in bytes."""

    free: int
    total: int

    @property
    def short(self) -> bool:
        """Whether little is left: less than a twentieth, and less than ten gigabytes; or less than one."""
        return self.free < 1_000_000_000 or (self.free < self.total / 20 and self.free < 10_000_000_000)


def room() -> Room:
    """How much is free at this moment."""
    usage = shutil.disk_usage(home())
    return Room(usage.free, usage.total)


def measured() -> tuple[Measure | None, bool]:
    """The last measure, and whether one is being taken; one that is old is taken anew, beside the page."""
    last = _last()
    if last is not None and datetime.now(UTC) - last.at < GOOD_FOR:
        return last, False
    measuring = _thread.submit(measure)
    wait([measuring], timeout=_PAGE_WAITS_S)
    now = _last()
    if now is not None and now != last:
        return now, False
    return last, True


def measure() -> None:
    """Look through all of `DCMRS_HOME` and write down what is there, unless another process does so already."""
    with (run_folder() / "disk.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        last = _last()
        if last is not None and datetime.now(UTC) - last.at < GOOD_FOR:
            return
        found, whole = _look_through(home(), time.monotonic() + LONGEST_S)
        ranked = dict(sorted(found.items(), key=lambda one: -one[1]))
        draft = _file().with_suffix(".draft")
        draft.write_text(
            json.dumps({"at": datetime.now(UTC).isoformat(), "bytes_by_part": ranked, "whole": whole}), "utf-8"
        )
        draft.replace(_file())


def _file() -> Path:
    return run_folder() / "disk.json"


def _last() -> Measure | None:
    try:
        read = json.loads(_file().read_text("utf-8"))
        return Measure(datetime.fromisoformat(read["at"]), read["bytes_by_part"], read["whole"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def _look_through(top: Path, end: float) -> tuple[dict[str, int], bool]:
    """Bytes by part of all files below a folder, links not followed; whether it came to the end of them in time."""
    found: defaultdict[str, int] = defaultdict(int)
    folders = [("", _OTHER)]
    while folders:
        if time.monotonic() > end:
            return found, False
        within, part = folders.pop()
        # A file deleted meanwhile counts as absent.
        with suppress(OSError), os.scandir(top / within) as entries:
            for entry in entries:
                path = f"{within}/{entry.name}".lstrip("/")
                if entry.is_dir(follow_symlinks=False):
                    folders.append((path, _PARTS.get(path, part)))
                    continue
                with suppress(OSError):
                    of = "database" if path.startswith(_DATABASE) else part
                    found[of] += entry.stat(follow_symlinks=False).st_size
    return found, True
