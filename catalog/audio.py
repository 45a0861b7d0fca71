"""Any part of an audio file as samples.

Only the part that is asked for is decoded, so memory does not depend on how long a file is.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import chain, groupby
from os import PathLike
from pathlib import Path

import av
import av.error
import numpy as np
import soxr
from av.container import InputContainer
from numpy.typing import NDArray

from .audio_frames import PREROLL_S, UnreadableAudio, all_frames, first_sample, frames_from, open_audio
from .audio_lengths import probe
from .file_parts import part_of

# What is decoded at once of a part of a file.
_PIECE_S = 20.0
# As far as the resampling filter sees to either side.
_FILTER_S = 0.05
# Beyond 40 dB over full scale nothing is music.
_LOUDEST = 100.0
_MIXED_AT_ONCE = 1 << 14


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
            if start_s - _FILTER_S <= PREROLL_S:
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
        frames = all_frames(container, container.streams.audio[0])
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
