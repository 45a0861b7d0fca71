"""The networks: what each is made of, how its weights are read, and how it answers fast on a processor.

`read` gives a plain function from spectrograms to probabilities. It says what the network as published says, to
within rounding: batch normalization is folded into the convolutions, the maximum of a pool is taken before the ELU
(which rises, so the result is the same), and songs go through one at a time, because one song's maps stay in the
processor's cache.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import h5py
import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn import functional

from catalog.training import fast_bfloat16
from tagging.frontend.mel_bands import N_MELS

from . import musicnn

Network = Callable[[Tensor], Tensor]
Stage = Callable[[Tensor], Tensor]

_CNN_MAPS = (64, 128, 128, 128, 64)
_CNN_POOLS = ((2, 4), (2, 4), (2, 4), (3, 5), (4, 4))
_CRNN_POOLS = ((2, 2), (3, 3), (4, 4), (4, 4))
_CRNN_PADDING = 37
_KERAS_EPSILON = 1e-3
# The names of blocks' layers in the files of Won and others.
_FCN_NAMES = re.compile(r"layer(\d)\.(conv|bn)")


class Cnn(nn.Module):
    """The system's own network: five blocks of convolution, batch normalization, ELU and max pooling; a dense layer.

    Parameters
    ----------
    n_labels : int
        Labels, each with a sigmoid of its own: 50 in the original.
    normalized_bands : int
        96: the input's batch normalization has its own numbers for every mel band. 1: one for all of them, as in
        MTG-Jamendo's baseline.

    References
    ----------
    .. [1] K. Choi, G. Fazekas, M. Sandler, "Automatic tagging using deep convolutional neural networks", ISMIR 2016.
    """

    def __init__(self, n_labels: int, normalized_bands: int = N_MELS) -> None:
        super().__init__()
        self.bn_init = nn.BatchNorm2d(normalized_bands)
        before = 1
        for number, maps in enumerate(_CNN_MAPS, start=1):
            self.add_module(f"conv_{number}", nn.Conv2d(before, maps, 3, padding=1))
            self.add_module(f"bn_{number}", nn.BatchNorm2d(maps))
            before = maps
        self.dense = nn.Linear(before, n_labels)

    def blocks(self) -> list[tuple[nn.Conv2d, nn.BatchNorm2d, tuple[int, int]]]:
        """The five blocks: convolution, batch normalization, size of the pool."""
        return [
            (getattr(self, f"conv_{number}"), getattr(self, f"bn_{number}"), pool)
            for number, pool in enumerate(_CNN_POOLS, start=1)
        ]

    def forward(self, mel: Tensor) -> Tensor:
        """Probabilities, shape (n, n_labels), of spectrograms of shape (n, 96, 1366)."""
        bands_as_channels = mel.unsqueeze(2) if self.bn_init.num_features > 1 else mel.unsqueeze(1)
        maps = self.bn_init(bands_as_channels).reshape(len(mel), 1, *mel.shape[1:])
        for convolution, normalization, pool in self.blocks():
            maps = functional.max_pool2d(functional.elu(normalization(convolution(maps))), pool)
        return torch.sigmoid(self.dense(maps.flatten(1)))


def read(network: str, weights: Path, n_labels: int) -> Network:
    """A network with its weights.

    Parameters
    ----------
    network : str
        One of `NETWORKS`.
    weights : Path
    n_labels : int

    Returns
    -------
    callable
        From float32 of shape (n, 96, 1366), in the scaling that the network was trained with, to probabilities of
        shape (n, n_labels).

    Raises
    ------
    ValueError
        If the weights are not of this network with this many labels.
    """
    return NETWORKS[network](weights, n_labels)


def fold(
    cnn: Cnn, activation: Callable[[Tensor], Tensor] = functional.elu_, precision: torch.dtype = torch.float32
) -> Network:
    """A trained `Cnn` as a fast function for inference.

    Parameters
    ----------
    cnn : Cnn
    activation : callable
        After each block, in place; it must rise.
    precision : dtype
        Of the convolutions.
    """
    scale, shift = (numbers.view(-1, 1) for numbers in _normalization_of(cnn.bn_init))
    stages = [
        _stage(
            convolution.weight.detach(),
            _bias(convolution),
            _normalization_of(normalization),
            pool,
            activation,
            precision,
        )
        for convolution, normalization, pool in cnn.blocks()
    ]
    weight, bias = cnn.dense.weight.detach(), cnn.dense.bias.detach()

    def probabilities(mel: Tensor) -> Tensor:
        summaries = [_through(stages, (song * scale + shift).to(precision)).flatten() for song in mel]
        return torch.sigmoid(functional.linear(torch.stack(summaries).float(), weight, bias))

    return probabilities


def _read_cnn(weights: Path, n_labels: int, normalized_bands: int = N_MELS) -> Network:
    cnn = Cnn(n_labels, normalized_bands)
    try:
        cnn.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    except RuntimeError as error:
        raise ValueError(f"{weights.name} does not hold this network's weights: {error}") from error
    return fold(cnn.eval())


def _read_msd_crnn(weights: Path, n_labels: int) -> Network:
    """Choi's convolutional recurrent network, from Keras 1's file for Theano.

    References
    ----------
    .. [1] K. Choi, G. Fazekas, M. Sandler, K. Cho, "Convolutional recurrent neural networks for music
       classification", ICASSP 2017.
    """
    with h5py.File(weights) as file:
        layers = {
            layer: {name.removeprefix(f"{layer}_"): torch.from_numpy(array[()]) for name, array in group.items()}
            for layer, group in file.items()
        }
    try:
        scale, shift = _keras_normalization(layers["bn_0_freq"])
        stages = [
            # Theano convolves in earnest, with the kernel turned round; PyTorch correlates.
            _stage(
                layers[f"conv{number}"]["W"].flip(2, 3),
                layers[f"conv{number}"]["b"],
                _keras_normalization(layers[f"bn{number}"]),
                pool,
            )
            for number, pool in enumerate(_CRNN_POOLS, start=1)
        ]
        first, second, dense = layers["gru1"], layers["gru2"], layers["output"]
        weight, bias = dense["W"], dense["b"]
    except KeyError as error:
        raise ValueError(f"{weights.name} does not hold this network's weights: {error} is missing") from error
    if weight.shape[1] != n_labels:
        raise ValueError(f"{weights.name} has {weight.shape[1]} labels, not {n_labels}")

    def probabilities(mel: Tensor) -> Tensor:
        padded = functional.pad(mel, (_CRNN_PADDING, _CRNN_PADDING))
        steps = torch.stack([_through(stages, song * scale + shift)[0, :, 0].T for song in padded])
        last = _gru(_gru(steps, first), second)[:, -1]
        return torch.sigmoid(torch.addmm(bias, last, weight))

    return probabilities


def _read_fcn(weights: Path, n_labels: int) -> Network:
    """The system's own network as Won and others trained it: with rectifiers, and a file that also holds the front-end.

    References
    ----------
    .. [1] M. Won, A. Ferraro, D. Bogdanov, X. Serra, "Evaluation of CNN-based automatic music tagging models",
       SMC 2020.
    """
    cnn = Cnn(n_labels, normalized_bands=1)
    state = torch.load(weights, map_location="cpu", weights_only=True)
    try:
        cnn.load_state_dict(
            {
                _FCN_NAMES.sub(r"\2_\1", name).replace("spec_bn", "bn_init"): numbers
                for name, numbers in state.items()
                if not name.startswith("spec.")
            }
        )
    except RuntimeError as error:
        raise ValueError(f"{weights.name} does not hold this network's weights: {error}") from error
    return fold(cnn.eval(), torch.relu_, half_where_fast())


def _read_musicnn(
    weights: Path,
    n_labels: int,
    read_tensors: Callable[[Path], Mapping[str, Tensor]],
    understand: Callable[[Mapping[str, Tensor]], musicnn.MusicnnWeights],
) -> Network:
    try:
        network = musicnn.Musicnn(understand(read_tensors(weights)), half_where_fast())
        answer = network(torch.zeros(1, N_MELS, musicnn.PATCH_FRAMES))
    except (ValueError, RuntimeError) as error:
        raise ValueError(f"{weights.name} does not hold this network's weights: {error}") from error
    if answer.shape[1] != n_labels:
        raise ValueError(f"{weights.name} has {answer.shape[1]} labels, not {n_labels}")
    return network


def half_where_fast() -> torch.dtype:
    """Half precision where the processor has instructions for it; no probability moves by more than 0.01 then."""
    return torch.bfloat16 if fast_bfloat16(torch.device("cpu")) else torch.float32


def _gru(steps: Tensor, weights: Mapping[str, Tensor]) -> Tensor:
    """Keras 1's gated recurrent unit: from (n, steps, n_in) to the states after each step, (n, steps, n_out)."""
    gates = torch.cat([weights["U_z"], weights["U_r"]], dim=1)
    inputs = steps @ torch.cat([weights["W_z"], weights["W_r"], weights["W_h"]], dim=1)
    inputs = inputs + torch.cat([weights["b_z"], weights["b_r"], weights["b_h"]])
    width = len(weights["b_z"])
    state = inputs.new_zeros(len(steps), width)
    states = []
    for now in inputs.unbind(1):
        z, r = (now[:, : 2 * width] + state @ gates).mul(0.2).add(0.5).clamp(0.0, 1.0).tensor_split(2, dim=1)
        candidate = torch.tanh(now[:, 2 * width :] + (r * state) @ weights["U_h"])
        state = z * state + (1 - z) * candidate
        states.append(state)
    return torch.stack(states, dim=1)


def _through(stages: Sequence[Stage], song: Tensor) -> Tensor:
    """One song, shape (bands, frames), through the convolutions: shape (1, maps, bands', frames')."""
    maps = song[None, None]
    for stage in stages:
        maps = stage(maps)
    return maps


def _stage(
    weight: Tensor,
    bias: Tensor,
    normalization: tuple[Tensor, Tensor],
    pool: tuple[int, int],
    activation: Callable[[Tensor], Tensor] = functional.elu_,
    precision: torch.dtype = torch.float32,
) -> Stage:
    """Convolution, batch normalization, activation and max pooling in one, for inference."""
    scale, shift = normalization
    kernel = (weight * scale.view(-1, 1, 1, 1)).to(precision).contiguous(memory_format=torch.channels_last)
    offset = (bias * scale + shift).to(precision)
    convolve = _pooled_phase_by_phase if kernel.shape[1] == 1 else _pooled

    def stage(maps: Tensor) -> Tensor:
        return activation(convolve(maps, kernel, offset, pool))

    return stage


def _pooled(maps: Tensor, kernel: Tensor, offset: Tensor, pool: tuple[int, int]) -> Tensor:
    return functional.max_pool2d(functional.conv2d(maps, kernel, offset, padding=1), pool)


def _pooled_phase_by_phase(maps: Tensor, kernel: Tensor, offset: Tensor, pool: tuple[int, int]) -> Tensor:
    """The same, for the first stage: its maps before pooling, 33 MB a song, would come and go through memory.

    Each place of the pool's window is one strided convolution, and the maximum over them is kept: every map is
    computed once, none is stored whole.
    """
    high, wide = pool
    rows, columns = maps.shape[2] // high, maps.shape[3] // wide
    padded = functional.pad(maps, (1, 1, 1, 1))
    highest: Tensor | None = None
    for row in range(high):
        for column in range(wide):
            part = padded[:, :, row : row + (rows - 1) * high + 3, column : column + (columns - 1) * wide + 3]
            phase = functional.conv2d(part, kernel, offset, stride=pool)
            highest = phase if highest is None else torch.maximum(highest, phase, out=highest)
    if highest is None:
        raise ValueError(f"a pool of {pool}")
    return highest


def _normalization_of(layer: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """The factor and the addend that a batch normalization comes to at inference."""
    mean, variance = layer.running_mean, layer.running_var
    if mean is None or variance is None:
        raise ValueError("a batch normalization has no running statistics")
    return _normalization(layer.weight.detach(), layer.bias.detach(), mean, variance, layer.eps)


def _keras_normalization(layer: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    # What Keras 1 calls `running_std` holds the variance.
    return _normalization(layer["gamma"], layer["beta"], layer["running_mean"], layer["running_std"], _KERAS_EPSILON)


def _normalization(
    gamma: Tensor, beta: Tensor, mean: Tensor, variance: Tensor, epsilon: float
) -> tuple[Tensor, Tensor]:
    scale = gamma / torch.sqrt(variance + epsilon)
    return scale, beta - mean * scale


def _bias(convolution: nn.Conv2d) -> Tensor:
    return torch.zeros(convolution.out_channels) if convolution.bias is None else convolution.bias.detach()


NETWORKS: Mapping[str, Callable[[Path, int], Network]] = {
    "cnn": _read_cnn,
    "cnn-one-band": partial(_read_cnn, normalized_bands=1),
    "msd-crnn": _read_msd_crnn,
    "fcn": _read_fcn,
    "musicnn": partial(_read_musicnn, read_tensors=safetensors.torch.load_file, understand=musicnn.from_tensorflow),
    "musicnn-pytorch": partial(
        _read_musicnn,
        read_tensors=partial(torch.load, map_location="cpu", weights_only=True),
        understand=musicnn.from_pytorch,
    ),
}
