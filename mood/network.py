"""The expression network: a residual network over a grey face, and the file its weights lie in."""

import json
from collections.abc import Sequence
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

FACE_SIZE = 48

WINDOW = 40
"""Side of what is seen of a face, in the middle of its 48 pixels.

Windows of this size are what is trained on; of faces that are seen whole, fewer are recognized.
"""

VIEWS = (36, 40, 44)
"""Sides of the windows whose answers are averaged: the middle and nearly the ends of what training shows.

Of the tenth that was kept out of training, all three recognize 70.6 %, the middle one alone 69.3 %.
"""


class SqueezeExcitation(nn.Module):
    """Scales every channel by what all channels show over the whole picture [1]_.

    References
    ----------
    .. [1] J. Hu, L. Shen, G. Sun, "Squeeze-and-excitation networks", CVPR 2018.
    """

    def __init__(self, channels: int, reduction: int = 8) -> None:
        super().__init__()
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, channels // reduction, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels // reduction, channels, 1),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, h, w) to the same shape."""
        scaled: Tensor = x * self.gate(x)
        return scaled


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions, squeeze and excitation, and a way around them [1]_.

    References
    ----------
    .. [1] K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image recognition", CVPR 2016.
    """

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        last = nn.BatchNorm2d(channels)
        self.residual = nn.Sequential(
            nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, 1, 1, bias=False),
            last,
            SqueezeExcitation(channels),
        )
        # A block begins as its shortcut alone, so that training starts with a shallow network.
        nn.init.zeros_(last.weight)
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
    """Grey faces to the logits of `EMOTIONS`; faces of any even size from 32 pixels.

    Attributes
    ----------
    features : nn.Module
        Standardized faces, float (n, 1, size, size), to (n, `N_FEATURES`).
    classifier : nn.Module
        Features to logits.
    """

    N_FEATURES = 192

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            # Every 2 x 2 pixels become one place of four channels: nothing is lost, and whole-size layers are saved.
            nn.PixelUnshuffle(2),
            nn.Conv2d(4, 64, 3, 1, 1, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(inplace=True),
            ResidualBlock(64, 64, 1),
            ResidualBlock(64, 64, 1),
            ResidualBlock(64, 128, 2),
            ResidualBlock(128, 128, 1),
            ResidualBlock(128, self.N_FEATURES, 2),
            ResidualBlock(self.N_FEATURES, self.N_FEATURES, 1),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(self.N_FEATURES, len(EMOTIONS)))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, faces: Tensor) -> Tensor:
        """Standardized faces, float (n, 1, size, size), to logits, (n, 7)."""
        logits: Tensor = self.classifier(self.features(faces))
        return logits


def standardize(faces: NDArray[np.uint8] | NDArray[np.float32]) -> Tensor:
    """Faces with mean 0 and deviation 1 each, so that neither light nor contrast of a picture matters.

    Parameters
    ----------
    faces : uint8 or float32, shape (n, size, size)
        In grey levels.

    Returns
    -------
    Tensor
        float32, shape (n, 1, size, size); a flat face is 0 everywhere.
    """
    pixels = torch.from_numpy(faces.astype(np.float32))[:, None]
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
    """

    network: ExpressionNetwork
    temperature: float


@torch.inference_mode()
def mean_logits(network: ExpressionNetwork, faces: Tensor, views: Sequence[int] = VIEWS) -> Tensor:
    """Logits, each the mean over windows in the middle of a face and over their mirror images.

    Parameters
    ----------
    network : ExpressionNetwork
        In evaluation mode, on any device.
    faces : Tensor
        Standardized, float32, shape (n, 1, size, size), on the CPU.
    views : sequence of int
        Sides of the windows, where a face has `FACE_SIZE`; all are resampled to that of `WINDOW`.

    Returns
    -------
    Tensor
        float32, shape (n, 7), on the CPU.
    """
    device = next(network.parameters()).device
    wanted = _window(faces, WINDOW).shape[-1]
    parts = []
    for batch in torch.split(faces, 256):
        windows = [_resampled(_window(batch, view), wanted) for view in views]
        all_of_them = torch.cat([side for window in windows for side in (window, window.flip(3))]).to(device)
        parts.append(network(all_of_them).float().unflatten(0, (2 * len(views), -1)).mean(0).cpu())
    return torch.cat(parts)


def _window(faces: Tensor, view: int) -> Tensor:
    size = faces.shape[-1]
    margin = round(size * (1 - view / FACE_SIZE) / 2)
    return faces[:, :, margin : size - margin, margin : size - margin]


def _resampled(faces: Tensor, size: int) -> Tensor:
    if faces.shape[-1] == size:
        return faces
    return functional.interpolate(faces, size=(size, size), mode="bilinear", antialias=True)


def emotion_probabilities(trained: TrainedNetwork, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The calibrated probability of each of `EMOTIONS` in each face.

    Parameters
    ----------
    trained : TrainedNetwork
    faces : uint8, shape (n, 48, 48)
        Grey, at least one.

    Returns
    -------
    float32, shape (n, 7)
        Rows sum to 1.
    """
    logits = mean_logits(trained.network, standardize(faces))
    return torch.softmax(logits / trained.temperature, 1).numpy()


def save_network(trained: TrainedNetwork, path: Path) -> None:
    """Writes the weights in half precision, with the temperature in the file's metadata."""
    tensors = {
        name: tensor.half().contiguous() if tensor.is_floating_point() else tensor.contiguous()
        for name, tensor in trained.network.state_dict().items()
    }
    about = {"emotions": EMOTIONS, "temperature": trained.temperature}
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
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise ValueError(refusal) from error
    return TrainedNetwork(network.eval(), float(about["temperature"]))
