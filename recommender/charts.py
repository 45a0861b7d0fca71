"""Where the bars of a chart stand; templates draw them as SVG."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

WIDTH = 320
"""Units of a chart's own measure; on a narrow phone one is about a pixel."""

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
    """One class of a histogram: on the left side's part a bar that rises from the axis, on the right side's one below.

    Attributes
    ----------
    name : str
        What it counts: `0`, `1`, `2 to 3`.
    least : str
        Where it begins, in little room.
    left, right : int
        How many there are.
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
        """Where its name and numbers stand."""
        return self.x + self.width / 2


@dataclass(frozen=True, slots=True)
class Histogram:
    """Two histograms on one axis, one above and one below it."""

    columns: list[Column]
    width: int
    height: float
    top: float
    bottom: float

    @property
    def names_y(self) -> float:
        """Where the names of the classes stand, between the two."""
        return (self.top + self.bottom) / 2


def histogram(left: Sequence[int], right: Sequence[int]) -> Histogram:
    """Two sets of counts as histograms on one axis, the classes twice as wide each time: 0, 1, 2-3, 4-7, ...

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
    """A number in little room: thousands from 1,000 on."""
    return f"{number // 1000}k" if number >= 1000 else str(number)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its name at the left, its value at the right."""

    name: str
    value: float
    y: float
    width: float
    aside: bool

    @property
    def text_y(self) -> float:
        """Where name and value stand."""
        return self.y + _BAR - 2


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars from 0, one below the other, and a line across them.

    Attributes
    ----------
    line, line_x : float or None
        The value that the line stands at, and where that is.
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
        """All that is drawn, to be read aloud."""
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
    """Values as bars.

    Parameters
    ----------
    values : mapping of name to value, not below 0
    aside : names of those to be drawn paler
    line : float, optional
    full : float, optional
        The value whose bar takes all the room; the largest where it is left out.
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
