"""Files as FFmpeg reads them: without the tags and blocks of metadata that it refuses. No Django.

References
----------
RFC 3533, section 6: the pages of Ogg. RFC 9639, sections 8 and 9.1: the blocks and frames of FLAC.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from .flac_frames import LONGEST_HEADER, is_frame_header
from .trailing_tags import syncsafe

_READ_BYTES = 1 << 20
_SYNC = b"\xff"
_LARGEST_WAV_FORMAT = 64
_PAGE_HEADER_BYTES = 27
_LARGEST_PACKET = 48_000_000
_MOST_PAGES = 1000
_SEGMENT = 255
_MOST_SEGMENTS = 255
_FIRST_PAGE, _CONTINUED = 2, 1
_NO_POSITION = b"\xff" * 8
# By what the first packet of a stream begins with: an empty comment, and how many packets are in front of the sound.
_VORBIS, _OPUS = b"\x01vorbis", b"OpusHead"
_NO_COMMENTS = bytes(8)
_OGG_POLYNOMIAL = 0x04C11DB7


class SplicedFile(io.RawIOBase):
    """A file whose beginning is replaced.

    Parameters
    ----------
    path : Path
    head : bytes
        What comes first.
    start : int
        Where the file goes on behind that.
    """

    def __init__(self, path: Path, head: bytes, start: int) -> None:
        self.name = str(path)
        self._file = path.open("rb")
        self._head, self._start = head, start
        self._size = len(head) + max(os.fstat(self._file.fileno()).st_size - start, 0)
        self._at = 0

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def seekable(self) -> bool:
        """Return that it can be sought in."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Return so many bytes, or all that are left."""
        stop = self._size if size < 0 else min(self._at + size, self._size)
        found = self._head[self._at : stop]
        if stop > len(self._head):
            self._file.seek(self._start + max(self._at - len(self._head), 0))
            found += self._file.read(stop - max(self._at, len(self._head)))
        self._at += len(found)
        return found

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place, and return it."""
        self._at = max(offset + (0, self._at, self._size)[whence], 0)
        return self._at

    def tell(self) -> int:
        """Return the place."""
        return self._at

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


def bare_sound(path: Path) -> SplicedFile | None:
    """A file without the ID3 tags in front of it, and, of FLAC, Ogg and WAV, with nothing but what decoders need.

    None where that leaves the file as it is.
    """
    with path.open("rb") as file:
        start = after_id3(file)
        signature = _at(file, start, 4)
        bare = _bare_flac(file, start) if signature == b"fLaC" else None
        if signature == b"OggS":
            bare = _bare_ogg(file, start)
        elif signature == b"RIFF":
            bare = _bare_wav(file, start)
    if bare is None and not start:
        return None
    return SplicedFile(path, *(bare or (b"", start)))


def after_id3(file: BinaryIO) -> int:
    """Where what follows the ID3v2 tags in front begins."""
    start, size = 0, file.seek(0, os.SEEK_END)
    while (tag := _at(file, start, 10))[:3] == b"ID3" and len(tag) == 10:
        start += 10 + syncsafe(tag[6:]) + (10 if tag[5] & 0x10 else 0)
    return min(start, size)


def lost_flac_sound(path: Path) -> SplicedFile | None:
    """A FLAC file whose blocks do not lead to its sound, without them; None for every other file.

    FFmpeg opens such a file and finds nothing in it: the length of one of its blocks is wrong.
    """
    with path.open("rb") as file:
        start = after_id3(file)
        if _at(file, start, 4) != b"fLaC" or _behind_blocks(file, start + 4) == flac_sound(file, start + 4):
            return None
        bare = _bare_flac(file, start)
    return SplicedFile(path, *bare) if bare is not None else None


def flac_sound(file: BinaryIO, blocks: int) -> int:
    """Where the sound of a FLAC file begins: behind its blocks, or at the first frame where they do not lead there."""
    behind = _behind_blocks(file, blocks)
    if is_frame_header(_at(file, behind, LONGEST_HEADER)):
        return behind
    at, data = blocks, _at(file, blocks, _READ_BYTES)
    while len(data) > LONGEST_HEADER:
        place = data.find(_SYNC)
        while place >= 0:
            header = data[place : place + LONGEST_HEADER]
            # The last bit of the sign tells how frames are counted; the first has the number 0.
            if header[1:2] in (b"\xf8", b"\xf9") and header[4:5] == b"\0" and is_frame_header(header):
                return at + place
            place = data.find(_SYNC, place + 1)
        at += len(data) - LONGEST_HEADER
        data = _at(file, at, _READ_BYTES)
    return behind


def _behind_blocks(file: BinaryIO, at: int) -> int:
    is_last = False
    while not is_last and len(block := _at(file, at, 4)) == 4:
        is_last = bool(block[0] & 0x80)
        at += 4 + int.from_bytes(block[1:])
    return at


def _bare_flac(file: BinaryIO, start: int) -> tuple[bytes, int] | None:
    """The signature with the first block, as the last one, and where the sound begins."""
    first = _at(file, start + 4, 4)
    if len(first) < 4 or first[0] & 0x7F:
        return None
    head = _at(file, start + 4, 4 + int.from_bytes(first[1:]))
    return b"fLaC\x80" + head[1:], flac_sound(file, start + 4)


def _bare_wav(file: BinaryIO, start: int) -> tuple[bytes, int] | None:
    """The format and the head of the sound, wherever they lie among broken chunks, and where the sound begins."""
    head = _at(file, start, _READ_BYTES)
    form = head.find(b"fmt ", 12)
    length = int.from_bytes(head[form + 4 : form + 8], "little")
    data = head.find(b"data", form + 8 + length)
    if head[8:12] != b"WAVE" or form < 0 or data < 0 or not 16 <= length <= _LARGEST_WAV_FORMAT:
        return None
    return head[:12] + head[form : form + 8 + length] + head[data : data + 8], start + data + 8


class _Page(NamedTuple):
    flags: int
    serial: bytes
    segments: bytes
    body: bytes
    stop: int


def _bare_ogg(file: BinaryIO, start: int) -> tuple[bytes, int] | None:
    """The first stream of sound's headers, with an empty comment, and where the page behind them begins."""
    serial, packets, begun = b"", list[bytes](), b""
    for page in _pages(file, start):
        if not serial and page.flags & _FIRST_PAGE and page.body.startswith((_VORBIS, _OPUS)):
            serial = page.serial
        if page.serial != serial:
            continue
        at = 0
        for length in page.segments:
            begun += page.body[at : at + length]
            at += length
            if length < _SEGMENT:
                packets.append(begun)
                begun = b""
        if len(begun) > _LARGEST_PACKET:
            return None
        is_vorbis = packets and packets[0].startswith(_VORBIS)
        if len(packets) >= (3 if is_vorbis else 2):
            headers = (
                [packets[0], b"\x03vorbis" + _NO_COMMENTS + b"\1", packets[2]]
                if is_vorbis
                else [packets[0], b"OpusTags" + _NO_COMMENTS]
            )
            return _written(headers, serial), page.stop
    return None


def _pages(file: BinaryIO, offset: int) -> Iterator[_Page]:
    """The pages from a place on, whatever their checksums say."""
    for _ in range(_MOST_PAGES):
        header = _at(file, offset, _PAGE_HEADER_BYTES)
        if len(header) < _PAGE_HEADER_BYTES or header[:4] != b"OggS":
            return
        segments = file.read(header[26])
        body = file.read(sum(segments))
        offset = file.tell()
        yield _Page(header[5], header[14:18], segments, body, offset)


def _written(packets: list[bytes], serial: bytes) -> bytes:
    """Packets as pages without a position: one for the first, one or more for each of the others."""
    written, number = b"", 0
    for packet in packets:
        segments = bytes([_SEGMENT] * (len(packet) // _SEGMENT) + [len(packet) % _SEGMENT])
        for place in range(0, len(segments), _MOST_SEGMENTS):
            some = segments[place : place + _MOST_SEGMENTS]
            body = packet[place * _SEGMENT : place * _SEGMENT + sum(some)]
            flags = (_CONTINUED if place else 0) | (0 if number else _FIRST_PAGE)
            position = bytes(8) if some[-1] < _SEGMENT else _NO_POSITION
            head = b"OggS\0" + bytes([flags]) + position + serial + number.to_bytes(4, "little")
            tail = bytes([len(some)]) + some + body
            written += head + _checksum(head + bytes(4) + tail) + tail
            number += 1
    return written


def _checksum(page: bytes) -> bytes:
    value = 0
    for byte in page:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ _OGG_POLYNOMIAL if value & 0x80000000 else value << 1) & 0xFFFFFFFF
    return value.to_bytes(4, "little")


def _at(file: BinaryIO, offset: int, length: int) -> bytes:
    file.seek(offset)
    return file.read(length)
