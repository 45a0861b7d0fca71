"""Reading audio files under limits: one that would eat the machine is refused by name, and the others go on.

Tags and pictures may be packed so that a few kilobytes become gigabytes. What reads them is called in a process of its
own (`catalog.limited`), which ends at its limit.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from .. import limited
from ..audio_frames import UnreasonableAudio
from ..audio_lengths import AudioProbe, probe
from ..file_parts import file_of
from ..limited import LimitExceededError, Limits
from . import reading
from .pictures import Covers
from .reading import AudioFile
from .walking import FoundFile

MEMORY_BYTES = 250_000_000
"""What reading a file may take beside the file itself, which is never in memory as a whole."""

CPU_S = 5.0
"""Processor time of any file, and of a large one so much more as hashing it takes."""

_HASHED_AT_LEAST_BYTES_S = 50_000_000
_READ_AT_LEAST_BYTES_S = 1_000_000
_PATIENCE_S = 60.0


def limits_for(size: int) -> Limits:
    """The limits of reading a file of so many bytes."""
    return Limits(
        cpu_s=CPU_S + size / _HASHED_AT_LEAST_BYTES_S,
        memory_bytes=MEMORY_BYTES,
        wall_s=_PATIENCE_S + size / _READ_AT_LEAST_BYTES_S,
    )


def read_audio_file(root: Path, found: FoundFile, covers: Covers) -> AudioFile:
    """What `reading.read_audio_file` reads of a file, under limits; its pictures are made under those of a picture.

    Parameters
    ----------
    root : Path
        Absolute.
    found : FoundFile
    covers : Covers

    Raises
    ------
    UnreasonableAudio
        If it takes more time or memory than `limits_for` its size.
    UnreadableAudio
        If it is no audio file, or not all of one.
    """
    try:
        audio = limited.call(limits_for(found.size), _read, root, found)
    except LimitExceededError as error:
        raise UnreasonableAudio(str(error)) from error
    return replace(
        audio,
        cover=covers.of(root / file_of(found.path), cast(Any, audio.cover)),
        artist_picture=covers.first(cast(Any, audio.artist_picture)),
        tags=replace(audio.tags, pictures=(), artist_pictures=()),
    )


def probe_file(path: Path) -> AudioProbe:
    """What `audio.probe` finds of a file, under limits.

    Raises
    ------
    UnreadableAudio
        As `audio.probe`, and where it takes more time or memory than `limits_for` its size.
    """
    try:
        return limited.call(limits_for(path.stat().st_size), probe, path)
    except LimitExceededError as error:
        raise UnreasonableAudio(str(error)) from error


class _PicturesAsTheyAre:
    """In place of covers: passes on what the tags have, for a cover to be made of it elsewhere."""

    def of(self, _path: Path, pictures: Any) -> Any:
        return pictures

    def first(self, pictures: Any) -> Any:
        return pictures


def _read(root: Path, found: FoundFile) -> AudioFile:
    return reading.read_audio_file(root, found, cast(Covers, _PicturesAsTheyAre()))
