"""A song that is a part of a file: its path is the file's, with the part behind it. No Django.

`Album/whole.flac/00012345-00200000.part` is the sound of `Album/whole.flac` from 12.345 s to 200 s. Such a path names
nothing on the disk; what reads audio (`catalog.audio`) takes it for the part.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import NamedTuple

_NAME = re.compile(r"(\d{8,12})-(\d{8,12}|end)\.part")


class FilePart(NamedTuple):
    """A part of a file: from `start_s` up to `stop_s`, which is infinite for the end of the file; seconds."""

    file: Path
    start_s: float
    stop_s: float


def part_path(file: str, start_s: float, stop_s: float | None) -> str:
    """The path of a part of a file; `stop_s` is None for the end of the file."""
    stop = "end" if stop_s is None else f"{round(1000 * stop_s):08d}"
    return f"{file}/{round(1000 * start_s):08d}-{stop}.part"


def part_of(path: Path) -> FilePart | None:
    """The part that a path names; None for a file as a whole."""
    match = _NAME.fullmatch(path.name)
    if match is None:
        return None
    stop_s = math.inf if match[2] == "end" else int(match[2]) / 1000
    return FilePart(path.parent, int(match[1]) / 1000, stop_s)


def file_of(path: str) -> str:
    """The path of the file that a song's path lies in: its own, but for a part."""
    # Most paths are none of a part, and lists of songs ask this for each.
    if not path.endswith(".part"):
        return path
    folder, _, name = path.rpartition("/")
    return folder if _NAME.fullmatch(name) else path
