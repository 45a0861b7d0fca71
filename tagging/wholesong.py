"""The tagger's own network: windows of a song become vectors, their mean is the song's embedding, a layer labels it.

Unlike the published networks, which keep the maxima of one crop, it averages over time, and over windows from all of
a song; so it hardly notices where a window begins. It is convolutional in time and takes windows of any length.
"""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from .frontend import N_MELS

EMBEDDING = 256
FLOOR_DB = -60.0
# What lies so far below a louder neighbour is hardly heard: codecs leave it out, so it must not count. Neighbours are
# at most 4 bands and 1 frame away; 4 bands are, at 1 kHz, a little more than a critical band.
MASKED_DB = 18.0
_BANDS_AROUND, _FRAMES_AROUND = 4, 1
_DOWNSAMPLINGS = 5


class _Block(nn.Module):
    """Convolution, batch normalization, rectifier; added to its input where the shapes allow."""

    def __init__(self, before: int, after: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(before, after, kernel, stride, kernel // 2, bias=False)
        self.normalization: nn.Module = nn.BatchNorm2d(after)
        self._residual = before == after and stride == 1

    def forward(self, maps: Tensor) -> Tensor:
        out: Tensor = self.normalization(self.convolution(maps))
        return functional.relu(out + maps if self._residual else out, inplace=not self.training)


class WholeSongCnn(nn.Module):
    """From windows of a song to its embedding and its labels.

    Parameters
    ----------
    n_labels : int

    References
    ----------
    .. [1] D. Snyder, D. Garcia-Romero, G. Sell, D. Povey, S. Khudanpur, "X-vectors: Robust DNN embeddings for speaker
       recognition", ICASSP 2018 (statistics over time).
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, n_labels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(N_MELS))
        self.register_buffer("scale", torch.ones(N_MELS))
        self.blocks = nn.Sequential(
            _Block(1, 32, 5, 2),
            _Block(32, 64, 3, 2),
            _Block(64, 96, 3, 2),
            _Block(96, 96, 3, 1),
            _Block(96, 160, 3, 2),
            _Block(160, 160, 3, 1),
            _Block(160, 256, 3, 2),
        )
        # All bands at once: what is left of frequency is part of what a map means.
        self.across = nn.Conv2d(256, 320, (N_MELS >> _DOWNSAMPLINGS, 3), padding=(0, 1), bias=False)
        self.across_normalization: nn.Module = nn.BatchNorm2d(320)
        self.dense = nn.Linear(3 * 320, EMBEDDING)
        self.labels = nn.Linear(EMBEDDING, n_labels)

    def embed(self, mel: Tensor) -> Tensor:
        """Windows' embeddings.

        Parameters
        ----------
        mel : float32, shape (n, 96, n_frames), n_frames at least 64
            Decibels.

        Returns
        -------
        float32, shape (n, 256)
            At least 0.
        """
        levels = (audible(mel) - self.mean[:, None]) * self.scale[:, None]
        windows = levels[:, None].to(self.across.weight.dtype, memory_format=torch.channels_last)
        maps = self.blocks(windows)
        over_time = functional.relu(self.across_normalization(self.across(maps)))[:, :, 0].float()
        deviation = (over_time.var(dim=2, correction=0) + 1e-4).sqrt()
        return functional.relu(self.dense(torch.cat([over_time.mean(dim=2), deviation, over_time.amax(dim=2)], dim=1)))

    def forward(self, mel: Tensor) -> Tensor:
        """Log-odds of each label in each window, shape (n, n_labels)."""
        log_odds: Tensor = self.labels(self.embed(mel))
        return log_odds


def audible(mel: Tensor) -> Tensor:
    """Levels as the network hears them: nothing below the floor, and nothing far below a louder neighbour.

    Parameters
    ----------
    mel : float, shape (n, 96, n_frames)
        Decibels.

    Returns
    -------
    float, shape (n, 96, n_frames)
        Decibels, at least `FLOOR_DB`.

    References
    ----------
    .. [1] T. Painter, A. Spanias, "Perceptual coding of digital audio", Proceedings of the IEEE 88 (2000): simultaneous
       masking, and what codecs make of it.
    """
    levels = mel.clamp(min=FLOOR_DB)
    across = functional.max_pool2d(levels[:, None], (2 * _BANDS_AROUND + 1, 1), 1, (_BANDS_AROUND, 0))
    loudest = functional.max_pool2d(across, (1, 2 * _FRAMES_AROUND + 1), 1, (0, _FRAMES_AROUND))[:, 0]
    return torch.maximum(levels, loudest - MASKED_DB)


def fused(network: WholeSongCnn, precision: torch.dtype = torch.float32) -> WholeSongCnn:
    """A copy for inference, its batch normalizations folded into the convolutions before them.

    Parameters
    ----------
    network : WholeSongCnn
    precision : dtype
        Of the convolutions.
    """
    fast = deepcopy(network).eval().requires_grad_(False)
    for block in fast.modules():
        if isinstance(block, _Block):
            block.convolution, block.normalization = _folded(block.convolution, block.normalization, precision)
    fast.across, fast.across_normalization = _folded(fast.across, fast.across_normalization, precision)
    return fast


def _folded(convolution: nn.Conv2d, normalization: nn.Module, precision: torch.dtype) -> tuple[nn.Conv2d, nn.Module]:
    if isinstance(normalization, nn.BatchNorm2d):
        convolution, normalization = fuse_conv_bn_eval(convolution, normalization), nn.Identity()
    convolution.weight.data = convolution.weight.data.contiguous(memory_format=torch.channels_last)
    return convolution.to(precision), normalization
