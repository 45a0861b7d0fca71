"""The windows of a song that local taggers use: spread over all of it, and equal to the whole there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given
from hypothesis import strategies as st

from catalog.audio import decode
from catalog.audio_frames import UnreadableAudio
from catalog.audio_lengths import probe
from tagging.frontend.mel_bands import (
    FEWEST_FRAMES,
    HOP,
    N_WINDOWS,
    SAMPLE_RATE,
    WINDOW_FRAMES,
    power_mel,
    song_windows,
    windows_of,
)
from tagging.networks.inference import predict_file
from tagging.taggers import registry
from tagging.taggers.registry import LocalTagger
from tests.audio import write_long_silence, write_tone


@given(st.integers(1, 10_000_000))
def test_windows_lie_in_the_song_in_order_and_all_over_it(n_frames: int) -> None:
    starts, length = windows_of(n_frames)
    assert 1 <= starts.size <= N_WINDOWS
    assert (np.diff(starts) > 0).all()
    assert starts[0] >= 0
    assert starts[-1] + length <= max(n_frames, FEWEST_FRAMES)
    # No two windows are further from one another than two parts of the song.
    assert (np.diff(starts) <= n_frames / starts.size + 1).all()
    assert starts[0] <= n_frames / starts.size
    assert n_frames - starts[-1] - length <= n_frames / starts.size


def noise(seconds: float, path: Path) -> Path:
    """Noise whose loudness swells and falls, so that no moment sounds like another."""
    n = round(seconds * 24000)
    swell = 0.05 + 0.2 * np.abs(np.sin(np.arange(n) / 24000 / 7.0))
    path.parent.mkdir(parents=True, exist_ok=True)
    sf.write(path, (np.random.default_rng(6).normal(0.0, 1.0, n) * swell).astype(np.float32).clip(-1, 1), 24000)
    return path


@pytest.mark.parametrize("seconds", [0.2, 5.0, 29.0, 30.0, 200.0])
def test_each_window_is_what_the_whole_has_there(seconds: float, tmp_path: Path) -> None:
    path = noise(seconds, tmp_path / "noise.wav")
    windows = song_windows(path, probe(path).duration_s)
    starts, length = windows_of(-(-round(seconds * SAMPLE_RATE) // HOP))
    samples = decode(path, 0.0, seconds, SAMPLE_RATE)
    whole = power_mel(np.pad(samples, (0, (starts[-1] + length + 1) * HOP)))
    assert len(windows) == len(starts)
    for window, start in zip(windows, starts, strict=True):
        there = whole[:, start : start + window.shape[1]]
        assert np.allclose(window, there, rtol=1e-3, atol=1e-6 * whole.max()), start


def test_a_song_as_short_as_may_be_is_tagged(bundled: LocalTagger, tmp_path: Path) -> None:
    (predicted,) = predict_file(write_tone(tmp_path / "click.wav", seconds=0.05), [registry.load("dcmrs")])
    assert np.isfinite(predicted.probabilities).all()


def test_all_of_a_song_counts(bundled: LocalTagger, tmp_path: Path) -> None:
    """Two songs of two minutes, the same in their middle third."""
    tagger = registry.load("dcmrs")
    t = np.arange(120 * 8000) / 8000
    one = 0.4 * np.sin(2 * np.pi * 300 * t)
    other = np.where((t > 40) & (t < 80), one, 0.4 * np.sin(2 * np.pi * 2000 * t))
    sf.write(tmp_path / "one.wav", one, 8000)
    sf.write(tmp_path / "other.wav", other, 8000)
    (first,), (second,) = (predict_file(tmp_path / name, [tagger]) for name in ("one.wav", "other.wav"))
    assert np.abs(first.probabilities - second.probabilities).max() > 0.001


@pytest.mark.shared
def test_published_taggers_tag_what_they_tag_alone(bundled: LocalTagger, shared: Path, tmp_path: Path) -> None:
    registry.install_from_folder(shared / "weights")
    path = noise(60.0, tmp_path / "noise.flac")
    together = predict_file(path, [registry.load(name) for name in ("msd-crnn", "dcmrs", "jamendo-cnn")])
    for name, predicted in zip(("msd-crnn", "dcmrs", "jamendo-cnn"), together, strict=True):
        (alone,) = predict_file(path, [registry.load(name)])
        assert np.array_equal(alone.probabilities, predicted.probabilities)
        assert (predicted.embedding is None) == (name != "dcmrs")


def test_memory_does_not_depend_on_how_long_a_song_is(tmp_path: Path) -> None:
    write_long_silence(tmp_path / "long.mp3", 3.0)
    path = tmp_path / "long.mp3"
    assert song_windows(path, probe(path).duration_s).shape == (N_WINDOWS, 96, WINDOW_FRAMES)


def test_a_song_that_cannot_be_read_is_refused(bundled: LocalTagger, tmp_path: Path) -> None:
    (tmp_path / "note.mp3").write_text("no music")
    with pytest.raises(UnreadableAudio):
        predict_file(tmp_path / "note.mp3", [registry.load("dcmrs")])
