from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from mood.emotions import EMOTIONS
from mood.network import (
    VIEWS,
    ExpressionNetwork,
    TrainedNetwork,
    emotion_probabilities,
    load_network,
    mean_logits,
    save_network,
    standardize,
)


@pytest.fixture(scope="module")
def faces() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (5, 48, 48), dtype=np.uint8)


@pytest.fixture
def network() -> ExpressionNetwork:
    torch.manual_seed(0)
    return ExpressionNetwork().eval()


@pytest.mark.parametrize("size", [32, 38, 40, 48, 64])
def test_faces_of_every_even_size_get_a_logit_per_emotion(network: ExpressionNetwork, size: int) -> None:
    assert network(torch.zeros(2, 1, size, size)).shape == (2, len(EMOTIONS))


def test_neither_light_nor_contrast_matters(faces: np.ndarray) -> None:
    plain = standardize(faces)
    dim = standardize(0.3 * faces.astype(np.float32) + 40)

    torch.testing.assert_close(plain, dim, atol=1e-4, rtol=1e-4)


def test_a_flat_face_has_finite_probabilities(network: ExpressionNetwork) -> None:
    probabilities = emotion_probabilities(TrainedNetwork(network, 1.0), np.full((1, 48, 48), 9, np.uint8))

    assert np.isfinite(probabilities).all()


def test_a_face_and_its_mirror_image_are_read_the_same(network: ExpressionNetwork, faces: np.ndarray) -> None:
    inputs = standardize(faces)

    torch.testing.assert_close(mean_logits(network, inputs), mean_logits(network, inputs.flip(3)))


def test_several_windows_of_a_face_are_averaged(network: ExpressionNetwork, faces: np.ndarray) -> None:
    inputs = standardize(faces)

    each = [mean_logits(network, inputs, (view,)) for view in VIEWS]

    assert not torch.allclose(each[0], each[2])
    torch.testing.assert_close(mean_logits(network, inputs), torch.stack(each).mean(0))


def test_a_higher_temperature_makes_less_sure(network: ExpressionNetwork, faces: np.ndarray) -> None:
    cold = emotion_probabilities(TrainedNetwork(network, 0.5), faces)
    hot = emotion_probabilities(TrainedNetwork(network, 4.0), faces)

    np.testing.assert_allclose(cold.sum(1), 1, rtol=1e-5)
    assert (cold.max(1) > hot.max(1)).all()
    np.testing.assert_array_equal(cold.argmax(1), hot.argmax(1))


def test_a_saved_network_reads_faces_as_before(network: ExpressionNetwork, faces: np.ndarray, tmp_path: Path) -> None:
    trained = TrainedNetwork(network, 1.3)

    save_network(trained, tmp_path / "expression.safetensors")
    loaded = load_network(tmp_path / "expression.safetensors")

    assert loaded.temperature == 1.3
    assert [file.name for file in tmp_path.iterdir()] == ["expression.safetensors"]
    np.testing.assert_allclose(emotion_probabilities(loaded, faces), emotion_probabilities(trained, faces), atol=2e-3)


def test_other_weights_are_refused(tmp_path: Path) -> None:
    save_file({"weight": torch.zeros(3)}, tmp_path / "other.safetensors")

    with pytest.raises(ValueError, match="does not hold the weights of an expression network"):
        load_network(tmp_path / "other.safetensors")


def test_weights_of_a_network_of_another_shape_are_refused(network: ExpressionNetwork, tmp_path: Path) -> None:
    path = tmp_path / "expression.safetensors"
    save_network(TrainedNetwork(network, 1.0), path)
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in list(file.keys())[1:]}
        save_file(tensors, path, file.metadata())

    with pytest.raises(ValueError, match="does not hold the weights of an expression network"):
        load_network(path)


def test_what_is_no_safetensors_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.safetensors").write_bytes(b"nothing of the kind")

    with pytest.raises(ValueError, match="does not hold the weights"):
        load_network(tmp_path / "other.safetensors")
