"""The expression network: a small residual network over a grey face, and the file its weights lie in."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn import functional

from mood.emotions import EMOTIONS
from mood.spread import match_spread

FACE_SIZE = 48


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions and a way around them [1]_.

    References
    ----------
    .. [1] K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image recognition", CVPR 2016.
    """

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, 1, 1, bias=False),
            nn.BatchNorm2d(channels),
        )
        # A block begins as its shortcut alone, so that training starts with a shallow network.
        nn.init.zeros_(self.residual[-1].weight)  # type: ignore[arg-type]
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or channels_in != channels:
            self.shortcut = nn.Sequential(
                nn.AvgPool2d(stride, ceil_mode=True),
                nn.Conv2d(channels_in, channels, 1, bias=False),
                nn.BatchNorm2d(channels),
            )

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels_in, h, w) to (n, channels, ceil(h / stride), ceil(w / stride))."""
        return functional.relu(self.residual(x) + self.shortcut(x))


class ExpressionNetwork(nn.Module):
    """Grey faces to the logits of `EMOTIONS`; faces of any size from 32 pixels, trained at 40 and 48."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 20, 3, 1, 1, bias=False),
            nn.BatchNorm2d(20),
            nn.ReLU(inplace=True),
            nn.Conv2d(20, 40, 3, 2, 1, bias=False),
            nn.BatchNorm2d(40),
            nn.ReLU(inplace=True),
            ResidualBlock(40, 40, 1),
            ResidualBlock(40, 80, 2),
            ResidualBlock(80, 80, 1),
            ResidualBlock(80, 160, 2),
            ResidualBlock(160, 160, 1),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(160, len(EMOTIONS)))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, faces: Tensor) -> Tensor:
        """Standardized faces, float (n, 1, size, size), to logits, (n, 7)."""
        logits: Tensor = self.classifier(self.features(faces))
        return logits


def standardize(faces: NDArray[np.float32]) -> Tensor:
    """Faces with mean 0 and deviation 1 each, so that neither light nor contrast of a picture matters.

    Parameters
    ----------
    faces : float32, shape (n, size, size)
        In grey levels.

    Returns
    -------
    Tensor
        float32, shape (n, 1, size, size); a flat face is 0 everywhere.
    """
    pixels = torch.from_numpy(faces)[:, None]
    deviation, mean = torch.std_mean(pixels, (1, 2, 3), keepdim=True, correction=0)
    return (pixels - mean) / deviation.clamp(min=1.0)


@dataclass(frozen=True)
class TrainedNetwork:
    """A network with what belongs to its weights.

    Attributes
    ----------
    network : ExpressionNetwork
        In evaluation mode, float32.
    temperature : float
        What the logits are divided by before the softmax, so that probabilities are calibrated.
    spread : float
        Point spread of the pictures it was trained on, pixels (`mood.spread`).
    """

    network: ExpressionNetwork
    temperature: float
    spread: float


@torch.inference_mode()
def mirrored_logits(network: ExpressionNetwork, faces: Tensor) -> Tensor:
    """Logits, each the mean of a face's and its mirror image's.

    Parameters
    ----------
    network : ExpressionNetwork
        In evaluation mode, on any device.
    faces : Tensor
        Standardized, float32, shape (n, 1, 48, 48), on the CPU.

    Returns
    -------
    Tensor
        float32, shape (n, 7), on the CPU.
    """
    device = next(network.parameters()).device
    parts = []
    for batch in torch.split(faces, 256):
        both = torch.cat([batch, batch.flip(3)]).to(device)
        parts.append(network(both).float().unflatten(0, (2, -1)).mean(0).cpu())
    return torch.cat(parts)


def emotion_probabilities(trained: TrainedNetwork, faces: NDArray[np.uint8], spread: float) -> NDArray[np.float32]:
    """The calibrated probability of each of `EMOTIONS` in each face.

    Parameters
    ----------
    trained : TrainedNetwork
    faces : uint8, shape (n, 48, 48)
        Grey, at least one.
    spread : float
        Their point spread, pixels: 0 for sharp pictures.

    Returns
    -------
    float32, shape (n, 7)
        Rows sum to 1.
    """
    logits = mirrored_logits(trained.network, standardize(match_spread(faces, spread, trained.spread)))
    return torch.softmax(logits / trained.temperature, 1).numpy()


def save_network(trained: TrainedNetwork, path: Path) -> None:
    """Writes the weights in half precision, with temperature and spread in the file's metadata."""
    tensors = {
        name: tensor.half().contiguous() if tensor.is_floating_point() else tensor.contiguous()
        for name, tensor in trained.network.state_dict().items()
    }
    about = {"emotions": EMOTIONS, "temperature": trained.temperature, "spread": trained.spread}
    draft = path.with_name(f"{path.name}.draft")
    draft.write_bytes(save(tensors, {"expression": json.dumps(about)}))
    draft.replace(path)


def load_network(path: Path) -> TrainedNetwork:
    """Reads what `save_network` wrote.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file holds other weights than an expression network's.
    """
    refusal = f"{path} does not hold the weights of an expression network."
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {}).get("expression", "{}"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, json.JSONDecodeError) as error:
        raise ValueError(refusal) from error
    if tuple(about.get("emotions", ())) != EMOTIONS:
        raise ValueError(refusal)
    network = ExpressionNetwork()
    network.load_state_dict(tensors)
    return TrainedNetwork(network.eval(), float(about["temperature"]), float(about["spread"]))
