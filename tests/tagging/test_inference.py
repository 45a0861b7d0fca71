"""Taggers at their door, and several of them on one file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from catalog.audio_frames import UnreadableAudio
from tagging.frontend import sound
from tagging.frontend.mel_bands import mel_spectrogram, middle_samples
from tagging.networks.inference import Prediction, inference_threads, predict_file
from tagging.taggers import registry
from tests.audio import write_tone
from tests.tagging.conftest import KINDS, Know, describe


def mels(n: int) -> np.ndarray:
    return np.random.default_rng(2).normal(-60.0, 20.0, (n, 96, 1366)).astype(np.float32)


def test_labels_stand_as_published(tagger: str) -> None:
    loaded = registry.load(tagger)
    assert loaded.labels == list(KINDS)
    assert loaded.kinds == KINDS | sound.KINDS


def test_several_songs_at_once_are_tagged_as_one_by_one(tagger: str) -> None:
    loaded, mel = registry.load(tagger), mels(3)
    probabilities = loaded.predict(mel)
    assert probabilities.shape == (3, len(KINDS))
    assert probabilities.dtype == np.float32
    assert ((probabilities > 0) & (probabilities < 1)).all()
    one_by_one = np.concatenate([loaded.predict(mel[i : i + 1]) for i in range(3)])
    assert np.abs(probabilities - one_by_one).max() < 1e-6


def test_no_song_has_no_probabilities(tagger: str) -> None:
    assert registry.load(tagger).predict(mels(0)).shape == (0, len(KINDS))


def test_double_precision_and_lists_are_taken_too(tagger: str) -> None:
    loaded, mel = registry.load(tagger), mels(1)
    assert np.array_equal(loaded.predict(mel.astype(np.float64)), loaded.predict(mel))
    assert np.array_equal(loaded.predict(mel[:, ::-1][:, ::-1].tolist()), loaded.predict(mel))


@pytest.mark.parametrize("shape", [(96, 1366), (1, 1366, 96), (1, 1, 96, 1366), (1, 96, 1365), ()])
def test_another_shape_is_refused_with_the_right_one(shape: tuple[int, ...], tagger: str) -> None:
    with pytest.raises(ValueError, match=r"mel must have shape \(n, 96, 1366\), not"):
        registry.load(tagger).predict(np.zeros(shape, np.float32))


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_what_is_no_number_is_refused(number: float, tagger: str) -> None:
    mel = mels(1)
    mel[0, 5, 5] = number
    with pytest.raises(ValueError, match="finite"):
        registry.load(tagger).predict(mel)


def test_a_song_keeps_the_labels_that_reach_their_operating_points(know: Know, weights: Path) -> None:
    know(describe("half", weights, operating_point=0.5))
    registry.install("half", weights)
    half = registry.load("half")
    kept = half.kept(Prediction(np.array([0.4, 0.5, 0.9, 0.49999], np.float32)))
    assert kept == pytest.approx({"piano": 0.9, "happy": 0.5})
    assert list(kept) == ["piano", "happy"]


def test_a_file_is_tagged_by_several_taggers(know: Know, weights: Path, tmp_path: Path) -> None:
    for name in know("first", "second"):
        registry.install(name, weights)
    taggers = [registry.load("first"), registry.load("second")]
    path = write_tone(tmp_path / "tone.ogg", seconds=3.0)
    first, second = (predicted.probabilities for predicted in predict_file(path, taggers))
    assert np.array_equal(first, second)
    power = mel_spectrogram(middle_samples(path))
    assert np.array_equal(first, taggers[0].predict_spectrogram(power))


def test_threads_tag_what_one_tags(tagger: str, tmp_path: Path) -> None:
    paths = [write_tone(tmp_path / f"{hz}.flac", seconds=2.0, hz=hz) for hz in (220, 330, 440, 550)]
    taggers = [registry.load(tagger)]
    alone = [predict_file(path, taggers)[0].probabilities for path in paths]
    with inference_threads() as threads:
        together = list(threads.map(lambda path: predict_file(path, taggers)[0].probabilities, paths))
    assert np.array_equal(alone, together)
    assert len({probabilities.tobytes() for probabilities in together}) == len(paths)


def test_a_file_that_cannot_be_read_is_refused(tagger: str, tmp_path: Path) -> None:
    (tmp_path / "note.mp3").write_text("no music")
    with pytest.raises(UnreadableAudio):
        predict_file(tmp_path / "note.mp3", [registry.load(tagger)])
