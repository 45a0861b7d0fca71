"""How composed music sounds: in tune, clean, and each kind apart from the others."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

from composer.mixing import LOUDNESS, loudness
from composer.styles import compose
from composer.synthesis.strings import pluck
from composer.synthesis.waves import RATE, Signal, oscillator
from tests.composer.music import SECONDS, short

pytestmark = pytest.mark.long

# Quick to render, and as different as can be.
STYLES_COMPARED = ("ambient", "piano ballad", "metal", "techno", "chiptune", "folk", "choral", "jazz")


@pytest.fixture(scope="module")
def recordings() -> Mapping[str, Signal]:
    return {style: short(style) for style in STYLES_COMPARED}


def test_loudness_is_measured_as_the_recommendation_says() -> None:
    sine = np.sin(2.0 * np.pi * 997.0 * np.arange(5 * RATE) / RATE).astype(np.float32)
    both = np.stack([sine, sine])
    assert loudness(both) == pytest.approx(0.0, abs=0.05)
    assert loudness(both * np.float32(10.0 ** (-23.0 / 20.0))) == pytest.approx(-23.0, abs=0.05)
    assert loudness(np.stack([sine, 0.0 * sine])) == pytest.approx(-3.01, abs=0.05)
    assert loudness(np.zeros((2, RATE), dtype=np.float32)) == -70.0


@pytest.mark.parametrize("hz", [41.2, 82.4, 196.0, 440.0, 987.8])
@pytest.mark.parametrize("damping", [0.3, 3.0])
def test_plucked_strings_are_in_tune(hz: float, damping: float) -> None:
    sound = pluck(hz, 3.0, 0.5, damping, 5.0, 0.2, np.random.default_rng(1))
    size = 1 << 19
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(sound.size), size))
    around = np.arange(int(hz * 0.96 * size / RATE), int(hz * 1.04 * size / RATE))
    heard = around[np.argmax(spectrum[around])] * RATE / size
    assert abs(1200.0 * np.log2(heard / hz)) < 3.0


@pytest.mark.parametrize("shape", ["saw", "square", "triangle", "pulse 0.25", "brass", "drawbars 888000008"])
def test_oscillators_do_not_fold_back(shape: str) -> None:
    n = RATE
    power = np.abs(np.fft.rfft(oscillator(shape, 1_500.0, n) * np.hanning(n))) ** 2
    harmonics = np.arange(750, n // 2, 750)  # those of the octave below too: an organ's 16' drawbar
    near = np.zeros(power.size, dtype=bool)
    for place in harmonics:
        near[place - 4 : place + 5] = True
    assert power[~near].sum() < 1e-6 * power.sum()


def test_recordings_are_clean(recordings: Mapping[str, Signal]) -> None:
    for style, sound in recordings.items():
        assert sound.dtype == np.float32, style
        assert sound.shape == (2, round(SECONDS * RATE)), style
        assert np.isfinite(sound).all(), style
        assert np.abs(sound).max() < 0.9, style
        assert loudness(sound) == pytest.approx(LOUDNESS, abs=0.5), style
        assert np.abs(sound.mean(axis=1)).max() < 1e-4, style
        assert np.abs(sound[:, :4]).max() < 1e-2, style
        assert np.abs(sound[:, -4:]).max() < 1e-3, style


def test_recordings_are_stereo(recordings: Mapping[str, Signal]) -> None:
    for style, (left, right) in recordings.items():
        assert 0.3 < np.corrcoef(left, right)[0, 1] < 0.999, style
        assert abs(10.0 * np.log10((left**2).mean() / (right**2).mean())) < 3.0, style


def _features(sound: Signal) -> NDArray[np.float64]:
    """Logarithms of: middle of the spectrum, power in five bands, how uneven the loudness is, how often it jumps."""
    mono = sound.mean(axis=0).astype(np.float64)
    frames = np.lib.stride_tricks.sliding_window_view(mono, 2_048)[::1_024] * np.hanning(2_048)
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2 + 1e-9
    hz = np.fft.rfftfreq(2_048, 1.0 / RATE)
    middle = np.median((np.sqrt(power) * hz).sum(axis=1) / np.sqrt(power).sum(axis=1))
    edges = (0.0, 120.0, 500.0, 2_000.0, 6_000.0, 22_050.0)
    bands = [power[:, (hz >= a) & (hz < b)].sum() for a, b in itertools.pairwise(edges)]
    level = np.log(power.sum(axis=1))
    rises = np.maximum(np.diff(np.log(power), axis=0), 0.0).mean(axis=1)
    return np.asarray(
        [
            2.0 * np.log(middle),
            *(0.5 * np.log(np.asarray(bands) / sum(bands))),
            2.0 * np.log(level.std()),
            3.0 * np.log(rises.mean()),
        ]
    )


def test_kinds_can_be_told_apart_with_eyes_closed(recordings: Mapping[str, Signal]) -> None:
    """Two pieces of one kind are closer than two of different kinds."""
    first = {style: _features(sound) for style, sound in recordings.items()}
    second = {style: _features(short(style, 2)) for style in ("techno", "metal", "folk", "ambient")}
    for style, features in second.items():
        distances = {other: np.linalg.norm(features - heard) for other, heard in first.items()}
        assert min(distances, key=distances.__getitem__) == style, distances
    kinds = list(first)
    for place, style in enumerate(kinds):
        for other in kinds[place + 1 :]:
            assert np.linalg.norm(first[style] - first[other]) > 1.0, (style, other)


def test_kinds_differ_as_they_should(recordings: Mapping[str, Signal]) -> None:
    middle = {style: _features(sound)[0] for style, sound in recordings.items()}
    bass = {style: _features(sound)[1] for style, sound in recordings.items()}
    attacks = {style: _features(sound)[-1] for style, sound in recordings.items()}
    assert max(middle, key=middle.__getitem__) == "metal"
    assert bass["techno"] > max(bass["folk"], bass["choral"], bass["piano ballad"])
    assert max(attacks["ambient"], attacks["choral"]) < min(attacks["techno"], attacks["chiptune"], attacks["jazz"])


@pytest.mark.parametrize("style", ["house", "metal"])
def test_the_beat_that_is_tagged_is_the_beat_that_was_written(style: str) -> None:
    score = compose(style, 1)
    mono = short(style).mean(axis=0).astype(np.float64)
    hop = 512
    envelope = np.sqrt(np.add.reduceat(mono**2, np.arange(0, mono.size, hop)))
    rises = np.maximum(np.diff(envelope), 0.0)
    rises -= rises.mean()
    echoes = np.correlate(rises, rises, "full")[rises.size :]
    beat = 60.0 / score.tempo * RATE / hop
    at_beat = max(echoes[round(beat * 2) - 3 : round(beat * 2) + 2])
    between = max(echoes[round(beat * 2.37) - 2 : round(beat * 2.37) + 2])
    assert at_beat > 3.0 * max(between, 0.0)


def test_the_same_seed_gives_the_same_samples_and_another_seed_another_piece() -> None:
    first, second, other = (short("chiptune", seed, 5.0) for seed in (1, 1, 2))
    assert np.array_equal(first, second)
    assert not np.allclose(first, other, atol=1e-2)


def test_the_demo_library_sounds_the_same_everywhere() -> None:
    """Loudness of each second, in dB, as it was on another machine."""
    sound = short("folk", 1, 8.0)
    seconds = 10.0 * np.log10((sound.reshape(2, 8, RATE) ** 2).mean(axis=(0, 2)))
    assert seconds == pytest.approx([-16.7, -16.7, -16.3, -17.5, -15.4, -15.7, -14.9, -20.8], abs=0.1)
