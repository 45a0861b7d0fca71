"""The own family: files that describe themselves, which of them is in use, and those that are no taggers at all."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load, save

from catalog.models import Label
from tagging.networks.inference import WholeSongTagger
from tagging.networks.wholesong import FLOOR_DB, audible, fused
from tagging.taggers import local, registry
from tagging.taggers.registry import LocalTagger, TaggerError
from tests.tagging.conftest import KINDS, Know, untrained, write_local


def place(home: Path, name: str) -> Path:
    return home / "models" / f"{name}.safetensors"


def mels(n: int = 2, frames: int = 300) -> np.ndarray:
    return np.random.default_rng(3).normal(-30.0, 15.0, (n, 96, frames)).astype(np.float32)


def whole(name: str) -> WholeSongTagger:
    tagger = registry.load(name)
    assert isinstance(tagger, WholeSongTagger)
    return tagger


# --- What is written is what is read ------------------------------------------------------------


def test_a_file_says_what_it_was_written_with(tmp_path: Path) -> None:
    described = write_local(
        tmp_path / "mine.safetensors", base="dcmrs", figures={"roc_auc": {"jazz": 0.9}}, operating_point=0.25
    )
    assert local.read_description(tmp_path / "mine.safetensors") == described
    assert (described.name, described.base, described.embedding) == ("mine", "dcmrs", "test-1")
    assert described.figures == {"roc_auc": {"jazz": 0.9}}
    assert {label.name: label.kind for label in described.labels} == KINDS
    assert {label.operating_point for label in described.labels} == {0.25}
    assert described.file == described.weights == tmp_path / "mine.safetensors"


def test_a_network_comes_back_in_half_precision(tmp_path: Path) -> None:
    write_local(tmp_path / "mine.safetensors")
    network, again = untrained(), local.read_network(tmp_path / "mine.safetensors", len(KINDS))
    for name, tensor in network.state_dict().items():
        other = again.state_dict()[name]
        assert other.dtype == tensor.dtype
        assert torch.allclose(other.float(), tensor.float(), rtol=1e-3, atol=1e-6), name
    assert torch.equal(again.labels.weight, network.labels.weight)
    with torch.inference_mode():
        assert (again.embed(torch.from_numpy(mels())) - network.embed(torch.from_numpy(mels()))).abs().max() < 0.01


def test_a_hundred_labels_fit_into_four_megabytes(tmp_path: Path) -> None:
    write_local(tmp_path / "wide.safetensors", {f"label {number}": "other" for number in range(102)})
    assert (tmp_path / "wide.safetensors").stat().st_size < 4_000_000


def test_weights_that_half_precision_cannot_hold_are_not_written(tmp_path: Path) -> None:
    network = untrained(seed=9)
    network.dense.weight.data[0, 0] = 1e6
    description = write_local(tmp_path / "mine.safetensors")
    before = (tmp_path / "mine.safetensors").read_bytes()
    with pytest.raises(TaggerError, match=r"dense\.weight holds what is no number, or too large"):
        local.write_weights(tmp_path / "mine.safetensors", network, description)
    assert (tmp_path / "mine.safetensors").read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["mine.safetensors"]


def test_every_kind_of_label_is_taken() -> None:
    assert set(Label.Kind.values) == local._KINDS


# --- Who listens --------------------------------------------------------------------------------


def test_the_bundled_tagger_tags_without_being_installed(bundled: LocalTagger) -> None:
    assert registry.installed() == ["dcmrs"]
    assert registry.default() == registry.in_use() == "dcmrs"
    assert list(registry.known())[:3] == ["dcmrs", "jamendo-cnn", "msd-crnn"]
    assert registry.verify() == {"dcmrs": True}
    assert registry.load("dcmrs").labels == list(KINDS)


@pytest.mark.shared
def test_published_taggers_tag_beside_it(bundled: LocalTagger, shared: Path) -> None:
    registry.install_from_folder(shared / "weights")
    here = ["dcmrs", "jamendo-cnn", "msd-crnn", "fcn-msd", "fcn-mtt", "fcn-jamendo", "musicnn-jamendo"]
    assert registry.installed() == here
    assert registry.verify() == dict.fromkeys(here, True)


def test_a_tagger_of_the_owners_tags_once_it_is_put_to_use_and_the_other_once_one_goes_back(
    bundled: LocalTagger, home: Path
) -> None:
    write_local(place(home, "mine"), {"jazz": "genre"})
    assert registry.installed() == ["dcmrs"]
    registry.use("mine")
    assert registry.installed() == ["mine"]
    assert registry.load("mine").labels == ["jazz"]
    assert sorted(file.name for file in (home / "models").iterdir()) == ["in-use", "mine.safetensors"]
    registry.use("dcmrs")
    assert registry.installed() == ["dcmrs"]


def test_where_the_chosen_one_is_gone_the_bundled_one_tags(bundled: LocalTagger, home: Path) -> None:
    write_local(place(home, "mine"))
    registry.use("mine")
    place(home, "mine").unlink()
    assert registry.installed() == ["dcmrs"]


@pytest.mark.parametrize("choice", [b"", b"\xff\xfe\x00", b"jamendo-cnn", b"../../etc/passwd", b"x" * 100_000])
def test_a_choice_that_makes_no_sense_is_none(choice: bytes, bundled: LocalTagger, home: Path) -> None:
    (home / "models").mkdir(parents=True)
    (home / "models" / "in-use").write_bytes(choice)
    assert registry.in_use() == "dcmrs"


def test_only_the_local_family_is_chosen_from(know: Know, bundled: LocalTagger, home: Path) -> None:
    with pytest.raises(TaggerError, match="jamendo-cnn is a published tagger"):
        registry.use("jamendo-cnn")
    with pytest.raises(TaggerError, match="no tagger is called nobody: there are dcmrs, jamendo-cnn"):
        registry.use("nobody")
    with pytest.raises(TaggerError, match="dcmrs is here already"):
        registry.install("dcmrs")
    assert not (home / "models" / "in-use").exists()


def test_a_file_that_is_written_anew_is_read_anew(bundled: LocalTagger, home: Path) -> None:
    write_local(place(home, "mine"), {"jazz": "genre"})
    assert registry.load("mine").labels == ["jazz"]
    write_local(place(home, "mine"), {"happy": "mood", "sad": "mood"})
    assert registry.load("mine").labels == ["happy", "sad"]


# --- What is none -------------------------------------------------------------------------------


def rewritten(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """The file with another description, its checksum right."""
    content = path.read_bytes()
    with safe_open(path, framework="np") as file:
        about = json.loads(file.metadata()["description"])
    change(about)
    text = json.dumps(about)
    path.write_bytes(save(load(content), {"description": text, "sha256": local._digest(text, save(load(content)))}))


def test_damage_anywhere_is_noticed_and_the_rest_goes_on(bundled: LocalTagger, home: Path) -> None:
    path = place(home, "mine")
    write_local(path)
    good = path.read_bytes()
    header = 8 + int.from_bytes(good[:8], "little")
    described_at = good.index(b"untrained")
    for at in (2, 20, described_at, header, header + 999_999, len(good) - 1):
        path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        assert registry.installed() == ["dcmrs"]
        assert list(registry.ignored()) == [path], at
        assert registry.verify() == {"dcmrs": True, "mine.safetensors": False}
    for length in (0, 5, 100, header, len(good) - 1):
        path.write_bytes(good[:length])
        assert list(registry.ignored()) == [path], length
    path.write_bytes(good)
    assert registry.ignored() == {}


def test_other_files_are_named_and_ignored(
    bundled: LocalTagger, home: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = home / "models"
    folder.mkdir(parents=True)

    class Harm:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (tmp_path / "harmed",)

    (folder / "pickle.safetensors").write_bytes(pickle.dumps(Harm()))
    (folder / "text.safetensors").write_text("no weights at all, only words")
    (folder / "header.safetensors").write_bytes((1 << 40).to_bytes(8, "little") + b"{}")
    (folder / "other.safetensors").write_bytes(save({"weight": torch.zeros(3)}, {"format": "pt"}))
    with (folder / "huge.safetensors").open("wb") as huge:
        huge.truncate(1 << 36)
    (folder / "folder.safetensors").mkdir()
    (folder / ".hidden.safetensors").write_text("a draft")
    write_local(folder / "mine.safetensors")
    assert set(registry.local_family()) == {"dcmrs", "mine"}
    reasons = {file.stem: reason for file, reason in registry.ignored().items()}
    assert set(reasons) == {"pickle", "text", "header", "other", "huge", "folder"}
    assert "describe" in reasons["other"]
    assert "larger than" in reasons["huge"]
    assert all(f"{name}.safetensors" in reason and "\n" not in reason for name, reason in reasons.items())
    assert len([record for record in caplog.records if "Ignored" in record.message]) == 6
    assert not (tmp_path / "harmed").exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda about: about.update(name="Upper Case"),
        lambda about: about.update(name="../elsewhere"),
        lambda about: about.update(network="another"),
        lambda about: about.update(labels=[]),
        lambda about: about.update(labels="jazz"),
        lambda about: about["labels"][0].update(kind="colour"),
        lambda about: about["labels"][0].update(operating_point=float("nan")),
        lambda about: about["labels"][0].update(name="x" * 101),
        lambda about: about["labels"][0].update(name="bell\x07"),
        lambda about: about["labels"][0].update(name="Happy"),
        lambda about: about["labels"].pop(),
        lambda about: about.update(source="\x1b[2J"),
        lambda about: about.update(source=None),
        lambda about: about.pop("embedding"),
        lambda about: about.update(embedding=""),
        lambda about: about.update(figures=[1]),
        lambda about: about.update(base=7),
    ],
)
def test_a_description_that_is_wrong_is_not_believed(
    change: Callable[[dict[str, Any]], object], bundled: LocalTagger, home: Path
) -> None:
    write_local(place(home, "mine"))
    rewritten(place(home, "mine"), change)
    assert list(registry.ignored()) == [place(home, "mine")]
    assert registry.installed() == ["dcmrs"]


@pytest.mark.parametrize("text", ["", "[]", "null", "{", "[" * 100_000])
def test_a_description_that_is_none_is_not_believed(text: str, home: Path) -> None:
    write_local(place(home, "mine"))
    tensors = load(place(home, "mine").read_bytes())
    place(home, "mine").write_bytes(save(tensors, {"description": text, "sha256": local._digest(text, save(tensors))}))
    assert list(registry.ignored()) == [place(home, "mine")]


def test_what_was_fitted_for_an_earlier_network_is_to_be_fitted_anew(bundled: LocalTagger, home: Path) -> None:
    path = place(home, "mine")
    write_local(path)
    tensors = load(path.read_bytes())
    with safe_open(path, framework="np") as file:
        text = json.dumps(json.loads(file.metadata()["description"]) | {"network": "whole-song-cnn"})
    path.write_bytes(save(tensors, {"description": text, "sha256": local._digest(text, save(tensors))}))
    assert "fit it anew" in registry.ignored()[path]
    assert registry.installed() == ["dcmrs"]


def test_nobody_takes_anothers_name(bundled: LocalTagger, home: Path) -> None:
    for name in ("dcmrs", "jamendo-cnn", "mine"):
        write_local(place(home, name))
    place(home, "mine").rename(place(home, "yours"))
    assert {file.stem for file in registry.ignored()} == {"dcmrs", "jamendo-cnn", "yours"}
    assert registry.describe("dcmrs").weights == registry.BUNDLED


def test_weights_of_another_network_are_not_put_to_use(bundled: LocalTagger, home: Path) -> None:
    """The description and the checksum are right, the tensors are not those of the network."""
    path = place(home, "mine")
    described = write_local(path)
    with safe_open(path, framework="np") as file:
        text = file.metadata()["description"]
    tensors = load(path.read_bytes())

    def forge(**others: torch.Tensor) -> None:
        forged = {**tensors, **{name.replace("__", "."): tensor for name, tensor in others.items()}}
        path.write_bytes(save(forged, {"description": text, "sha256": local._digest(text, save(forged))}))

    forge(dense__weight=torch.zeros(256, 3).half())
    with pytest.raises(TaggerError, match="another network"):
        registry.use("mine")
    forge(extra=torch.zeros(3).half())
    with pytest.raises(TaggerError, match="another network"):
        registry.use("mine")
    forge(mean=torch.full((96,), torch.nan))
    with pytest.raises(TaggerError, match="no numbers"):
        registry.use("mine")
    forge(mean=torch.zeros(96, dtype=torch.int32))
    with pytest.raises(TaggerError, match="no numbers"):
        registry.use("mine")
    assert registry.in_use() == "dcmrs"
    local.write_weights(path, untrained(), replace(described, source="repaired"))
    registry.use("mine")
    assert registry.in_use() == "mine"


# --- What it hears ------------------------------------------------------------------------------


def test_folded_the_network_says_the_same(bundled: LocalTagger) -> None:
    network = local.read_network(registry.BUNDLED, len(KINDS))
    mel = torch.from_numpy(mels(3, 683))
    with torch.inference_mode():
        embeddings, folded = network.embed(mel), fused(network).embed(mel)
        probabilities = torch.sigmoid(network(mel)).numpy()
    assert (folded - embeddings).abs().max() < 1e-4 * embeddings.max()
    tagger = whole("dcmrs")
    assert np.abs(tagger.predict(mel.numpy()) - probabilities).max() < 0.01
    assert probabilities.std() > 0.01
    assert tagger.embedding == "test-1"


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_labels_are_the_same_on_every_processor(precision: torch.dtype, bundled: LocalTagger) -> None:
    """One that is fast in half the precision says what one says that is not."""
    network, mel = local.read_network(registry.BUNDLED, len(KINDS)), torch.from_numpy(mels(3, 683))
    with torch.inference_mode():
        there, here = (fused(network, kind).embed(mel) for kind in (precision, torch.float32))
        assert (torch.sigmoid(network.labels(there)) - torch.sigmoid(network.labels(here))).abs().max() < 0.01


def test_windows_of_any_length_are_tagged(bundled: LocalTagger) -> None:
    tagger = whole("dcmrs")
    for frames in (64, 65, 683, 1366):
        assert tagger.embed(mels(2, frames)).shape == (2, 256)
        assert tagger.predict(mels(2, frames)).shape == (2, len(KINDS))
    assert tagger.embed(mels(0)).shape == (0, 256)
    assert tagger.predict(mels(0)).shape == (0, len(KINDS))


def test_what_a_louder_neighbour_covers_changes_nothing(bundled: LocalTagger) -> None:
    """As codecs leave it out: 20 dB below a tone three bands away."""
    whole_tone = np.full((1, 96, 128), FLOOR_DB, np.float32)
    whole_tone[:, 40] = -22.0
    covered = whole_tone.copy()
    covered[:, 43] = -42.0
    predicted = whole_tone.copy()
    predicted[:, 43] = -37.0
    assert np.array_equal(audible(torch.from_numpy(covered)), audible(torch.from_numpy(whole_tone)))
    assert not np.array_equal(audible(torch.from_numpy(predicted)), audible(torch.from_numpy(whole_tone)))
    tagger = whole("dcmrs")
    assert np.array_equal(tagger.embed(covered), tagger.embed(whole_tone))
    assert not np.array_equal(tagger.embed(predicted), tagger.embed(whole_tone))


def test_a_floor_is_under_everything() -> None:
    silence = torch.full((1, 96, 64), -300.0)
    assert (audible(silence) == FLOOR_DB).all()


@pytest.mark.parametrize("shape", [(96, 683), (1, 683, 96), (1, 96, 63), ()])
def test_another_shape_is_refused_with_the_right_one(shape: tuple[int, ...], bundled: LocalTagger) -> None:
    with pytest.raises(ValueError, match=r"mel must have shape \(n, 96, 64 or more\), not"):
        whole("dcmrs").embed(np.zeros(shape, np.float32))


def test_what_is_no_number_is_refused(bundled: LocalTagger) -> None:
    mel = mels()
    mel[1, 5, 5] = np.nan
    with pytest.raises(ValueError, match="finite"):
        whole("dcmrs").predict(mel)


def test_a_songs_labels_are_one_product_from_its_embedding(bundled: LocalTagger) -> None:
    tagger = whole("dcmrs")
    power = np.abs(mels(4, 683)) ** 2
    predicted = tagger.predict_song(power)
    assert predicted.embedding is not None
    assert np.allclose(predicted.embedding, tagger.embed(tagger.scaling(power)).mean(axis=0), rtol=1e-3, atol=1e-6)
    network = untrained()
    with torch.inference_mode():
        expected = torch.sigmoid(network.labels(torch.from_numpy(predicted.embedding))).numpy()
    assert np.allclose(predicted.probabilities, expected, atol=1e-6)
