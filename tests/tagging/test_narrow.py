"""What narrow files leave out above is made up; what has the whole band stays as it is."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tagging.frontend.narrow import first_missing, widened


def music(n_frames: int = 400) -> NDArray[np.float32]:
    """A spectrogram that falls by 0.45 dB a band, each frame louder or fainter as a whole."""
    generator = np.random.default_rng(5)
    level = -0.45 * np.arange(96)[:, np.newaxis] + generator.normal(0.0, 3.0, (1, n_frames))
    return (10 ** ((level + generator.normal(0.0, 1.0, (96, n_frames))) / 10)).astype(np.float32)


def without(mel: NDArray[np.float32], bands: slice) -> NDArray[np.float32]:
    narrow = mel.copy()
    narrow[..., bands, :] = 1e-12
    return narrow


def test_the_whole_band_stays_as_it_is() -> None:
    mel = music()
    assert first_missing(mel) is None
    assert widened(mel) is mel


@pytest.mark.parametrize("first", [45, 72, 90])
def test_missing_bands_come_back_as_loud_as_they_were(first: int) -> None:
    whole = music()
    narrow = without(whole, slice(first, None))
    again = widened(narrow)
    assert np.array_equal(again[: first - 2], whole[: first - 2])
    off = 10 * np.log10(again[first:].mean(axis=1) / whole[first:].mean(axis=1))
    assert np.abs(off).max() < 1.5
    assert np.array_equal(narrow, without(whole, slice(first, None)))


def test_what_is_added_moves_as_what_is_there() -> None:
    whole = music()
    again = widened(without(whole, slice(72, None)))
    assert np.corrcoef(np.log(again[80]), np.log(whole[60]))[0, 1] > 0.8


def test_a_gap_with_music_above_it_is_no_end() -> None:
    gap = without(music(), slice(60, 70))
    assert first_missing(gap) is None


def test_music_of_nothing_but_bass_stays_as_it_is() -> None:
    assert first_missing(without(music(), slice(20, None))) is None


def test_silence_stays_silent() -> None:
    silence = np.zeros((2, 96, 187), np.float32)
    assert not widened(silence).any()


def test_several_patches_of_one_recording_end_at_one_band() -> None:
    patches = np.stack([without(music(), slice(72, None)), np.full((96, 400), 1e-12, np.float32)])
    assert first_missing(patches) == 70
    assert widened(patches).shape == patches.shape
