"""What makes two files the same recording: their sound, whatever their tags say.

A file whose tags are rewritten keeps its fingerprint, so that the song is known again when it is renamed and
retagged at once, and need not be listened to again. Formats whose sound cannot be told from their tags are taken
whole.
"""

from __future__ import annotations

import hashlib
import os
import re
import struct
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from ..bare_sound import after_id3, flac_sound
from ..file_parts import part_of
from ..trailing_tags import sound_stop

_READ_BYTES = 1 << 20
_CHUNK_NAME = re.compile(rb"[A-Za-z][\x20-\x7e]{3}")
# The length of a chunk whose length does not fit there.
_LONG_CHUNK = 0xFFFFFFFF


def fingerprint(path: Path) -> str:
    """The SHA-256 of a file's audio in hexadecimal, read a piece at a time; of a part, one of its own.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    if (part := part_of(path)) is not None:
        status = part.file.stat()
        whole = _of_whole(part.file, status.st_size, status.st_mtime_ns)
        return hashlib.sha256(f"{whole} {path.name}".encode()).hexdigest()
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        digest, length = _digest(file, audio_spans(file, size))
        if not length:
            digest, _ = _digest(file, iter([(0, size)]))
    return digest


@lru_cache(maxsize=8)
def _of_whole(path: Path, _size: int, _mtime_ns: int) -> str:
    """The fingerprint of a file that many parts are of, computed once."""
    return fingerprint(path)


def audio_spans(file: BinaryIO, size: int) -> Iterator[tuple[int, int]]:
    """The parts of a file that hold its sound.

    Parameters
    ----------
    file : binary file, seekable
    size : int
        Bytes.

    Yields
    ------
    start, stop : int
        Offsets into the file.
    """
    start = after_id3(file)
    head = _at(file, start, 12)
    if head[:4] == b"OggS":
        yield from _ogg_spans(file, start)
    elif head[:4] in (b"RIFF", b"RF64", b"BW64") and head[8:] == b"WAVE":
        yield from chunks(file, size, "<", {b"fmt ", b"data"}, start)
    elif head[:4] == b"FORM" and head[8:] in (b"AIFF", b"AIFC"):
        yield from chunks(file, size, ">", {b"COMM", b"SSND"}, start)
    elif head[4:8] == b"ftyp":
        yield from _mp4_spans(file, size, start)
    else:
        if _at(file, start, 4) == b"fLaC":
            start = flac_sound(file, start + 4)
        yield start, max(sound_stop(file, start, size), start)


def chunks(file: BinaryIO, size: int, byte_order: str, wanted: set[bytes], start: int = 0) -> Iterator[tuple[int, int]]:
    """The contents of the wanted chunks of a RIFF (`<`) or AIFF (`>`) file that begins at `start`, as offsets.

    RF64 and BW64, which are RIFF for more than 4 GB, say the length of their sound in a chunk of its own. Some programs
    leave out the zero behind a chunk of odd length.
    """
    offset, long_data = start + 12, None
    while len(header := _at(file, offset, 8)) == 8:
        name, length = struct.unpack(f"{byte_order}4sI", header)
        if name == b"ds64" and len(sizes := file.read(16)) == 16:
            long_data = struct.unpack_from("<Q", sizes, 8)[0]
        if name == b"data" and length == _LONG_CHUNK and long_data is not None:
            length = long_data
        stop = min(offset + 8 + length, size)
        if name in wanted:
            yield offset + 8, stop
        is_padded = length % 2 and not _CHUNK_NAME.fullmatch(_at(file, stop, 4))
        offset = stop + (1 if is_padded else 0)


def _ogg_spans(file: BinaryIO, offset: int) -> Iterator[tuple[int, int]]:
    """The bodies of the pages after the header packets: those have granule position 0, or none where they go on."""
    in_headers = True
    while len(header := _at(file, offset, 27)) == 27 and header[:4] == b"OggS":
        granule, segments = struct.unpack_from("<q", header, 6)[0], header[26]
        body = offset + 27 + segments
        stop = body + sum(file.read(segments))
        in_headers = in_headers and granule in (0, -1)
        if not in_headers:
            yield body, stop
        offset = stop


def _mp4_spans(file: BinaryIO, size: int, offset: int) -> Iterator[tuple[int, int]]:
    while len(header := _at(file, offset, 16)) >= 8:
        length, name, long_length = struct.unpack(">I4sQ", header.ljust(16, b"\0"))
        body = offset + 8
        if length == 1:
            length, body = long_length, offset + 16
        elif length == 0:
            length = size - offset
        if length < body - offset:
            return
        if name == b"mdat":
            yield body, min(offset + length, size)
        offset += length


def _digest(file: BinaryIO, spans: Iterator[tuple[int, int]]) -> tuple[str, int]:
    """The SHA-256 of some parts of a file, and how many bytes they were."""
    digest, length = hashlib.sha256(), 0
    for start, stop in spans:
        file.seek(start)
        left = stop - start
        while left > 0 and (piece := file.read(min(left, _READ_BYTES))):
            digest.update(piece)
            length += len(piece)
            left -= len(piece)
    return digest.hexdigest(), length


def _at(file: BinaryIO, offset: int, length: int) -> bytes:
    file.seek(offset)
    return file.read(length)
