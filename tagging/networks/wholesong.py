"""The local taggers' network: a song's embedding is the mean over its windows, and one layer labels it.

Unlike the published networks, which keep the maxima of one crop, it averages over time and over windows from all of a
song, so its output hardly depends on where windows begin. It is convolutional in time and takes windows of any length.
"""

from __future__ import annotations

import math
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from tagging.frontend.mel_bands import N_MELS

EMBEDDING = 256
FLOOR_DB = -60.0
# What is quieter on average is no music, and is not raised to the level of music.
QUIETEST_DB = -50.0
# Levels this far below a neighbour are masked: codecs drop them, so they must not affect the output. Neighbours are at
# most 4 bands and 1 frame away; 4 bands are, at 1 kHz, a little more than a critical band.
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
    """Map windows of a song to an embedding and to labels' log-odds.

    Parameters
    ----------
    n_labels : int
    levelled : bool
        Whether each window's level is taken out before the network hears it; networks that were trained before that
        was so hear windows as loud as they are.

    References
    ----------
    .. [1] D. Snyder, D. Garcia-Romero, G. Sell, D. Povey, S. Khudanpur, "X-vectors: Robust DNN embeddings for speaker
       recognition", ICASSP 2018 (statistics over time).
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, n_labels: int, levelled: bool = True) -> None:
        super().__init__()
        self.levelled = levelled
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
        # The kernel spans all remaining bands, so frequency is encoded in the channels.
        self.across = nn.Conv2d(256, 320, (N_MELS >> _DOWNSAMPLINGS, 3), padding=(0, 1), bias=False)
        self.across_normalization: nn.Module = nn.BatchNorm2d(320)
        self.dense = nn.Linear(3 * 320, EMBEDDING)
        self.labels = nn.Linear(EMBEDDING, n_labels)

    def embed(self, mel: Tensor) -> Tensor:
        """Embed windows.

        Parameters
        ----------
        mel : float32, shape (n, 96, n_frames), n_frames at least 64
            Decibels.

        Returns
        -------
        float32, shape (n, 256)
            Not negative.
        """
        mel = level_out(mel) if self.levelled else mel
        levels = (audible(mel) - self.mean[:, None]) * self.scale[:, None]
        windows = levels[:, None].to(self.across.weight.dtype, memory_format=torch.channels_last)
        maps = self.blocks(windows)
        over_time = functional.relu(self.across_normalization(self.across(maps)))[:, :, 0].float()
        deviation = (over_time.var(dim=2, correction=0) + 1e-4).sqrt()
        return functional.relu(self.dense(torch.cat([over_time.mean(dim=2), deviation, over_time.amax(dim=2)], dim=1)))

    def forward(self, mel: Tensor) -> Tensor:
        """Predict log-odds of each label in each window.

        Parameters
        ----------
        mel : float32, shape (n, 96, n_frames), n_frames at least 64
            Decibels.

        Returns
        -------
        float32, shape (n, n_labels)
        """
        log_odds: Tensor = self.labels(self.embed(mel))
        return log_odds


def level_out(mel: Tensor) -> Tensor:
    """Take each window's level out: its mean power becomes 0 dB, so that louder or quieter copies are the same.

    The mean is one of powers, which what codecs leave out hardly changes.

    Parameters
    ----------
    mel : float, shape (n, 96, n_frames)
        Decibels.

    Returns
    -------
    float, shape (n, 96, n_frames)
        Decibels; windows below `QUIETEST_DB` are raised by no more than that.
    """
    n_values = mel.shape[1] * mel.shape[2]
    natural = math.log(10) / 10
    level = (torch.logsumexp(mel.flatten(1) * natural, dim=1) - math.log(n_values)) / natural
    return mel - level.clamp(min=QUIETEST_DB)[:, None, None]


def audible(mel: Tensor) -> Tensor:
    """Clamp levels to the floor, and to `MASKED_DB` below the loudest neighbour.

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
       masking, and its use in codecs.
    """
    levels = mel.clamp(min=FLOOR_DB)
    across = functional.max_pool2d(levels[:, None], (2 * _BANDS_AROUND + 1, 1), 1, (_BANDS_AROUND, 0))
    loudest = functional.max_pool2d(across, (1, 2 * _FRAMES_AROUND + 1), 1, (0, _FRAMES_AROUND))[:, 0]
    return torch.maximum(levels, loudest - MASKED_DB)


def fused(network: WholeSongCnn, precision: torch.dtype = torch.float32) -> WholeSongCnn:
    """Copy a network for inference, with batch normalizations folded into the convolutions before them.

    Parameters
    ----------
    network : WholeSongCnn
    precision : dtype
        Of the convolutions' weights.
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
