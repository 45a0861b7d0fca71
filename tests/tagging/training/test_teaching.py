from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from catalog.home import models_dir
from tagging.evaluation.metrics import log_odds
from tagging.frontend.mel_bands import N_FRAMES, N_MELS
from tagging.networks.descriptions import LocalTagger, TaggerLabel
from tagging.networks.wholesong import WholeSongCnn
from tagging.taggers import local, registry
from tagging.training.dataset import make_dataset
from tagging.training.mixing import Mixing
from tagging.training.recipes import train
from tagging.training.sources import Collection, add_folders, add_table
from tagging.training.spectrograms import Spectrograms
from tagging.training.teaching import Clips, Merger, crops, predict_kept_out
from tests.tagging.training.music import write_music
from tests.tagging.training.runs import PLAN, request


def teacher(name: str, *labels: str) -> LocalTagger:
    """An untrained tagger with these labels, installed."""
    torch.manual_seed(len(name))
    description = LocalTagger(
        name=name,
        network=local.NETWORK,
        labels=tuple(TaggerLabel(label, "mood", 0.5) for label in labels),
        embedding=f"{name}-1",
        source="a test",
        licence="CC0-1.0",
        score="untrained",
    )
    return local.write_weights(models_dir() / f"{name}.safetensors", WholeSongCnn(len(labels)).eval(), description)


@pytest.fixture
def teachers() -> list[str]:
    return [teacher("one", "Hip-Hop", "sad").name, teacher("other", "loud", "hip hop").name]


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_music(tmp_path_factory.mktemp("music"), n=12).parent


def make_clips(music: Path, folder: Path, teachers: list[str], n: int, seed: int = 1) -> Clips:
    collection = Collection(print)
    add_folders(collection, [music])
    merger = Merger.of([registry.describe(name) for name in teachers])
    spectrograms = Spectrograms(music / ".spectrograms")
    list(spectrograms.compute(collection.keys(), 1))
    folder.mkdir(exist_ok=True)
    dataset = make_dataset(collection, spectrograms, merger.labels, {}, folder, seed)
    return Clips(folder / "clips", dataset, teachers, merger, n, seed, Mixing())


def test_what_is_the_same_word_is_one_label_whose_log_odds_are_the_mean(teachers: list[str]) -> None:
    merger = Merger.of([registry.describe(name) for name in teachers])

    merged = merger.merge([np.array([[1.0, 2.0]]), np.array([[3.0, 5.0]])])

    assert [label.name for label in merger.labels] == ["Hip-Hop", "sad", "loud"]
    assert merged.tolist() == [[3.0, 2.0, 3.0]]


def test_a_teacher_whose_answers_vary_little_counts_as_much_as_the_others(teachers: list[str]) -> None:
    merger = Merger.of([registry.describe(name) for name in teachers])
    log_odds = np.random.default_rng(1).normal(0, [1.0, 1.0, 0.1], (5000, 3))

    importance = merger.importance(log_odds)

    assert importance[:2] == pytest.approx([1.0, 1.0], rel=0.1)
    assert importance[2] == pytest.approx(1 / (0.5 * (0.01 + 1.0)), rel=0.1)


def test_clips_that_were_interrupted_are_gone_on_with_and_are_the_same(
    music: Path, tmp_path: Path, teachers: list[str]
) -> None:
    whole = make_clips(music, tmp_path / "whole", teachers, 6)
    list(whole.make(1))
    interrupted = make_clips(music, tmp_path / "parts", teachers, 6)
    making = interrupted.make(1)
    next(making)
    making.close()

    resumed = make_clips(music, tmp_path / "parts", teachers, 6)
    left = resumed.left
    assert 0 < left < 6
    assert len(list(resumed.make(1))) == left

    assert resumed.left == 0
    assert np.array_equal(resumed.log_odds, whole.log_odds)
    assert all(np.array_equal(resumed.mel(n, 0, N_FRAMES), whole.mel(n, 0, N_FRAMES)) for n in range(6))
    assert resumed.mel(0, 10, 64).shape == (64, N_MELS)


def test_clips_of_other_recordings_or_another_seed_are_refused(
    music: Path, tmp_path: Path, teachers: list[str]
) -> None:
    make_clips(music, tmp_path, teachers, 2)

    with pytest.raises(ValueError, match="other recordings or teachers, or another seed"):
        make_clips(music, tmp_path, teachers, 2, seed=2)


def test_more_clips_than_the_disk_holds_are_refused_before_anything_is_made(
    music: Path, tmp_path: Path, teachers: list[str]
) -> None:
    with pytest.raises(OSError, match="GB are free: fewer --clips"):
        make_clips(music, tmp_path, teachers, 10**9)


def test_a_whole_recording_is_read_in_crops_from_its_beginning_to_its_end() -> None:
    mel = np.arange(3000, dtype=np.float16)[:, np.newaxis].repeat(N_MELS, axis=1)

    found = list(crops(mel))

    assert found[0][0, 0] == 0
    assert found[-1][-1, 0] == np.float16(2999)
    assert {crop.shape for crop in found} == {(N_FRAMES, N_MELS)}
    assert len(found) == 6
    assert len(list(crops(mel[:900]))) == 1


def test_each_kept_out_recording_has_its_own_teachers_answer_however_many_are_tagged_at_once(
    music: Path, tmp_path: Path, teachers: list[str]
) -> None:
    collection = Collection(print)
    add_folders(collection, [music])
    merger = Merger.of([registry.describe(name) for name in teachers])
    spectrograms = Spectrograms(music / ".spectrograms")
    list(spectrograms.compute(collection.keys(), 1))
    dataset = make_dataset(collection, spectrograms, merger.labels, {}, tmp_path, 1)
    rows = np.arange(6)

    together = predict_kept_out(tmp_path, dataset, rows, teachers, merger, 2)
    again = predict_kept_out(tmp_path, dataset, rows, teachers, merger, 2)

    loaded = [registry.load(name) for name in teachers]
    for row in (0, 5):
        power = (10.0 ** (next(crops(dataset.mel(row))).T / 10.0)).astype(np.float32)
        alone = merger.merge([log_odds(tagger.predict_spectrogram(power)) for tagger in loaded])
        assert together[row] == pytest.approx(alone, abs=1e-4)
    assert np.array_equal(again, together)


def test_teachers_and_people_are_learned_from_together(music: Path, tmp_path: Path, teachers: list[str]) -> None:
    collection = Collection(print)
    add_table(collection, music / "labels.csv")
    plan = replace(PLAN, epochs=1)
    about = request(tmp_path, teachers=tuple(teachers), clips=4, plan=plan, spectrograms=music / ".spectrograms")

    trained = train(collection, about)

    names = [label.name for label in trained.tagger.labels]
    assert names == ["Hip-Hop", "sad", "loud", "high", "low", "noisy"]
    assert trained.rows[0].scores.figures().keys() == {"roc_auc", "pr_auc", "agreement"}
    assert trained.tagger.source == (
        "10 labelled recordings; 4 clips of 10 recordings and 0 generated pieces, labelled by one and other"
    )
