"""Checkpoints for tests, written as TensorFlow writes them."""

from __future__ import annotations

import struct
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

_FLOAT, _INT64 = 1, 9
_BLOCK_BYTES = 400


def write_checkpoint(tensors: Mapping[str, NDArray[np.generic]]) -> tuple[bytes, bytes]:
    """The index and the numbers of a checkpoint: keys share their beginnings, and there are several blocks."""
    data = b""
    entries = [(b"", b"\x08\x01\x1a\x02\x08\x01")]
    for name, numbers in sorted(tensors.items()):
        content = numbers.tobytes()
        dimensions = b"".join(_message(2, _number(1, size)) for size in numbers.shape)
        kind = _FLOAT if numbers.dtype == np.float32 else _INT64
        entry = _number(1, kind) + _message(2, dimensions) + _number(4, len(data)) + _number(5, len(content))
        entries.append((name.encode(), entry + b"\x35" + struct.pack("<I", 0xDEADBEEF)))
        data += content
    blocks: list[list[tuple[bytes, bytes]]] = [[]]
    for entry_of in entries:
        if sum(len(key) + len(value) for key, value in blocks[-1]) > _BLOCK_BYTES:
            blocks.append([])
        blocks[-1].append(entry_of)
    table, handles = b"", []
    for block in blocks:
        content = _block(block)
        handles.append((block[-1][0] + b"~", _varint(len(table)) + _varint(len(content))))
        table += content + bytes(5)
    meta = len(table)
    table += _block([]) + bytes(5)
    index = len(table)
    content = _block(handles)
    table += content + bytes(5)
    footer = _varint(meta) + _varint(len(_block([]))) + _varint(index) + _varint(len(content))
    return table + footer.ljust(40, b"\0") + bytes.fromhex("57fb808b247547db"), data


def _block(entries: list[tuple[bytes, bytes]]) -> bytes:
    content, before = b"", b""
    for key, value in entries:
        shared = next(
            (i for i, (a, b) in enumerate(zip(key, before, strict=False)) if a != b), min(len(key), len(before))
        )
        content += _varint(shared) + _varint(len(key) - shared) + _varint(len(value)) + key[shared:] + value
        before = key
    return content + struct.pack("<II", 0, 1)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value) if value else b""


def _message(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    out = b""
    while number >= 0x80:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])
