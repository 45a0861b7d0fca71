"""The blocks of tags in an audio file, found by what the file holds and not by how it is called.

A file may carry several: ID3v2 in front, its format's own block, APEv2 and ID3v1 behind. Each is read by itself, so
that a broken one costs nothing but what it says.
"""

from __future__ import annotations

import enum
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO, TypeAlias, cast

from ..bare_sound import SplicedFile
from ..trailing_tags import TrailingKind, syncsafe, trailing_tags
from .container_tags import aiff_texts, ape_at, ape_tags, asf_tags, mp4_tags, riff_info
from .cue import tracks_of_sheet
from .fingerprint import chunks
from .id3_tags import id3_at, id3v1_at
from .tag_fields import DAMAGED, LARGEST_BLOCK_BYTES, TagBlock, read_at
from .vorbis_tags import flac_tags, ogg_tags

# ID3v2 may stand in front more than once, where one program did not see what another wrote.
_MOST_ID3 = 4

_Reader: TypeAlias = "Callable[[], TagBlock | None]"


class Family(enum.Enum):
    """Kinds of files by what they hold, as far as their tags lie differently."""

    FLAC = enum.auto()
    OGG = enum.auto()
    MP4 = enum.auto()
    ASF = enum.auto()
    RIFF = enum.auto()
    AIFF = enum.auto()
    APE = enum.auto()
    MPEG = enum.auto()


def read_blocks(path: Path) -> Iterator[TagBlock]:
    """Every block of tags of an audio file, in the order in which they are believed.

    The format's own block comes first, then ID3v2, APEv2 and ID3v1. What cannot be read is left out.
    """
    try:
        with path.open("rb") as file:
            yield from _blocks(file, os.fstat(file.fileno()).st_size)
    except OSError:
        return


def family(file: BinaryIO, start: int) -> Family:
    """What kind of file begins at an offset; `MPEG` for whatever shows no other sign."""
    head = read_at(file, start, 16)
    if head[:4] == b"fLaC":
        return Family.FLAC
    if head[:4] == b"OggS":
        return Family.OGG
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
        return Family.MP4
    if head == bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"):
        return Family.ASF
    if head[:4] in (b"RIFF", b"RF64", b"BW64") and head[8:12] == b"WAVE":
        return Family.RIFF
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return Family.AIFF
    if head[:4] in (b"MAC ", b"wvpk", b"MPCK", b"TTA1") or head[:3] == b"MP+":
        return Family.APE
    return Family.MPEG


def _blocks(file: BinaryIO, size: int) -> Iterator[TagBlock]:
    id3, start = _leading_id3(file, size)
    kind = family(file, start)
    front = [partial(id3_at, file, at, length) for at, length in (*id3, *_sought(file, id3, size))]
    behind = _behind(file, start, size)
    own: Iterable[_Reader]
    match kind:
        case Family.FLAC:
            own = [lambda: flac_tags(file, start + 4, size)]
        case Family.OGG:
            own = [lambda: ogg_tags(file, start)]
        case Family.MP4:
            own = [lambda: _behind_id3(mp4_tags, file, start)]
        case Family.ASF:
            own = [lambda: _behind_id3(asf_tags, file, start)]
        case Family.RIFF:
            own = [*_chunks_id3(file, size, start, "<"), lambda: riff_info(file, size, start)]
        case Family.AIFF:
            own = [*_chunks_id3(file, size, start, ">"), lambda: aiff_texts(file, size, start)]
        case Family.APE:
            own = [lambda: ape_tags(file)]
        case Family.MPEG:
            own = []
    readers: list[_Reader] = [*own, *front, *behind]
    for read in readers:
        if (block := _unless_damaged(read)) is not None:
            told = next(filter(None, block.fields.pop("cuesheet", ())), "")
            yield replace(block, tracks=tracks_of_sheet(told)) if told else block


def _behind(file: BinaryIO, start: int, size: int) -> list[_Reader]:
    """What reads the tags behind the sound: appended ID3v2, then APEv2, then ID3v1."""
    tags = list(trailing_tags(file, start, size))
    readers = {TrailingKind.ID3V2: id3_at, TrailingKind.APE: ape_at, TrailingKind.ID3V1: id3v1_at}
    found: list[_Reader] = [
        partial(read, file, tag.start, tag.stop - tag.start)
        for kind, read in readers.items()
        for tag in tags
        if tag.kind is kind
    ]
    # One that was written in front by mistake.
    return found if any(tag.kind is TrailingKind.APE for tag in tags) else [*found, partial(ape_tags, file)]


def _unless_damaged(read: _Reader) -> TagBlock | None:
    try:
        return read()
    except DAMAGED:
        return None


def _leading_id3(file: BinaryIO, size: int) -> tuple[list[tuple[int, int]], int]:
    """Where the ID3v2 tags in front lie, with their headers, and where what follows them begins."""
    found: list[tuple[int, int]] = []
    offset = 0
    while offset < size and len(header := read_at(file, offset, 10)) == 10 and header[:3] == b"ID3":
        length = 10 + syncsafe(header[6:]) + (10 if header[5] & 0x10 else 0)
        if len(found) < _MOST_ID3:
            found.append((offset, length))
        offset += length
    # Some writers pad behind the tag; MP4 begins with zeros of its own.
    gap = read_at(file, offset, 4096)
    if found and gap[:1] == b"\0" and family(file, offset) is Family.MPEG:
        offset += len(gap) - len(gap.lstrip(b"\0"))
    return found, min(offset, size)


def _chunks_id3(file: BinaryIO, size: int, start: int, byte_order: str) -> list[_Reader]:
    found = chunks(file, size, byte_order, {b"ID3 ", b"id3 "}, start)
    return [partial(id3_at, file, begin, stop - begin) for begin, stop in islice(found, _MOST_ID3)]


def _sought(file: BinaryIO, front: list[tuple[int, int]], size: int) -> list[tuple[int, int]]:
    """Where the tags lie that those in front tell of: a `SEEK` frame says how far behind its own the next begins."""
    found: list[tuple[int, int]] = []
    for offset, length in front:
        raw = read_at(file, offset, min(length, LARGEST_BLOCK_BYTES))
        if (at := raw.find(b"SEEK\0\0\0\4")) < 0:
            continue
        begin = offset + length + int.from_bytes(raw[at + 10 : at + 14])
        header = read_at(file, begin, 10) if begin < size else b""
        if header[:3] == b"ID3" and len(header) == 10:
            found.append((begin, 10 + syncsafe(header[6:]) + (10 if header[5] & 0x10 else 0)))
    return found


def _behind_id3(read: Callable[[BinaryIO], TagBlock], file: BinaryIO, start: int) -> TagBlock:
    """What a reader of whole files finds in one that has something else in front."""
    if not start:
        return read(file)
    with SplicedFile(Path(file.name), b"", start) as own:
        return read(cast(BinaryIO, own))
