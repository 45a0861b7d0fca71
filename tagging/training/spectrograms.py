"""Mel spectrograms of recordings, computed once and stored in one memory-mapped file."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from catalog.audio import decode
from catalog.audio_frames import UnreadableAudio
from catalog.audio_lengths import probe
from catalog.file_parts import part_of
from catalog.importing.tags import read_tags
from catalog.parallel import in_parallel
from composer.mixing import render
from composer.score import Score
from composer.synthesis.waves import RATE
from composer.variation import compose_variation
from tagging.frontend.mel_bands import HOP, N_MELS, SAMPLE_RATE, Scaling, power_mel

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
    """The place of a recording's spectrogram.

    Attributes
    ----------
    start, frames : int
        Rows of `Spectrograms.frames()`; no frames where the recording cannot be read.
    artist : str
        From its tags; empty without.
    error : str
        Why it cannot be read; empty where it can.
    """

    start: int
    frames: int
    artist: str
    error: str


class Spectrograms:
    """The spectrograms of any number of recordings, in decibels.

    Two append-only files: `mels.f16` holds frames of 96 bands in half precision (a twentieth of a decibel), 9 kB per
    second of sound; `index.sqlite` a row per recording, written after its frames are on disk. So a killed run leaves
    only complete recordings, several processes may write concurrently, and opening reads neither file.

    Parameters
    ----------
    folder : Path
        Made if it does not exist.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._data = folder / "mels.f16"
        self._data.touch()
        self._index = sqlite3.connect(folder / "index.sqlite", timeout=60.0, isolation_level=None)
        self._index.execute(_SCHEMA)

    def place(self, key: str) -> Place | None:
        """Look up a recording; None where it has not been read yet."""
        row = self._index.execute("SELECT start, frames, artist, error FROM recordings WHERE key = ?", [key]).fetchone()
        return None if row is None else Place(*row)

    def frames(self) -> Mel:
        """Map all recordings' frames, one recording after the other.

        Returns
        -------
        float16, shape (n_frames, 96)
            Decibels; a frame every 256/12,000 s.
        """
        if not (end := self._end()):
            return np.zeros((0, N_MELS), np.float16)
        return np.memmap(self._data, np.float16, "r", shape=(end, N_MELS))

    def append(self, key: str, mel: Mel, artist: str = "", error: str = "") -> None:
        """Store a recording's spectrogram, or why it has none.

        Parameters
        ----------
        key : str
        mel : float, shape (n_frames, 96)
            Decibels; no frames where the recording cannot be read.
        artist : str
        error : str
            Why it cannot be read.
        """
        self._index.execute("BEGIN IMMEDIATE")
        try:
            # Frames beyond the last row's are those of a killed run, and are overwritten.
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
        """Read or render the recordings that are not stored yet.

        Parameters
        ----------
        keys : iterable of str
            From `key_of` and `key_of_generated`; consumed lazily.
        processes : int
            How many recordings are read in parallel.

        Yields
        ------
        str
            Each key once its recording is stored, or known to be unreadable.
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
        """Count the stored frames."""
        row = self._index.execute("SELECT start + frames FROM recordings ORDER BY rowid DESC LIMIT 1").fetchone()
        return row[0] if row else 0


def key_of(path: Path) -> str:
    """Build the key of a file, or a part of one, from path, size and time of modification.

    Raises
    ------
    UnreadableAudio
        If the file does not exist.
    """
    try:
        part = part_of(path)
        status = (path if part is None else part.file).stat()
    except OSError as error:
        raise UnreadableAudio((error.strerror or str(error)).lower()) from error
    return f"{path.resolve()}:{status.st_size}:{status.st_mtime_ns}"


def key_of_generated(seed: int) -> str:
    """Build a generated piece's key."""
    return f"{_GENERATED}{seed}"


def decibels(power: NDArray[np.float32]) -> Mel:
    """Convert a power spectrogram, shape (96, n_frames), to its stored form: float16 decibels, shape (n_frames, 96)."""
    return _DECIBELS(power).T.astype(np.float16)


def _read(key: str) -> tuple[Mel, str]:
    """Compute a recording's spectrogram and read its artist."""
    if key.startswith(_GENERATED):
        seed = int(key.removeprefix(_GENERATED))
        return rendered(compose_variation(seed), seed), key
    path = Path(key.rsplit(":", 2)[0])
    mel = spectrogram(path)
    tags = read_tags(path)
    return mel, tags.artist or tags.album_artist


def spectrogram(path: Path) -> Mel:
    """Compute a file's spectrogram in pieces, so that memory does not depend on its sampling rate or length.

    Returns
    -------
    float16, shape (n_frames, 96)
        Decibels; at most the middle 20 minutes.

    Raises
    ------
    UnreadableAudio
        If the file cannot be read.
    """
    total_s = probe(path).duration_s
    first = first_frame(total_s)
    end = min(int(total_s * SAMPLE_RATE) // HOP + 1, first + int(_LONGEST_S * SAMPLE_RATE) // HOP)
    pieces: list[Mel] = []
    for frame in range(first, end, _PIECE_FRAMES):
        # A frame's window covers half of its neighbours, so a piece is decoded with one more on both sides.
        before = min(frame, 1)
        hops = before + min(_PIECE_FRAMES, end - frame) + 1
        try:
            samples = decode(path, (frame - before) * HOP / SAMPLE_RATE, hops * HOP / SAMPLE_RATE, SAMPLE_RATE)
        except UnreadableAudio:
            if not pieces:
                raise
            break  # the header's duration may exceed the decoded one
        here = -(-samples.size // HOP)
        pieces.append(decibels(power_mel(samples)[:, before : min(here, hops - 1)]))
    return np.concatenate(pieces)


def first_frame(duration_s: float) -> int:
    """Count the frames of a recording before those that are stored: 0 up to 20 minutes."""
    return max(int((duration_s - _LONGEST_S) / 2 * SAMPLE_RATE) // HOP, 0)


def rendered(score: Score, seed: int) -> Mel:
    """Render a piece's spectrogram, float16 decibels, shape (n_frames, 96); the seed varies the performance."""
    sides = render(score, seed)
    return decibels(power_mel(soxr.resample(sides.mean(axis=0), RATE, SAMPLE_RATE).astype(np.float32)))
