"""Finding the audio files of a folder: one after the other, however many there are, past everything that is bad."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..file_parts import part_path
from .cover_names import cover_rank
from .cue import LARGEST_SHEET_BYTES, CueTrack, tracks_of_files
from .names import disc_folder, leading_number, numbers_in_a_row

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

READER = 4
"""Raised whenever files are read in another way: the next scan reads every file anew."""

_OTHERS_MUSIC = frozenset(
    {
        "#recycle",
        "#snapshot",
        "$recycle.bin",
        "@deleteditems",
        "@eadir",
        "@recently-snapshot",
        "@recycle",
        "@sharebin",
        "@tmp",
        "__macosx",
        "lost+found",
        "network trash folder",
        "recycle.bin",
        "recycled",
        "recycler",
        "system volume information",
        "temporary items",
    }
)
_NO_MUSIC_INSIDE = frozenset({".nomedia", ".ignore"})


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
    ctime_ns : int
        When the system last changed anything of it, which no program can put back.
    pictures : str
        Differs as soon as another picture lies beside it that may be its cover.
    numbered : bool
        Whether the number that its name begins with is one of a row of numbers in its folder.
    track : CueTrack or None
        What a CUE sheet beside it says of the part of it that this is: then `path` is that of the part
        (`catalog.file_parts`).
    sheet : str
        Differs as soon as the sheet does.
    """

    path: str
    size: int
    mtime_ns: int
    ctime_ns: int = 0
    pictures: str = ""
    numbered: bool = False
    track: CueTrack | None = None
    sheet: str = ""

    @property
    def state(self) -> str:
        """Differs as soon as the file has to be read again, though its size and time are the same."""
        return f"{READER} {self.ctime_ns} {self.pictures} {self.sheet}".rstrip()


@dataclass(frozen=True, slots=True)
class _Folder:
    """What is known of a folder whose files are looked at.

    Attributes
    ----------
    pictures : str
        See `FoundFile.pictures`.
    numbers : frozenset of int
        Those that names of files begin with, as far as they are numbers of tracks.
    tracks : dict of str to list of CueTrack
        Of the files that a CUE sheet parts, by name.
    sheets : str
        Differs as soon as a sheet does.
    """

    pictures: str = ""
    numbers: frozenset[int] = frozenset()
    tracks: dict[str, list[CueTrack]] = field(default_factory=dict)
    sheets: str = ""


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

    Hidden files and folders are passed over, and so are folders of deleted files, of a system or a disk station, and
    those that say they hold no music (`.nomedia`, `.ignore`). Links to folders are not followed: one inside the root
    would show the same files twice, one out of it would leave the library, and one upwards would never end; links to
    files inside the root are files.

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
    above = os.path.dirname(within)  # noqa: PTH120 (empty, not a dot, where nothing is above)
    around = _Folder()
    if is_passed_over(root, within if (root / within).is_dir() else above):
        return
    if within:
        around = _contents(root, f"{above}/" if above else "", leave_out, _Folder()).folder
    waiting = [(f"{within}/" if within and (root / within).is_dir() else within, around)]
    while waiting:
        path, above_it = waiting.pop()
        if path and not path.endswith("/"):
            yield from _files(root, path, above_it)
            continue
        found = _contents(root, path, leave_out, above_it)
        yield from found.bad
        waiting.extend((name, found.folder) for name in sorted(found.names, reverse=True))


def count(root: Path, within: str = "", leave_out: Collection[Path] = ()) -> int:
    """How many files `walk` will look at, from their names alone."""
    start = root / within
    if not start.is_dir():
        return 1
    total = 0
    for folder, folders, files in os.walk(start):
        if not _NO_MUSIC_INSIDE.isdisjoint(files):
            folders.clear()
            continue
        folders[:] = [name for name in folders if not _is_others(name) and Path(folder, name) not in leave_out]
        total += sum(name[0] != "." and has_audio_suffix(name) for name in files)
    return total


def is_current(state: str) -> bool:
    """Whether a `FoundFile.state` is of a file that was read as files are read now."""
    return state.startswith(f"{READER} ")


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


@dataclass(frozen=True, slots=True)
class _Contents:
    """The files and folders to look at next, folders with a slash, what is left out, and what they have in common."""

    names: list[str]
    bad: list[BadFile]
    folder: _Folder


def _is_others(name: str) -> bool:
    """Whether a folder of this name holds nobody's music."""
    return name.startswith(".") or name.casefold() in _OTHERS_MUSIC


def mark_of_no_music(folder: Path) -> str:
    """The name of the file in a folder that says that it holds no music; empty where there is none."""
    return next((mark for mark in sorted(_NO_MUSIC_INSIDE) if (folder / mark).exists()), "")


def is_passed_over(root: Path, folder: str) -> bool:
    """Whether a folder below the root lies in one that holds nobody's music, or is one."""
    inside = ""
    for name in folder.split("/") if folder else ():
        inside = f"{inside}/{name}" if inside else name
        if _is_others(name) or mark_of_no_music(root / inside):
            return True
    return False


def _contents(root: Path, folder: str, leave_out: Collection[Path], above: _Folder) -> _Contents:
    names: list[str] = []
    bad: list[BadFile] = []
    covers: list[str] = []
    sheets: dict[str, bytes] = {}
    try:
        with os.scandir(root / folder) as entries:
            for entry in entries:
                path = folder + entry.name
                if entry.name in _NO_MUSIC_INSIDE:
                    return _Contents([], [], _Folder())
                if _is_others(entry.name):
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
                    elif entry.name.lower().endswith(".cue"):
                        sheets[entry.name] = _sheet(Path(entry.path))
                    elif cover_rank(entry.name) is not None:
                        status = entry.stat()
                        covers.append(f"{entry.name}\0{status.st_size}\0{status.st_mtime_ns}\0{status.st_ctime_ns}")
                    elif entry.is_symlink() and "." not in entry.name:
                        entry.stat()  # to nothing: it may have been a folder of music
                except OSError as error:
                    bad.append(BadFile(path, _link_problem(error)))
    except OSError as error:
        bad.append(BadFile(folder.rstrip("/") or ".", reason(error)))
    bad.sort(key=lambda one: one.path)
    if disc_folder(os.path.basename(folder.rstrip("/"))) is not None:  # noqa: PTH119 (of every folder of a library)
        covers.append(above.pictures)
    digest = hashlib.sha256("\0".join(sorted(covers)).encode(errors="surrogateescape")).hexdigest()[:16]
    files = [name.rpartition("/")[2] for name in names if not name.endswith("/")]
    return _Contents(
        names,
        bad,
        _Folder(
            pictures=digest if any(covers) else "",
            numbers=numbers_in_a_row(files),
            tracks=tracks_of_files(sheets, files) if sheets else {},
            sheets=hashlib.sha256(repr(sorted(sheets.items())).encode()).hexdigest()[:12] if sheets else "",
        ),
    )


def _sheet(path: Path) -> bytes:
    """A CUE sheet; nothing where it cannot be read, or is none."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_SHEET_BYTES + 1)
    except OSError:
        return b""
    return content if len(content) <= LARGEST_SHEET_BYTES else b""


def _linked_folder(root: Path, path: str) -> str | None:
    """What is wrong with a link to a folder; nothing where it leads to another place in the root."""
    target = os.path.realpath(root / path)
    here = os.path.realpath((root / path).parent)
    if here == target or here.startswith(target.rstrip("/") + "/"):
        return "a link in a loop: it leads to a folder that it is in"
    if target.startswith(f"{root}/"):
        return None
    return f"a link out of the library: import {printable(target)} itself"


def _files(root: Path, path: str, folder: _Folder) -> Iterator[FoundFile | BadFile]:
    """A file, or the parts of it that a CUE sheet names."""
    found, tracks = _file(root, path, folder), folder.tracks.get(path.rpartition("/")[2], [])
    if isinstance(found, BadFile) or not tracks:
        yield found
        return
    yield from parts_of(replace(found, sheet=folder.sheets), tracks)


def parts_of(found: FoundFile, tracks: Iterable[CueTrack]) -> Iterator[FoundFile | BadFile]:
    """The parts of a file that a CUE sheet names."""
    for track in tracks:
        part = part_path(found.path, track.start_s, track.stop_s)
        if len(part) > LONGEST_PATH:
            yield BadFile(found.path, f"its path is longer than {LONGEST_PATH} characters")
            return
        yield replace(found, path=part, track=track)


def _file(root: Path, path: str, folder: _Folder) -> FoundFile | BadFile:
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
    return FoundFile(
        path,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
        folder.pictures,
        leading_number(path.rpartition("/")[2]) in folder.numbers,
    )


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
