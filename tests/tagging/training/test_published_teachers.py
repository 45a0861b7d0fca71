"""The bundled network learns from what published networks predict of recordings, and from what people said of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tagging.evaluation.fitting_merging import said_of_labels
from tagging.management.from_published import read_recordings
from tagging.networks.descriptions import LocalTagger
from tagging.networks.wholesong import QUIETEST_DB, WholeSongCnn, level_out
from tagging.taggers import local, registry
from tagging.training.distillation_dataset import DistillationDataset, TeacherPredictions, make_distillation_dataset
from tagging.training.distilling import Distilling, DistillingPlan
from tagging.training.published_teachers import Material, learn, some_of, write
from tagging.training.spectrograms import Spectrograms
from tests.audio import write_tone
from tests.tagging.conftest import untrained
from tests.tagging.test_labelled import PLACE, WORDS, made_up

CPU = torch.device("cpu")
PLAN = DistillingPlan(steps=4, batch_size=4, learning_rate=0.003, windows=((64, 1.0),), round=2)


@pytest.fixture
def material(tmp_path: Path) -> Material:
    """Recordings in which blues lies in the low bands, with patches that tell their first half from the second."""
    labelled, answers, embeddings = made_up(48)
    blues = labelled.questions[0].true
    spectrograms = Spectrograms(tmp_path / "spectrograms")
    rng = np.random.default_rng(3)
    keys = [f"recording {number}" for number in range(50)]
    for number, key in enumerate(keys):
        mel = rng.normal(-40.0, 3.0, (128, 96))
        mel[:, slice(0, 48) if number < 48 and blues[number] else slice(48, 96)] += 20.0
        spectrograms.append(key, mel.astype(np.float16))
    # The last two are by nobody who was asked about.
    further = {name: np.concatenate([of_network, of_network[:2]]) for name, of_network in answers.items()}
    more = {name: np.concatenate([of_network, of_network[:2]]) for name, of_network in embeddings.items()}
    outputs = {name: np.nan_to_num(of_network) for name, of_network in further.items()}
    patches = [np.array([[number, 0.0], [number, 1.0]], np.float32) for number in range(50)]
    predictions = TeacherPredictions(outputs, further, more, patches, [np.array([32, 96])] * 50)
    return Material(labelled, keys, spectrograms, predictions, WORDS)


@pytest.fixture
def dataset(material: Material) -> DistillationDataset:
    said = said_of_labels(material.labelled, WORDS)
    rows = np.array([0, 1, 5, 9, 49])
    return make_distillation_dataset(material.predictions, said, WORDS, material.spectrograms, material.keys, rows)[0]


def test_recordings_that_cannot_be_read_are_left_out_and_named(tmp_path: Path) -> None:
    (tmp_path / "broken.ogg").write_bytes(b"OggS" + bytes(4000))
    recordings = [write_tone(tmp_path / "a.flac", 2.0), tmp_path / "broken.ogg", write_tone(tmp_path / "b.flac", 2.0)]
    complaints: list[str] = []
    spectrograms = Spectrograms(tmp_path / "spectrograms")
    readable = read_recordings(recordings, spectrograms, 1, complaints.append)
    assert readable.tolist() == [True, False, True]
    assert [line.split(":")[0] for line in complaints] == [str(tmp_path / "broken.ogg")]


def test_a_window_has_the_targets_of_its_recording_and_of_the_patches_in_it(
    material: Material, dataset: DistillationDataset
) -> None:
    n_whole, n_patches, n_said = dataset.widths
    assert (len(dataset), n_patches, n_said) == (5, 2, len(WORDS))
    mel, targets = dataset.window(1, 0, 64)
    assert mel.shape == (64, 96)
    early, late, all_of_it = (
        dataset.window(1, first, frames)[1][n_whole : n_whole + n_patches]
        for first, frames in ((0, 64), (64, 64), (0, 128))
    )
    assert early[1] < all_of_it[1] < late[1]
    assert early[0] == late[0]
    blues = targets[n_whole + n_patches + PLACE["blues"]]
    assert blues == material.labelled.questions[0].true[1]
    assert np.isnan(dataset.window(4, 0, 64)[1][n_whole + n_patches :]).all()
    # A recording that is too short goes round.
    assert np.array_equal(dataset.window(0, 0, 200)[0][128:], dataset.window(0, 0, 72)[0])


def test_a_dataset_is_the_same_wherever_its_spectrograms_lie(dataset: DistillationDataset) -> None:
    shift = np.array([len(dataset.frames), 0], np.int64)
    moved = replace(dataset, frames=np.concatenate([dataset.frames, dataset.frames]), places=dataset.places + shift)
    assert moved.digest == dataset.digest
    assert replace(dataset, places=dataset.places - np.array([0, 1], np.int64)).digest != dataset.digest
    assert np.array_equal(moved.window(1, 0, 64)[0], dataset.window(1, 0, 64)[0])


def test_a_batch_is_a_function_of_its_step(dataset: DistillationDataset, tmp_path: Path) -> None:
    training = Distilling(untrained(), dataset, replace(PLAN, mixed=1.0, altered=1.0), tmp_path / "run", CPU)
    mels, targets = training.batch(3)
    assert mels.shape == (4, 96, 64)
    assert targets.shape == (4, sum(dataset.widths))
    assert torch.isfinite(mels).all()
    again, others = training.batch(3)[0], training.batch(2)[0]
    assert torch.equal(mels, again)
    assert not torch.equal(mels, others)


def test_an_interrupted_distilling_ends_in_the_same_weights(dataset: DistillationDataset, tmp_path: Path) -> None:
    whole = Distilling(untrained(), dataset, PLAN, tmp_path / "whole", CPU).run()

    def stop(training: Distilling) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Distilling(untrained(), dataset, PLAN, tmp_path / "stopped", CPU).run(stop)
    resumed = Distilling(untrained(), dataset, PLAN, tmp_path / "stopped", CPU)
    assert resumed.done == 2
    for name, tensor in resumed.run().state_dict().items():
        assert torch.equal(tensor, whole.state_dict()[name]), name
    for begun_with, plan in ((untrained(), replace(PLAN, seed=2)), (untrained(seed=9), PLAN), (None, PLAN)):
        with pytest.raises(ValueError, match="another plan"):
            Distilling(begun_with, dataset, plan, tmp_path / "stopped", CPU)


def test_what_is_learned_is_written_as_a_tagger_of_the_vocabulary(material: Material, tmp_path: Path) -> None:
    base = untrained(len(WORDS))
    learned = learn(material, base, replace(PLAN, steps=60), replace(PLAN, steps=2), tmp_path, CPU)
    n_unseen = int(material.unseen.sum())
    assert 0 < n_unseen < 48
    assert len(learned.unseen.recordings) == n_unseen
    seen = some_of(material.labelled, ~material.unseen)
    assert not {*seen.recordings} & {*learned.unseen.recordings}
    about = LocalTagger(
        name="dcmrs", network=local.NETWORK, labels=(), licence="CC0-1.0", source="", score="", embedding="dcmrs-1"
    )
    tagger, figures = write(learned, about, "CC0-1.0", material, ["kept out.ogg"], tmp_path / "dcmrs.safetensors")
    assert [label.name for label in tagger.labels] == list(WORDS.names)
    assert tagger.figures["held_out"] == ["kept out.ogg"]
    assert tagger.network == local.NETWORK
    assert "| | before | now |" in figures
    assert all(0 < label.operating_point <= 0.5 for label in tagger.labels)
    assert local.trunk_version(local.read_network(tmp_path / "dcmrs.safetensors", len(WORDS))) in tagger.embedding


def test_without_a_base_the_values_are_random_and_the_input_is_normalized(
    material: Material, dataset: DistillationDataset, tmp_path: Path
) -> None:
    network = Distilling(None, dataset, replace(PLAN, steps=0), tmp_path / "none", CPU).run()
    other = Distilling(None, dataset, replace(PLAN, steps=0, seed=2), tmp_path / "other", CPU).run()
    assert not torch.equal(network.dense.weight, other.dense.weight)
    mel = torch.from_numpy(dataset.window(0, 0, 64)[0].T.copy())[None]
    spread = ((level_out(mel) - network.mean[:, None]) * network.scale[:, None]).std()
    assert 0.3 < spread < 3.0
    learned = learn(material, None, replace(PLAN, steps=60), replace(PLAN, steps=0), tmp_path, CPU)
    tagger, figures = write(learned, None, "CC0-1.0", material, [], tmp_path / "mine.safetensors")
    assert tagger.source.endswith("begun with random initial values")
    assert (tagger.licence, tagger.base) == ("CC0-1.0", None)
    assert "before" not in figures


@pytest.mark.parametrize("gain_db", [-20.0, -6.0, 6.0, 20.0])
def test_a_louder_copy_is_heard_alike(gain_db: float) -> None:
    mel = torch.randn(2, 96, 128, generator=torch.Generator().manual_seed(5)) * 8 - 20
    network = untrained()
    with torch.inference_mode():
        assert (network.embed(mel) - network.embed(mel + gain_db)).abs().max() < 1e-3
    assert (10 ** (level_out(mel) / 10)).mean().item() == pytest.approx(1.0, abs=1e-3)


def test_silence_is_not_raised_to_the_level_of_music() -> None:
    silence = torch.full((1, 96, 64), -100.0)
    assert (level_out(silence) - silence).max() <= -QUIETEST_DB


def test_networks_that_hear_how_loud_a_song_is_go_on_doing_so(tmp_path: Path) -> None:
    torch.manual_seed(1)
    earlier = WholeSongCnn(2, levelled=False).eval()
    about = LocalTagger(
        name="mine",
        network="",
        labels=(registry.TaggerLabel("a", "genre", 0.5), registry.TaggerLabel("b", "mood", 0.5)),
        licence="CC0-1.0",
        source="",
        score="",
        embedding="mine-1",
    )
    assert local.write_weights(tmp_path / "mine.safetensors", earlier, about).network != local.NETWORK
    read = local.read_network(tmp_path / "mine.safetensors", 2)
    assert not read.levelled
    assert not local.with_labels(read, *local.label_layer(read)).levelled
    levelled = WholeSongCnn(2)
    levelled.load_state_dict(earlier.state_dict())
    assert local.trunk_version(levelled) != local.trunk_version(earlier)
