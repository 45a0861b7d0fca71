"""Tags of MP4 and ASF files of which a part is damaged: what is in order before and behind it. No Django.

Mutagen reads these formats all or not at all; what is here is asked where it gives up.

References
----------
ISO/IEC 14496-12 and Apple's QuickTime File Format: boxes, and the items in `moov.udta.meta.ilst`.
Microsoft's Advanced Systems Format (ASF) Specification, sections 3.10 and 3.11.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

from mutagen._constants import GENRES

_LARGEST_BYTES = 48_000_000
_MOST_BOXES = 2000
_BOX_HEAD_BYTES, _DATA_HEAD_BYTES = 8, 8
_PAIRS = (b"trkn", b"disk")
_ASF_HEAD_BYTES, _OBJECT_HEAD_BYTES = 30, 24
_CONTENT = bytes.fromhex("3326b2758e66cf11a6d900aa0062ce6c")
_EXTENDED_CONTENT = bytes.fromhex("40a4d0d207e3d21197f000a0c95ea850")
_CONTENT_NAMES = ("Title", "Author", "Copyright", "Description", "Rating")
_TEXT, _BYTES, _BOOL, _DWORD, _QWORD, _WORD = range(6)
_NUMBERS = {_BOOL: "<I", _DWORD: "<I", _QWORD: "<Q", _WORD: "<H"}

Values = dict[str, list[str]]


def read_mp4(file: BinaryIO) -> tuple[Values, list[bytes]]:
    """The texts of the items by their names, and the covers."""
    values: Values = {}
    covers: list[bytes] = []
    for name, box in _items(_list_of_items(file)):
        told, content = name.decode("latin-1"), b""
        for inner, body in _boxes(box):
            if inner in (b"mean", b"name"):
                told += ":" + body[4:].decode("utf-8", "replace")
            elif inner == b"data" and len(body) >= _DATA_HEAD_BYTES:
                content = body[_DATA_HEAD_BYTES:]
                if name == b"covr":
                    covers.append(content)
                else:
                    values.setdefault(told, []).append(_text(name, content))
    return values, covers


def read_asf(file: BinaryIO) -> Values:
    """The texts and numbers of the attributes by their names, as far as they go."""
    file.seek(0)
    head = file.read(_ASF_HEAD_BYTES)
    size = struct.unpack_from("<Q", head, 16)[0] if len(head) == _ASF_HEAD_BYTES else 0
    body, at, values = file.read(min(max(size - _ASF_HEAD_BYTES, 0), _LARGEST_BYTES)), 0, Values()
    while at + _OBJECT_HEAD_BYTES <= len(body):
        kind, length = body[at : at + 16], struct.unpack_from("<Q", body, at + 16)[0]
        inside = body[at + _OBJECT_HEAD_BYTES : at + length]
        if kind == _CONTENT:
            _add_content(inside, values)
        elif kind == _EXTENDED_CONTENT:
            _add_extended_content(inside, values)
        if length < _OBJECT_HEAD_BYTES:
            break
        at += length
    return values


def _list_of_items(file: BinaryIO) -> bytes:
    file.seek(0)
    offset, size = 0, file.seek(0, 2)
    for _ in range(_MOST_BOXES):
        file.seek(offset)
        head = file.read(16)
        if len(head) < _BOX_HEAD_BYTES:
            return b""
        length, name = struct.unpack_from(">I4s", head)
        begin = offset + _BOX_HEAD_BYTES
        if length == 1 and len(head) == 16:
            length, begin = struct.unpack_from(">Q", head, 8)[0], offset + 16
        if name == b"moov":
            file.seek(begin)
            movie = file.read(min((offset + length if length else size) - begin, _LARGEST_BYTES))
            meta = _inside(_inside(movie, b"udta"), b"meta")
            # A full box in MP4, a plain one in QuickTime.
            return _inside(meta[4:], b"ilst") or _inside(meta, b"ilst")
        if length < _BOX_HEAD_BYTES:
            return b""
        offset += length
    return b""


def _inside(body: bytes, wanted: bytes) -> bytes:
    return next((box for name, box in _boxes(body) if name == wanted), b"")


def _boxes(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Names and contents of boxes, the last as far as it goes."""
    at = 0
    while at + _BOX_HEAD_BYTES <= len(body):
        length, name = struct.unpack_from(">I4s", body, at)
        if length < _BOX_HEAD_BYTES:
            return
        yield name, body[at + _BOX_HEAD_BYTES : at + length]
        at += length


def _items(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    """As `_boxes`; where an item is longer or shorter than what it holds, what it holds says where the next begins."""
    at = 0
    while at + _BOX_HEAD_BYTES <= len(body):
        length, name = struct.unpack_from(">I4s", body, at)
        inner, kind = struct.unpack_from(">I4s", body.ljust(at + 16, b"\0"), at + _BOX_HEAD_BYTES)
        holds_one = kind == b"data" and at + _BOX_HEAD_BYTES + inner <= len(body)
        if not _BOX_HEAD_BYTES <= length <= len(body) - at:
            if not holds_one:
                return
            length = _BOX_HEAD_BYTES + inner
        yield name, body[at + _BOX_HEAD_BYTES : at + length]
        at += length


def _text(name: bytes, content: bytes) -> str:
    if name in _PAIRS:
        return str(int.from_bytes(content[2:4]))
    if name == b"cpil":
        return str(int.from_bytes(content[:1]))
    if name == b"gnre":
        number = int.from_bytes(content[:2]) - 1
        return GENRES[number] if 0 <= number < len(GENRES) else ""
    return content.decode("utf-8", "replace")


def _add_content(body: bytes, values: Values) -> None:
    lengths = struct.unpack_from("<5H", body.ljust(10, b"\0"))
    at = 10
    for name, length in zip(_CONTENT_NAMES, lengths, strict=True):
        values.setdefault(name, []).append(_utf_16(body[at : at + length]))
        at += length


def _add_extended_content(body: bytes, values: Values) -> None:
    count, at = int.from_bytes(body[:2], "little"), 2
    for _ in range(count):
        length = int.from_bytes(body[at : at + 2], "little")
        name, at = body[at + 2 : at + 2 + length], at + 2 + length
        kind, length = struct.unpack_from("<HH", body.ljust(at + 4, b"\0"), at)
        value, at = body[at + 4 : at + 4 + length], at + 4 + length
        if at > len(body):
            return
        if kind == _TEXT:
            values.setdefault(_utf_16(name), []).append(_utf_16(value))
        elif kind in _NUMBERS and len(value) == struct.calcsize(_NUMBERS[kind]):
            values.setdefault(_utf_16(name), []).append(str(struct.unpack(_NUMBERS[kind], value)[0]))


def _utf_16(raw: bytes) -> str:
    return raw.decode("utf-16-le", "replace").split("\0", 1)[0]
