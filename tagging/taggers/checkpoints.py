"""Reading TensorFlow's checkpoints without TensorFlow.

A checkpoint of the bundle format is an index and a file of numbers. The index is a table as LevelDB has them: blocks of
entries, whose keys are tensors' names, each without what it shares with the one before. An entry's value is a protocol
buffer that says which type and shape the tensor has, and where in the file of numbers it lies.

References
----------
.. [1] LevelDB, "Table file format" (doc/table_format.md).
.. [2] TensorFlow, tensorflow/core/protobuf/tensor_bundle.proto: BundleHeaderProto, BundleEntryProto.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

_FOOTER = 48
_MAGIC = bytes.fromhex("57fb808b247547db")
# After each block: one byte says how it is compressed, four are its checksum.
_UNCOMPRESSED = 0
_FLOAT = 1
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT = 10


def read_checkpoint(index: bytes, data: bytes) -> dict[str, NDArray[np.float32]]:
    """The tensors in single precision of a checkpoint that lies in one file of numbers.

    Parameters
    ----------
    index : bytes
        Content of the file `*.index`.
    data : bytes
        Content of the file `*.data-00000-of-00001`.

    Returns
    -------
    dict of str to float32
        By name. Tensors of other types (counters of steps) are left out.

    Raises
    ------
    ValueError
        If this is no such checkpoint, or it is cut off.
    """
    tensors: dict[str, NDArray[np.float32]] = {}
    for name, entry in _entries(index):
        # The entry without a name is the header.
        if not name:
            continue
        fields = _fields(entry)
        if _number(fields, 1) != _FLOAT:
            continue
        if _number(fields, 3) != 0:
            raise ValueError(f"{name} lies in another file than the first")
        shape = tuple(_number(_fields(dimension), 1) for dimension in _messages(_message(fields, 2), 2))
        offset, size = _number(fields, 4), _number(fields, 5)
        if size != 4 * math.prod(shape) or offset + size > len(data):
            raise ValueError(f"{name} is cut off, or no tensor in single precision of shape {shape}")
        numbers = np.frombuffer(data, "<f4", math.prod(shape), offset)
        tensors[name] = numbers.reshape(shape).astype(np.float32)
    return tensors


def _entries(table: bytes) -> Iterator[tuple[str, bytes]]:
    """Every entry of a table: its key and its value."""
    if len(table) < _FOOTER or not table.endswith(_MAGIC):
        raise ValueError("this is no index of a checkpoint, or it is cut off")
    position = len(table) - _FOOTER
    # Where the block about blocks lies, which holds nothing here; then where the block of blocks lies.
    for _ in range(2):
        _, position = _varint(table, position)
    for _, handle in _block(table, *_handle(table, position)):
        for key, value in _block(table, *_handle(handle, 0)):
            yield key.decode(), value


def _handle(content: bytes, position: int) -> tuple[int, int]:
    offset, position = _varint(content, position)
    size, _ = _varint(content, position)
    return offset, size


def _block(table: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """The entries of one block; each key is written without what it shares with the one before."""
    if offset + size >= len(table):
        raise ValueError("the index is cut off")
    if table[offset + size] != _UNCOMPRESSED:
        raise ValueError("the index is compressed")
    block = table[offset : offset + size]
    # At the end: where keys begin anew, each place four bytes, and how many such places there are.
    end = size - 4 * (1 + int.from_bytes(block[-4:], "little"))
    key, position = b"", 0
    while position < end:
        shared, position = _varint(block, position)
        unshared, position = _varint(block, position)
        length, position = _varint(block, position)
        key = key[:shared] + block[position : position + unshared]
        position += unshared
        yield key, block[position : position + length]
        position += length


def _varint(content: bytes, position: int) -> tuple[int, int]:
    """A number of which each byte holds seven bits, lowest first, and the position after it."""
    number = 0
    for place, byte in enumerate(content[position : position + _LONGEST_VARINT]):
        number |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return number, position + place + 1
    raise ValueError("a number in the index has no end")


def _fields(message: bytes) -> list[tuple[int, int | bytes]]:
    """The fields of a protocol buffer in their order: number, and value."""
    fields: list[tuple[int, int | bytes]] = []
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        value: int | bytes
        match tag & 7:
            case wire if wire == _VARINT:
                value, position = _varint(message, position)
            case wire if wire in (_FIXED64, _FIXED32):
                length = 8 if wire == _FIXED64 else 4
                value, position = message[position : position + length], position + length
            case wire if wire == _BYTES:
                length, position = _varint(message, position)
                value, position = message[position : position + length], position + length
            case wire:
                raise ValueError(f"a protocol buffer of the index has a field of type {wire}")
        fields.append((tag >> 3, value))
    return fields


def _number(fields: list[tuple[int, int | bytes]], number: int) -> int:
    """A field that is a number; 0, as the format has it, where it is left out."""
    return next((value for field, value in fields if field == number and isinstance(value, int)), 0)


def _message(fields: list[tuple[int, int | bytes]], number: int) -> bytes:
    """A field that is a message; empty where it is left out."""
    return next((value for field, value in fields if field == number and isinstance(value, bytes)), b"")


def _messages(message: bytes, number: int) -> list[bytes]:
    """All fields of one number that are messages, in their order."""
    return [value for field, value in _fields(message) if field == number and isinstance(value, bytes)]
