"""Finding the audio files of a folder: one after the other, however many there are, past everything that is bad."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

AUDIO_SUFFIXES = frozenset(
    {
        ".aac",
        ".aif",
        ".aifc",
        ".aiff",
        ".ape",
        ".flac",
        ".m4a",
        ".m4b",
        ".mp3",
        ".mpc",
        ".oga",
        ".ogg",
        ".opus",
        ".wav",
        ".wave",
        ".wma",
        ".wv",
    }
)
"""What a file's name ends with, in lower case, where it may hold music."""

LONGEST_PATH = 1000
"""Characters of a path that the library can remember."""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """An audio file by its name.

    Attributes
    ----------
    path : str
        Relative to the library root, `/` between folders.
    size : int
        Bytes.
    mtime_ns : int
        When it was last written: nanoseconds since 1970.
    """

    path: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class BadFile:
    """A file or folder that is left out.

    Attributes
    ----------
    path : str
        Relative to the library root; may hold what is not UTF-8, see `printable`.
    reason : str
        For people.
    """

    path: str
    reason: str


def walk(root: Path, within: str = "", leave_out: Collection[Path] = ()) -> Iterator[FoundFile | BadFile]:
    """The audio files below a folder, in the order of their names.

    Hidden files and folders are passed over. Links to folders are not followed: one inside the root would show the
    same files twice, one out of it would leave the library, and one upwards would never end; links to files inside
    the root are files.

    Parameters
    ----------
    root : Path
        The library root, itself not a link.
    within : str
        A folder or file below the root to look at; all of it where empty.
    leave_out : collection of Path
        Folders not to enter.
    """
    # A folder waits with a slash after its name, which sorts it where its files belong.
    waiting = [f"{within}/" if within and (root / within).is_dir() else within]
    while waiting:
        path = waiting.pop()
        if path and not path.endswith("/"):
            yield _file(root, path)
            continue
        names, bad = _contents(root, path, leave_out)
        yield from bad
        waiting.extend(sorted(names, reverse=True))


def count(root: Path, within: str = "", leave_out: Collection[Path] = ()) -> int:
    """How many files `walk` will look at, from their names alone."""
    start = root / within
    if not start.is_dir():
        return 1
    total = 0
    for folder, folders, files in os.walk(start):
        folders[:] = [name for name in folders if name[0] != "." and Path(folder, name) not in leave_out]
        total += sum(name[0] != "." and has_audio_suffix(name) for name in files)
    return total


def has_audio_suffix(name: str) -> bool:
    """Whether a file's name says that it holds music."""
    return os.path.splitext(name)[1].lower() in AUDIO_SUFFIXES  # noqa: PTH122 (of every file of a library)


def is_below(root: Path, path: Path) -> bool:
    """Whether a path, every link followed, lies in a folder."""
    return path.resolve(strict=True).is_relative_to(root.resolve())


def printable(path: str) -> str:
    """A path fit for a terminal and a database: what is not UTF-8 or not to be seen is escaped."""
    text = os.fsencode(path).decode(errors="backslashreplace")
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def reason(error: OSError) -> str:
    """Why the system refused, in few words."""
    return os.strerror(error.errno).lower() if error.errno else str(error)


def _contents(root: Path, folder: str, leave_out: Collection[Path]) -> tuple[list[str], list[BadFile]]:
    """The files and folders to look at next, folders with a slash, and what is left out."""
    names: list[str] = []
    bad: list[BadFile] = []
    try:
        with os.scandir(root / folder) as entries:
            for entry in entries:
                path = folder + entry.name
                if entry.name.startswith("."):
                    continue
                try:
                    if entry.is_symlink() and entry.is_dir():
                        if (problem := _linked_folder(root, path)) is not None:
                            bad.append(BadFile(path, problem))
                    elif entry.is_dir(follow_symlinks=False):
                        if _is_utf8(entry.name):
                            if root / path not in leave_out:
                                names.append(f"{path}/")
                        else:
                            bad.append(BadFile(path, "a folder whose name is not UTF-8: rename it"))
                    elif has_audio_suffix(entry.name):
                        names.append(path)
                    elif entry.is_symlink() and "." not in entry.name:
                        entry.stat()  # to nothing: it may have been a folder of music
                except OSError as error:
                    bad.append(BadFile(path, _link_problem(error)))
    except OSError as error:
        bad.append(BadFile(folder.rstrip("/") or ".", reason(error)))
    bad.sort(key=lambda one: one.path)
    return names, bad


def _linked_folder(root: Path, path: str) -> str | None:
    """What is wrong with a link to a folder; nothing where it leads to another place in the root."""
    target = os.path.realpath(root / path)
    here = os.path.realpath((root / path).parent)
    if here == target or here.startswith(target.rstrip("/") + "/"):
        return "a link in a loop: it leads to a folder that it is in"
    if target.startswith(f"{root}/"):
        return None
    return f"a link out of the library: import {printable(target)} itself"


def _file(root: Path, path: str) -> FoundFile | BadFile:
    full_path = f"{root}/{path}"
    linked = False
    if not _is_utf8(path):
        return BadFile(path, "its name is not UTF-8: rename it")
    if not has_audio_suffix(path):
        return BadFile(path, "not the name of an audio file")
    if len(path) > LONGEST_PATH:
        return BadFile(path, f"its path is longer than {LONGEST_PATH} characters")
    try:
        status = os.lstat(full_path)
        if linked := stat.S_ISLNK(status.st_mode):
            status = Path(full_path).stat()
            if not is_below(root, Path(full_path)):
                return BadFile(
                    path, f"a link out of the library: import {printable(os.path.realpath(full_path))} itself"
                )
    except OSError as error:
        return BadFile(path, _link_problem(error) if linked else reason(error))
    if not stat.S_ISREG(status.st_mode):
        return BadFile(path, "not a regular file")
    return FoundFile(path, status.st_size, status.st_mtime_ns)


def _link_problem(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "a link to nothing"
    return "a link in a loop" if error.errno == errno.ELOOP else reason(error)


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
