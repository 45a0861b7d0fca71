"""Reading what services export: a file, a zip as it is downloaded, or its folder; lines of JSON, or one whole array.

One record is in memory at a time, however large the export is.
"""

from __future__ import annotations

import codecs
import json
import os
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from typing import IO, Any, Self, cast

from ..archives import UnreasonableArchive, open_archive
from .tables import BLOCK_BYTES, Lines, TableReport, UnreadableTable

_LONGEST_RECORD = 2_000_000
_HEAD_BYTES = 1 << 16
# An object that holds the array: what exporters call it.
_ARRAY_IN_OBJECT = re.compile(r'"(?:scrobbles|track|tracks|listens|recenttracks|plays|items)"\s*:\s*\[')
_PART_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, OSError)


class Export(Lines):
    """The records of an export; a context manager.

    Parameters
    ----------
    path : Path
        A file, a zip file, or a folder.
    report : TableReport
        Told of every record that is none, and of what could be read only in part.
    is_wanted : callable
        Whether a file of a zip or folder, by its path in it, holds what is looked for.

    Raises
    ------
    UnreadableTable
        On entering, if there is no such file, or nothing in it that is wanted.
    """

    def __init__(self, path: Path, report: TableReport, is_wanted: Callable[[str], bool]) -> None:
        super().__init__(path, report)
        self._is_wanted = is_wanted
        self._zip: zipfile.ZipFile | None = None
        self._folder: list[str] | None = None
        self.member = ""
        """Which file of a zip or folder is being read; empty where there is one alone."""
        self.head = ""
        """The beginning of what is being read."""

    def __enter__(self) -> Self:
        if self.path.is_dir():
            found = sorted(
                str(Path(folder, name).relative_to(self.path))
                for folder, _, names in os.walk(self.path)
                for name in names
            )
            self._folder = [name for name in found if self._is_wanted(name)]
            if not self._folder:
                raise UnreadableTable(f"{self.path}: none of the files of such an export is in it")
            self._size = sum((self.path / name).stat().st_size for name in self._folder)
            return self
        super().__enter__()
        if self._file.peek(4)[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
            try:
                self._zip = open_archive(self._file)
            except UnreasonableArchive as error:
                self._file.close()
                raise UnreadableTable(f"{self.path}: {error}") from None
            except zipfile.BadZipFile:
                self._file.close()
                raise UnreadableTable(
                    f"{self.path}: a zip file whose end is missing or damaged: download it again"
                ) from None
            if not self._members():
                self._file.close()
                raise UnreadableTable(f"{self.path}: none of the files of such an export is in it")
            self._size = sum(self._zip.getinfo(name).file_size for name in self._members())
        else:
            self._size = os.fstat(self._file.fileno()).st_size
        return self

    def __exit__(self, *error: Any) -> None:
        if self._folder is None:
            super().__exit__(*error)

    @property
    def size(self) -> int:
        """Bytes of all that is read, unpacked."""
        return self._size

    def files(self) -> Iterator[None]:
        """Go from file to file; what is read in between is of the one that `member` names."""
        if self._folder is None and self._zip is None:
            self._look_at_head()
            yield
            return
        for name in self._folder if self._folder is not None else self._members():
            self.member = name
            try:
                with cast(IO[bytes], self._opened(name)) as file:
                    self._file = cast(BufferedReader, file)
                    self._look_at_head()
                    yield
            except _PART_DAMAGED as error:
                self.cut_short(str(error) or "damaged")

    def records(self) -> Iterator[tuple[int, Any]]:
        """The numbers, from 1, and contents of the records of the file that is being read."""
        start = self.head.lstrip()
        if start[:1] == "[":
            yield from self._array(self.head.index("["))
        elif start[:1] == "{" and (within := _ARRAY_IN_OBJECT.search(self.head)) and not _is_line(self.head):
            yield from self._array(within.end() - 1)
        else:
            for number, line in self.lines():
                try:
                    record = json.loads(line)
                except (ValueError, RecursionError):
                    self.pass_over(number, "not JSON")
                    continue
                yield number, record

    def pass_over(self, number: int, why: str) -> None:
        """Take note of a bad record; where nothing follows it, and its line has no end, the file was cut off there."""
        if self._report.rows and self.ends_within_a_line:
            self.cut_short(f"line {number}: {why}: cut off or damaged")
            return
        self._report.pass_over(number, f"{self.member}: {why}" if self.member else why)

    def cut_short(self, why: str) -> None:
        """Take note that the file that is being read could not be read to its end."""
        self._report.incomplete.append(f"{self.member}: {why}" if self.member else why)

    def username(self) -> str:
        """Whose export it is: in ListenBrainz's, a file beside the listens says so; empty where nothing does."""
        with suppress(KeyError, ValueError, RecursionError, *_PART_DAMAGED):
            if self._zip is not None:
                name = next((name for name in self._zip.namelist() if name.rpartition("/")[2] == "user.json"), "")
                with self._zip.open(name) as user:
                    told = json.loads(user.read(_HEAD_BYTES))
            elif self._folder is not None:
                with (self.path / "user.json").open("rb") as user:
                    told = json.loads(user.read(_HEAD_BYTES))
            else:
                return ""
            return str(told.get("username") or "")[:150] if isinstance(told, dict) else ""
        return ""

    def _members(self) -> list[str]:
        if self._zip is None:
            return []
        names = (info.filename for info in self._zip.infolist() if not info.is_dir())
        return sorted(name for name in names if self._is_wanted(name))

    def _opened(self, name: str) -> object:
        if self._zip is not None:
            return self._zip.open(name)
        return (self.path / name).open("rb")

    def _look_at_head(self) -> None:
        self.ends_within_a_line = False
        self.head = self._file.read(_HEAD_BYTES).decode("utf-8-sig", errors="replace")
        self._file.seek(0)

    def _array(self, offset: int) -> Iterator[tuple[int, Any]]:
        """The elements of the array that begins at an offset, counted in characters."""
        decoder, bytes_to_text = json.JSONDecoder(), codecs.getincrementaldecoder("utf-8-sig")("replace")
        buffer, number, at = "", 0, offset + 1
        while True:
            while at < len(buffer) and buffer[at] in " \t\r\n,":
                at += 1
            if at < len(buffer) and buffer[at] == "]":
                return
            element, end = None, -1
            if at < len(buffer):
                with suppress(ValueError, RecursionError):
                    element, end = decoder.raw_decode(buffer, at)
            # A number or a word at the very end of what was read may go on.
            if end >= 0 and end < len(buffer):
                number += 1
                yield number, element
                at = end
                continue
            read = self._file.read(BLOCK_BYTES)
            self.read_bytes += len(read)
            if not read or len(buffer) - at > _LONGEST_RECORD:
                self.cut_short(f"after {number} records: cut off or damaged")
                return
            buffer, at = buffer[at:] + bytes_to_text.decode(read), max(at - len(buffer), 0)


def _is_line(head: str) -> bool:
    """Whether the first line is a whole object of its own."""
    with suppress(ValueError, RecursionError):
        return isinstance(json.loads(head.partition("\n")[0]), dict) and "\n" in head.strip()
    return False
