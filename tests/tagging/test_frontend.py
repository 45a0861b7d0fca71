"""From files to mel spectrograms, against librosa."""

from __future__ import annotations

from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile as sf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from catalog.audio_frames import UnreadableAudio
from tagging.frontend.mel_bands import (
    HOP,
    N_FFT,
    N_FRAMES,
    N_MELS,
    N_SAMPLES,
    SAMPLE_RATE,
    Scaling,
    mel_filters,
    mel_spectrogram,
    middle_samples,
)
from tests.audio import write_tone


def noise(n: int = N_SAMPLES) -> NDArray[np.float32]:
    return np.random.default_rng(3).normal(0.0, 0.1, n).astype(np.float32)


def test_the_filters_are_librosas() -> None:
    theirs = librosa.filters.mel(sr=SAMPLE_RATE, n_fft=N_FFT, n_mels=N_MELS, htk=False, norm="slaney")
    assert np.abs(mel_filters() - theirs).max() < 1e-8


@pytest.mark.parametrize("loudness", [1e-5, 0.1, 10.0])
def test_the_spectrogram_is_librosas(loudness: float) -> None:
    samples = np.float32(loudness) * noise()
    mel = mel_spectrogram(samples)
    theirs = librosa.feature.melspectrogram(y=samples, sr=SAMPLE_RATE, n_fft=N_FFT, hop_length=HOP, n_mels=N_MELS)
    assert mel.shape == (N_MELS, N_FRAMES) == (96, 1366)
    assert mel.dtype == np.float32
    assert np.abs(mel / theirs - 1).max() < 1e-4


def test_what_is_shorter_is_repeated_until_it_fills_the_spectrogram() -> None:
    samples = noise(50_000)
    whole = np.concatenate([samples] * 7)[:N_SAMPLES]
    assert np.array_equal(mel_spectrogram(samples), mel_spectrogram(whole))
    assert not mel_spectrogram(samples[:0]).any()


@pytest.mark.parametrize("shape", [(N_SAMPLES + 1,), (2, 1000)])
def test_more_than_one_song_of_29_seconds_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="samples must have shape"):
        mel_spectrogram(np.zeros(shape, np.float32))


def test_the_middle_of_a_long_file_is_tagged(tmp_path: Path) -> None:
    """Against librosa on the whole file."""
    samples = noise(100 * 22050)
    sf.write(tmp_path / "long.flac", samples, 22050)
    whole, _ = librosa.load(tmp_path / "long.flac", sr=SAMPLE_RATE)
    start = (len(whole) - N_SAMPLES) // 2
    middle = middle_samples(tmp_path / "long.flac")
    assert middle.shape == (N_SAMPLES,)
    assert np.abs(middle - whole[start : start + N_SAMPLES]).max() < 1e-4


def test_all_of_a_short_file_is_tagged(tmp_path: Path) -> None:
    assert middle_samples(write_tone(tmp_path / "short.wav", seconds=1.0)).shape == (SAMPLE_RATE,)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableAudio):
        middle_samples(tmp_path / "nowhere.ogg")


# --- Scaling ------------------------------------------------------------------------------------

POWERS = hnp.arrays(np.float32, (3, 5, 7), elements=st.floats(0.0, float(np.float32(1e8)), width=32))


@settings(max_examples=50)
@given(POWERS)
def test_the_scaling_of_mtg_jamendo(mel: NDArray[np.float32]) -> None:
    expected = 10 * np.log10(np.maximum(2 * mel.astype(np.float64), 1e-10))
    assert np.abs(Scaling(factor=2.0)(mel) - expected).max() < 1e-3


@settings(max_examples=50)
@given(POWERS)
def test_the_scaling_of_the_million_song_dataset_is_librosas_song_by_song(mel: NDArray[np.float32]) -> None:
    scaled = Scaling(exponent=2.0, top_db=80.0)(mel)
    for song, expected in zip(scaled, mel.astype(np.float64), strict=True):
        assert np.abs(song - librosa.power_to_db(expected**2, ref=1.0, top_db=80.0)).max() < 1e-3


def test_scaling_leaves_its_input_as_it_was() -> None:
    mel = noise(96 * 10).reshape(96, 10) ** 2
    before = mel.copy()
    Scaling(exponent=2.0, top_db=80.0)(mel)
    assert np.array_equal(mel, before)
