"""musicnn: a network of musically motivated filters, as its authors trained it, and as others trained it again.

It hears three seconds. Filters that are high and short hear timbre wherever it lies in frequency; filters that are low
and long hear what happens over time in each band; for all of them the maximum over the bands is kept. Three layers
over time follow, all four stages are summarized by their maximum and their mean, and a dense layer labels that.

References
----------
.. [1] J. Pons, O. Nieto, M. Prockup, E. Schmidt, A. Ehmann, X. Serra, "End-to-end learning for music audio tagging at
   scale", ISMIR 2018.
.. [2] J. Pons, X. Serra, "musicnn: Pre-trained convolutional neural networks for music audio tagging", ISMIR 2019 (late
   breaking).
.. [3] M. Won, A. Ferraro, D. Bogdanov, X. Serra, "Evaluation of CNN-based automatic music tagging models", SMC 2020.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

PATCH_FRAMES = 187
EMBEDDING = 200

_N_MELS = 96
_TIMBRE_FRAMES = 7
_KERAS_EPSILON = 1e-3
_TORCH_EPSILON = 1e-5

Affine = tuple[Tensor, Tensor]


@dataclass(frozen=True, slots=True)
class MusicnnWeights:
    """The numbers of a network, every batch normalization as factor and addend.

    Attributes
    ----------
    normalization : Affine
        Of the input: one number each.
    timbre : sequence of (Tensor, Tensor, Affine)
        Kernels of shape (n_filters, n_bands, 7), biases, and the normalization after them.
    tempo : sequence of (Tensor, Tensor, Affine)
        Kernels of shape (n_filters, n_frames), biases, normalization.
    layers : sequence of (Tensor, Tensor, Affine)
        Kernels of shape (64, n_in, 7), biases, normalization.
    summary : Affine, optional
        The normalization of the summary.
    dense : (Tensor, Tensor, Affine)
        Weight of shape (200, n_in), bias, normalization.
    labels : (Tensor, Tensor)
        Weight of shape (n_labels, 200) and bias.
    rectified_first : bool
        Whether every rectifier stands before its normalization, as in [1]_, or after it, as in [3]_.
    tempo_of_mean : bool
        Whether the filters over time hear the mean of all bands, as in [3]_, or each band by itself.
    """

    normalization: Affine
    timbre: Sequence[tuple[Tensor, Tensor, Affine]]
    tempo: Sequence[tuple[Tensor, Tensor, Affine]]
    layers: Sequence[tuple[Tensor, Tensor, Affine]]
    summary: Affine | None
    dense: tuple[Tensor, Tensor, Affine]
    labels: tuple[Tensor, Tensor]
    rectified_first: bool
    tempo_of_mean: bool


class Musicnn:
    """The network for inference.

    The filters' answers are never stored for all bands: at each place in frequency they are one matrix product, and
    only the maximum so far is kept. Reading the input through strides, the product needs no copy of it.

    Parameters
    ----------
    weights : MusicnnWeights
    precision : dtype
        Of the filters: in half of it they are four times as fast where the processor can.
    """

    def __init__(self, weights: MusicnnWeights, precision: torch.dtype = torch.float32) -> None:
        self._weights = weights
        self._precision = precision
        self._timbre = [
            _Branch(kernel.permute(1, 2, 0).flatten(0, 1), bias, normalization, weights.rectified_first, precision)
            for kernel, bias, normalization in weights.timbre
        ]
        self._tempo = [
            _Branch(kernel.T, bias, normalization, weights.rectified_first, precision)
            for kernel, bias, normalization in weights.tempo
        ]

    def __call__(self, mel: Tensor) -> Tensor:
        """Probabilities.

        Parameters
        ----------
        mel : float32, shape (n, 96, 187)

        Returns
        -------
        float32, shape (n, n_labels)
        """
        return torch.sigmoid(self.label(self.embed(mel)))

    def embed(self, mel: Tensor) -> Tensor:
        """What the last layer but one says, before labels: float32, shape (n, 200)."""
        weights = self._weights
        scale, shift = weights.normalization
        maps = self._filters((mel * scale + shift).to(self._precision))
        stages = [maps]
        for number, (kernel, bias, normalization) in enumerate(weights.layers):
            answers = self._rectified(
                functional.conv1d(maps, kernel, bias, padding=kernel.shape[2] // 2), normalization
            )
            maps = answers if number == 0 else answers + maps
            stages.append(maps)
        everything = torch.cat(stages, dim=1)
        summary = [everything.amax(dim=2), everything.mean(dim=2)]
        # The authors lay maximum and mean of a channel side by side; the others, all maxima before all means.
        vector = torch.stack(summary, dim=2).flatten(1) if weights.summary is not None else torch.cat(summary, dim=1)
        if weights.summary is not None:
            factor, addend = weights.summary
            vector = vector * factor + addend
        kernel, bias, normalization = weights.dense
        return self._rectified(functional.linear(vector, kernel, bias)[:, :, None], normalization)[:, :, 0]

    def label(self, embedding: Tensor) -> Tensor:
        """Log-odds of the labels, shape (n, n_labels), of embeddings."""
        return functional.linear(embedding, *self._weights.labels)

    def _rectified(self, answers: Tensor, normalization: Affine) -> Tensor:
        """Rectifier and batch normalization of shape (n, channels, frames), in the network's order."""
        scale, shift = (numbers[:, None] for numbers in normalization)
        if self._weights.rectified_first:
            return functional.relu(answers) * scale + shift
        return functional.relu(answers * scale + shift)

    def _filters(self, mel: Tensor) -> Tensor:
        """The maximum over bands of every filter, shape (n, 561, 187), of normalized patches of shape (n, 96, 187)."""
        n, _, frames = mel.shape
        # A row is a frame, its columns each band's neighbours in time: filters of some bands read adjacent columns.
        padding = _TIMBRE_FRAMES // 2
        around = functional.pad(mel, (padding, padding)).unfold(2, _TIMBRE_FRAMES, 1)
        rows = around.permute(0, 2, 1, 3).reshape(n * frames, _N_MELS * _TIMBRE_FRAMES)
        answers = []
        for branch in self._timbre:
            places = _N_MELS - branch.width // _TIMBRE_FRAMES + 1
            best = branch.nothing_yet(len(rows))
            for start in range(0, places * _TIMBRE_FRAMES, _TIMBRE_FRAMES):
                branch.keep_higher(best, rows[:, start : start + branch.width])
            answers.append(branch.finish(best))
        signals = mel.mean(dim=1, keepdim=True) if self._weights.tempo_of_mean else mel
        longest = max(branch.width for branch in self._tempo)
        # As TensorFlow pads: of an even kernel, the odd frame goes behind.
        before = (longest - 1) // 2
        padded = functional.pad(signals, (before, longest - 1 - before))
        highest = [branch.nothing_yet(len(rows)) for branch in self._tempo]
        for band in range(padded.shape[1]):
            around = padded[:, band].unfold(1, longest, 1).reshape(n * frames, longest)
            for branch, best in zip(self._tempo, highest, strict=True):
                start = before - (branch.width - 1) // 2
                branch.keep_higher(best, around[:, start : start + branch.width])
        answers += [branch.finish(best) for branch, best in zip(self._tempo, highest, strict=True)]
        return torch.cat(answers, dim=1).reshape(n, frames, -1).transpose(1, 2).contiguous()


class _Branch:
    """Filters of one shape: rectifier, batch normalization, and the maximum over the places where they are applied.

    Both rise, or a negative factor turns the second round: then the least answer gives the largest value. So the
    maximum is taken first, of the answers with their sign turned where the factor is negative.
    """

    def __init__(
        self, kernel: Tensor, bias: Tensor, normalization: Affine, rectified_first: bool, precision: torch.dtype
    ) -> None:
        scale, self._shift = normalization
        self.width = kernel.shape[0]
        self._rectified_first = rectified_first
        if rectified_first:
            self._sign = torch.where(scale < 0, -1.0, 1.0)
            self._scale = scale
            self._kernel = (kernel * self._sign).contiguous().to(precision)
            self._bias = bias
        else:
            self._kernel = (kernel * scale).contiguous().to(precision)
            self._bias = bias * scale + self._shift

    def nothing_yet(self, rows: int) -> Tensor:
        """What `keep_higher` begins with, shape (rows, n_filters)."""
        return torch.full((rows, self._kernel.shape[1]), -torch.inf, dtype=self._kernel.dtype)

    def keep_higher(self, best: Tensor, place: Tensor) -> None:
        """Raise `best` to the answers at one place, whose inputs have shape (rows, width)."""
        torch.maximum(best, place @ self._kernel, out=best)

    def finish(self, best: Tensor) -> Tensor:
        """The branch's answer, shape (rows, n_filters), after all places."""
        best = best.float()
        if self._rectified_first:
            return functional.relu(best * self._sign + self._bias) * self._scale + self._shift
        return functional.relu(best + self._bias)


def from_tensorflow(variables: Mapping[str, Tensor]) -> MusicnnWeights:
    """The weights as their authors' program names them; other variables there are left alone.

    Parameters
    ----------
    variables : mapping of str to Tensor
        Kernels have the shape (frames, bands, channels in, filters), as TensorFlow has them.

    Raises
    ------
    ValueError
        If one is missing.
    """

    def normalization(number: int) -> Affine:
        layer = f"batch_normalization{_numbered(number)}"
        parts = ("gamma", "beta", "moving_mean", "moving_variance")
        return _affine([variables[f"{layer}/{part}"] for part in parts], _KERAS_EPSILON)

    def convolution(number: int) -> tuple[Tensor, Tensor, Affine]:
        layer = f"conv2d{_numbered(number)}"
        kernel: Tensor = variables[f"{layer}/kernel"]
        # Without the dimension that is 1: one channel comes in, and filters over time have one band.
        kernel = kernel[:, 0, 0].T if kernel.shape[1] == 1 else kernel[:, :, 0].permute(2, 1, 0)
        return kernel.contiguous(), variables[f"{layer}/bias"], normalization(number + 1)

    try:
        return MusicnnWeights(
            normalization=normalization(0),
            timbre=[convolution(number) for number in (0, 1)],
            tempo=[convolution(number) for number in (2, 3, 4)],
            layers=[convolution(number) for number in (5, 6, 7)],
            summary=normalization(9),
            dense=(variables["dense/kernel"].T.contiguous(), variables["dense/bias"], normalization(10)),
            labels=(variables["dense_1/kernel"].T.contiguous(), variables["dense_1/bias"]),
            rectified_first=True,
            tempo_of_mean=False,
        )
    except KeyError as error:
        raise ValueError(f"{error} is missing") from error


def from_pytorch(state: Mapping[str, Tensor]) -> MusicnnWeights:
    """The weights as Won and others trained them; filters in the order in which they concatenate them.

    Raises
    ------
    ValueError
        If one is missing.
    """

    def normalization(layer: str) -> Affine:
        parts = ("weight", "bias", "running_mean", "running_var")
        return _affine([state[f"{layer}.{part}"] for part in parts], _TORCH_EPSILON)

    def convolution(layer: str) -> tuple[Tensor, Tensor, Affine]:
        kernel = state[f"{layer}.conv.weight"]
        return kernel, state[f"{layer}.conv.bias"], normalization(f"{layer}.bn")

    def filters(numbers: Sequence[int]) -> list[tuple[Tensor, Tensor, Affine]]:
        found = [convolution(f"layers.{number}") for number in numbers]
        return [(kernel[:, 0], bias, normalized) for kernel, bias, normalized in found]

    try:
        return MusicnnWeights(
            normalization=normalization("spec_bn"),
            timbre=filters((0, 1)),
            tempo=filters((2, 3, 4)),
            layers=[convolution(f"layer{number}") for number in (1, 2, 3)],
            summary=None,
            dense=(state["dense1.weight"], state["dense1.bias"], normalization("bn")),
            labels=(state["dense2.weight"], state["dense2.bias"]),
            rectified_first=False,
            tempo_of_mean=True,
        )
    except KeyError as error:
        raise ValueError(f"{error} is missing") from error


def _numbered(number: int) -> str:
    """TensorFlow's name for the n-th layer of a kind: the first has no number."""
    return f"_{number}" if number else ""


def _affine(normalization: Sequence[Tensor], epsilon: float) -> Affine:
    gamma, beta, mean, variance = normalization
    scale = gamma / torch.sqrt(variance + epsilon)
    return scale, beta - mean * scale
