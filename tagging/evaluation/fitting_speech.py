"""Fitting what tells speech from music (`tagging.frontend.sound`), and counting what is taken for what.

    python -m tagging.evaluation.fitting_speech --speech FOLDER --music FOLDER...

writes `tagging/frontend/speech.json` anew: logistic regression of a few measures of spectrograms, speech and music
counting alike. Every folder in the first one holds recordings of one voice; all of the others is music, but for what is
called like a recording of the first. The counts that are printed are of recordings whose voice, or fold of the music,
had no part in the fit.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from catalog.audio_frames import UnreadableAudio
from catalog.audio_lengths import probe
from tagging.frontend import mel_bands, patches
from tagging.frontend.mel_bands import song_windows
from tagging.frontend.patches import Patches, song_patches
from tagging.frontend.sound import MEASURES, NOTHING, SpeechNumbers, noise_share, speech_measures, without_music
from tagging.taggers.atomic_write import atomic_write
from tagging.training.sources import audio_files

Floats = NDArray[np.float64]

_HELD = 0.05
_FOLDS = 6
_THRESHOLD = 2.1
_SMALLEST_POWER = 1e-10
# What musicnn hears.
_PATCHES = Patches("slaney", 187, 10)


def spectrograms(path: Path) -> list[tuple[NDArray[np.float32], int]]:
    """What taggers hear of a file, and at which sample rate: the bundled one, and the published ones.

    Raises
    ------
    UnreadableAudio
        If the file cannot be read.
    """
    duration_s = probe(path).duration_s
    return [
        (song_windows(path, duration_s), mel_bands.SAMPLE_RATE),
        (song_patches(path, duration_s, _PATCHES), patches.SAMPLE_RATE),
    ]


def measured(mel: NDArray[np.float32], sample_rate: int) -> Floats | None:
    """The measures of a spectrogram; None where it is silent, or too short to tell."""
    decibels = 10 * np.log10(np.maximum(mel, _SMALLEST_POWER))
    level = 10 * np.log10(np.maximum(mel.sum(axis=1), _SMALLEST_POWER))
    return None if NOTHING in without_music(mel, sample_rate) else speech_measures(decibels, level, sample_rate)


def fit_speech(measures: Floats, spoken: NDArray[np.bool_]) -> SpeechNumbers:
    """Fit the function that tells speech.

    Parameters
    ----------
    measures : float64, shape (n, 7)
    spoken : bool, shape (n,)
        Some of both.
    """
    mean, deviation = measures.mean(axis=0), measures.std(axis=0) + 1e-6
    features = np.column_stack([(measures - mean) / deviation, np.ones(len(measures))])
    sign = np.where(spoken, 1.0, -1.0)
    count = np.where(spoken, 0.5 / spoken.sum(), 0.5 / (~spoken).sum()) * spoken.sum()

    def loss(numbers: Floats) -> tuple[float, Floats]:
        margin = sign * (features @ numbers)
        held = np.append(numbers[:-1], 0.0)
        value = float((count * np.logaddexp(0.0, -margin)).sum() + _HELD * (held**2).sum())
        return value, -features.T @ (count * sign * expit(-margin)) + 2 * _HELD * held

    found = minimize(loss, np.zeros(features.shape[1]), jac=True, method="L-BFGS-B")
    return SpeechNumbers(mean, deviation, found.x[:-1], float(found.x[-1]), _THRESHOLD)


def held_out_scores(measures: Floats, spoken: NDArray[np.bool_], groups: Sequence[str]) -> Floats:
    """The score of each recording by a fit without its group, shape (n,)."""
    of_groups = np.array(groups)
    scores = np.empty(len(measures))
    for group in dict.fromkeys(groups):
        left = of_groups == group
        fitted = fit_speech(measures[~left], spoken[~left])
        scores[left] = [fitted.score(one) for one in measures[left]]
    return scores


def report(measures: Floats, spoken: NDArray[np.bool_], groups: Sequence[str], names: Sequence[str]) -> str:
    """How many recordings that had no part in the fit are taken for speech, and which music comes nearest to it."""
    scores = held_out_scores(measures, spoken, groups)
    taken = scores >= _THRESHOLD
    nearest = np.flatnonzero(~spoken)[np.argsort(-scores[~spoken])[:3]]
    return "\n".join(
        [
            f"speech: {np.count_nonzero(taken & spoken)} of {np.count_nonzero(spoken)} are taken for speech; the least "
            f"sure has {scores[spoken].min():.2f}, and {_THRESHOLD} is enough",
            f"music: {np.count_nonzero(taken & ~spoken)} of {np.count_nonzero(~spoken)} are taken for speech; nearest "
            f"are {', '.join(f'{names[row]} ({scores[row]:.2f})' for row in nearest)}",
        ]
    )


def main() -> None:
    """Fit anew what tells speech from music, and print how well it does."""
    parser = argparse.ArgumentParser(prog="python -m tagging.evaluation.fitting_speech", description=main.__doc__)
    parser.add_argument("--speech", type=Path, required=True, help="a folder with a folder for each voice")
    parser.add_argument("--music", nargs="+", type=Path, required=True, help="folders of music")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent.parent / "frontend" / "speech.json")
    arguments = parser.parse_args()
    voices = [(file, True, file.parent.name) for file in audio_files(arguments.speech, print)]
    spoken_names = {file.name for file, _, _ in voices}
    songs = [file for folder in arguments.music for file in audio_files(folder, print) if file.name not in spoken_names]
    everything = voices + [(file, False, f"fold {place % _FOLDS}") for place, file in enumerate(songs)]
    rows: list[tuple[Floats, bool, str, str]] = []
    silent = 0
    for file, speaks, group in everything:
        try:
            of_file = [measured(mel, rate) for mel, rate in spectrograms(file)]
        except UnreadableAudio as error:
            parser.exit(1, f"{file}: {error}\n")
        silent += any(one is None for one in of_file)
        rows += [(one, speaks, group, file.name) for one in of_file if one is not None]
    measures, spoken = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    print(f"{len(everything)} recordings, each as two networks hear it; {silent} are silence or noise")
    print(report(measures, spoken, [row[2] for row in rows], [row[3] for row in rows]))
    about = {"voices": len({group for _, speaks, group in everything if speaks}), "songs": len(songs)}
    with atomic_write(arguments.output) as draft:
        draft.write(fit_speech(measures, spoken).written(about).encode())


__all__ = ["MEASURES", "fit_speech", "held_out_scores", "main", "measured", "noise_share", "report", "spectrograms"]

if __name__ == "__main__":
    main()
