"""Mel spectrograms of recordings, computed once, in one file that is mapped into memory."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from catalog.audio import UnreadableAudio, decode, probe
from catalog.demo.mixing import render
from catalog.demo.score import Score
from catalog.demo.synthesis.waves import RATE
from catalog.demo.variation import compose_variation
from catalog.importing.tags import read_tags
from catalog.parallel import in_parallel
from tagging.frontend import HOP, N_MELS, SAMPLE_RATE, Scaling, power_mel

_PIECE_FRAMES = 60 * SAMPLE_RATE // HOP
_LONGEST_S = 1200.0
_FRAME_BYTES = 2 * N_MELS
_GENERATED = "generated:"
_DECIBELS = Scaling()
_SCHEMA = """
CREATE TABLE IF NOT EXISTS recordings (
    key TEXT NOT NULL UNIQUE, start INTEGER NOT NULL, frames INTEGER NOT NULL, artist TEXT NOT NULL, error TEXT NOT NULL
)
"""

Mel = NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a recording's spectrogram lies.

    Attributes
    ----------
    start, frames : int
        Rows of `Spectrograms.frames()`; no frames where the recording cannot be read.
    artist : str
        As its tags have it; empty without.
    error : str
        Why it cannot be read; empty where it can.
    """

    start: int
    frames: int
    artist: str
    error: str


class Spectrograms:
    """The spectrograms of any number of recordings, in decibels.

    Two files that only grow: `mels.f16` holds frames of 96 bands in half precision (a twentieth of a decibel), 9 kB
    a second of sound; `index.sqlite` a row a recording, written when its frames are on disk. So whatever a killed
    run left behind is either whole or not there, several may write at once, and opening reads neither file.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._data = folder / "mels.f16"
        self._data.touch()
        self._index = sqlite3.connect(folder / "index.sqlite", timeout=60.0, isolation_level=None)
        self._index.execute(_SCHEMA)

    def place(self, key: str) -> Place | None:
        """Where a recording's spectrogram lies; None where nobody has read it yet."""
        row = self._index.execute("SELECT start, frames, artist, error FROM recordings WHERE key = ?", [key]).fetchone()
        return None if row is None else Place(*row)

    def frames(self) -> Mel:
        """All recordings' frames one after the other, mapped, not read.

        Returns
        -------
        float16, shape (n_frames, 96)
            Decibels; a frame every 256/12,000 s.
        """
        if not (end := self._end()):
            return np.zeros((0, N_MELS), np.float16)
        return np.memmap(self._data, np.float16, "r", shape=(end, N_MELS))

    def append(self, key: str, mel: Mel, artist: str = "", error: str = "") -> None:
        """Store a recording's spectrogram, shape (n_frames, 96), decibels; or, with no frames, why there is none."""
        self._index.execute("BEGIN IMMEDIATE")
        try:
            # What lies beyond the last row's frames is a killed run's.
            start = self._end()
            with self._data.open("r+b") as file:
                file.seek(start * _FRAME_BYTES)
                file.write(np.ascontiguousarray(mel, np.float16).data)
                file.flush()
                os.fsync(file.fileno())
            self._index.execute(
                "INSERT OR REPLACE INTO recordings VALUES (?, ?, ?, ?, ?)", [key, start, len(mel), artist, error]
            )
            self._index.execute("COMMIT")
        except BaseException:
            self._index.execute("ROLLBACK")
            raise

    def compute(self, keys: Iterable[str], processes: int) -> Iterator[str]:
        """Read or render those recordings that are not here yet.

        Parameters
        ----------
        keys : iterable of str
            From `key_of` and `key_of_generated`; asked for one by one.
        processes : int
            How many recordings at once.

        Yields
        ------
        str
            Each key when its recording is here, or found to be unreadable.
        """
        due = (key for key in keys if self.place(key) is None)
        for key, reading in in_parallel(_read, due, processes):
            try:
                mel, artist = reading.result()
                self.append(key, mel, artist)
            except UnreadableAudio as error:
                self.append(key, np.zeros((0, N_MELS), np.float16), error=str(error))
            yield key

    def _end(self) -> int:
        """How many frames there are."""
        row = self._index.execute("SELECT start + frames FROM recordings ORDER BY rowid DESC LIMIT 1").fetchone()
        return row[0] if row else 0


def key_of(path: Path) -> str:
    """The key of a file: another file at the same place has another.

    Raises
    ------
    UnreadableAudio
        If there is no such file.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise UnreadableAudio((error.strerror or str(error)).lower()) from error
    return f"{path.resolve()}:{status.st_size}:{status.st_mtime_ns}"


def key_of_generated(seed: int) -> str:
    """The key of a piece that is composed and rendered here."""
    return f"{_GENERATED}{seed}"


def decibels(power: NDArray[np.float32]) -> Mel:
    """A power spectrogram, shape (96, n), as it is stored: shape (n, 96), decibels."""
    return _DECIBELS(power).T.astype(np.float16)


def _read(key: str) -> tuple[Mel, str]:
    """A recording's spectrogram and artist."""
    if key.startswith(_GENERATED):
        seed = int(key.removeprefix(_GENERATED))
        return rendered(compose_variation(seed), seed), key
    path = Path(key.rsplit(":", 2)[0])
    mel = spectrogram(path)
    tags = read_tags(path)
    return mel, tags.artist or tags.album_artist


def spectrogram(path: Path) -> Mel:
    """A file's spectrogram, piece by piece, so that memory does not depend on its sampling rate or length.

    Returns
    -------
    float16, shape (n_frames, 96)
        Of at most 20 minutes, from the middle.

    Raises
    ------
    UnreadableAudio
        If the file cannot be read.
    """
    total_s = probe(path).duration_s
    first = max(int((total_s - _LONGEST_S) / 2 * SAMPLE_RATE) // HOP, 0)
    end = min(int(total_s * SAMPLE_RATE) // HOP + 1, first + int(_LONGEST_S * SAMPLE_RATE) // HOP)
    pieces: list[Mel] = []
    for frame in range(first, end, _PIECE_FRAMES):
        # A frame sees half of the frames beside it, so a piece is decoded with one more on both sides.
        before = min(frame, 1)
        hops = before + min(_PIECE_FRAMES, end - frame) + 1
        try:
            samples = decode(path, (frame - before) * HOP / SAMPLE_RATE, hops * HOP / SAMPLE_RATE, SAMPLE_RATE)
        except UnreadableAudio:
            if not pieces:
                raise
            break  # the header promised a little more than there is
        here = -(-samples.size // HOP)
        pieces.append(decibels(power_mel(samples)[:, before : min(here, hops - 1)]))
    return np.concatenate(pieces)


def rendered(score: Score, seed: int) -> Mel:
    """A piece's spectrogram, shape (n_frames, 96), decibels; the seed is its players'."""
    sides = render(score, seed)
    return decibels(power_mel(soxr.resample(sides.mean(axis=0), RATE, SAMPLE_RATE).astype(np.float32)))
