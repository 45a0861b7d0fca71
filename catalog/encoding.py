"""Any audio file as MP3 or Opus of a bit rate, from any moment on: made while it is read, never stored. No Django."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np

from .audio_frames import UnreadableAudio, UnreasonableAudio, first_sample, frames_from, open_audio
from .file_parts import part_of

_SAMPLE_RATES_OF_MP3 = (48_000, 44_100, 32_000)
_BIT_RATES_OF_MP3 = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_RATE_OF_OPUS = 48_000
_LOWEST_KBPS, _HIGHEST_KBPS = 32, 320
LONGEST_WAY_S = 10.0
"""Processor time until the first sound: where nothing can be sought in, everything before it is decoded."""

# A player that waits gets little at once, and then twice as much each time.
_FIRST_PIECE, _PIECE = 1 << 10, 1 << 13


@dataclass(frozen=True, slots=True)
class Target:
    """What a file is encoded to.

    Attributes
    ----------
    codec : str
        `mp3` or `opus`.
    kbps : int
        Kilobits per second.
    channels : int
        1 or 2, as many as the file has at most.
    sample_rate : int or None
        Hertz, of MP3; None for as the file has it, as far as it can be.
    """

    codec: str
    kbps: int
    channels: int = 2
    sample_rate: int | None = None

    @property
    def content_type(self) -> str:
        """The media type."""
        return "audio/mpeg" if self.codec == "mp3" else "audio/ogg"

    @property
    def suffix(self) -> str:
        """How the name of such a file ends."""
        return "mp3" if self.codec == "mp3" else "opus"

    def estimated_bytes(self, seconds: float) -> int:
        """About how large a file of so many seconds is."""
        return round(max(seconds, 0.0) * self.kbps * 125)


CODECS = ("mp3", "opus")
"""What can be encoded to."""


def possible_kbps(codec: str, wanted: int) -> int:
    """The bit rate that is nearest below a wanted one, or the lowest there is."""
    wanted = min(max(wanted, _LOWEST_KBPS), _HIGHEST_KBPS)
    return max(rate for rate in _BIT_RATES_OF_MP3 if rate <= wanted) if codec == "mp3" else wanted


def encode(path: Path, target: Target, start_s: float = 0.0) -> Iterator[bytes]:
    """A file as another one, some bytes at a time.

    Parameters
    ----------
    path : Path
        Of a file, or of a part of one (`file_parts`).
    target : Target
    start_s : float
        Seconds of the file that are left out at its beginning.

    Raises
    ------
    UnreadableAudio
        If the file is gone or damaged, or has no sound at `start_s`.
    """
    sink, enough = _Sink(), _FIRST_PIECE
    part = part_of(path)
    stop_s = math.inf if part is None else part.stop_s
    if part is not None:
        path, start_s = part.file, part.start_s + start_s
    if start_s >= stop_s:
        raise UnreadableAudio("no sound there")
    with open_audio(path) as source:
        frames = frames_from(source, start_s)
        first = next(frames, None)
        if first is None:
            raise UnreadableAudio("no sound there")
        rate = _sample_rate(target, first.sample_rate)
        channels = min(target.channels, first.layout.nb_channels, 2)
        container = "mp3" if target.codec == "mp3" else "ogg"
        # No header that would have to be written anew at the end: what is sent is sent.
        options = {"write_xing": "0", "id3v2_version": "0"} if container == "mp3" else {"page_duration": "200000"}
        with av.open(cast(Any, sink), "w", format=container, options=options) as out:
            stream = out.add_stream("libmp3lame" if target.codec == "mp3" else "libopus", rate=rate)
            stream.bit_rate = 1000 * target.kbps
            stream.layout = "stereo" if channels == 2 else "mono"
            for piece in _resampled(source, first, frames, start_s, stop_s, stream):
                for packet in stream.encode(piece):
                    out.mux(packet)
                if sink.size >= enough:
                    yield sink.take()
                    enough = min(2 * enough, _PIECE)
            for packet in stream.encode(None):
                out.mux(packet)
    if rest := sink.take():
        yield rest


def _resampled(
    source: Any, first: Any, frames: Iterator[Any], start_s: float, stop_s: float, stream: Any
) -> Iterator[Any]:
    """The sound from one moment to another, as the encoder wants it."""
    shape, resampler, written = None, None, 0
    frame, begun = first, time.thread_time()
    while frame is not None:
        begins = first_sample(source.streams.audio[0], frame) / frame.sample_rate
        if begins >= stop_s:
            return
        if not written and time.thread_time() - begun > LONGEST_WAY_S:
            raise UnreasonableAudio("takes too long to be read")
        # Decoders begin a little before the place that is sought.
        if begins + frame.samples / frame.sample_rate > start_s or start_s <= 0:
            if shape != (frame.format.name, frame.layout.name, frame.sample_rate):
                shape = (frame.format.name, frame.layout.name, frame.sample_rate)
                resampler = av.AudioResampler(stream.format.name, stream.layout.name, stream.sample_rate)
            if resampler is not None:
                for piece in resampler.resample(_cut(frame, start_s - begins, stop_s - begins)):
                    piece.pts = written
                    piece.time_base = Fraction(1, stream.sample_rate)
                    written += piece.samples
                    yield piece
        frame = next(frames, None)


def _cut(frame: Any, start_s: float, stop_s: float) -> Any:
    """The part of a frame between two moments, counted from its beginning, without a time of its own."""
    first = max(round(start_s * frame.sample_rate), 0)
    last = frame.samples if stop_s * frame.sample_rate >= frame.samples else round(stop_s * frame.sample_rate)
    if first > 0 or last < frame.samples:
        samples = frame.to_ndarray()
        width = 1 if frame.format.is_planar else frame.layout.nb_channels
        # At least one sample: a frame of none would end the sound.
        part = samples[:, first * width : max(last, first + 1) * width]
        cut = av.AudioFrame.from_ndarray(np.ascontiguousarray(part), frame.format.name, frame.layout.name)
        cut.sample_rate = frame.sample_rate
        frame = cut
    frame.pts = None
    return frame


def _sample_rate(target: Target, own: int) -> int:
    if target.codec == "opus":
        return _RATE_OF_OPUS
    wanted = target.sample_rate or own
    return next((rate for rate in _SAMPLE_RATES_OF_MP3 if rate <= wanted), _SAMPLE_RATES_OF_MP3[-1])


class _Sink:
    """A file that is written to, and taken from as it grows; it cannot be sought in."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.size = 0

    def write(self, part: bytes) -> int:
        self._parts.append(bytes(part))
        self.size += len(part)
        return len(part)

    def take(self) -> bytes:
        taken, self._parts, self.size = b"".join(self._parts), [], 0
        return taken
