"""Ogg files that are several recordings one behind the other, as radio recorders write them. No Django.

References
----------
RFC 3533, section 4: chained multiplexing.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Collection
from pathlib import Path
from typing import BinaryIO, NamedTuple

_HEADER_BYTES = 27
_LARGEST_PAGE = 27 + 255 + 255 * 255
_FIRST_PAGE = 2
_MOST_STREAMS = 16
# A link alone is no larger than its encoder's usual rate makes it, times this.
_MAY_DIFFER = 2.0
_OPUS_RATE = 48_000
_SMALL_BYTES = 1 << 18
_PLACES = 16


class _Page(NamedTuple):
    offset: int
    flags: int
    granule: int
    serial: int
    body: int
    stop: int
    is_whole: bool


class _Stream(NamedTuple):
    """A stream of sound: ticks a second, what is to be taken off its last position, and usual bits a second."""

    rate: int
    skipped: int
    usual_rate: int


def chain_duration_s(path: Path) -> float | None:
    """How long all links of a chain are together; None for a file of one link, which is most.

    Every page is looked at only of small files, and where the beginning, the end and places between them do not go
    together: other streams, positions that do not grow, or far more bytes than such a length takes.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if not _is_suspicious(file, size):
            return None
        links: list[float] = []
        rates: dict[int, _Stream] = {}
        positions: dict[int, int] = {}
        offset, in_front = 0, True
        while (page := _page(file, offset, size)) is not None:
            offset = page.stop
            if page.flags & _FIRST_PAGE:
                if not in_front:
                    links.append(_length(rates, positions))
                    rates, positions = {}, {}
                in_front = True
                file.seek(page.body)
                if (stream := _stream(file.read(64))) is not None:
                    rates[page.serial] = stream
            else:
                in_front = False
                if page.serial in rates and page.granule > 0 and page.is_whole:
                    positions[page.serial] = page.granule
        links.append(_length(rates, positions))
    return sum(links) if len(links) > 1 else None


def _length(rates: dict[int, _Stream], positions: dict[int, int]) -> float:
    return max(
        (max(positions[serial] - rates[serial].skipped, 0) / rates[serial].rate for serial in positions), default=0.0
    )


def _is_suspicious(file: BinaryIO, size: int) -> bool:
    serials: dict[int, _Stream | None] = {}
    offset = 0
    while (page := _page(file, offset, size)) is not None and len(serials) < _MOST_STREAMS:
        if not page.flags & _FIRST_PAGE:
            break
        file.seek(page.body)
        serials[page.serial] = _stream(file.read(64))
        offset = page.stop
    file.seek(max(size - _LARGEST_PAGE, 0))
    tail = file.read()
    at = tail.rfind(b"OggS")
    if not serials or at < 0 or at + _HEADER_BYTES > len(tail):
        return False
    granule, serial = struct.unpack_from("<qI", tail, at + 6)
    if serial not in serials:
        return True
    if size <= _SMALL_BYTES or not _positions_grow(file, offset, size, serials):
        return True
    stream = serials[serial]
    if stream is None or not stream.usual_rate or granule <= 0:
        return False
    return bool(size * 8 > _MAY_DIFFER * stream.usual_rate * (granule / stream.rate) + 8 * _LARGEST_PAGE)


def _positions_grow(file: BinaryIO, start: int, size: int, serials: Collection[int]) -> bool:
    """Whether the positions of each stream grow from place to place, and none of them begins anew."""
    latest: dict[int, int] = {}
    for place in range(1, _PLACES):
        file.seek(start + (size - start) * place // _PLACES)
        data = file.read(_LARGEST_PAGE)
        at = data.find(b"OggS\0")
        while 0 <= at <= len(data) - _HEADER_BYTES:
            flags, granule, serial = struct.unpack_from("<BqI", data, at + 5)
            if serial in serials and granule >= 0:
                if flags & _FIRST_PAGE or granule < latest.get(serial, 0):
                    return False
                latest[serial] = granule
                break
            at = data.find(b"OggS\0", at + 1)
    return True


def _page(file: BinaryIO, offset: int, size: int) -> _Page | None:
    file.seek(offset)
    header = file.read(_HEADER_BYTES)
    if len(header) < _HEADER_BYTES or header[:4] != b"OggS":
        return None
    flags, granule, serial = struct.unpack_from("<BqI", header, 5)
    body = offset + _HEADER_BYTES + header[26]
    stop = body + sum(file.read(header[26]))
    return _Page(offset, flags, granule, serial, body, min(stop, size), stop <= size)


def _stream(packet: bytes) -> _Stream | None:
    """What the first packet of a stream says; None where it is not of sound."""
    if packet.startswith(b"\x01vorbis") and len(packet) >= 28:
        rate, _, usual, _ = struct.unpack_from("<Iiii", packet, 12)
        return _Stream(rate, 0, max(usual, 0)) if rate else None
    if packet.startswith(b"OpusHead") and len(packet) >= 12:
        return _Stream(_OPUS_RATE, struct.unpack_from("<H", packet, 10)[0], 256_000)
    if packet.startswith(b"\x7fFLAC") and len(packet) >= 31:
        rate = int.from_bytes(packet[27:30]) >> 4
        return _Stream(rate, 0, 0) if rate else None
    if packet.startswith(b"Speex   ") and len(packet) >= 40:
        rate = struct.unpack_from("<I", packet, 36)[0]
        return _Stream(rate, 0, 0) if rate else None
    return None
