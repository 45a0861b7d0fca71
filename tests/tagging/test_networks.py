"""The networks: the fast form says what the plain one says, and the published ones what their authors printed."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from tagging.networks.published_networks import Cnn, fold, read
from tagging.taggers import registry


def trained(cnn: Cnn) -> Cnn:
    """The network with numbers in every place where training leaves some."""
    torch.manual_seed(5)
    for layer in cnn.modules():
        if isinstance(layer, nn.BatchNorm2d):
            mean, variance = statistics(layer)
            nn.init.normal_(mean)
            nn.init.uniform_(variance, 0.5, 2.0)
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias)
    return cnn.eval()


def statistics(layer: nn.BatchNorm2d) -> tuple[torch.Tensor, torch.Tensor]:
    """The running mean and variance of a batch normalization."""
    assert layer.running_mean is not None
    assert layer.running_var is not None
    return layer.running_mean, layer.running_var


@pytest.mark.parametrize("normalized_bands", [96, 1])
def test_folded_the_network_says_the_same(normalized_bands: int) -> None:
    cnn = trained(Cnn(50, normalized_bands))
    mel = torch.randn(3, 96, 1366)
    with torch.inference_mode():
        expected = cnn(mel)
        probabilities = fold(cnn)(mel)
    assert probabilities.shape == (3, 50)
    assert expected.std() > 0.01
    assert (probabilities - expected).abs().max() < 1e-5


def test_the_original_normalizes_each_band_by_itself() -> None:
    cnn = trained(Cnn(50))
    mel = torch.randn(2, 96, 1366)
    mean, variance = statistics(cnn.bn_init)
    normalized = (mel - mean[:, None]) / torch.sqrt(variance[:, None] + 1e-5)
    normalized = normalized * cnn.bn_init.weight[:, None] + cnn.bn_init.bias[:, None]
    with torch.inference_mode():
        maps = normalized.unsqueeze(1)
        for convolution, normalization, pool in cnn.blocks():
            maps = functional.max_pool2d(functional.elu(normalization(convolution(maps))), pool)
        expected = torch.sigmoid(cnn.dense(maps.flatten(1)))
        assert (cnn(mel) - expected).abs().max() < 1e-5


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    torch.save(Cnn(50, 1).state_dict(), tmp_path / "one-band.pth")
    with pytest.raises(ValueError, match="does not hold this network's weights"):
        read("cnn", tmp_path / "one-band.pth", 50)
    with pytest.raises(ValueError, match="does not hold this network's weights"):
        read("cnn-one-band", tmp_path / "one-band.pth", 56)
    with h5py.File(tmp_path / "empty.h5", "w"):
        pass
    with pytest.raises(ValueError, match="does not hold this network's weights"):
        read("msd-crnn", tmp_path / "empty.h5", 50)


def test_a_pickle_that_does_more_than_hold_numbers_is_not_loaded(tmp_path: Path) -> None:
    class Harm:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (tmp_path / "harmed",)

    torch.save({"bn_init.weight": Harm()}, tmp_path / "harmful.pth")
    with pytest.raises(Exception, match="weights_only"):
        read("cnn", tmp_path / "harmful.pth", 50)
    assert not (tmp_path / "harmed").exists()


@pytest.mark.shared
@pytest.mark.parametrize(
    ("example", "printed"),
    [
        ("cute", {"jazz": 0.444, "instrumental": 0.151, "folk": 0.103, "Hip-Hop": 0.103, "ambient": 0.077}),
        (
            "dubstep",
            {"Hip-Hop": 0.245, "rock": 0.183, "alternative": 0.081, "electronic": 0.076, "alternative rock": 0.053},
        ),
    ],
)
def test_the_msd_crnn_says_what_its_authors_printed(example: str, printed: dict[str, float], shared: Path) -> None:
    registry.install_from_folder(shared / "weights")
    tagger = registry.load("msd-crnn")
    mel = np.load(shared / "weights" / f"msd_crnn_example_{example}.melgram.npy")[0]
    predicted = dict(zip(tagger.labels, tagger.predict(mel)[0].tolist(), strict=True))
    strongest = sorted(predicted, key=predicted.__getitem__, reverse=True)[: len(printed)]
    assert strongest == list(printed)
    assert predicted == pytest.approx({**predicted, **printed}, abs=0.001)


@pytest.mark.shared
def test_the_jamendo_cnn_says_what_its_layers_say_one_by_one(shared: Path) -> None:
    file = shared / "weights" / "jamendo_moodtheme_cnn.pth"
    weights = torch.load(file, map_location="cpu", weights_only=True)
    mel = torch.randn(2, 96, 1366) * 15 - 30

    def normalized(maps: torch.Tensor, layer: str) -> torch.Tensor:
        names = ("running_mean", "running_var", "weight", "bias")
        return functional.batch_norm(maps, *(weights[f"{layer}.{name}"] for name in names))

    with torch.inference_mode():
        maps = normalized(mel.unsqueeze(1), "bn_init")
        for number, pool in enumerate([(2, 4), (2, 4), (2, 4), (3, 5), (4, 4)], start=1):
            convolved = functional.conv2d(
                maps, weights[f"conv_{number}.weight"], weights[f"conv_{number}.bias"], padding=1
            )
            maps = functional.max_pool2d(functional.elu(normalized(convolved, f"bn_{number}")), pool)
        logits = functional.linear(maps.flatten(1), weights["dense.weight"], weights["dense.bias"])
        expected = torch.sigmoid(logits)
        probabilities = read("cnn-one-band", file, 56)(mel)
    assert (probabilities - expected).abs().max() < 1e-5
