"""Geometry of charts, which templates draw as SVG."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

WIDTH = 320
"""Width of a chart in its own units, about pixels on a narrow phone."""

_COLUMNS_HEIGHT = 56
_NUMBER_ROOM = 14
_AXIS_ROOM = 18
_GAP = 6
_FEWEST_CLASSES = 4

_ROW = 20
_BAR = 12
_NAMES = 104
_VALUES = 44
_HEAD_ROOM = 18


@dataclass(frozen=True, slots=True)
class Column:
    """One class of a double histogram: a bar above the axis for the left side, below for the right.

    Attributes
    ----------
    name : str
        The range of the class: `0`, `1`, `2 to 3`.
    least : str
        Its lower bound, abbreviated.
    left, right : int
        Counts.
    """

    name: str
    least: str
    left: int
    right: int
    x: float
    width: float
    left_y: float
    left_height: float
    right_height: float
    right_end: float

    @property
    def middle(self) -> float:
        """The x of the name and counts."""
        return self.x + self.width / 2


@dataclass(frozen=True, slots=True)
class Histogram:
    """Two histograms on a common axis, one above and one below."""

    columns: list[Column]
    width: int
    height: float
    top: float
    bottom: float

    @property
    def names_y(self) -> float:
        """The y of the class names, between the two histograms."""
        return (self.top + self.bottom) / 2


def histogram(left: Sequence[int], right: Sequence[int]) -> Histogram:
    """A double histogram with classes of doubling width: 0, 1, 2-3, 4-7, ...

    Parameters
    ----------
    left, right : sequence of int, not below 0
    """
    n_classes = max(_FEWEST_CLASSES, 1 + max((value.bit_length() for value in (*left, *right)), default=0))
    above, below = (_by_class(values, n_classes) for values in (left, right))
    most = max(*above, *below, 1)
    top = _NUMBER_ROOM + _COLUMNS_HEIGHT
    bottom = top + _AXIS_ROOM
    room = WIDTH / n_classes
    gap = min(_GAP, room / 4)
    columns = [
        Column(
            name=_class_name(place),
            least=_short(1 << place >> 1),
            left=above[place],
            right=below[place],
            x=place * room + gap / 2,
            width=room - gap,
            left_y=top - above[place] * _COLUMNS_HEIGHT / most,
            left_height=above[place] * _COLUMNS_HEIGHT / most,
            right_height=below[place] * _COLUMNS_HEIGHT / most,
            right_end=bottom + below[place] * _COLUMNS_HEIGHT / most,
        )
        for place in range(n_classes)
    ]
    return Histogram(columns, WIDTH, bottom + _COLUMNS_HEIGHT + _NUMBER_ROOM, top, bottom)


def _by_class(values: Iterable[int], n_classes: int) -> list[int]:
    counts = [0] * n_classes
    for value in values:
        counts[value.bit_length()] += 1
    return counts


def _class_name(place: int) -> str:
    least, most = 1 << place >> 1, (1 << place) - 1
    return f"{least} to {most}" if least < most else str(most)


def _short(number: int) -> str:
    """A number, abbreviated from 1,000 on."""
    return f"{number // 1000}k" if number >= 1000 else str(number)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar with name and value."""

    name: str
    value: float
    y: float
    width: float
    aside: bool

    @property
    def text_y(self) -> float:
        """The y of name and value."""
        return self.y + _BAR - 2


@dataclass(frozen=True, slots=True)
class Bars:
    """A horizontal bar chart from 0, with an optional reference line.

    Attributes
    ----------
    line, line_x : float or None
        Value and x of the reference line.
    """

    title: str
    bars: list[Bar]
    width: int
    height: float
    bars_x: int
    bar_height: int
    line: float | None
    line_x: float | None

    @property
    def in_words(self) -> str:
        """The chart as text, for screen readers."""
        said = [f"{bar.name} {bar.value:.3f}" for bar in self.bars]
        if self.line is not None:
            said.append(f"random {self.line:.3f}")
        return f"{self.title}: {', '.join(said)}"


def bars(
    title: str,
    values: Mapping[str, float],
    *,
    aside: Iterable[str] = (),
    line: float | None = None,
    full: float | None = None,
) -> Bars:
    """A bar chart of values.

    Parameters
    ----------
    values : mapping of name to value, not below 0
    aside : names of the bars drawn paler
    line : float, optional
    full : float, optional
        The value of a full-width bar; default the largest.
    """
    paler = frozenset(aside)
    room = WIDTH - _NAMES - _VALUES
    largest = full or max((*values.values(), line or 0.0), default=0.0) or 1.0
    drawn = [
        Bar(name, value, _HEAD_ROOM + place * _ROW, room * min(max(value, 0.0) / largest, 1.0), name in paler)
        for place, (name, value) in enumerate(values.items())
    ]
    line_x = None if line is None else _NAMES + room * min(line / largest, 1.0)
    return Bars(title, drawn, WIDTH, _HEAD_ROOM + _ROW * len(drawn), _NAMES, _BAR, line, line_x)
