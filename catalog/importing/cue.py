"""Reading CUE sheets, beside files and in them: which parts of a long file are which songs.

References
----------
RFC 9639, section 8.7: the CUESHEET block of FLAC.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import PurePosixPath

from .old_encodings import decode_all

LARGEST_SHEET_BYTES = 1 << 20
"""A larger file is no sheet."""

_LINE = re.compile(r"\s*(REM\s+)?(\w+)\s+(.*?)\s*")
_FILE = re.compile(r'(?:"([^"]*)"|(.*?))(?:\s+\w+)?')
_INDEX = re.compile(r"0*1\s+(\d{1,4}):(\d{1,2}):(\d{1,2})")
_FRAMES_A_SECOND = 75
_FEWEST_TRACKS = 2
_MOST_TRACKS = 999
# The CUESHEET block of FLAC: before its tracks, each track before its indices, an index; what stands for the end.
_BLOCK_HEAD_BYTES, _BLOCK_TRACK_BYTES, _BLOCK_INDEX_BYTES = 396, 36, 12
_LEAD_OUT = (170, 255)


@dataclass(slots=True)
class CueTrack:
    """A track of a sheet.

    Attributes
    ----------
    number : int
    start_s : float
        Seconds from the beginning of the file.
    stop_s : float or None
        Where the next one begins; None for the last.
    title, artist, isrc : str
        Of the track.
    album, album_artist, date, genre, disc : str
        Of the sheet.
    """

    number: int
    start_s: float = -1.0
    stop_s: float | None = None
    title: str = ""
    artist: str = ""
    isrc: str = ""
    album: str = ""
    album_artist: str = ""
    date: str = ""
    genre: str = ""
    disc: str = ""


@dataclass(slots=True)
class _Sheet:
    said: dict[str, str] = field(default_factory=dict)
    files: dict[str, list[CueTrack]] = field(default_factory=dict)


def tracks_of_files(sheets: dict[str, bytes], names: Collection[str]) -> dict[str, list[CueTrack]]:
    """The tracks of the audio files of a folder that sheets part, by the file's name.

    Parameters
    ----------
    sheets : dict of str to bytes
        Contents of the CUE sheets by name.
    names : collection of str
        The audio files. A sheet may name the file that it was made of, in another format: then the file that is called
        as that, or as the sheet, is meant, or the only one that there is.

    Returns
    -------
    dict of str to list of CueTrack
        In order, two at least: a file with one track is a song as it is.
    """
    found: dict[str, list[CueTrack]] = {}
    for name in sorted(sheets):
        sheet = _read(sheets[name])
        for written, tracks in sheet.files.items():
            meant = _meant(written, name, names, alone=len(sheet.files) == 1)
            timed = _timed(tracks)
            if meant is not None and meant not in found and len(timed) >= _FEWEST_TRACKS:
                found[meant] = [_described(track, sheet.said) for track in timed]
    return found


def tracks_of_sheet(text: str) -> list[CueTrack]:
    """The tracks of the file that a sheet is embedded in, whatever it calls that; empty where it parts nothing.

    A sheet of several files was left in one of them by the program that parted it.
    """
    sheet = _read(text.encode())
    parted = [tracks for tracks in sheet.files.values() if tracks]
    timed = _timed(parted[0]) if len(parted) == 1 else []
    return [_described(track, sheet.said) for track in timed] if len(timed) >= _FEWEST_TRACKS else []


def tracks_of_cuesheet_block(block: bytes, rate: int) -> list[CueTrack]:
    """The tracks of a FLAC file that its CUESHEET block names, without titles; empty where there are fewer than two.

    Parameters
    ----------
    block : bytes
        Without its header.
    rate : int
        Samples a second.
    """
    tracks: list[CueTrack] = []
    count, at = (block[_BLOCK_HEAD_BYTES - 1], _BLOCK_HEAD_BYTES) if len(block) >= _BLOCK_HEAD_BYTES else (0, 0)
    for _ in range(count):
        head = block[at : at + _BLOCK_TRACK_BYTES]
        if len(head) < _BLOCK_TRACK_BYTES:
            return []
        offset, number, n_indices = int.from_bytes(head[:8]), head[8], head[35]
        indices = block[at + _BLOCK_TRACK_BYTES :][: n_indices * _BLOCK_INDEX_BYTES]
        at += _BLOCK_TRACK_BYTES + n_indices * _BLOCK_INDEX_BYTES
        starts = {
            indices[place + 8]: int.from_bytes(indices[place : place + 8])
            for place in range(0, len(indices) - _BLOCK_INDEX_BYTES + 1, _BLOCK_INDEX_BYTES)
        }
        is_audio = not head[21] & 0x80
        if number not in _LEAD_OUT and is_audio:
            isrc = head[9:21].rstrip(b"\0").decode("ascii", "replace")
            tracks.append(CueTrack(number, (offset + starts.get(1, 0)) / rate, isrc=isrc))
    timed = _timed(tracks)
    return timed if len(timed) >= _FEWEST_TRACKS else []


def _read(content: bytes) -> _Sheet:
    is_utf_16 = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    try:
        text = content.decode("utf-16" if is_utf_16 else "utf-8-sig")
    except UnicodeDecodeError:
        [text] = decode_all([content])
    sheet, tracks, track = _Sheet(), list[CueTrack](), None
    for line in text.splitlines():
        if (match := _LINE.fullmatch(line)) is None:
            continue
        command, value = match[2].upper(), match[3]
        plain = value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value
        if command == "FILE" and (file := _FILE.fullmatch(value)):
            tracks, track = sheet.files.setdefault(file[1] or file[2] or "", []), None
        elif command == "TRACK" and (number := re.match(r"\d{1,3}", value)) and value.upper().endswith("AUDIO"):
            track = CueTrack(int(number[0]))
            tracks.append(track)
        elif command == "INDEX" and track is not None and (at := _INDEX.fullmatch(value)):
            track.start_s = 60 * int(at[1]) + int(at[2]) + int(at[3]) / _FRAMES_A_SECOND
        elif command in ("TITLE", "PERFORMER", "ISRC") and track is not None:
            setattr(track, {"TITLE": "title", "PERFORMER": "artist", "ISRC": "isrc"}[command], plain)
        elif command in ("TITLE", "PERFORMER", "DATE", "GENRE", "DISCNUMBER"):
            sheet.said.setdefault(command, plain)
    return sheet


def _meant(written: str, sheet: str, names: Collection[str], *, alone: bool) -> str | None:
    """The audio file of the folder that a sheet speaks of; None where there is none."""
    name = written.replace("\\", "/").rpartition("/")[2]
    by_case = {one.casefold(): one for one in names}
    if name.casefold() in by_case:
        return by_case[name.casefold()]
    stems = [PurePosixPath(name).stem.casefold(), *([PurePosixPath(sheet).stem.casefold()] if alone else [])]
    for stem in stems:
        called = [one for one in names if PurePosixPath(one).stem.casefold() == stem]
        if len(called) == 1:
            return called[0]
    return next(iter(names)) if alone and len(names) == 1 else None


def _timed(tracks: list[CueTrack]) -> list[CueTrack]:
    """The tracks that begin somewhere, one after the other; empty where they do not."""
    timed = [track for track in tracks if track.start_s >= 0][:_MOST_TRACKS]
    for track, following in pairwise(timed):
        if following.start_s <= track.start_s:
            return []
        track.stop_s = following.start_s
    return timed


def _described(track: CueTrack, said: dict[str, str]) -> CueTrack:
    track.album, track.album_artist = said.get("TITLE", ""), said.get("PERFORMER", "")
    track.date, track.genre, track.disc = said.get("DATE", ""), said.get("GENRE", ""), said.get("DISCNUMBER", "")
    track.artist = track.artist or track.album_artist
    return track
