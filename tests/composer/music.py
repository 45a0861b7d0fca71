"""Short pieces for the tests of how composed music sounds."""

from __future__ import annotations

from dataclasses import replace

from composer.mixing import render
from composer.styles import compose
from composer.synthesis.waves import Signal

SECONDS = 14.0


def short(style: str, seed: int = 1, seconds: float = SECONDS) -> Signal:
    """The beginning of a piece."""
    return render(replace(compose(style, seed), seconds=seconds), seed)
