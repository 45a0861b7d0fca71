"""An audio file, opened: its frames of sound in their order, over damaged places, under limits."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import av
import av.error
from av.container import InputContainer

from .bare_sound import bare_sound, lost_flac_sound
from .id3_sizes import unpacked_bytes
from .ogg_chain import chain_duration_s

# FFmpeg's readers of audio files. Others (playlists, concatenations) would follow what a hostile file names:
# other files, other hosts.
_OPTIONS = {
    "format_whitelist": "aac,aiff,ape,asf,au,caf,dsf,flac,matroska,mov,mp3,mpc,mpc8,ogg,tta,w64,wav,wv",
    "protocol_whitelist": "file",
}
PREROLL_S = 0.3
"""Decoders need so much of what comes before to be exact: MP3's bit reservoir, Vorbis's and Opus's overlap."""

# What a disk or a network says that is away, and FFmpeg passes on.
_UNAVAILABLE = {
    *(errno.EIO, errno.ENOENT, errno.ESTALE, errno.ENODEV, errno.ENXIO, errno.ENOTCONN),
    *(errno.ETIMEDOUT, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ENETUNREACH),
}

LOWEST_RATE, HIGHEST_RATE = 1000, 3_100_000
"""Hertz: what no recording has, from telephones to DSD. A file that claims more would need memory without end."""

MOST_CHANNELS = 64

MOST_UNPACKED_BYTES = 20_000_000
"""Of a file's compressed tags, which FFmpeg unpacks in memory, several times over."""


class UnreadableAudio(Exception):
    """An audio file cannot be read; the message is the reason, short, for people."""


class UnreasonableAudio(UnreadableAudio):
    """Reading a file takes more time or memory than any honest file; it is not tried again until it changes."""


class UnavailableAudio(UnreadableAudio):
    """The system does not give an audio file: it is not there, or the disk is away; another time it may."""


@contextmanager
def open_audio(path: Path) -> Iterator[InputContainer]:
    """The file, with an audio stream in it; every way it can be bad becomes an `UnreadableAudio`."""
    try:
        if not path.is_file():
            raise UnreadableAudio("a folder") if path.is_dir() else UnavailableAudio("no such file")
        with path.open("rb") as file:
            if not file.read(1):
                raise UnreadableAudio("empty file")
        if (size := unpacked_bytes(path)) > MOST_UNPACKED_BYTES:
            raise UnreasonableAudio(f"its tags would unpack to {size / 1e6:,.0f} MB")
        with _opened(path) as container:
            if not container.streams.audio:
                raise UnreadableAudio("no sound in it")
            yield container
    except av.error.FFmpegError as error:
        if error.errno in _UNAVAILABLE:
            raise UnavailableAudio(os.strerror(error.errno).lower()) from error
        if error.errno == errno.ENOMEM:
            raise UnreasonableAudio("needs more memory than there is to be read") from error
        raise UnreadableAudio("not an audio file, or a damaged one") from error
    except OSError as error:
        raise UnavailableAudio((error.strerror or str(error)).lower()) from error


@contextmanager
def _opened(path: Path) -> Iterator[InputContainer]:
    """The file as FFmpeg reads it; one that it refuses, without the metadata in front of its sound."""
    with ExitStack() as opened:
        bare = lost_flac_sound(path)
        try:
            # The prefix keeps FFmpeg from reading a name like `concat:a|b` as an instruction.
            source: Any = opened.enter_context(bare) if bare is not None else f"file:{path.absolute()}"
            container = av.open(source, "r", options=_OPTIONS, metadata_errors="ignore")
        except av.error.InvalidDataError:
            if bare is not None or (bare := bare_sound(path)) is None:
                raise
            container = av.open(opened.enter_context(bare), "r", options=_OPTIONS, metadata_errors="ignore")
        yield opened.enter_context(container)


def frames_from(container: InputContainer, start_s: float) -> Iterator[av.AudioFrame]:
    """The sound of an open file from a moment on, over damaged places; the first frames may lie before it."""
    stream = container.streams.audio[0]
    if container.format.name == "ogg" and chain_s(path := Path(container.name.removeprefix("file:"))) is not None:
        return _frames_of_chain(path)
    if start_s <= PREROLL_S:
        return all_frames(container, stream)
    seek(container, stream, start_s - PREROLL_S)
    return _settled(all_frames(container, stream))


def all_frames(container: InputContainer, stream: av.AudioStream) -> Iterator[av.AudioFrame]:
    """The stream's frames from here on, each with its time, over damaged places."""
    before: av.AudioFrame | None = None
    for packet in container.demux(stream):
        try:
            for frame in packet.decode():
                if isinstance(frame, av.AudioFrame) and frame.samples:
                    _refuse_unreasonable(frame)
                    if frame.pts is None and before is not None and before.pts is not None:
                        # Of several frames in one packet FFmpeg times the first only.
                        frame.pts = before.pts + round(Fraction(before.samples, before.sample_rate) / tick_s(stream))
                    before = frame
                    yield frame
        except av.error.InvalidDataError:
            continue


def _refuse_unreasonable(frame: av.AudioFrame) -> None:
    """Refuse what would need memory without end: reading a second of it gives as many samples as it claims."""
    if not LOWEST_RATE <= frame.sample_rate <= HIGHEST_RATE:
        raise UnreasonableAudio(f"no recording has {frame.sample_rate:,} samples a second")
    if frame.layout.nb_channels > MOST_CHANNELS:
        raise UnreasonableAudio(f"no recording has {frame.layout.nb_channels:,} channels")


def _settled(frames: Iterator[av.AudioFrame]) -> Iterator[av.AudioFrame]:
    """The frames from the first one on that ends where the next begins.

    Right after a seek, FFmpeg's time of a Vorbis frame that joins a long and a short block is wrong by a fraction of
    the block.
    """
    if (frame := next(frames, None)) is None:
        return
    for following in frames:
        step_s = ((following.pts or 0) - (frame.pts or 0)) * tick_s(frame)
        settled = abs(step_s - Fraction(frame.samples, frame.sample_rate)) <= 2 * tick_s(frame)
        if settled:
            yield frame
        frame = following
        if settled:
            break
    yield frame
    yield from frames


def seek(container: InputContainer, stream: av.AudioStream, moment_s: float) -> None:
    """Go to the last place before a moment from which frames can be decoded."""
    container.seek((stream.start_time or 0) + int(moment_s / tick_s(stream)), stream=stream)


def chain_s(path: Path) -> float | None:
    """As `chain_duration_s`, asked of a file once for as long as it is the same."""
    status = path.stat()
    return _known_chain_s(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=64)
def _known_chain_s(path: Path, _size: int, _mtime_ns: int) -> float | None:
    return chain_duration_s(path)


def _frames_of_chain(path: Path) -> Iterator[av.AudioFrame]:
    """All frames of a chain, from its beginning: the times of each link begin anew, so there is no seeking in it."""
    with open_audio(path) as container:
        stream = container.streams.audio[0]
        seconds = Fraction(0)
        for frame in all_frames(container, stream):
            frame.pts = (stream.start_time or 0) + round(seconds / tick_s(frame))
            seconds += Fraction(frame.samples, frame.sample_rate)
            yield frame


def first_sample(stream: av.AudioStream, frame: av.AudioFrame) -> int:
    """The place of a frame's first sample in its file, counted in samples at the frame's own rate."""
    return round(((frame.pts or 0) - (stream.start_time or 0)) * tick_s(frame) * frame.sample_rate)


def tick_s(timed: av.AudioStream | av.AudioFrame) -> Fraction:
    """The unit of a stream's or a frame's times, in seconds."""
    return timed.time_base or Fraction(1, av.time_base)
