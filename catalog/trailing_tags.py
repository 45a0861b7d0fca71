"""The tags behind the sound of a file: ID3v1, Lyrics3, APEv2, and ID3v2 that was appended. No Django.

References
----------
ID3v2.4.0, section 5: an appended tag ends with a footer, the letters of its header turned round.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

ID3V1_BYTES = 128
_ID3_HEADER_BYTES = 10
_APE_HEADER_BYTES = 32
_LYRICS3_FOOTER_BYTES = 15
# The bit of an APEv2 tag's flags that tells of a header in front.
_APE_HAS_HEADER = 0x80000000
# Programs that did not see what another wrote.
_MOST_TAGS = 8


class TrailingKind(enum.Enum):
    """What a tag behind the sound is."""

    ID3V1 = enum.auto()
    APE = enum.auto()
    ID3V2 = enum.auto()
    LYRICS3 = enum.auto()


class TrailingTag(NamedTuple):
    """A tag behind the sound: its kind, and where it begins and ends."""

    kind: TrailingKind
    start: int
    stop: int


def trailing_tags(file: BinaryIO, start: int, stop: int) -> Iterator[TrailingTag]:
    """The tags behind the sound that begins at `start` in a file that ends at `stop`, the last first."""
    for _ in range(_MOST_TAGS):
        found = _last_tag(file, start, stop)
        if found is None:
            return
        yield found
        stop = found.start


def sound_stop(file: BinaryIO, start: int, stop: int) -> int:
    """Where the sound that begins at `start` ends in a file that ends at `stop`: before all tags behind it."""
    for tag in trailing_tags(file, start, stop):
        stop = tag.start
    return stop


def syncsafe(raw: bytes) -> int:
    """The number of four bytes of seven bits each, as ID3v2 writes lengths."""
    length = 0
    for byte in raw[:4]:
        length = length << 7 | byte & 0x7F
    return length


def _last_tag(file: BinaryIO, start: int, stop: int) -> TrailingTag | None:
    if stop - ID3V1_BYTES >= start and _at(file, stop - ID3V1_BYTES, 3) == b"TAG":
        return TrailingTag(TrailingKind.ID3V1, stop - ID3V1_BYTES, stop)
    footer = _at(file, stop - _APE_HEADER_BYTES, _APE_HEADER_BYTES) if stop - _APE_HEADER_BYTES >= start else b""
    if footer[:8] == b"APETAGEX":
        length, _, flags = struct.unpack_from("<III", footer, 12)
        begin = stop - length - (_APE_HEADER_BYTES if flags & _APE_HAS_HEADER else 0)
        return TrailingTag(TrailingKind.APE, begin, stop) if start <= begin < stop else None
    footer = (
        _at(file, stop - _LYRICS3_FOOTER_BYTES, _LYRICS3_FOOTER_BYTES) if stop - _LYRICS3_FOOTER_BYTES >= 0 else b""
    )
    if footer[6:] == b"LYRICS200" and footer[:6].isdigit():
        begin = stop - _LYRICS3_FOOTER_BYTES - int(footer[:6])
        if begin >= start and _at(file, begin, 11) == b"LYRICSBEGIN":
            return TrailingTag(TrailingKind.LYRICS3, begin, stop)
    footer = _at(file, stop - _ID3_HEADER_BYTES, _ID3_HEADER_BYTES) if stop - _ID3_HEADER_BYTES >= start else b""
    if footer[:3] == b"3DI":
        begin = stop - syncsafe(footer[6:]) - 2 * _ID3_HEADER_BYTES
        if begin >= start and _at(file, begin, 3) == b"ID3":
            return TrailingTag(TrailingKind.ID3V2, begin, stop)
    return None


def _at(file: BinaryIO, offset: int, length: int) -> bytes:
    file.seek(offset)
    return file.read(length)
