"""How the methods did night after night, as lines that the admin's page draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from . import evaluating
from .engine.evaluation.protocols import Protocol
from .evaluating import Night

WIDTH, HEIGHT = 420.0, 190.0
"""Units of the drawing's own measure."""

_LEFT, _RIGHT, _TOP, _BOTTOM = 34.0, 270.0, 12.0, 162.0
_LINE_HEIGHT = 15.0
_TITLES = {"warm": "Songs held back from each listener", "cold": "Songs that had lost all their plays"}


@dataclass(frozen=True, slots=True)
class Point:
    """One night of one method."""

    x: float
    y: float
    at: datetime
    value: float


@dataclass(frozen=True, slots=True)
class Line:
    """One method over the nights.

    Attributes
    ----------
    name : str
    baseline : bool
        Whether it is the best of the baselines, all of which are left out but it.
    dash : str
        How the line is broken, so that colour alone tells nothing.
    path : str
        The points as SVG's `polyline` has them.
    points : list of Point
    name_y : float
        Where its name stands, apart from the others.
    """

    name: str
    baseline: bool
    dash: str
    path: str
    points: list[Point]
    name_y: float

    @property
    def value(self) -> float:
        """What it got in the last night."""
        return self.points[-1].value


@dataclass(frozen=True, slots=True)
class Drawing:
    """MAP of all methods over the nights, in one way of holding plays out.

    Attributes
    ----------
    title : str
    lines : list of Line
    top : float
        The value at the upper edge; 0 is at the lower.
    first, last : datetime
    """

    title: str
    lines: list[Line]
    top: float
    first: datetime
    last: datetime
    width: float = WIDTH
    height: float = HEIGHT
    left: float = _LEFT
    right: float = _RIGHT
    upper: float = _TOP
    lower: float = _BOTTOM


_DASHES = ("", "7 3", "2 3", "9 3 2 3", "1 5", "12 4")


def drawings() -> list[Drawing]:
    """The last thirty nights of each protocol that has been measured."""
    return [
        _drawing(_TITLES[protocol], nights)
        for protocol in (Protocol.COLD, Protocol.WARM)
        if (nights := evaluating.history(protocol))
    ]


def _drawing(title: str, nights: Sequence[Night]) -> Drawing:
    first, last = nights[0].at, nights[-1].at
    shown = _shown(nights)
    values = [night.maps[name] for night in nights for name in shown if name in night.maps]
    top = max([*values, 0.01])
    seconds = (last - first).total_seconds()

    def point(night: Night, name: str) -> Point:
        after = (night.at - first).total_seconds() / seconds if seconds else 1.0
        value = night.maps[name]
        return Point(_LEFT + after * (_RIGHT - _LEFT), _BOTTOM - value / top * (_BOTTOM - _TOP), night.at, value)

    points = {name: [point(night, name) for night in nights if name in night.maps] for name in shown}
    names = _apart({name: some[-1].y for name, some in points.items()})
    lines = [
        Line(
            name=name,
            baseline=shown[name],
            dash=_DASHES[number % len(_DASHES)],
            path=" ".join(f"{one.x:.1f},{one.y:.1f}" for one in points[name]),
            points=points[name],
            name_y=names[name],
        )
        for number, name in enumerate(shown)
    ]
    return Drawing(title, lines, top, first, last)


def _shown(nights: Sequence[Night]) -> dict[str, bool]:
    """The methods of the engine, and the baseline that did best in the last night; whether each is a baseline."""
    last = nights[-1]
    beaten = sorted(last.baselines & last.maps.keys(), key=lambda name: -last.maps[name])[:1]
    return {name: False for name in last.maps if name not in last.baselines} | dict.fromkeys(beaten, True)


def _apart(wanted: dict[str, float]) -> dict[str, float]:
    """Heights of names as they are wanted, moved up where two would stand on one another."""
    placed: dict[str, float] = {}
    below = _BOTTOM + _LINE_HEIGHT
    for name, y in sorted(wanted.items(), key=lambda one: -one[1]):
        below = min(y, below - _LINE_HEIGHT)
        placed[name] = below
    return placed
