"""Small drawings: where lines and columns stand, in a drawing's own units; templates draw them as SVG."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WIDTH = 320.0
"""How wide drawings are, in their own units; on a narrow phone one is about a pixel."""

HEIGHT = 64.0
_GAP = 0.25
_FLATTEST = 1.0


@dataclass(frozen=True, slots=True)
class Column:
    """One column, its numbers as SVG has them."""

    name: str
    value: int
    x: str
    y: str
    width: str
    height: str


def columns(values: Iterable[tuple[str, int]]) -> list[Column]:
    """Columns beside one another that stand on the lower edge; the highest takes the whole height.

    Parameters
    ----------
    values : iterable of (name, value)
        Values not below 0; one above 0 is never drawn as nothing.
    """
    given = list(values)
    most = max((value for _, value in given), default=0) or 1
    step = WIDTH / max(len(given), 1)
    drawn = []
    for place, (name, value) in enumerate(given):
        height = max(value * HEIGHT / most, _FLATTEST) if value else 0.0
        drawn.append(
            Column(
                name,
                value,
                x=f"{(place + _GAP / 2) * step:.1f}",
                y=f"{HEIGHT - height:.1f}",
                width=f"{(1 - _GAP) * step:.1f}",
                height=f"{height:.1f}",
            )
        )
    return drawn


def line(points: Sequence[tuple[float, float]]) -> str:
    """A line as SVG's `polyline` has it; one point alone is a dash at the right end.

    Parameters
    ----------
    points : sequence of (x, y)
        From 0 to 1, 0 being left and below.
    """
    placed = [(WIDTH * x, HEIGHT * (1 - y)) for x, y in points]
    if len(placed) == 1:
        placed = [(WIDTH - 12.0, placed[0][1]), (WIDTH, placed[0][1])]
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
