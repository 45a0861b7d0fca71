"""How fast the recommended networks label songs, beside the plain way.

    python -m benchmarks.published [--audio FOLDER] [--songs N]

Songs of three minutes, made of recordings of the folder again and again, as MP3 and Ogg Vorbis; of those networks that
are installed both musicnn together, and the three FCN together. Both ways take turns on each song: the worker's own
(patches from all over the song sought and decoded by themselves, networks in half precision where the processor is fast
at it), and the plain one (librosa decodes the whole file and computes its spectrogram, and the networks hear the same
patches in single precision, musicnn's filters as convolutions). What is counted is the processor's time, also that of
the helpers that decode, so that it says the same on a busy machine; songs a second are for as many cores as there are.
Beside it stands how many songs a second it was by the clock, a thread a core. Last, the peak memory of a fresh process
that labels the songs with the bundled tagger alone, with each of these sets, and with every recommended network that is
installed, a thread a core. What is being measured is told on standard error.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from itertools import chain, cycle
from pathlib import Path
from unittest.mock import patch

import librosa
import numpy as np
import soundfile as sf
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from catalog.audio import decode
from catalog.audio_lengths import probe
from tagging.frontend.patches import SAMPLE_RATE
from tagging.networks import published_networks
from tagging.networks.inference import PatchTagger, n_cores, predict_file
from tagging.networks.musicnn import Musicnn
from tagging.taggers import registry
from tagging.taggers.recommended import recommended

from .tagging import core_seconds, fresh_process, tag, tell

SETS = (("musicnn-msd", "musicnn-mtt"), ("fcn-msd", "fcn-mtt", "fcn-jamendo"))
THREE_MINUTES_S = 180.0
_RATE = 44_100
# libsndfile's Vorbis encoder overflows its stack on more.
_AT_ONCE = 1 << 14
_SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "data"


def three_minutes(recordings: Sequence[Path], folder: Path, n: int) -> list[Path]:
    """Songs of three minutes, every other one as MP3."""
    songs = []
    turns = cycle(recordings)
    for number in range(n):
        parts: list[NDArray[np.float32]] = []
        while sum(map(len, parts)) < THREE_MINUTES_S * _RATE:
            recording = next(turns)
            parts.append(decode(recording, 0.0, min(probe(recording).duration_s, THREE_MINUTES_S), _RATE))
        path = folder / f"{number}.{'mp3' if number % 2 else 'ogg'}"
        samples = np.concatenate(parts)[: int(THREE_MINUTES_S * _RATE)]
        with sf.SoundFile(path, "w", _RATE, 1) as file:
            for first in range(0, len(samples), _AT_ONCE):
                file.write(samples[first : first + _AT_ONCE])
        songs.append(path)
    return songs


class PlainMusicnn(Musicnn):
    """The same network with its filters as convolutions."""

    def _filters(self, mel: Tensor) -> Tensor:
        weights, image = self._weights, mel[:, None]
        answers = []
        for kernel, bias, (scale, shift) in chain(weights.timbre, weights.tempo):
            if kernel.ndim == 2:
                frames = kernel.shape[1]
                padded = functional.pad(image, ((frames - 1) // 2, frames // 2))
                convolved = functional.conv2d(padded, kernel[:, None, None], bias)
            else:
                convolved = functional.conv2d(functional.pad(image, (3, 3)), kernel[:, None], bias)
            normalized = functional.relu(convolved) * scale[:, None, None] + shift[:, None, None]
            answers.append(normalized.amax(dim=2))
        return torch.cat(answers, dim=1)


def predict_plainly(path: Path, taggers: Sequence[PatchTagger]) -> None:
    """Label a file the plain way."""
    samples, _ = librosa.load(path, sr=SAMPLE_RATE)
    for tagger in taggers:
        slaney = tagger.patches.mel == "slaney"
        power = librosa.feature.melspectrogram(
            y=samples,
            sr=SAMPLE_RATE,
            n_fft=512,
            hop_length=256,
            n_mels=96,
            htk=not slaney,
            norm="slaney" if slaney else None,
        ).astype(np.float32)
        starts = tagger.patches.starts(power.shape[1])
        tagger.predict_song(np.stack([power[:, start : start + tagger.patches.frames] for start in starts]))


def load(names: Sequence[str], plain: bool) -> list[PatchTagger]:
    """Networks as the worker has them, or in single precision and with musicnn's filters as convolutions."""
    if not plain:
        loaded = [registry.load(name) for name in names]
    else:
        with (
            patch.object(published_networks, "half_where_fast", lambda: torch.float32),
            patch("tagging.networks.musicnn.Musicnn", PlainMusicnn),
        ):
            loaded = [registry.load(name) for name in names]
    return [tagger for tagger in loaded if isinstance(tagger, PatchTagger)]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.published", description=main.__doc__)
    parser.add_argument("--audio", type=Path, default=_SHARED / "audio")
    parser.add_argument("--songs", type=int, default=6)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    here = set(registry.installed())
    recordings = sorted(file for file in arguments.audio.iterdir() if file.is_file())
    with tempfile.TemporaryDirectory(prefix="dcmrs-published-") as folder:
        tell(f"making {arguments.songs} songs of three minutes")
        songs = three_minutes(recordings, Path(folder), arguments.songs)
        for names in SETS:
            if not here.issuperset(names):
                print(f"{', '.join(names)}: not all are installed")
                continue
            ours, plain = load(names, plain=False), load(names, plain=True)
            predict_file(songs[0], ours)
            predict_plainly(songs[0], plain)
            spent = np.zeros(2)
            for number, song in enumerate(songs):
                tell(f"{', '.join(names)}: song {number + 1} of {len(songs)}, both ways")
                spent += (
                    core_seconds(partial(predict_file, song, ours)),
                    core_seconds(partial(predict_plainly, song, plain)),
                )
            mine, theirs = spent / len(songs)
            tag(songs, ours)
            began = time.perf_counter()
            tag(songs, ours)
            by_clock = len(songs) / (time.perf_counter() - began)
            print(
                f"{', '.join(names)}: {1000 * mine:.0f} ms of a core a song of three minutes, "
                f"{n_cores() / mine:.1f} songs a second on {n_cores()} cores, {by_clock:.1f} by the clock; "
                f"plainly {1000 * theirs:.0f} ms, {theirs / mine:.1f} times as long",
                flush=True,
            )
        every = tuple(tagger.name for tagger in recommended() if tagger.name in here)
        sets: list[Sequence[str]] = [("dcmrs",), *(names for names in SETS if here.issuperset(names)), every]
        for together in sets:
            tell(f"{', '.join(together)}: memory of a fresh process")
            peak_mb, _ = fresh_process(songs, together)
            print(f"{', '.join(together)}: peak memory {peak_mb:.0f} MB", flush=True)


if __name__ == "__main__":
    main()
