"""Whether a recording is music at all: networks that know only music find some in silence, in noise and in speech too.

Three things are told from a power mel spectrogram, before any network is asked. *Silence*: no frame comes near what
can be heard. *Noise*: in nearly every band the level moves about as much as chance alone moves it, whatever all bands
do together (rain, waves, hiss; a note stands still, a beat leaps). *Speech*: its tones glide and its vowels change
several times a second, so that what stands out in a frame is elsewhere a tenth of a second later, and there is no bass
under it. How far, is a linear function of a few such measures; `tagging.evaluation.fitting_speech` fits it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .mel_bands import HOP, mel_filters

Floats = NDArray[np.float64]

MEL = "slaney"
"""The mel filterbank of the spectrograms that it is told from."""

SPOKEN, NOTHING = "spoken word", "no music heard"
KINDS = {SPOKEN: "vocals", NOTHING: "other"}
"""What such a recording is labelled with, and of which kind the labels are."""

MEASURES = ("steady over 0.1 s", "steady over 0.25 s", "deepest", "bass", "treble", "centre spreads", "centre moves")
"""What `speech_measures` measures."""

# A full-scale tone has 29 dB: frames that are 60 dB below it are silent.
_SILENT_DB = -31.0
_SMALLEST_POWER = 1e-10
# Frames count that are at most so far below the loud ones; below that, spectra are of what the codec left.
_WITHIN_DB = 50.0
_HEARD_DB = 40.0
# Noise: from which share of the bands on, and how far a band's deviation may lie from that of noise.
_NOISE_FROM = 0.96
_LIKE_NOISE = (0.75, 1.3)
# Hann windows correlate the powers of bins that lie one and two apart so much.
_CORRELATED = ((0, 1.0), (1, 4 / 9), (2, 1 / 36))
_DEEPEST, _BASS, _TREBLE = 3, 5, 60
_FINE_BANDS = 9
_FEWEST_FRAMES = 32


def without_music(mel: NDArray[np.float32], sample_rate: int) -> dict[str, float]:
    """What a recording is labelled with that is no music, and how probable that is; nothing for music.

    Parameters
    ----------
    mel : float32, shape (n, 96, n_frames)
        Power mel spectrograms of places all over it, 96 Slaney bands up to half the sample rate, not scaled.
    sample_rate : int
        Hertz.
    """
    decibels = 10 * np.log10(np.maximum(mel, _SMALLEST_POWER))
    level = 10 * np.log10(np.maximum(mel.sum(axis=1), _SMALLEST_POWER))
    if level.max() < _SILENT_DB:
        return {NOTHING: 1.0}
    if (share := noise_share(decibels, level, sample_rate)) >= _NOISE_FROM:
        return {NOTHING: share}
    if (measures := speech_measures(decibels, level, sample_rate)) is None:
        return {}
    from scipy.special import expit

    numbers = speech()
    score = numbers.score(measures)
    return {SPOKEN: float(expit(score))} if score >= numbers.threshold else {}


def noise_share(decibels: NDArray[np.floating], level: NDArray[np.floating], sample_rate: int) -> float:
    """In which share of the bands the level moves as that of noise does, from 0 to 1.

    Parameters
    ----------
    decibels : float, shape (n, 96, n_frames)
    level : float, shape (n, n_frames)
        Decibels, over all bands.
    sample_rate : int
        Hertz.
    """
    deviations = []
    for place, loud in zip(decibels, level > _loud(level) - _WITHIN_DB, strict=True):
        if np.count_nonzero(loud) >= _FEWEST_FRAMES:
            # What all bands do together, waves and rain do as well.
            apart = place[:, loud] - place[:, loud].mean(axis=0)
            deviations.append(apart.std(axis=1))
    if not deviations:
        return 0.0
    ratio = np.median(deviations, axis=0) / _noise_deviation(sample_rate)
    return float(((ratio > _LIKE_NOISE[0]) & (ratio < _LIKE_NOISE[1])).mean())


def speech_measures(decibels: NDArray[np.floating], level: NDArray[np.floating], sample_rate: int) -> Floats | None:
    """How a recording's spectrum moves and where its power lies: `MEASURES`, shape (7,).

    Parameters
    ----------
    decibels : float, shape (n, 96, n_frames)
    level : float, shape (n, n_frames)
        Decibels, over all bands.
    sample_rate : int
        Hertz.

    Returns
    -------
    float64, shape (7,), or None
        None where there is too little of it.
    """
    loud = _loud(level)
    heard, within = level > loud - _HEARD_DB, level > loud - _WITHIN_DB
    steady = [_steadiness(decibels, heard, loud, round(seconds * sample_rate / HOP)) for seconds in (0.1, 0.25)]
    # A twentieth of a second: from one sound of a word to the next.
    step = max(round(0.05 * sample_rate / HOP), 1)
    both = heard[:, step:] & heard[:, :-step]
    if np.isnan(steady).any() or np.count_nonzero(both) < _FEWEST_FRAMES:
        return None
    power = 10.0 ** (np.maximum(decibels, loud - _WITHIN_DB) / 10.0)
    centre = (power * np.arange(power.shape[1])[:, np.newaxis]).sum(axis=1) / power.sum(axis=1)
    of_bands = np.moveaxis(power, 1, 0)[:, within].sum(axis=1)
    parts = (of_bands[:_DEEPEST], of_bands[:_BASS], of_bands[_TREBLE:])
    shares = [10 * np.log10(part.sum() / of_bands.sum()) for part in parts]
    moves = np.abs(centre[:, step:] - centre[:, :-step])[both].mean()
    return np.array([*steady, *shares, centre[within].std(), moves])


def _loud(level: NDArray[np.floating]) -> float:
    """The level that one frame in twenty exceeds; what lies before and after a recording does not count."""
    return float(np.percentile(level[level > _SILENT_DB], 95))


def _steadiness(decibels: NDArray[np.floating], heard: NDArray[np.bool_], loud: float, apart: int) -> float:
    """The mean correlation of what stands out in the spectrum with that some frames later; NaN without such frames."""
    from scipy.ndimage import uniform_filter1d

    levels = np.maximum(decibels, loud - _WITHIN_DB - 10.0)
    fine = levels - uniform_filter1d(levels, _FINE_BANDS, axis=1, mode="nearest")
    before, after = fine[..., :-apart], fine[..., apart:]
    together = heard[:, :-apart] & heard[:, apart:]
    if not together.any():
        return float("nan")
    lengths = np.sqrt((before**2).sum(axis=1) * (after**2).sum(axis=1) + 1e-6)
    correlations = (before * after).sum(axis=1) / lengths
    return float(correlations[together].mean())


@cache
def _noise_deviation(sample_rate: int) -> Floats:
    """By how many decibels chance moves the level of each band of white noise, shape (96,).

    The power of a band is a sum of exponentially distributed ones: as if of as many independent and equal ones as
    give its variance, a gamma distribution, whose logarithm has the trigamma function for its variance.
    """
    from scipy.special import polygamma

    weights = mel_filters(sample_rate).astype(np.float64)
    squares = sum(
        (1 if lag == 0 else 2) * correlation * (weights[:, lag:] * weights[:, : weights.shape[1] - lag]).sum(axis=1)
        for lag, correlation in _CORRELATED
    )
    independent = weights.sum(axis=1) ** 2 / squares
    deviation: Floats = 10 / np.log(10) * np.sqrt(polygamma(1, independent))
    return deviation


@dataclass(frozen=True, slots=True)
class SpeechNumbers:
    """The linear function that tells speech.

    Attributes
    ----------
    mean, deviation : float64, shape (7,)
        Of the measures, over what it was fitted to.
    weight : float64, shape (7,)
        Of each measure in standard deviations.
    bias : float
    threshold : float
        From which score on a recording is speech: higher than 0, because most of a library is music.
    """

    mean: Floats
    deviation: Floats
    weight: Floats
    bias: float
    threshold: float

    def score(self, measures: Floats) -> float:
        """The log-odds that a recording is speech, if as much of it were speech as music."""
        return float((measures - self.mean) / self.deviation @ self.weight + self.bias)

    def written(self, about: Mapping[str, object]) -> str:
        """The numbers as JSON, with what they were fitted to."""
        by_measure = {
            name: [round(float(part[place]), 4) for part in (self.mean, self.deviation, self.weight)]
            for place, name in enumerate(MEASURES)
        }
        content = {**about, "measures": by_measure, "bias": round(self.bias, 4), "threshold": self.threshold}
        return json.dumps(content, indent=1) + "\n"


@cache
def speech() -> SpeechNumbers:
    """The numbers of this program (`speech.json`)."""
    content = json.loads((Path(__file__).parent / "speech.json").read_text(encoding="utf-8"))
    mean, deviation, weight = np.array([content["measures"][name] for name in MEASURES]).T
    return SpeechNumbers(mean, deviation, weight, content["bias"], content["threshold"])
