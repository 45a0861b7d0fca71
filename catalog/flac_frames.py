"""FLAC files as far as FFmpeg does not say: whether one ends with a whole frame, and its sound without its blocks.

No Django.

References
----------
RFC 9639, sections 9.1.8 and 9.3: CRC-8 of a frame's header, CRC-16 of the frame.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import BinaryIO

from .trailing_tags import syncsafe

_LARGEST_FRAME = 1 << 17
_LONGEST_HEADER = 16
_SYNC = (b"\xff\xf8", b"\xff\xf9")


def _table(polynomial: int, bits: int) -> list[int]:
    top, mask, table = 1 << (bits - 1), (1 << bits) - 1, []
    for byte in range(256):
        value = byte << (bits - 8)
        for _ in range(8):
            value = (value << 1 ^ polynomial if value & top else value << 1) & mask
        table.append(value)
    return table


_CRC_8, _CRC_16 = _table(0x07, 8), _table(0x8005, 16)


def ends_on_a_frame(path: Path) -> bool:
    """Whether the last bytes of a FLAC file, but for old tags behind it, are those of a whole frame."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        file.seek(max(size - _LARGEST_FRAME, 0))
        tail = file.read()
    if tail[-128:-125] == b"TAG":
        tail = tail[:-128]
    at = len(tail)
    while (at := max(tail.rfind(sync, 0, at) for sync in _SYNC)) >= 0:
        if _is_header(tail[at : at + _LONGEST_HEADER]) and _crc_16(tail[at:]) == 0:
            return True
    return False


class BareFlac(io.RawIOBase):
    """A FLAC file without its blocks of metadata, but for the first: FFmpeg refuses some that are damaged.

    Parameters
    ----------
    path : Path

    Raises
    ------
    ValueError
        If it is no FLAC file.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        try:
            self._head, self._sound = _head_and_sound(self._file)
        except ValueError:
            self._file.close()
            raise
        self._size = len(self._head) + os.fstat(self._file.fileno()).st_size - self._sound
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
            self._file.seek(self._sound + max(self._at - len(self._head), 0))
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


def _head_and_sound(file: BinaryIO) -> tuple[bytes, int]:
    """The signature with the first block, as the last one, and where the sound begins."""
    start = 0
    while (tag := _at(file, start, 10))[:3] == b"ID3" and len(tag) == 10:
        start += 10 + syncsafe(tag[6:]) + (10 if tag[5] & 0x10 else 0)
    first = _at(file, start, 8)
    if first[:4] != b"fLaC" or first[4] & 0x7F or len(first) < 8:
        raise ValueError("no FLAC file")
    head = _at(file, start + 4, 4 + int.from_bytes(first[5:8]))
    at, is_last = start + 4, False
    while not is_last and len(block := _at(file, at, 4)) == 4:
        is_last = bool(block[0] & 0x80)
        at += 4 + int.from_bytes(block[1:])
    return b"fLaC\x80" + head[1:], at


def _at(file: BinaryIO, offset: int, length: int) -> bytes:
    file.seek(offset)
    return file.read(length)


def _is_header(header: bytes) -> bool:
    """Whether some bytes begin with a frame's header: of all lengths that it may have, one has its checksum."""
    value = 0
    for place, byte in enumerate(header):
        if place >= 5 and value == byte:
            return True
        value = _CRC_8[value ^ byte]
    return False


def _crc_16(data: bytes) -> int:
    value = 0
    for byte in data:
        value = (value << 8 & 0xFFFF) ^ _CRC_16[value >> 8 ^ byte]
    return value
