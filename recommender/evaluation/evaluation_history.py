"""Charts of the evaluation history for the admin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ..engine.evaluation.protocols import Protocol
from . import evaluating
from .evaluating import EvaluationRecord

WIDTH, HEIGHT = 420.0, 190.0
"""Size of a chart in its own units."""

_LEFT, _RIGHT, _TOP, _BOTTOM = 34.0, 270.0, 12.0, 162.0
_LINE_HEIGHT = 15.0
_TITLES = {"warm": "Songs held back from each listener", "cold": "Songs that had lost all their plays"}


@dataclass(frozen=True, slots=True)
class Point:
    """One evaluation of one method."""

    x: float
    y: float
    at: datetime
    value: float


@dataclass(frozen=True, slots=True)
class MapLine:
    """The MAP of one method over time.

    Attributes
    ----------
    name : str
    baseline : bool
        Whether the method is a baseline; only the best baseline is drawn.
    dash : str
        SVG dash pattern, so that lines differ not only by colour.
    path : str
        Points of an SVG polyline.
    points : list of Point
    name_y : float
        y of the name, apart from other names.
    """

    name: str
    baseline: bool
    dash: str
    path: str
    points: list[Point]
    name_y: float

    @property
    def value(self) -> float:
        """The value of the last evaluation."""
        return self.points[-1].value


@dataclass(frozen=True, slots=True)
class MapChart:
    """MAP of all methods over time for one protocol.

    Attributes
    ----------
    title : str
    lines : list of Line
    top : float
        Value at the upper edge; the lower edge is 0.
    first, last : datetime
    """

    title: str
    lines: list[MapLine]
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


def map_charts() -> list[MapChart]:
    """The charts of all evaluated protocols."""
    return [
        _map_chart(_TITLES[protocol], records)
        for protocol in (Protocol.COLD, Protocol.WARM)
        if (records := evaluating.history(protocol))
    ]


def _map_chart(title: str, records: Sequence[EvaluationRecord]) -> MapChart:
    first, last = records[0].at, records[-1].at
    shown = _shown(records)
    values = [record.maps[name] for record in records for name in shown if name in record.maps]
    top = max([*values, 0.01])
    seconds = (last - first).total_seconds()

    def point(record: EvaluationRecord, name: str) -> Point:
        after = (record.at - first).total_seconds() / seconds if seconds else 1.0
        value = record.maps[name]
        return Point(_LEFT + after * (_RIGHT - _LEFT), _BOTTOM - value / top * (_BOTTOM - _TOP), record.at, value)

    points = {name: [point(record, name) for record in records if name in record.maps] for name in shown}
    names = _apart({name: some[-1].y for name, some in points.items()})
    lines = [
        MapLine(
            name=name,
            baseline=shown[name],
            dash=_DASHES[number % len(_DASHES)],
            path=" ".join(f"{one.x:.1f},{one.y:.1f}" for one in points[name]),
            points=points[name],
            name_y=names[name],
        )
        for number, name in enumerate(shown)
    ]
    return MapChart(title, lines, top, first, last)


def _shown(records: Sequence[EvaluationRecord]) -> dict[str, bool]:
    """The engine's methods and the best baseline of the last evaluation; maps to whether it is a baseline."""
    last = records[-1]
    beaten = sorted(last.baselines & last.maps.keys(), key=lambda name: -last.maps[name])[:1]
    return {name: False for name in last.maps if name not in last.baselines} | dict.fromkeys(beaten, True)


def _apart(wanted: dict[str, float]) -> dict[str, float]:
    """Move names up where they would overlap."""
    placed: dict[str, float] = {}
    below = _BOTTOM + _LINE_HEIGHT
    for name, y in sorted(wanted.items(), key=lambda one: -one[1]):
        below = min(y, below - _LINE_HEIGHT)
        placed[name] = below
    return placed
