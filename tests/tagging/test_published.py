"""The published networks at 16 kHz: what they hear, what they say, and how they come here."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import pytest
import soundfile as sf
import torch
from torch import Tensor
from torch.nn import functional

from catalog.audio import decode
from catalog.audio_lengths import probe
from tagging.frontend.mel_bands import Scaling, htk_mel_filters, mel_filters
from tagging.frontend.patches import SAMPLE_RATE, Patches, sample_patches, song_patches
from tagging.labels.merging import log_odds
from tagging.networks.descriptions import Package, PublishedTagger, Unreachable, published
from tagging.networks.inference import PatchTagger, predict_file
from tagging.networks.musicnn import Musicnn, from_pytorch, from_tensorflow
from tagging.taggers import packages, registry
from tagging.taggers.recommended import install_recommended, recommended
from tagging.taggers.registry import TaggerError, TaggerLabel
from tests.audio import write_tone
from tests.tagging.checkpoints import write_checkpoint
from tests.tagging.conftest import KINDS, describe

SLANEY, HTK = Patches("slaney", 187, 10), Patches("htk", 1813, 2)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """As songs are predicted, a song a thread: threads inside PyTorch wait for one another on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


# --- What they hear -----------------------------------------------------------------------------


def test_the_filterbanks_are_those_of_librosa() -> None:
    known: dict[str, Any] = {"sr": SAMPLE_RATE, "n_fft": 512, "n_mels": 96}
    assert np.allclose(mel_filters(SAMPLE_RATE), librosa.filters.mel(**known), atol=1e-7)
    assert np.allclose(htk_mel_filters(SAMPLE_RATE), librosa.filters.mel(**known, htk=True, norm=None), atol=1e-5)


@pytest.mark.parametrize("n_frames", [187, 373, 374, 3000, 11_250])
def test_patches_lie_all_over_a_song(n_frames: int) -> None:
    starts = SLANEY.starts(n_frames)
    assert len(starts) == min(10, n_frames // 187)
    assert starts[0] >= 0
    assert starts[-1] + 187 <= n_frames
    assert (np.diff(starts) >= 187).all()
    assert starts[0] <= n_frames / len(starts)


def test_patches_of_a_file_are_those_of_its_samples(tmp_path: Path) -> None:
    path = write_tone(tmp_path / "tone.wav", seconds=33.0)
    for patches in (SLANEY, HTK):
        of_file = song_patches(path, probe(path).duration_s, patches)
        of_samples = sample_patches(decode(path, 0.0, 40.0, SAMPLE_RATE), patches)
        assert of_file.shape == of_samples.shape
        assert np.allclose(of_file, of_samples, rtol=0.02, atol=1e-4 * of_samples.max())


def test_what_is_shorter_than_a_patch_is_repeated(tmp_path: Path) -> None:
    path = write_tone(tmp_path / "short.wav", seconds=1.0)
    (patch,) = song_patches(path, probe(path).duration_s, SLANEY)
    assert patch.shape == (96, 187)
    assert patch[:, 20:180].sum(axis=0).min() > 0.1 * patch.sum(axis=0).max()
    with pytest.raises(ValueError, match="must not be empty"):
        sample_patches(np.zeros(0, np.float32), SLANEY)


# --- What they say ------------------------------------------------------------------------------


def random(shapes: Mapping[str, tuple[int, ...]], variance: str) -> dict[str, Tensor]:
    """Numbers as training leaves them; variances are positive, and some factors are not."""
    generator = torch.Generator().manual_seed(9)
    return {
        name: torch.rand(shape, generator=generator) + 0.5
        if variance in name
        else torch.randn(shape, generator=generator) / max(np.prod(shape[:-1], dtype=int), 1) ** 0.5
        for name, shape in shapes.items()
    }


def tensorflow_variables() -> dict[str, Tensor]:
    kernels = [(7, 38, 1, 204), (7, 67, 1, 204), (128, 1, 1, 51), (64, 1, 1, 51), (32, 1, 1, 51)]
    kernels += [(7, 561, 1, 64), (7, 64, 1, 64), (7, 64, 1, 64)]
    shapes: dict[str, tuple[int, ...]] = {}
    for number, kernel in enumerate(kernels):
        layer = f"conv2d_{number}" if number else "conv2d"
        shapes |= {f"{layer}/kernel": kernel, f"{layer}/bias": kernel[-1:]}
    for number, width in enumerate([1, *(kernel[-1] for kernel in kernels), 1506, 200]):
        layer = f"batch_normalization_{number}" if number else "batch_normalization"
        shapes |= {f"{layer}/{part}": (width,) for part in ("gamma", "beta", "moving_mean", "moving_variance")}
    shapes |= {"dense/kernel": (1506, 200), "dense/bias": (200,), "dense_1/kernel": (200, 4), "dense_1/bias": (4,)}
    return random(shapes, "moving_variance")


def plain_tensorflow(variables: Mapping[str, Tensor], mel: Tensor) -> Tensor:
    """The authors' network layer by layer, as their source has it: time before bands, nothing folded."""

    def normalized(x: Tensor, number: int) -> Tensor:
        layer = f"batch_normalization_{number}" if number else "batch_normalization"
        mean, variance, gamma, beta = (
            variables[f"{layer}/{name}"] for name in ("moving_mean", "moving_variance", "gamma", "beta")
        )
        return functional.batch_norm(x, mean, variance, gamma, beta, eps=1e-3)

    def convolved(x: Tensor, number: int) -> Tensor:
        layer = f"conv2d_{number}" if number else "conv2d"
        kernel = variables[f"{layer}/kernel"].permute(3, 2, 0, 1)
        return normalized(functional.relu(functional.conv2d(x, kernel, variables[f"{layer}/bias"])), number + 1)

    x = normalized(mel.transpose(1, 2)[:, None], 0)
    branches = [convolved(functional.pad(x, (0, 0, 3, 3)), number) for number in (0, 1)]
    for number, frames in ((2, 128), (3, 64), (4, 32)):
        branches.append(convolved(functional.pad(x, (0, 0, (frames - 1) // 2, frames // 2)), number))
    front = torch.cat([branch.amax(dim=3) for branch in branches], dim=1)
    stages = [front]
    for number in (5, 6, 7):
        image = functional.pad(stages[-1].transpose(1, 2)[:, None], (0, 0, 3, 3))
        answers = convolved(image, number)[..., 0]
        stages.append(answers if number == 5 else answers + stages[-1])
    everything = torch.cat(stages, dim=1)
    flat = torch.stack([everything.amax(dim=2), everything.mean(dim=2)], dim=2).flatten(1)
    hidden = functional.relu(normalized(flat, 9) @ variables["dense/kernel"] + variables["dense/bias"])
    return torch.sigmoid(normalized(hidden, 10) @ variables["dense_1/kernel"] + variables["dense_1/bias"])


def test_the_fast_musicnn_says_what_its_layers_say_one_by_one() -> None:
    variables = tensorflow_variables()
    assert (variables["batch_normalization_1/gamma"] < 0).any()
    mel = torch.randn(3, 96, 187, generator=torch.Generator().manual_seed(1)) + 1.0
    with torch.inference_mode():
        expected = plain_tensorflow(variables, mel)
        assert expected.std() > 0.01
        assert (Musicnn(from_tensorflow(variables))(mel) - expected).abs().max() < 1e-4
        assert (Musicnn(from_tensorflow(variables), torch.bfloat16)(mel) - expected).abs().max() < 0.02


def test_a_musicnn_has_an_embedding_of_a_song_beside_its_labels() -> None:
    network = Musicnn(from_tensorflow(tensorflow_variables()))
    about = published()["musicnn-msd"]
    assert about.patches is not None
    tagger = PatchTagger(about, about.patches, network)
    patches = np.random.default_rng(2).random((3, 96, 187), np.float32)
    heard = tagger.hear(patches)
    assert np.allclose(heard.probabilities, tagger.predict(tagger.scaling(patches)).mean(axis=0), atol=1e-6)
    with torch.inference_mode():
        expected = network.embed(torch.from_numpy(tagger.scaling(patches))).mean(dim=0).numpy()
    assert heard.embedding is not None
    assert np.allclose(heard.embedding, expected, atol=1e-5)


def test_weights_of_another_network_are_refused() -> None:
    for understand in (from_tensorflow, from_pytorch):
        with pytest.raises(ValueError, match="is missing"):
            understand({})


@pytest.fixture(scope="session")
def musicnn_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package with the weights of both musicnn, from wherever pip's packages come from."""
    package = published()["musicnn-msd"].package
    assert package is not None
    try:
        return packages.download_package(package, tmp_path_factory.mktemp("wheel"))
    except Unreachable as error:
        pytest.skip(f"left out: that musicnn-msd and musicnn-mtt say what was published; {error}")


REFERENCES = {
    "fcn-msd": "won2020_msd_fcn",
    "fcn-mtt": "won2020_mtat_fcn",
    "fcn-jamendo": "won2020_jamendo_fcn",
    "musicnn-jamendo": "won2020_jamendo_musicnn",
    "musicnn-msd": "MSD_musicnn",
    "musicnn-mtt": "MTT_musicnn",
}


def first_patches(path: Path, patches: Patches, most: int) -> np.ndarray:
    """The patches side by side from a recording's beginning, as the published outputs were computed; silence after."""
    frames = most * patches.frames
    samples = decode(path, 0.0, (frames + 1) * 256 / SAMPLE_RATE, SAMPLE_RATE)
    n = max(min(most, (1 + len(samples) // 256) // patches.frames), 1)
    padded = np.zeros(n * patches.frames * 256, np.float32)
    padded[: samples.size] = samples[: padded.size]
    return sample_patches(padded, replace(patches, most=n))


@pytest.mark.shared
@pytest.mark.parametrize("name", REFERENCES)
def test_published_outputs_are_reproduced(name: str, shared: Path, request: pytest.FixtureRequest) -> None:
    source = shared / "weights" if name.startswith("fcn") or name == "musicnn-jamendo" else None
    registry.install(name, source or request.getfixturevalue("musicnn_wheel"))
    tagger = registry.load(name)
    assert isinstance(tagger, PatchTagger)
    most = 9 if source is None else 1
    outputs = json.loads((shared / "weights" / "published_outputs.json").read_text())
    assert len(outputs) == 4
    for recording, of_networks in outputs.items():
        expected = of_networks[REFERENCES[name]]
        assert tagger.labels == list(expected)
        probabilities = tagger.predict_song(first_patches(shared / "audio" / recording, tagger.patches, most))
        assert np.abs(probabilities - list(expected.values())).max() < 0.01, recording


@pytest.mark.shared
def test_patches_of_several_networks_are_heard_together(shared: Path, tmp_path: Path) -> None:
    for name in ("fcn-mtt", "musicnn-jamendo"):
        registry.install(name, shared / "weights")
    taggers = [registry.load(name) for name in ("fcn-mtt", "musicnn-jamendo")]
    path = shared / "audio" / "brahms_hungarian-dance-no-5.ogg"
    together = predict_file(path, taggers)
    for tagger, heard in zip(taggers, together, strict=True):
        assert np.array_equal(heard.probabilities, predict_file(path, [tagger])[0].probabilities)
        shape = None if heard.embedding is None else heard.embedding.shape
        assert shape == (None if tagger.name == "fcn-mtt" else (200,))
        tagger.warm_up()
    assert next(iter(taggers[0].kept(together[0]))) == "classical"
    with pytest.raises(ValueError, match="mel must have shape"):
        taggers[0].predict(np.zeros((1, 96, 1366)))


def test_a_narrow_recording_is_heard_as_the_whole_band_is(shared: Path, tmp_path: Path) -> None:
    copies = {"fcn-mtt": "won2020_mtat_fcn.pth", "musicnn-jamendo": "won2020_jamendo_musicnn.pth"}
    path = shared / "audio" / "brahms_hungarian-dance-no-5.ogg"
    sf.write(tmp_path / "narrow.flac", decode(path, 0.0, 200.0, 8000), 8000)
    for name, file in copies.items():
        registry.install(name, shared / "weights" / file)
        tagger = registry.load(name)
        assert isinstance(tagger, PatchTagger)
        whole, narrow = (predict_file(one, [tagger])[0].probabilities for one in (path, tmp_path / "narrow.flac"))
        assert np.corrcoef(log_odds(whole), log_odds(narrow))[0, 1] > 0.9


# --- How they come here -------------------------------------------------------------------------


def make_wheel(folder: Path, name: str = "tinymusicnn", version: str = "0.1.0") -> tuple[Path, Package]:
    """A package with a checkpoint of four labels in it, as pip takes it."""
    index, data = write_checkpoint(
        {
            **{name: numbers.numpy() for name, numbers in tensorflow_variables().items()},
            "dense/kernel/Adam": np.zeros((1506, 200), np.float32),
            "beta1_power": np.array(0.9, np.float32),
        }
    )
    folder.mkdir(exist_ok=True)
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    about = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"{name}/weights/.index", index)
        archive.writestr(f"{name}/weights/.data-00000-of-00001", data)
        archive.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{about}/RECORD", "")
    content = wheel.read_bytes()
    package = Package(f"{name}=={version}", hashlib.sha256(content).hexdigest(), len(content), f"{name}/weights")
    return wheel, package


def in_package(name: str, wheel: Path, package: Package) -> PublishedTagger:
    """A tagger whose weights are in a package."""
    content = packages.converted(wheel, package)
    return PublishedTagger(
        name=name,
        network="musicnn",
        scaling=Scaling(factor=10_000.0, offset=1.0, unit=1.0),
        labels=tuple(TaggerLabel(label, kind, 0.5) for label, kind in KINDS.items()),
        address="https://example.org/",
        sha256=hashlib.sha256(content).hexdigest(),
        bytes=len(content),
        licence="CC0-1.0",
        source="a test",
        score="untrained",
        patches=SLANEY,
        package=package,
        recommended=True,
    )


@pytest.fixture
def publish(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Make these the taggers that others have published."""

    def make_published(*taggers: PublishedTagger) -> None:
        monkeypatch.setattr(registry, "published", lambda: {tagger.name: tagger for tagger in taggers})

    return make_published


@pytest.fixture
def only_local_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """pip finds packages in this folder and nowhere else: its own configuration decides."""
    folder = tmp_path / "packages"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def test_weights_in_a_package_are_downloaded_by_pip_and_converted(
    publish: Callable[..., None], only_local_packages: Path, home: Path
) -> None:
    wheel, package = make_wheel(only_local_packages)
    publish(in_package("first", wheel, package))
    place = registry.install("first")
    assert place == home / "models" / "first.safetensors"
    assert registry.verify() == {"first": True}
    assert registry.installed() == ["first"]
    assert registry.ignored() == {}
    heard = registry.load("first").predict(np.zeros((1, 96, 187)))
    assert heard.shape == (1, 4)
    assert not list(only_local_packages.parent.glob("**/tinymusicnn/__init__.py"))


def test_a_package_is_taken_from_a_file_too(publish: Callable[..., None], tmp_path: Path) -> None:
    wheel, package = make_wheel(tmp_path / "downloads")
    publish(in_package("first", wheel, package), in_package("second", wheel, package))
    found = registry.install_from_folder(wheel.parent)
    assert found.keys() == {"first", "second"}
    assert registry.install("first", found["second"]) == found["first"]


def test_another_package_under_the_same_name_is_refused(
    publish: Callable[..., None], only_local_packages: Path, home: Path
) -> None:
    wheel, package = make_wheel(only_local_packages)
    publish(in_package("first", wheel, replace(package, sha256="0" * 64)))
    with pytest.raises(TaggerError, match="another package: its checksum is wrong"):
        registry.install("first")
    assert not list((home / "models").glob("*"))


def test_without_the_package_it_is_said_in_one_line_how_else(
    publish: Callable[..., None], only_local_packages: Path
) -> None:
    wheel, package = make_wheel(only_local_packages.parent / "elsewhere")
    publish(in_package("first", wheel, package))
    with pytest.raises(Unreachable, match=r"pip cannot download tinymusicnn==0\.1\.0.*--from FILE") as caught:
        registry.install("first")
    assert "\n" not in str(caught.value)


def test_an_index_that_cannot_be_reached_is_named_as_the_reason(
    publish: Callable[..., None], only_local_packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel, package = make_wheel(only_local_packages.parent / "elsewhere")
    publish(in_package("first", wheel, package))
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")
    with pytest.raises(Unreachable, match=r"its index cannot be reached \(\[Errno \d+\] Connection refused\)"):
        registry.install("first")


def test_what_pip_brings_wrong_is_downloaded_once(
    publish: Callable[..., None], only_local_packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel, package = make_wheel(only_local_packages)
    wrong = replace(package, sha256="0" * 64)
    publish(*(replace(in_package(name, wheel, package), package=wrong) for name in ("first", "second")))
    downloads = []

    def counted(*arguments: Any) -> Path:
        downloads.append(arguments)
        return packages.download_package(*arguments)

    monkeypatch.setattr("tagging.taggers.recommended.download_package", counted)
    became = list(install_recommended())
    assert [one.place for one in became] == [None, None]
    assert all("its checksum is wrong" in one.reason for one in became)
    assert len(downloads) == 1


def test_recommended_taggers_that_can_be_reached_are_installed(
    publish: Callable[..., None], only_local_packages: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel, package = make_wheel(only_local_packages)
    of_package = [in_package(name, wheel, package) for name in ("first", "second")]
    nowhere = "http://127.0.0.1:1/weights.pth"
    others = [replace(describe(name, weights, address=nowhere), recommended=True) for name in ("third", "fourth")]
    publish(*others, *of_package, describe("not-recommended", weights))
    assert [tagger.name for tagger in recommended()] == ["first", "second", "third", "fourth"]
    downloads = []

    def counted(original: Callable[..., Path]) -> Callable[..., Path]:
        def download(*arguments: Any) -> Path:
            downloads.append(arguments)
            return original(*arguments)

        return download

    monkeypatch.setattr("tagging.taggers.recommended.download_package", counted(packages.download_package))
    became = {one.name: one for one in install_recommended()}
    assert [became[name].place is not None for name in ("first", "second", "third", "fourth")] == [
        True,
        True,
        False,
        False,
    ]
    assert "cannot be reached" in became["third"].reason
    assert became["fourth"].reason == "127.0.0.1 cannot be reached"
    assert len(downloads) == 1
    # Once more, with nothing to be reached: what is here stays.
    wheel.unlink()
    assert [one.name for one in install_recommended() if one.place] == ["first", "second"]
    assert len(downloads) == 1
    assert [one.name for one in install_recommended(weights.parent) if one.place] == [
        "first",
        "second",
        "third",
        "fourth",
    ]
