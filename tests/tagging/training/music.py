"""A small collection of real audio files with audible labels: pitch, noise, pulse."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import soundfile as sf

from tests.audio import tag

RATE = 12_000


def write_music(folder: Path, n: int = 16, seconds: float = 3.0) -> Path:
    """Write `n` recordings by `n / 2` artists, and a table of their labels.

    Returns
    -------
    Path
        The table: file, labels. The artists are in the files' tags.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number in range(n):
        rng = np.random.default_rng(number)
        low, noisy = number % 2 == 0, number % 4 < 2
        moments = np.arange(round(seconds * RATE)) / RATE
        samples = 0.3 * np.sin(2 * np.pi * (150 if low else 2500) * (1 + 0.1 * rng.random()) * moments)
        if noisy:
            samples += 0.1 * rng.standard_normal(moments.size)
        name = f"{number:03d}.flac"
        sf.write(folder / name, samples, RATE)
        tag(folder / name, artist=f"Artist {number // 2}")
        labels = ["low" if low else "high", *(["noisy"] if noisy else [])]
        rows.append([name, ";".join(labels)])
    table = folder / "labels.csv"
    with table.open("w", newline="") as file:
        csv.writer(file).writerows([["file", "labels"], *rows])
    return table
