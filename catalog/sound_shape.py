"""What a song looks like: its waveform and its mel spectrogram, as small arrays and as pictures. No Django.

The sound is read once, a piece at a time. Columns are as narrow as a window at first; whenever there are too many,
neighbours become one. So neither memory nor the size of the pictures depends on how long a song is, and nothing has to
be known of its length beforehand.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from os import PathLike
from typing import Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .audio import stream_samples
from .audio_frames import UnreadableAudio
from .limited import Limits

SAMPLE_RATE = 22_050
"""Hertz at which songs are looked at: the picture ends at half of it."""

N_MELS = 96
"""Bands of the spectrogram, from the lowest."""

HIGHEST_HZ = SAMPLE_RATE / 2

MOST_COLUMNS = 1024
"""A song of some length has this many columns, or down to half as many."""

_CPU_S = 5.0
# The slowest machine draws several times as many seconds of sound a second.
_DRAWN_AT_LEAST = 100.0
_LONGEST_S = 16 * 3600.0
# No music takes fewer bytes a second: a file that claims to be longer asks for what it does not hold.
_FEWEST_BYTES_S = 1000
_MEMORY_BYTES = 250_000_000
_PATIENCE_S = 60.0
_HOP = 512
_WINDOW = 2048
_WINDOWS_A_COLUMN = 16
_RANGE_DB = 75.0
_GREYS = 32


def drawing_limits(size: int, length_s: float) -> Limits:
    """What looking at a song may take: by how long it is, as far as a file of so many bytes can be believed."""
    believed_s = min(length_s, _LONGEST_S, size / _FEWEST_BYTES_S)
    return Limits(
        cpu_s=_CPU_S + believed_s / _DRAWN_AT_LEAST, memory_bytes=_MEMORY_BYTES, wall_s=_PATIENCE_S + believed_s
    )


@dataclass(frozen=True, eq=False)
class SoundShape:
    """What a song looks like, from its beginning to its end in columns of the same length.

    Attributes
    ----------
    duration_s : float
        Seconds of sound.
    peaks : uint8, shape (n_columns,)
        The largest amplitude; 255 is that of the loudest moment.
    loudness : uint8, shape (n_columns,)
        The root of the mean square, on the same scale.
    """

    duration_s: float
    peaks: NDArray[np.uint8]
    loudness: NDArray[np.uint8]

    def as_json(self) -> str:
        """All of it, to be stored and sent."""
        shape = {
            "duration_s": round(self.duration_s, 3),
            "peaks": self.peaks.tolist(),
            "loudness": self.loudness.tolist(),
        }
        return json.dumps(shape, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What `as_json` wrote.

        Raises
        ------
        ValueError
            If it is something else.
        """
        try:
            shape = json.loads(text)
            return cls(
                float(shape["duration_s"]),
                np.array(shape["peaks"], np.uint8),
                np.array(shape["loudness"], np.uint8),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError("not the shape of a sound") from error

    def outline(self, heights: NDArray[np.uint8], most_points: int = MOST_COLUMNS // 2) -> str:
        """Heights on both sides of a middle line as the path of an SVG, 255 units up and down, 1 unit a point.

        Parameters
        ----------
        heights : uint8, shape (n_columns,)
            `peaks` or `loudness`.
        most_points : int
            More columns than this share points; a point is as high as the highest of its columns.
        """
        points = _fewer(heights, most_points).astype(int)
        above = " ".join(f"{x + 0.5:g},{255 - y}" for x, y in enumerate(points))
        below = " ".join(f"{x + 0.5:g},{255 + y}" for x, y in reversed(list(enumerate(points))))
        return f"M0,255 {above} {len(points)},255 {below}Z"


def outline_width(shape: SoundShape, most_points: int = MOST_COLUMNS // 2) -> int:
    """How many points `SoundShape.outline` has from left to right."""
    return len(_fewer(shape.peaks, most_points))


def waveform_svg(shape: SoundShape) -> str:
    """The waveform as an SVG document, in one colour that can be seen on light and on dark, or used as a mask."""
    width = outline_width(shape)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} 510" preserveAspectRatio="none" '
        f'width="{width}" height="96" fill="#26917f">'
        f'<path d="{shape.outline(shape.peaks)}" fill-opacity=".55"/><path d="{shape.outline(shape.loudness)}"/></svg>'
    )


def look_at(path: str | PathLike[str]) -> tuple[SoundShape, bytes]:
    """The shape of an audio file's sound, and its mel spectrogram as a PNG picture.

    Returns
    -------
    shape : SoundShape
    spectrogram : bytes
        Grey, a pixel a column and band, low frequencies at the bottom: white is the loudest, black `_RANGE_DB` less.

    Raises
    ------
    UnreadableAudio
        If there is no such file, or no sound in it.
    """
    return shape_of(stream_samples(path, SAMPLE_RATE))


def shape_of(pieces: Iterable[NDArray[np.float32]]) -> tuple[SoundShape, bytes]:
    """What `look_at` gives, of mono samples at `SAMPLE_RATE` that come piece by piece."""
    columns, n_samples = _Columns(), 0
    ahead = _WINDOW - _HOP
    held: list[NDArray[np.float32]] = []
    n_held = 0
    for piece in pieces:
        held.append(piece)
        n_held += len(piece)
        n_samples += len(piece)
        if n_held >= columns.width * _HOP + ahead:
            samples = np.concatenate(held)
            # Widths grow while columns are added.
            while len(samples) >= columns.width * _HOP + ahead:
                n = columns.width * _HOP
                columns.add(samples[: n + ahead], n)
                samples = samples[n:]
            held, n_held = [samples], len(samples)
    samples = np.concatenate([np.zeros(0, np.float32), *held])
    while len(samples):
        n = min(columns.width * _HOP, len(samples))
        columns.add(np.pad(samples, (0, _WINDOW))[: n + ahead if n > _HOP else _WINDOW], n)
        samples = samples[n:]
    if not n_samples:
        raise UnreadableAudio("no sound in it")
    return columns.shape(n_samples / SAMPLE_RATE), columns.picture()


class _Columns:
    """Columns as they are made, each `width` hops wide; the last may be shorter."""

    def __init__(self) -> None:
        self.width = 1
        self._peaks: list[float] = []
        self._squares: list[float] = []
        self._mels: list[NDArray[np.float32]] = []

    def add(self, samples: NDArray[np.float32], n: int) -> None:
        """One more column of n samples; what comes after them is for its last windows."""
        if len(self._peaks) == MOST_COLUMNS:
            self._join_neighbours()
        own = samples[:n]
        self._peaks.append(float(np.abs(own).max(initial=0.0)))
        self._squares.append(float(np.mean(np.square(own))))
        # A column that many windows fit in is looked at in some of them, spread evenly.
        step = _HOP * max(self.width // _WINDOWS_A_COLUMN, 1)
        windows = np.lib.stride_tricks.sliding_window_view(samples, _WINDOW)[:n:step]
        spectra = np.fft.rfft(windows * _hann(), axis=1)
        power = np.mean(spectra.real**2 + spectra.imag**2, axis=0)
        self._mels.append((mel_filters() @ power).astype(np.float32))

    def _join_neighbours(self) -> None:
        self._peaks = [max(pair) for pair in zip(self._peaks[::2], self._peaks[1::2], strict=True)]
        self._squares = [sum(pair) / 2 for pair in zip(self._squares[::2], self._squares[1::2], strict=True)]
        self._mels = [
            (one + other) / np.float32(2) for one, other in zip(self._mels[::2], self._mels[1::2], strict=True)
        ]
        self.width *= 2

    def shape(self, duration_s: float) -> SoundShape:
        """The waveform."""
        loudest = max(self._peaks) or 1.0
        peaks, loudness = (
            np.rint(255 * np.array(heights) / loudest).astype(np.uint8)
            for heights in (self._peaks, np.sqrt(self._squares))
        )
        return SoundShape(duration_s, peaks, loudness)

    def picture(self) -> bytes:
        """The spectrogram as `look_at` has it."""
        mels = np.array(self._mels).T[::-1]
        decibels = 10 * np.log10(np.maximum(mels, 1e-12) / max(float(mels.max()), 1e-12))
        greys = np.rint((_GREYS - 1) * np.clip(1 + decibels / _RANGE_DB, 0, 1)) * (255 / (_GREYS - 1))
        # Silence has no loudest moment.
        if mels.max() <= 1e-12:
            greys = np.zeros_like(greys)
        file = io.BytesIO()
        Image.fromarray(greys.astype(np.uint8), "L").save(file, "PNG", optimize=True)
        return file.getvalue()


def mel_of(hertz: float) -> float:
    """A frequency on the mel scale (D. O'Shaughnessy, Speech communication: human and machine, 1987)."""
    return float(2595 * np.log10(1 + hertz / 700))


@lru_cache(maxsize=1)
def mel_filters() -> NDArray[np.float32]:
    """Triangles that overlap by half, evenly spaced on the mel scale from 0 to `HIGHEST_HZ`.

    Returns
    -------
    float32, shape (N_MELS, _WINDOW // 2 + 1)
    """
    edges = 700 * (10 ** (np.linspace(0, mel_of(HIGHEST_HZ), N_MELS + 2) / 2595) - 1)
    hertz = np.fft.rfftfreq(_WINDOW, 1 / SAMPLE_RATE)
    rising = (hertz - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - hertz) / (edges[2:] - edges[1:-1])[:, None]
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)


@lru_cache(maxsize=1)
def _hann() -> NDArray[np.float32]:
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_WINDOW) / _WINDOW)).astype(np.float32)


def _fewer(heights: NDArray[np.uint8], most: int) -> NDArray[np.uint8]:
    """The heights, as many neighbours as needed made one by the largest of them."""
    together = -(-len(heights) // most)
    padded = np.pad(heights, (0, -len(heights) % together))
    largest: NDArray[np.uint8] = padded.reshape(-1, together).max(axis=1)
    return largest
