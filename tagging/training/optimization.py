"""How whole networks are trained, whatever their targets: AdamW, warm-up and cosine, weights averaged over steps."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from catalog.training import adamw, average_into, fast_bfloat16, warmup_cosine
from tagging.frontend.mel_bands import N_MELS
from tagging.networks.wholesong import WholeSongCnn, audible, level_out

_WARMUP = 0.05
_LARGEST_GRADIENT = 5.0


@dataclass(frozen=True, kw_only=True)
class OptimizationPlan:
    """Hyperparameters that every training of a whole network has.

    Attributes
    ----------
    batch_size : int
        Windows per step.
    learning_rate : float
        The peak: linear warm-up over the first twentieth of all steps, then cosine decay.
    weight_decay : float
    averaging : float
        Decay of the exponential moving average of weights, which is what comes of the training.
    windows : tuple of (int, float)
        Lengths of a step's windows in frames, and their probabilities.
    round : int
        Steps between two checkpoints.
    seed : int
    """

    batch_size: int = 16
    learning_rate: float = 0.001
    weight_decay: float = 0.05
    averaging: float = 0.998
    windows: tuple[tuple[int, float], ...] = ((345, 0.25), (512, 0.4), (683, 0.35))
    round: int = 100
    seed: int = 1


class Optimization:
    """A network in training: its weights, their moving average, and the optimizer.

    Parameters
    ----------
    network : WholeSongCnn
        With the weights that the training begins with; moved to the device.
    plan : OptimizationPlan
    device : torch.device
    """

    def __init__(self, network: WholeSongCnn, plan: OptimizationPlan, device: torch.device) -> None:
        self.network, self.plan, self.device = network, plan, device
        self.network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.averaged = copy.deepcopy(self.network).eval().requires_grad_(False)
        self._optimizer = adamw(self.network, plan.learning_rate, plan.weight_decay)

    def log_odds(self, mels: Tensor) -> Tensor:
        """Predict a batch, with gradients: float32, shape (n, n_labels)."""
        self.network.train()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=fast_bfloat16(self.device)):
            predicted: Tensor = self.network(mels.to(self.device))
        return predicted.float()

    def descend(self, loss: Tensor, step: int, steps: int) -> float:
        """Take an optimizer step, counted from 0 of `steps`; returns the loss.

        Raises
        ------
        ValueError
            If the loss is not finite.
        """
        if not torch.isfinite(loss):
            raise ValueError("The loss is no number any more: try a smaller learning rate, or look at the recordings.")
        for group in self._optimizer.param_groups:
            group["lr"] = self.plan.learning_rate * warmup_cosine(step / steps, _WARMUP)
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), _LARGEST_GRADIENT)
        self._optimizer.step()
        average_into(self.averaged, self.network, self.plan.averaging, step)
        return float(loss.detach())

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {
            "network": self.network.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimizer": self._optimizer.state_dict(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go back to a `state`."""
        self.network.load_state_dict(state["network"])
        self.averaged.load_state_dict(state["averaged"])
        self._optimizer.load_state_dict(state["optimizer"])


def normalize_input(network: WholeSongCnn, mels: Sequence[Tensor]) -> None:
    """Set a network's input normalization to the mean and spread of every band in some windows.

    Parameters
    ----------
    network : WholeSongCnn
        One that takes each window's level out.
    mels : sequence of Tensor, shape (n, 96, n_frames)
        Decibels.
    """
    levels = torch.cat([audible(level_out(mel)).transpose(1, 2).reshape(-1, N_MELS) for mel in mels])
    with torch.no_grad():
        network.mean.copy_(levels.mean(0))
        network.scale.copy_(1.0 / levels.std(0).clamp(min=1.0))
