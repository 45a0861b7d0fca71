"""Any audio file as a WAV file that browsers play: made while it is read, from any byte on, never stored.

The size of the WAV file follows from the length of the sound alone, and the place of each byte in it from the time
that it belongs to. So a part of it is decoded from that moment on, in milliseconds, however long the file is.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import av

from .audio_frames import UnreadableAudio, first_sample, frames_from, open_audio
from .file_parts import part_of

_HEADER_BYTES = 44
_SAMPLE_BYTES = 2
# A WAV file tells its length in 32 bits.
_LARGEST_FILE = 2**32 - 1
_HIGHEST_RATE = 48_000
_SILENCE = bytes(1 << 16)


@dataclass(frozen=True, slots=True)
class WaveFile:
    """The WAV file that an audio file can be read as: 16 bits, mono or stereo.

    Attributes
    ----------
    path : Path
        Of the audio file.
    sample_rate : int
        Hertz: that of the audio file, at most 48,000, less where the file would be too long for a WAV file.
    channels : int
        1 or 2.
    n_samples : int
        In each channel.
    offset : int
        Where it begins in the audio file, in samples of `sample_rate`: 0, but for a part of a file.
    """

    path: Path
    sample_rate: int
    channels: int
    n_samples: int
    offset: int = 0

    @property
    def size(self) -> int:
        """Bytes of the whole WAV file."""
        return _HEADER_BYTES + self.n_samples * self.channels * _SAMPLE_BYTES

    @property
    def header(self) -> bytes:
        """What comes before the samples."""
        frame_bytes = self.channels * _SAMPLE_BYTES
        return struct.pack(
            "<4sI4s4sIHHIIHH4sI",
            b"RIFF",
            self.size - 8,
            b"WAVE",
            b"fmt ",
            16,
            1,
            self.channels,
            self.sample_rate,
            self.sample_rate * frame_bytes,
            frame_bytes,
            8 * _SAMPLE_BYTES,
            b"data",
            self.size - _HEADER_BYTES,
        )

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from `start` up to `stop` of the WAV file, some at a time.

        Where the sound ends before the length that the audio file promises, silence follows.

        Raises
        ------
        UnreadableAudio
            If the audio file is gone or damaged.
        """
        if start < _HEADER_BYTES:
            yield self.header[start:stop]
        frame_bytes = self.channels * _SAMPLE_BYTES
        first, skip = divmod(max(start - _HEADER_BYTES, 0), frame_bytes)
        left = stop - max(start, _HEADER_BYTES)
        for piece in self._samples(self.offset + first) if left > 0 else ():
            piece = piece[skip : skip + left]
            skip = 0
            left -= len(piece)
            yield piece
            if left <= 0:
                return
        while left > 0:
            yield _SILENCE[:left]
            left -= len(_SILENCE)

    def _samples(self, first: int) -> Iterator[bytes]:
        """Interleaved samples from the `first` of each channel on."""
        frame_bytes = self.channels * _SAMPLE_BYTES
        with open_audio(self.path) as container:
            stream = container.streams.audio[0]
            resampler, shape, skip = None, None, 0
            for frame in frames_from(container, first / self.sample_rate):
                if shape != (frame.format.name, frame.layout.name, frame.sample_rate):
                    if shape is None:
                        skip = first - round(first_sample(stream, frame) * self.sample_rate / frame.sample_rate)
                        if skip < 0:
                            yield bytes(-skip * frame_bytes)
                    shape = (frame.format.name, frame.layout.name, frame.sample_rate)
                    resampler = av.AudioResampler("s16", "stereo" if self.channels == 2 else "mono", self.sample_rate)
                for piece in resampler.resample(frame) if resampler is not None else ():
                    if skip < piece.samples:
                        yield piece.to_ndarray().tobytes()[max(skip, 0) * frame_bytes :]
                    skip = max(skip - piece.samples, 0)


def wave_file(path: Path) -> WaveFile:
    """What WAV file an audio file can be read as.

    Raises
    ------
    UnreadableAudio
        If it is no audio file.
    """
    part = part_of(path)
    file = path if part is None else part.file
    with open_audio(file) as container:
        stream = container.streams.audio[0]
        if stream.duration is not None and stream.time_base is not None:
            duration_s = float(stream.duration * stream.time_base)
        elif container.duration is not None:
            duration_s = container.duration / av.time_base
        else:
            raise UnreadableAudio("no telling how long it is")
        rate, channels = stream.codec_context.sample_rate, stream.codec_context.layout.nb_channels
    start_s = 0.0 if part is None else part.start_s
    duration_s = duration_s if part is None else max(min(part.stop_s, duration_s) - start_s, 0.0)
    wave = WaveFile(
        file,
        sample_rate=min(rate, _HIGHEST_RATE),
        channels=min(channels, 2),
        n_samples=round(duration_s * min(rate, _HIGHEST_RATE)),
        offset=round(start_s * min(rate, _HIGHEST_RATE)),
    )
    while wave.size > _LARGEST_FILE:
        if wave.channels == 2:
            wave = replace(wave, channels=1)
        else:
            wave = replace(
                wave, sample_rate=wave.sample_rate // 2, n_samples=wave.n_samples // 2, offset=wave.offset // 2
            )
    return wave
