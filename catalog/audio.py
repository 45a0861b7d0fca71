"""Reading audio files: what they are, and any part of them as samples.

Only the part that is asked for is decoded, so memory does not depend on how long a file is.
"""

from __future__ import annotations

import errno
import math
import os
import struct
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from itertools import chain, groupby
from os import PathLike
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np
import soxr
from av.container import InputContainer
from numpy.typing import NDArray

from .bare_sound import after_id3, bare_sound, lost_flac_sound
from .file_parts import part_of
from .flac_frames import ends_on_a_frame
from .id3_sizes import unpacked_bytes
from .mpeg_audio import counted_s, read_length_header
from .ogg_chain import chain_duration_s

# FFmpeg's readers of audio files. Others (playlists, concatenations) would follow what a hostile file names:
# other files, other hosts.
_OPTIONS = {
    "format_whitelist": "aac,aiff,ape,asf,au,caf,dsf,flac,matroska,mov,mp3,mpc,mpc8,ogg,tta,w64,wav,wv",
    "protocol_whitelist": "file",
}
# Decoders need a little of what comes before to be exact: MP3's bit reservoir, Vorbis's and Opus's overlap.
_PREROLL_S = 0.3
# What is decoded at once of a part of a file.
_PIECE_S = 20.0
# As far as the resampling filter sees to either side.
_FILTER_S = 0.05
# A file that lacks no more than this of what its header promises is whole: encoders round.
_MISSING_S = 3.0
_MISSING_PART = 0.02
_MOST_PADDING_S = 0.2
# A file of which no more is there is one that was never written.
_BEGINNING_S = 1.0
# Beyond 40 dB over full scale nothing is music.
_LOUDEST = 100.0
_MIXED_AT_ONCE = 1 << 14
# So little is read as a whole sooner than sought in.
_LOOKED_THROUGH_S = 2 * _MISSING_S / (1 - _MISSING_PART)
_UNKNOWN_LENGTH = 0x7FFFF000
_ASF_HEAD_BYTES = 1 << 16
_ASF_FILE_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_LARGEST_OGG_PAGE = 27 + 255 + 255 * 255


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


@dataclass(frozen=True, slots=True)
class AudioProbe:
    """What an audio file is.

    Attributes
    ----------
    duration_s : float
        Seconds.
    codec : str
        FFmpeg's name: `mp3`, `vorbis`, `flac`, `aac`, `opus`, `pcm_s16le`.
    container : str
        FFmpeg's name or names: `mp3`, `ogg`, `flac`, `mov,mp4,m4a,3gp,3g2,mj2`.
    sample_rate : int
        Hertz.
    channels : int
    is_short : bool
        Whether its header promises more than there is.
    is_cut_off : bool
        Whether it is compressed and ends within a frame, before the end that it promises.
    """

    duration_s: float
    codec: str
    container: str
    sample_rate: int
    channels: int
    is_short: bool = False
    is_cut_off: bool = False


def probe(path: str | PathLike[str]) -> AudioProbe:
    """What an audio file is, and whether it is whole; only its first and last moments are decoded.

    A file is as long as it is heard, wherever it ends and whatever its header promises.

    Raises
    ------
    UnreadableAudio
        If there is no such file, nothing to hear in it, or no more than the very beginning.
    """
    path = Path(path)
    if (part := part_of(path)) is not None:
        whole = probe(part.file)
        if part.start_s >= whole.duration_s:
            raise UnreadableAudio("the CUE sheet names a place behind the file's end")
        return replace(whole, duration_s=min(part.stop_s, whole.duration_s) - part.start_s)
    with open_audio(path) as container:
        stream = container.streams.audio[0]
        frame = next(_frames(container, stream), None)
        if frame is None:
            raise UnreadableAudio("no sound in it")
        found = AudioProbe(
            duration_s=_first_look_s(path, container, stream),
            codec=stream.codec_context.codec.canonical_name,
            container=container.format.name,
            sample_rate=frame.sample_rate,
            channels=frame.layout.nb_channels,
        )
        return _as_heard(path, container, stream, found)


def decode(path: str | PathLike[str], start_s: float, duration_s: float, sample_rate: int) -> NDArray[np.float32]:
    """A part of an audio file as mono samples.

    The samples are those that decoding and resampling the whole file would have at this place.

    Parameters
    ----------
    path : str or path
    start_s : float, at least 0
        Seconds from the beginning of the file.
    duration_s : float, above 0
        Seconds.
    sample_rate : int
        Hertz of the result, whatever the file's own.

    Returns
    -------
    float32, shape (n,)
        The mean of the channels in [-1, 1]; `n` is `round(duration_s * sample_rate)`, less at the file's end.

    Raises
    ------
    UnreadableAudio
        If there is no such file, or no sound at `start_s`.
    """
    if (part := part_of(Path(path))) is not None:
        left_s = min(duration_s, part.stop_s - part.start_s - start_s)
        if left_s <= 0:
            raise UnreadableAudio(f"no sound at {start_s:.0f} s: the track ends before")
        return decode(part.file, part.start_s + start_s, left_s, sample_rate)
    with open_audio(Path(path)) as container:
        return _part(container, start_s, duration_s, sample_rate)


def decode_parts(
    path: str | PathLike[str], starts_s: Iterable[float], duration_s: float, sample_rate: int
) -> Iterator[NDArray[np.float32]]:
    """Several parts of an audio file, as `decode` gives each; the file is opened once.

    That matters where the way to a place leads over every frame before it, as in an MP3.

    Parameters
    ----------
    path : str or path
    starts_s : iterable of float
        Seconds from the beginning of the file, in any order.
    duration_s : float, above 0
        Seconds of each.
    sample_rate : int
        Hertz of the result, whatever the file's own.

    Yields
    ------
    float32, shape (n,)

    Raises
    ------
    UnreadableAudio
        If there is no such file, or no sound at one of the places.
    """
    if part_of(Path(path)) is not None:
        for start_s in starts_s:
            yield decode(path, start_s, duration_s, sample_rate)
        return
    with open_audio(Path(path)) as container:
        for start_s in starts_s:
            # A place so near the beginning is not sought, and the file may have been read further already.
            if start_s - _FILTER_S <= _PREROLL_S:
                yield decode(path, start_s, duration_s, sample_rate)
            else:
                yield _part(container, start_s, duration_s, sample_rate)


def stream_samples(path: str | PathLike[str], sample_rate: int) -> Iterator[NDArray[np.float32]]:
    """The whole of an audio file as mono samples, a piece at a time, over damaged places.

    Parameters
    ----------
    path : str or path
    sample_rate : int
        Hertz of the result, whatever the file's own.

    Yields
    ------
    float32, shape (n,)
        The mean of the channels in [-1, 1]; some seconds at most.

    Raises
    ------
    UnreadableAudio
        If there is no such file, or no sound in it.
    """
    if (part := part_of(Path(path))) is not None:
        length_s = probe(path).duration_s
        for number in range(math.ceil(length_s / _PIECE_S)):
            piece_s = min(_PIECE_S, length_s - number * _PIECE_S)
            if round(piece_s * sample_rate):
                yield decode(part.file, part.start_s + number * _PIECE_S, piece_s, sample_rate)
        return
    with open_audio(Path(path)) as container:
        frames = _frames(container, container.streams.audio[0])
        if (first := next(frames, None)) is None:
            raise UnreadableAudio("no sound in it")
        rate = first.sample_rate
        resampler = soxr.ResampleStream(rate, sample_rate, 1, dtype="float32", quality="LQ")
        for piece in _mono(chain([first], (frame for frame in frames if frame.sample_rate == rate))):
            yield resampler.resample_chunk(piece)
        yield resampler.resample_chunk(np.zeros(0, np.float32), last=True)


def _part(container: InputContainer, start_s: float, duration_s: float, sample_rate: int) -> NDArray[np.float32]:
    """What `decode` gives, of an open file."""
    stream = container.streams.audio[0]
    frames = frames_from(container, start_s - _FILTER_S)
    if (frame := next(frames, None)) is None:
        raise UnreadableAudio(f"no sound at {start_s:.0f} s: cut off or damaged")
    rate = frame.sample_rate
    # Samples of the file and of the result fall together once every `step_in` and `step_out` samples.
    common = math.gcd(rate, sample_rate)
    step_in, step_out = rate // common, sample_rate // common
    first, count = round(start_s * sample_rate), round(duration_s * sample_rate)
    margin = math.ceil(_FILTER_S * sample_rate / step_out)
    place = first_sample(stream, frame)
    block = max(first // step_out - margin, math.ceil(place / step_in), 0)
    begin, end = block * step_in, (math.ceil((first + count) / step_out) + margin) * step_in
    while place + frame.samples <= begin and (following := next(frames, None)) is not None:
        place, frame = place + frame.samples, following
    needed = _up_to(end - place, chain([frame], (frame for frame in frames if frame.sample_rate == rate)))
    samples = np.concatenate([np.zeros(0, np.float32), *_mono(needed)])[begin - place : end - place]
    if rate != sample_rate and samples.size:
        samples = soxr.resample(samples, rate, sample_rate, quality="HQ")
    skip_out = max(first - block * step_out, 0)
    samples = samples[skip_out : skip_out + count]
    if not samples.size:
        raise UnreadableAudio(f"no sound at {start_s:.0f} s: cut off or damaged")
    return np.ascontiguousarray(samples, np.float32)


def frames_from(container: InputContainer, start_s: float) -> Iterator[av.AudioFrame]:
    """The sound of an open file from a moment on, over damaged places; the first frames may lie before it."""
    stream = container.streams.audio[0]
    if container.format.name == "ogg" and _chain_s(path := Path(container.name.removeprefix("file:"))) is not None:
        return _frames_of_chain(path)
    if start_s <= _PREROLL_S:
        return _frames(container, stream)
    _seek(container, stream, start_s - _PREROLL_S)
    return _settled(_frames(container, stream))


def _chain_s(path: Path) -> float | None:
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
        for frame in _frames(container, stream):
            frame.pts = (stream.start_time or 0) + round(seconds / _tick_s(frame))
            seconds += Fraction(frame.samples, frame.sample_rate)
            yield frame


def first_sample(stream: av.AudioStream, frame: av.AudioFrame) -> int:
    """The place of a frame's first sample in its file, counted in samples at the frame's own rate."""
    return round(((frame.pts or 0) - (stream.start_time or 0)) * _tick_s(frame) * frame.sample_rate)


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


def _frames(container: InputContainer, stream: av.AudioStream) -> Iterator[av.AudioFrame]:
    """The stream's frames from here on, each with its time, over damaged places."""
    before: av.AudioFrame | None = None
    for packet in container.demux(stream):
        try:
            for frame in packet.decode():
                if isinstance(frame, av.AudioFrame) and frame.samples:
                    _refuse_unreasonable(frame)
                    if frame.pts is None and before is not None and before.pts is not None:
                        # Of several frames in one packet FFmpeg times the first only.
                        frame.pts = before.pts + round(Fraction(before.samples, before.sample_rate) / _tick_s(stream))
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
        step_s = ((following.pts or 0) - (frame.pts or 0)) * _tick_s(frame)
        settled = abs(step_s - Fraction(frame.samples, frame.sample_rate)) <= 2 * _tick_s(frame)
        if settled:
            yield frame
        frame = following
        if settled:
            break
    yield frame
    yield from frames


def _seek(container: InputContainer, stream: av.AudioStream, moment_s: float) -> None:
    container.seek((stream.start_time or 0) + int(moment_s / _tick_s(stream)), stream=stream)


def _tick_s(timed: av.AudioStream | av.AudioFrame) -> Fraction:
    """The unit of a stream's or a frame's times, in seconds."""
    return timed.time_base or Fraction(1, av.time_base)


def _up_to(n_samples: int, frames: Iterator[av.AudioFrame]) -> Iterator[av.AudioFrame]:
    """As many frames as hold a number of samples."""
    for frame in frames:
        yield frame
        n_samples -= frame.samples
        if n_samples <= 0:
            return


def _mono(frames: Iterator[av.AudioFrame]) -> Iterator[NDArray[np.float32]]:
    """The frames' samples, piece by piece: the mean of their channels, integers scaled to [-1, 1]."""
    # A second of Vorbis is up to 344 frames: FFmpeg joins them in the time that NumPy takes to look at one, and
    # what is mixed at once is still in the processor's cache.
    for (sample_format, channels), run in groupby(frames, lambda f: (f.format.name, f.layout.nb_channels)):
        fifo = av.AudioFifo()
        for frame in run:
            frame.pts = None
            fifo.write(frame)
            if fifo.samples >= _MIXED_AT_ONCE:
                yield _mix(fifo, sample_format, channels)
        if fifo.samples:
            yield _mix(fifo, sample_format, channels)


def _mix(fifo: av.AudioFifo, sample_format: str, channels: int) -> NDArray[np.float32]:
    """Everything in the queue, as `_mono` has it."""
    joined = fifo.read()
    samples = np.zeros((1, 0), np.float32) if joined is None else joined.to_ndarray()
    if not sample_format.endswith("p"):
        samples = samples.reshape(-1, channels).T
    mean: NDArray[np.float32] = samples[0].astype(np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        for channel in samples[1:]:
            mean += channel
    if samples.dtype.kind == "u":
        mean -= 128 * channels
    if samples.dtype.kind in "ui":
        mean /= 2.0 ** (8 * samples.dtype.itemsize - 1)
    mean /= channels
    if samples.dtype.kind == "f":
        # Floating-point files may hold any number.
        mean[~(np.abs(mean) <= _LOUDEST)] = 0.0
    return mean


def _promised_s(container: InputContainer, stream: av.AudioStream) -> float:
    """The duration by the file's header, or FFmpeg's estimate; seconds."""
    if stream.duration is not None:
        return float(stream.duration * _tick_s(stream))
    if container.duration is not None:
        return container.duration / av.time_base
    raise UnreadableAudio("no telling how long it is: cut off or damaged")


def _as_heard(path: Path, container: InputContainer, stream: av.AudioStream, promised: AudioProbe) -> AudioProbe:
    """What a file is, as long as what is there: all of it is read only where something does not fit the promise."""
    match promised.container:
        case "mp3":
            return _mp3_as_heard(path, container, stream, promised)
        case "aac":
            return replace(promised, duration_s=_demuxed_s(path))
        case "flac":
            if _reaches_its_end(container, stream, promised):
                return promised
            # A header that promises too much of a file that is whole, or a file that ends within a frame.
            return _shorter(promised, _demuxed_s(path), is_cut_off=not ends_on_a_frame(path))
        case "ogg" if _chain_s(path) is not None:
            is_cut_off = _cut_off(path, promised.container)
            return replace(promised, is_short=is_cut_off, is_cut_off=is_cut_off)
        case "wav" | "w64" | "aiff":
            cut_off = _cut_off(path, promised.container)
            is_small = promised.duration_s <= _LOOKED_THROUGH_S
            if not (cut_off or is_small) and _reaches_its_end(container, stream, promised):
                return promised
            there_s = _demuxed_s(path)
            is_short = cut_off or there_s < promised.duration_s * (1 - _MISSING_PART)
            return replace(promised, duration_s=there_s, is_short=is_short)
    if _cut_off(path, promised.container) or not _reaches_its_end(container, stream, promised):
        return _shorter(promised, _demuxed_s(path), is_cut_off=True)
    return promised


def _shorter(promised: AudioProbe, there_s: float, *, is_cut_off: bool) -> AudioProbe:
    """A file of which less is there than it promises.

    Raises
    ------
    UnreadableAudio
        If no more of it is there than the very beginning.
    """
    if is_cut_off and there_s < min(_BEGINNING_S, promised.duration_s / 2):
        raise UnreadableAudio("cut off before its end")
    return replace(promised, duration_s=there_s, is_short=True, is_cut_off=is_cut_off)


def _mp3_as_heard(path: Path, container: InputContainer, stream: av.AudioStream, promised: AudioProbe) -> AudioProbe:
    header = read_length_header(path)
    if header is None:
        return replace(promised, duration_s=counted_s(path) or _counted_s(container, stream))
    promised = replace(promised, duration_s=header.promised_s)
    if header.is_cut_off:
        return _shorter(promised, counted_s(path), is_cut_off=True)
    if header.plausible:
        # FFmpeg takes off what encoders put in front and behind, but guesses where large tags follow the sound.
        without_padding_s = _promised_s(container, stream)
        near = abs(without_padding_s - header.promised_s) <= _MOST_PADDING_S
        return replace(promised, duration_s=without_padding_s) if near else promised
    there_s = counted_s(path)
    return replace(promised, duration_s=there_s, is_short=header.promised_s > there_s + _MISSING_S)


def _demuxed_s(path: Path) -> float:
    """The duration of all frames of a file, read but not decoded, as far as they go."""
    ticks = 0
    with open_audio(path) as container:
        stream = container.streams.audio[0]
        with suppress(av.error.InvalidDataError):
            for packet in container.demux(stream):
                ticks += packet.duration or 0
        return float(ticks * _tick_s(stream))


def _first_look_s(path: Path, container: InputContainer, stream: av.AudioStream) -> float:
    """The duration as far as the header says it, of all links of a chain."""
    if container.format.name == "ogg" and (all_links_s := _chain_s(path)) is not None:
        return all_links_s
    return _demuxed_s(path) if _has_no_length(container, stream) else _promised_s(container, stream)


def _has_no_length(container: InputContainer, stream: av.AudioStream) -> bool:
    """Whether a FLAC file does not say how long it is, as those do that were written into a pipe."""
    return container.format.name == "flac" and not stream.duration


def _counted_s(container: InputContainer, stream: av.AudioStream) -> float:
    """The duration of a file whose header does not say it: FFmpeg goes from frame to frame, decoding only the last."""
    container.seek(2**62, stream=stream)
    ends = [
        float((frame.pts or 0) * _tick_s(stream)) + frame.samples / frame.sample_rate
        for frame in _frames(container, stream)
    ]
    return ends[-1] if ends else _promised_s(container, stream)


def _reaches_its_end(container: InputContainer, stream: av.AudioStream, found: AudioProbe) -> bool:
    """Whether there is sound where the header says that the last of it is."""
    if found.container == "flac" or "mp4" in found.container:
        return _reaches_its_last_sample(container, stream, found.duration_s)
    near_end_s = found.duration_s - _MISSING_S - _MISSING_PART * found.duration_s
    if near_end_s < _MISSING_S:
        return True
    _seek(container, stream, near_end_s)
    frame = next(_frames(container, stream), None)
    # Where the end is missing, some readers go back to the beginning instead.
    return frame is not None and ((frame.pts or 0) - (stream.start_time or 0)) * _tick_s(stream) > near_end_s / 2


def _reaches_its_last_sample(container: InputContainer, stream: av.AudioStream, duration_s: float) -> bool:
    """The same for FLAC and MP4, whose headers count the samples."""
    for before_end_s in (1.0, 60.0):
        try:
            _seek(container, stream, max(duration_s - before_end_s, 0.0))
        except av.error.FFmpegError:
            # In the very last part of some files FFmpeg finds no frame.
            continue
        last = deque(_frames(container, stream), maxlen=1)
        return bool(last) and first_sample(stream, last[0]) / last[0].sample_rate > duration_s - 1.0
    return True


def _cut_off(path: Path, container: str) -> bool:
    """Whether a file of a format that tells its length in bytes is shorter than that."""
    size = path.stat().st_size
    match container:
        case "wav" | "aiff":
            with path.open("rb") as file:
                file.seek(after_id3(file))
                form, length = struct.unpack("<4sI" if container == "wav" else ">4sI", file.read(8).ljust(8))
            # Writers that do not know the length yet put the largest number there.
            promised = length if form in (b"RIFF", b"FORM") and length < _UNKNOWN_LENGTH else 0
        case "ogg":
            return _ogg_page_cut_off(path, size)
        case "asf":
            promised = _asf_size(path)
        case _:
            promised = 0
    return size < promised * (1 - _MISSING_PART)


def _ogg_page_cut_off(path: Path, size: int) -> bool:
    """Whether the last page of an Ogg file ends before its own header says."""
    with path.open("rb") as file:
        file.seek(max(size - _LARGEST_OGG_PAGE, 0))
        tail = file.read()
    page = tail.rfind(b"OggS")
    if page < 0:
        return False
    segments = tail[page + 27 : page + 27 + tail[page + 26]] if len(tail) > page + 26 else b""
    return len(tail) < page + 27 + len(segments) + sum(segments) or not segments


def _asf_size(path: Path) -> int:
    """How large an ASF file says that it is; 0 where it does not."""
    with path.open("rb") as file:
        head = file.read(_ASF_HEAD_BYTES)
    at = head.find(_ASF_FILE_PROPERTIES)
    return int.from_bytes(head[at + 40 : at + 48], "little") if at >= 0 else 0
