"""What networks are given of an audio file, made in a process that can be ended. No Django.

Some kilobytes may ask to be decoded for days, and a thread cannot be ended. So a file is decoded, and its spectrograms
are made, in a helper process (`catalog.limited`) under limits that grow with the file's bytes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalog import limited
from catalog.audio_frames import UnreasonableAudio
from catalog.audio_lengths import probe
from catalog.file_parts import file_of
from catalog.limited import LimitExceededError, Limits

from .mel_bands import mel_spectrogram, middle_samples, song_windows
from .patches import Patches, song_patches

CPU_S = 5.0
"""Processor time of any file; an honest song of minutes takes a tenth of a second."""

BYTES_PER_CPU_S = 1_000_000
"""For so many bytes of a file it may take a second more: recordings of a day are honest too."""

MEMORY_BYTES = 300_000_000
"""What it may take beside what the helper has already."""

_PATIENCE_S = 60.0
# A disk may be slow, and a machine busy with other work.
_WALL_PER_CPU = 4.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which inputs are made of a file.

    Attributes
    ----------
    windows : bool
        Those of `frontend.song_windows`.
    patches : collection of Patches
        Those of `patches.song_patches` for each.
    middle : bool
        The spectrogram of its middle, `frontend.mel_spectrogram`.
    """

    windows: bool = False
    patches: Collection[Patches] = ()
    middle: bool = False


@dataclass(frozen=True, slots=True)
class Inputs:
    """What was made of a file, each a power mel spectrogram that is not scaled.

    Attributes
    ----------
    windows : float32, shape (n, 96, length)
        Empty where they are not wanted.
    patches : mapping of Patches to float32, shape (n, 96, frames)
    middle : float32, shape (96, 1366)
        Empty where it is not wanted.
    """

    windows: NDArray[np.float32]
    middle: NDArray[np.float32]
    patches: Mapping[Patches, NDArray[np.float32]] = field(default_factory=dict)


def inputs_of(path: str | PathLike[str], wanted: Wanted) -> Inputs:
    """The inputs of an audio file, made under limits.

    Raises
    ------
    UnreasonableAudio
        If it takes more time or memory than a file of its size may.
    UnreadableAudio
        If the file cannot be read.
    """
    path = Path(path).absolute()
    try:
        return limited.call(_limits(path), read_inputs, path, wanted)
    except LimitExceededError as error:
        raise UnreasonableAudio(str(error)) from error


def read_inputs(path: Path, wanted: Wanted) -> Inputs:
    """The same, made in this process without limits."""
    duration_s = probe(path).duration_s
    nothing = np.empty(0, np.float32)
    return Inputs(
        windows=song_windows(path, duration_s) if wanted.windows else nothing,
        middle=mel_spectrogram(middle_samples(path, duration_s)) if wanted.middle else nothing,
        patches={one: song_patches(path, duration_s, one) for one in wanted.patches},
    )


def _limits(path: Path) -> Limits:
    try:
        size = Path(file_of(str(path))).stat().st_size
    except OSError:
        # Opening it says what is the matter.
        size = 0
    cpu_s = CPU_S + size / BYTES_PER_CPU_S
    return Limits(cpu_s=cpu_s, memory_bytes=MEMORY_BYTES, wall_s=_PATIENCE_S + _WALL_PER_CPU * cpu_s)
