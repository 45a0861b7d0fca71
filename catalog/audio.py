"""Reading audio files: what they are, and any part of them as samples.

Only the part that is asked for is decoded, so neither time nor memory depends on how long a file is.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from os import PathLike
from pathlib import Path

import av
import av.error
import numpy as np
import soxr
from numpy.typing import NDArray

# FFmpeg's demuxers of audio files. Others (playlists, concatenations, subtitles) would follow what a hostile
# file names: other files, other hosts.
_FORMATS = "aac,ac3,aiff,amr,ape,asf,au,caf,dsf,flac,matroska,mov,mp3,mpc,mpc8,mpegts,ogg,oma,tta,w64,wav,wv"

# Seeking lands somewhere before the moment asked for; the codecs need a little more to recover.
_PREROLL_S = 0.25
# Neighbouring samples that the resampling filter looks at, in seconds.
_FILTER_S = 0.05


class UnreadableAudio(Exception):  # noqa: N818 (it is the state of the file that is reported)
    """An audio file cannot be read; the message is the reason, short, for people."""


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
    """

    duration_s: float
    codec: str
    container: str
    sample_rate: int
    channels: int


def probe(path: str | PathLike[str]) -> AudioProbe:
    """What an audio file is, without decoding more than its first and last moments.

    Raises
    ------
    UnreadableAudio
        If there is no such file, or nothing to hear in it.
    """
    with _opened(path) as container:
        stream = container.streams.audio[0]
        frame = next(_frames(container, stream), None)
        if frame is None:
            raise UnreadableAudio("no sound in it")
        duration_s = _duration_s(container, stream)
        return AudioProbe(
            duration_s=duration_s,
            codec=stream.codec_context.name,
            container=container.format.name,
            sample_rate=frame.sample_rate,
            channels=frame.layout.nb_channels,
        )


def decode(path: str | PathLike[str], start_s: float, duration_s: float, sample_rate: int) -> NDArray[np.float32]:
    """A part of an audio file as mono samples.

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
    with _opened(path) as container:
        stream = container.streams.audio[0]
        if start_s > 0:
            _seek(container, stream, max(start_s - _PREROLL_S, 0.0))
        frames = _frames(container, stream)
        first = next(frames, None)
        if first is None:
            raise UnreadableAudio(f"no sound at {start_s:.0f} s: cut off or damaged")
        return _segment(first, frames, start_s, duration_s, sample_rate)


def _segment(
    first: av.AudioFrame, rest: Iterator[av.AudioFrame], start_s: float, duration_s: float, sample_rate: int
) -> NDArray[np.float32]:
    rate = first.sample_rate
    begin = _first_sample(first)
    # Input and output samples fall together once in each block of `step_in` input, `step_out` output samples.
    common = math.gcd(rate, sample_rate)
    step_in, step_out = rate // common, sample_rate // common
    out_start, out_count = round(start_s * sample_rate), round(duration_s * sample_rate)
    margin = math.ceil(_FILTER_S * rate / step_in)
    block = max(out_start // step_out - margin, 0, math.ceil(begin / step_in))
    in_start = block * step_in
    in_count = math.ceil((out_start + out_count) / step_out + margin) * step_in - in_start
    samples = np.zeros(0, np.float32)
    pieces = [_mono(first)]
    have = pieces[0].size - (in_start - begin)
    while have < in_count and (frame := next(rest, None)) is not None:
        if frame.sample_rate == rate:
            pieces.append(_mono(frame))
            have += pieces[-1].size
    samples = np.concatenate(pieces)[in_start - begin :][:in_count]
    if rate != sample_rate:
        samples = soxr.resample(samples, rate, sample_rate, quality="HQ")
    skip = max(out_start - block * step_out, 0)
    samples = samples[skip : skip + out_count]
    if not samples.size:
        raise UnreadableAudio(f"no sound at {start_s:.0f} s: cut off or damaged")
    return np.ascontiguousarray(samples, np.float32)


@contextmanager
def _opened(path: str | PathLike[str]) -> Iterator[av.container.InputContainer]:
    """The file with an audio stream in it; every way it can be bad becomes an `UnreadableAudio`."""
    try:
        if not (path := Path(path)).is_file():
            raise UnreadableAudio("a folder" if path.is_dir() else "no such file")
        with path.open("rb") as file:
            if not file.read(1):
                raise UnreadableAudio("empty file")
            file.seek(0)
            with av.open(file, metadata_errors="ignore", options={"format_whitelist": _FORMATS}) as container:
                if not container.streams.audio:
                    raise UnreadableAudio("no sound in it")
                yield container
    except PermissionError as error:
        raise UnreadableAudio("no permission to read it") from error
    except av.error.FFmpegError as error:
        raise UnreadableAudio("not an audio file, or a damaged one") from error
    except OSError as error:
        raise UnreadableAudio(os.strerror(error.errno) if error.errno else str(error)) from error


def _frames(container: av.container.InputContainer, stream: av.AudioStream) -> Iterator[av.AudioFrame]:
    """The stream's frames from here on, over damaged places."""
    for packet in container.demux(stream):
        try:
            yield from islice((frame for frame in packet.decode() if frame.samples), None)
        except av.error.InvalidDataError:
            continue


def _seek(container: av.container.InputContainer, stream: av.AudioStream, moment_s: float) -> None:
    container.seek(_start(stream) + int(moment_s / stream.time_base), stream=stream)


def _start(stream: av.AudioStream) -> int:
    return stream.start_time or 0


def _first_sample(frame: av.AudioFrame) -> int:
    """The place of a frame's first sample in the file."""
    return max(round(float((frame.pts or 0) * frame.time_base) * frame.sample_rate), 0)


def _duration_s(container: av.container.InputContainer, stream: av.AudioStream) -> float:
    if stream.duration is not None:
        return float(stream.duration * stream.time_base)
    if container.duration is not None:
        return container.duration / av.time_base
    raise UnreadableAudio("no telling how long it is: cut off or damaged")


def _mono(frame: av.AudioFrame) -> NDArray[np.float32]:
    """A frame's samples, shape (n,): the mean of its channels, integers scaled to [-1, 1]."""
    samples = frame.to_ndarray()
    if not frame.format.is_planar:
        samples = samples.reshape(-1, frame.layout.nb_channels).T
    mean = samples.mean(axis=0, dtype=np.float32 if samples.dtype.itemsize < 4 else np.float64)
    if samples.dtype.kind == "u":
        mean = mean / 128.0 - 1.0
    elif samples.dtype.kind == "i":
        mean = mean / -float(np.iinfo(samples.dtype).min)
    return mean.astype(np.float32)
