"""Whether a FLAC file ends with a whole frame, which FFmpeg does not say. No Django.

References
----------
RFC 9639, sections 9.1.8 and 9.3: CRC-8 of a frame's header, CRC-16 of the frame.
"""

from __future__ import annotations

import os
from pathlib import Path

_LARGEST_FRAME = 1 << 17
LONGEST_HEADER = 16
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
        if is_frame_header(tail[at : at + LONGEST_HEADER]) and _crc_16(tail[at:]) == 0:
            return True
    return False


def is_frame_header(header: bytes) -> bool:
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
