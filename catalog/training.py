"""What trainings of all networks here do alike: optimizer, schedule, averaged weights, checkpoints, curves."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

_WIDTH, _HEIGHT, _MARGIN = 640, 300, 48
_COLOURS = ("#2563eb", "#d97706", "#059669")


def adamw(network: nn.Module, learning_rate: float, weight_decay: float) -> torch.optim.AdamW:
    """AdamW whose weight decay spares biases and normalizations."""
    return torch.optim.AdamW(
        [
            {"params": [p for p in network.parameters() if p.ndim > 1], "weight_decay": weight_decay},
            {"params": [p for p in network.parameters() if p.ndim == 1], "weight_decay": 0.0},
        ],
        lr=learning_rate,
        fused=True,
    )


def warmup_cosine(done: float, warmup: float) -> float:
    """The part of the learning rate's peak when a share of all steps is done: it rises, then falls as a cosine."""
    rate = done / warmup if done < warmup else (1 + math.cos(math.pi * (done - warmup) / (1 - warmup))) / 2
    return max(rate, 1e-3)


def average_into(averaged: nn.Module, network: nn.Module, averaging: float, step: int) -> None:
    """Move averaged weights towards the network's after a step, counted from 0; `averaging` of them stays."""
    # At first the average would be mostly the random beginning.
    keep = min(averaging, (step + 1) / (step + 10))
    with torch.no_grad():
        for average, value in zip(averaged.state_dict().values(), network.state_dict().values(), strict=True):
            if average.is_floating_point():
                average.lerp_(value, 1 - keep)


def fast_bfloat16(device: torch.device) -> bool:
    """Whether half the precision is twice the speed there: on a processor without the instructions it is slower."""
    if device.type != "cpu":
        return True
    able = torch.cpu.get_capabilities()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16"))


def save_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Write a checkpoint so that a kill leaves the old one or the new one, never half of one."""
    draft = path.with_suffix(".draft")
    with draft.open("wb") as file:
        torch.save(dict(state), file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def load_checkpoint(path: Path, identity: Mapping[str, object], device: torch.device) -> dict[str, Any] | None:
    """A checkpoint's state; None where there is none yet.

    Parameters
    ----------
    path : Path
    identity : mapping
        What decides the outcome of the training; the checkpoint has to say the same under `identity`.
    device : torch.device

    Raises
    ------
    ValueError
        If it belongs to a training of something else.
    """
    if not path.exists():
        return None
    state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    if state["identity"] != identity:
        raise ValueError(
            f"{path} belongs to a training of other data or another plan: remove it, or choose another folder."
        )
    return state


def draw_curves(plots: Mapping[str, Mapping[str, Sequence[float]]], unit: str = "epoch") -> str:
    """The course of a training as SVG, plots side by side.

    Parameters
    ----------
    plots : mapping
        From each plot's title to its lines: their names and values, one a `unit`; at least one value each.
    unit : str
        What is counted from left to right.
    """
    body = "".join(_plot(place * _WIDTH, title, lines, unit) for place, (title, lines) in enumerate(plots.items()))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {len(plots) * _WIDTH} {_HEIGHT}" '
        f'font-family="sans-serif" font-size="13"><rect width="100%" height="100%" fill="#fff"/>{body}</svg>\n'
    )


def _plot(left: int, title: str, lines: Mapping[str, Sequence[float]], unit: str) -> str:
    low = min(min(values) for values in lines.values())
    high = max(max(values) for values in lines.values())
    span = (high - low) or 1.0
    width, height = _WIDTH - 2 * _MARGIN, _HEIGHT - 2 * _MARGIN
    length = max(len(values) for values in lines.values())
    parts = [f'<g transform="translate({left + _MARGIN} {_MARGIN})"><text y="-16" font-weight="bold">{title}</text>']
    for step in range(5):
        y, value = height * step / 4, high - span * step / 4
        parts.append(f'<path d="M0 {y:.1f}H{width}" stroke="#ddd"/>')
        parts.append(f'<text x="-6" y="{y + 4:.1f}" text-anchor="end">{value:.3g}</text>')
    for index, ((name, values), colour) in enumerate(zip(lines.items(), _COLOURS, strict=False)):
        points = " ".join(
            f"{width * i / max(length - 1, 1):.1f},{height * (high - value) / span:.1f}"
            for i, value in enumerate(values)
        )
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{index * width // len(_COLOURS)}" y="{height + 40}" fill="{colour}">{name}</text>')
    parts.append(f'<text x="{width}" y="{height + 20}" text-anchor="end">{unit} {length}</text>')
    parts.append(f'<text y="{height + 20}">1</text></g>')
    return "".join(parts)
