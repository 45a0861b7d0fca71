"""Headers of MPEG audio frames: how long an MP3 is, told apart from how long it says that it is. No Django.

References
----------
ISO/IEC 11172-3 and 13818-3, 2.4.2.3: the header of a frame.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from math import sqrt
from pathlib import Path
from statistics import mean, stdev
from typing import BinaryIO, NamedTuple

from .bare_sound import after_id3
from .trailing_tags import ID3V1_BYTES, sound_stop, syncsafe

# Kilobits a second by version (1, or 2 and 2.5), layer and index.
_KBPS: dict[tuple[bool, int], tuple[int, ...]] = {
    (True, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = (44100, 48000, 32000)
_LOOKED_AT_BYTES = 1 << 13
_LAST_BYTES = 1 << 14
_READ_BYTES = 1 << 20
_LARGEST_FRAME = 1 << 14
_LARGEST_TAG_HEAD = 32
_SYNCHRONOUS_FRAMES = 3
# Files of changing bit rate differ from place to place, and then every frame is counted. A larger file is believed as
# far as its places tell.
_PLACES = 32
_SAME_RATE = 0.01
_COUNTED_BYTES = 1 << 26
# As far as encoders and players count in other ways.
_COUNTED_S, _COUNTED_PART = 0.2, 0.005
_STANDARD_ERRORS = 1.5
# Encoders round.
_MISSING_PART = 0.02
# Encoders count the first frame or not, and tools leave a little behind the last; more than three frames are sound.
_MOST_PADDING_BYTES = 3 * 1441
# A file of a few frames has no rate of its own.
_SHORT_BYTES = 1 << 16


class Frame(NamedTuple):
    """A frame: its length in bytes and in samples, and its sample rate in hertz."""

    length: int
    samples: int
    rate: int


@dataclass(frozen=True, slots=True)
class LengthHeader:
    """What the Xing, Info or VBRI header of a file promises, and what is there.

    Attributes
    ----------
    promised_s : float
        Seconds.
    promised_bytes : int
        Of frames; 0 where it does not say.
    there_bytes : int
        Between the tags in front and behind.
    ends_on_a_frame : bool
        Whether the last frame is whole.
    plausible : bool
        Whether what is there may take as long as is promised.
    """

    promised_s: float
    promised_bytes: int
    there_bytes: int
    ends_on_a_frame: bool
    plausible: bool

    @property
    def is_cut_off(self) -> bool:
        """Whether the file ends within a frame, before the end that it promises."""
        return self.there_bytes < self.promised_bytes * (1 - _MISSING_PART) and not self.ends_on_a_frame


def read_length_header(path: Path) -> LengthHeader | None:
    """The header that tells an MP3's length; None where it has none."""
    with path.open("rb") as file:
        start, stop = _sound_span(file)
        head = _at(file, start, 4096)
        first = _first_frame(head)
        if first is None:
            return None
        at, frame = first
        frames, promised = _counts(head[at:])
        if not frames:
            return None
        seconds = frames * frame.samples / frame.rate
        there = stop - start
        # Without a count of bytes, nothing tells whether that of frames is of this file.
        differs = not promised or abs(there - promised) > _MOST_PADDING_BYTES
        return LengthHeader(
            promised_s=seconds,
            promised_bytes=promised,
            there_bytes=there,
            ends_on_a_frame=_ends_on_a_frame(_at(file, max(stop - _LAST_BYTES, start), stop - start)),
            plausible=not differs and _may_take(file, start, stop, seconds),
        )


def counted_s(path: Path) -> float:
    """How long all frames of a file are together, in seconds, over tags and whatever else lies between them.

    The frame with the header in front is no sound; one that the file ends within counts as a whole.
    """
    with path.open("rb") as file:
        return _counted_s(file, *_sound_span(file))


def _counted_s(file: BinaryIO, at: int, stop: int) -> float:
    seconds, is_first, is_lost = 0.0, True, True
    begin, data = at, b""
    while at < stop:
        if at - begin + _LARGEST_TAG_HEAD > len(data) and begin + len(data) < stop:
            begin, data = at, _at(file, at, min(_READ_BYTES, stop - at))
        head = data[at - begin : at - begin + _LARGEST_TAG_HEAD]
        frame = parse_frame(head[:4])
        if frame is not None and not is_lost:
            if not (is_first and _has_counts(data[at - begin : at - begin + frame.length])):
                seconds += frame.samples / frame.rate
            at, is_first = at + frame.length, False
        elif frame is None and 0 < (length := _tag_length(head)) <= stop - at:
            at, is_lost = at + length, True
        elif (found := _first_frame(data[at - begin :])) is not None:
            at, is_lost = at + found[0], False
        elif begin + len(data) >= stop:
            break
        else:
            # What begins in this piece may go on in the next.
            at, data, is_lost = max(begin + len(data) - _LARGEST_FRAME, at + 1), b"", True
    return seconds


def _tag_length(head: bytes) -> int:
    """How long a tag is that begins with some bytes; 0 where none does."""
    if head[:3] == b"ID3" and len(head) >= 10:
        return 10 + syncsafe(head[6:]) + (10 if head[5] & 0x10 else 0)
    if head[:8] == b"APETAGEX" and len(head) >= 16:
        return 32 + int.from_bytes(head[12:16], "little")
    return ID3V1_BYTES if head[:3] == b"TAG" else 0


def _has_counts(frame: bytes) -> bool:
    return any(sign in frame[:200] for sign in (b"Xing", b"Info", b"VBRI"))


@lru_cache(maxsize=1024)
def parse_frame(header: bytes) -> Frame | None:
    """The frame that four bytes begin; None where they begin none."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return None
    version, layer = header[1] >> 3 & 3, 4 - (header[1] >> 1 & 3)
    index, rate_index = header[2] >> 4, header[2] >> 2 & 3
    if version == 1 or layer == 4 or index in (0, 15) or rate_index == 3:
        return None
    full = version == 3
    kbps = _KBPS[full, layer][index]
    rate = _RATES[rate_index] >> {3: 0, 2: 1, 0: 2}[version]
    padding = header[2] >> 1 & 1
    if layer == 1:
        return Frame((12_000 * kbps // rate + padding) * 4, 384, rate)
    samples = 1152 if full or layer == 2 else 576
    return Frame(samples // 8 * 1000 * kbps // rate + padding, samples, rate)


def _sound_span(file: BinaryIO) -> tuple[int, int]:
    """Where the frames begin and end: behind the tags in front, before those behind."""
    start = after_id3(file)
    return start, sound_stop(file, start, os.fstat(file.fileno()).st_size)


def _first_frame(data: bytes) -> tuple[int, Frame] | None:
    """The first frame in some bytes that others follow, as far as they reach; its place and the frame."""
    at = data.find(b"\xff")
    while 0 <= at < len(data) - 4:
        place, chained = at, 0
        first = parse_frame(data[at : at + 4])
        frame = first
        while frame is not None and chained < _SYNCHRONOUS_FRAMES:
            chained, place = chained + 1, place + frame.length
            if place + 4 > len(data):
                break
            frame = parse_frame(data[place : place + 4])
        if first is not None and (chained == _SYNCHRONOUS_FRAMES or (frame is not None and place + 4 > len(data))):
            return at, first
        at = data.find(b"\xff", at + 1)
    return None


def _counts(head: bytes) -> tuple[int, int]:
    """How many frames and bytes the header in the first frame promises; 0 for what it does not say."""
    if head[36:40] == b"VBRI":
        return int.from_bytes(head[50:54]), int.from_bytes(head[46:50])
    at = next((place for place in (36, 21, 13, 38, 23, 15) if head[place : place + 4] in (b"Xing", b"Info")), None)
    if at is None:
        return 0, 0
    flags, at, counts = int.from_bytes(head[at + 4 : at + 8]), at + 8, [0, 0]
    for number in range(2):
        if flags & 1 << number:
            counts[number] = int.from_bytes(head[at : at + 4])
            at += 4
    return counts[0], counts[1]


def _may_take(file: BinaryIO, start: int, stop: int, seconds: float) -> bool:
    """Whether some bytes may be as many seconds, by the frames at places all over them.

    Where every frame is as long as the next, that says it exactly. Where they differ, nothing but every frame does:
    their headers are read, which costs a few milliseconds of a song's file.
    """
    if stop - start < _SHORT_BYTES:
        # Everything is looked at.
        samples, _, rate = _run(_at(file, start, stop - start))
        return not samples or abs(samples / rate - seconds) <= max(_COUNTED_S, _COUNTED_PART * seconds)
    seconds_a_byte: list[float] = []
    for place in range(_PLACES):
        data = _at(file, start + (stop - start) * place // _PLACES, _LOOKED_AT_BYTES)
        if (first := _first_frame(data)) is not None:
            samples, length, rate = _run(data[first[0] :])
            if samples:
                seconds_a_byte.append(samples / rate / length)
    if len(seconds_a_byte) < 2:
        return True
    spread = stdev(seconds_a_byte) / mean(seconds_a_byte)
    if spread > _SAME_RATE and stop - start <= _COUNTED_BYTES:
        return abs(_counted_s(file, start, stop) - seconds) <= max(_COUNTED_S, _COUNTED_PART * seconds)
    likely = (stop - start) * mean(seconds_a_byte)
    error = _STANDARD_ERRORS * spread / sqrt(len(seconds_a_byte))
    return abs(seconds - likely) <= max(_COUNTED_S, (_COUNTED_PART + error) * likely)


def _run(data: bytes) -> tuple[int, int, int]:
    """The frames that follow one another from the beginning of some bytes: samples, bytes, sample rate."""
    at = samples = 0
    rate = 1
    while (frame := parse_frame(data[at : at + 4])) is not None and at + frame.length <= len(data):
        at, samples, rate = at + frame.length, samples + frame.samples, frame.rate
    return samples, at, rate


def _ends_on_a_frame(tail: bytes) -> bool:
    """Whether the frames in the last bytes end where the bytes do."""
    first = _first_frame(tail)
    if first is None:
        return False
    at = first[0]
    while (frame := parse_frame(tail[at : at + 4])) is not None:
        at += frame.length
    return at == len(tail)


def _at(file: BinaryIO, offset: int, length: int) -> bytes:
    file.seek(offset)
    return file.read(length)
