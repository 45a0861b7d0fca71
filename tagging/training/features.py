"""Mel spectrograms of recordings, computed once, in one file that is mapped into memory."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalog.audio import UnreadableAudio, decode, probe
from tagging.frontend import HOP, N_MELS, SAMPLE_RATE, Scaling, power_mel

_PIECE_S = 60.0
_DECIBELS = Scaling()


class Features:
    """The spectrograms of many recordings, in decibels.

    Two files that only ever grow: `mels.f16` holds frames of 96 bands in half precision (a twentieth of a decibel),
    9 kB a second of sound; `index.jsonl` a line for each recording. A line is written when its frames are on disk,
    so whatever a killed run left behind is either whole or not there.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._data, self._index = folder / "mels.f16", folder / "index.jsonl"
        self._data.touch()
        self._index.touch()
        self._places: dict[str, tuple[int, int]] = {}
        self._errors: dict[str, str] = {}
        for line in self._index.read_text(encoding="utf-8").splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue  # half a line, from a run that was killed: its recording is read again
            if "error" in entry:
                self._errors[entry["key"]] = entry["error"]
            else:
                self._places[entry["key"]] = (entry["start"], entry["frames"])
        self._frames: NDArray[np.float16] | None = None

    def __contains__(self, key: str) -> bool:
        return key in self._places

    def __getitem__(self, key: str) -> NDArray[np.float16]:
        """One recording's spectrogram, mapped, not read.

        Returns
        -------
        float16, shape (n_frames, 96)
            Decibels; a frame every 256/12,000 s.
        """
        if self._frames is None:
            self._frames = np.memmap(self._data, np.float16, "r").reshape(-1, N_MELS)
        start, count = self._places[key]
        return self._frames[start : start + count]

    def n_frames(self, key: str) -> int:
        """How many frames a recording has."""
        return self._places[key][1]

    def error(self, key: str) -> str | None:
        """Why a recording could not be read, if it could not."""
        return self._errors.get(key)

    def append(self, key: str, mel: NDArray[np.float16]) -> None:
        """Store a recording's spectrogram, shape (n_frames, 96), decibels."""
        with self._data.open("r+b") as file:
            # What lies beyond the last whole frame, or beyond the last line of the index, is a killed run's.
            start = max((first + count for first, count in self._places.values()), default=0)
            file.seek(start * N_MELS * 2)
            file.write(np.ascontiguousarray(mel, np.float16).tobytes())
            file.truncate()
            file.flush()
            os.fsync(file.fileno())
        self._note({"key": key, "start": start, "frames": len(mel)})
        self._places[key] = (start, len(mel))
        self._frames = None

    def compute(self, paths: Iterable[Path], processes: int) -> Iterator[Path]:
        """Read those of some files that are not here yet.

        Parameters
        ----------
        paths : iterable of Path
        processes : int
            How many files at once.

        Yields
        ------
        Path
            Each file when it is done, or found to be unreadable: see `error`.
        """
        due = [path for path in paths if (key := key_of(path)) not in self._places and key not in self._errors]
        if not due:
            return
        with ProcessPoolExecutor(min(processes, len(due)), get_context("spawn")) as pool:
            waiting: Sequence[Path] = due
            running: dict[Future[NDArray[np.float16]], Path] = {}
            while waiting or running:
                # A few ahead, so that finished spectrograms do not pile up in memory.
                room = 2 * processes - len(running)
                running |= {pool.submit(_decibels, path): path for path in waiting[:room]}
                waiting = waiting[room:]
                future = next(as_completed(running))
                path = running.pop(future)
                try:
                    self.append(key_of(path), future.result())
                except UnreadableAudio as error:
                    self._errors[key_of(path)] = str(error)
                    self._note({"key": key_of(path), "error": str(error)})
                yield path

    def _note(self, entry: dict[str, object]) -> None:
        with self._index.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")


def key_of(path: Path) -> str:
    """A recording's key: another file at the same place has another."""
    status = path.stat()
    return f"{path.resolve()}:{status.st_size}:{status.st_mtime_ns}"


def decibels(power: NDArray[np.float32]) -> NDArray[np.float16]:
    """A power spectrogram, shape (96, n), as it is stored: shape (n, 96), decibels."""
    return _DECIBELS(power).T.astype(np.float16)


def _decibels(path: Path) -> NDArray[np.float16]:
    """The whole of a file, piece by piece, so that memory does not depend on the samples' number."""
    total_s = probe(path).duration_s
    # A whole number of hops, so that the pieces' frames stand where the whole's would.
    hops = int(_PIECE_S * SAMPLE_RATE) // HOP
    pieces = []
    for first in range(0, int(total_s * SAMPLE_RATE) // HOP + 1, hops):
        samples = decode(path, first * HOP / SAMPLE_RATE, hops * HOP / SAMPLE_RATE, SAMPLE_RATE)
        if samples.size:
            pieces.append(decibels(power_mel(samples)[:, : -(-samples.size // HOP)]))
    if not pieces:
        raise UnreadableAudio("no sound in it")
    return np.concatenate(pieces)
