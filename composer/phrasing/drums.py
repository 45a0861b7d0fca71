"""Drum patterns, rolls and fills."""

from collections.abc import Mapping, Sequence

import numpy as np

from ..score import Hit
from .chances import Rng, chance

STROKES = {"o": 0.38, "x": 0.72, "X": 0.95}
"""How strong each sign of a pattern is struck; every other sign is a rest."""


def drum(
    patterns: Mapping[str, str], steps_a_beat: float, start: float, end: float, strength: float = 1.0
) -> list[Hit]:
    """A drum pattern from one beat to another.

    Parameters
    ----------
    patterns : mapping of piece to pattern
        One sign a step, repeated: `x` a stroke, `X` a strong one, `o` a ghost, anything else silence.
    """
    hits: list[Hit] = []
    for piece, pattern in patterns.items():
        for index in range(round((end - start) * steps_a_beat)):
            sign = pattern[index % len(pattern)]
            if sign in STROKES:
                hits.append(Hit(start + index / steps_a_beat, piece, STROKES[sign] * strength))
    return hits


def roll(piece: str, start: float, end: float, step: float, low: float, high: float) -> list[Hit]:
    """Strokes in a row that grow louder."""
    count = max(1, round((end - start) / step))
    rise = np.linspace(low, high, count)
    return [Hit(start + index * step, piece, float(velocity)) for index, velocity in enumerate(rise)]


def fill(
    rng: Rng, start: float, beats: float = 2.0, pieces: Sequence[str] = ("snare", "tom1", "tom2", "tom3")
) -> list[Hit]:
    """Sixteenths around the kit that lead to the next bar."""
    hits: list[Hit] = []
    steps = round(beats * 4)
    for index in range(steps):
        if index % 2 == 0 or chance(rng, 0.55):
            piece = pieces[min(index * len(pieces) // steps, len(pieces) - 1)]
            hits.append(Hit(start + index / 4.0, piece, 0.62 + 0.3 * index / steps))
    return hits


def without(hits: Sequence[Hit], start: float, end: float) -> list[Hit]:
    """A drum part with a gap from one beat to another."""
    return [hit for hit in hits if not start - 1e-6 <= hit.beat < end - 1e-6]
