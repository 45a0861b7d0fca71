"""What an import tells: of every file what has become of it, in figures and by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ..importing.walking import BadFile, printable
from ..models import Song


@dataclass(slots=True)
class ImportReport:
    """What an import did.

    Attributes
    ----------
    new, known, changed, moved : int
        Audio files that are songs here now: unknown before, as they were, with other contents, elsewhere before.
    returned : int
        Songs, among those of `known`, whose file was missing and is back.
    missing : int
        Songs whose file is found gone by this import.
    updated : int
        Songs, among those of `known`, that look other than before because files are read in another way now.
    duplicates : list of (str, str)
        Files with the recording of a song that has its own file, and that file.
    short : list of (str, float)
        Files that were read now and that end before they say, and how many seconds of sound there are.
    bad : list of BadFile
        What was left out, under full paths.
    problems : list of str
        Why a whole root was left as it is.
    """

    new: int = 0
    known: int = 0
    changed: int = 0
    moved: int = 0
    returned: int = 0
    missing: int = 0
    updated: int = 0
    duplicates: list[tuple[str, str]] = field(default_factory=list)
    short: list[tuple[str, float]] = field(default_factory=list)
    bad: list[BadFile] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def add_duplicate(self, path: str, song: Song) -> None:
        """Note a file, under its full path, that has the recording of a song with a file of its own."""
        self.duplicates.append((printable(path), printable(str(song.audio_file))))

    def leave_out(self, path: str, why: str) -> None:
        """Note a file, under its full path, that is not brought in."""
        self.bad.append(BadFile(printable(path), why))

    @property
    def summary(self) -> str:
        """The figures in one line."""
        return (
            f"{self.new} new, {self.known} known, {self.changed} changed, {self.moved} moved, "
            f"{self.missing} missing, {len(self.duplicates)} duplicates, {len(self.bad)} not usable"
        )


Progress = Callable[[int], object]
"""Told how many files have been dealt with since it was told last."""
