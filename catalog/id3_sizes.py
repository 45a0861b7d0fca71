"""How much the compressed frames of ID3 tags unpack to, by what they say of themselves. No Django.

FFmpeg reads the tags of a file whenever it opens it, and unpacks what is packed in them at once, in the process that
asks: a file of some kilobytes takes a gigabyte. So a file is asked first. FFmpeg believes a frame's own word for its
unpacked size, and never writes beyond it.

References
----------
ID3 tag version 2.4.0, Main Structure, 3.1 and 4.1 (https://id3.org/id3v2.4.0-structure).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_HEADER_BYTES = 10
_MOST_TAGS = 8
_MOST_CHUNKS = 1000
_MOST_FRAMES = 10_000
_EXTENDED = 0x40
# Of a frame's second byte of flags: it is compressed, and says how long it is then.
_COMPRESSED, _LENGTH = 0x08, 0x01


def unpacked_bytes(path: Path) -> int:
    """What the ID3 tags of a file unpack to, those of all versions and places that FFmpeg reads.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    with path.open("rb") as file:
        return sum(_unpacked_bytes(file, start) for start in _tags(file))


def _tags(file: BinaryIO) -> Iterator[int]:
    """Where ID3 tags begin: in front, one after the other; in the chunks of WAV and AIFF; behind, in DSF."""
    offset = 0
    for _ in range(_MOST_TAGS):
        header = _at(file, offset, _HEADER_BYTES)
        if header[:3] != b"ID3" or len(header) < _HEADER_BYTES:
            break
        yield offset
        # A tag may have a footer as long as its header.
        offset += _HEADER_BYTES + _synchsafe(header[6:10]) + (_HEADER_BYTES if header[5] & 0x10 else 0)
    form = _at(file, offset, 12)
    if form[:4] in (b"RIFF", b"RF64", b"FORM"):
        yield from _chunks(file, offset + 12, "big" if form[:4] == b"FORM" else "little")
    elif form[:4] == b"DSD ":
        yield int.from_bytes(_at(file, offset + 20, 8), "little")


def _chunks(file: BinaryIO, offset: int, order: str) -> Iterator[int]:
    for _ in range(_MOST_CHUNKS):
        header = _at(file, offset, 8)
        if len(header) < 8:
            return
        if header[:4].lower() == b"id3 ":
            yield offset + 8
        length = int.from_bytes(header[4:], "big" if order == "big" else "little")
        offset += 8 + length + length % 2


def _unpacked_bytes(file: BinaryIO, start: int) -> int:
    header = _at(file, start, _HEADER_BYTES)
    if header[:3] != b"ID3" or len(header) < _HEADER_BYTES or header[3] not in (3, 4):
        return 0
    begin, end = start + _HEADER_BYTES, start + _HEADER_BYTES + _synchsafe(header[6:10])
    if header[5] & _EXTENDED:
        length = _at(file, begin, 4)
        begin += _synchsafe(length) if header[3] == 4 else 4 + int.from_bytes(length, "big")
    # Some programs write lengths of version 2.4 as those of 2.3, and readers guess: the larger sum counts.
    return max(_sum_of_frames(file, begin, end, synchsafe=True), _sum_of_frames(file, begin, end, synchsafe=False))


def _sum_of_frames(file: BinaryIO, offset: int, end: int, *, synchsafe: bool) -> int:
    found = 0
    for _ in range(_MOST_FRAMES):
        header = _at(file, offset, _HEADER_BYTES + 4)
        if offset + _HEADER_BYTES >= end or len(header) < _HEADER_BYTES or not header[0]:
            return found
        if header[9] & _COMPRESSED and header[9] & _LENGTH:
            found += int.from_bytes(header[10:14], "big")
        offset += _HEADER_BYTES + (_synchsafe(header[4:8]) if synchsafe else int.from_bytes(header[4:8], "big"))
    return found


def _at(file: BinaryIO, offset: int, length: int) -> bytes:
    if offset > 1 << 62:
        return b""
    file.seek(offset)
    return file.read(length)


def _synchsafe(raw: bytes) -> int:
    number = 0
    for byte in raw:
        number = number << 7 | byte & 0x7F
    return number
