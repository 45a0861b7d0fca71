"""What every style begins with: how long, how fast, in which key."""

from collections.abc import Sequence
from dataclasses import dataclass

from .. import theory
from ..phrasing.chances import Rng, choose
from ..phrasing.harmony import Span
from ..theory import Key


@dataclass(frozen=True)
class Frame:
    """A piece's bars: all but the last chord, which falls on the bar after them and rings out."""

    bars: int
    metre: int
    tempo: float

    @property
    def end(self) -> float:
        """The beat of the last chord."""
        return float(self.bars * self.metre)

    def bar(self, number: float) -> float:
        """The beat at which a bar begins, counted from 0."""
        return float(number * self.metre)


def frame(rng: Rng, bars: int, metre: int, last_chord_s: tuple[float, float] = (26.8, 28.0)) -> Frame:
    """As many bars as wanted, at the tempo that brings the last chord where it should fall in half a minute."""
    seconds = float(rng.uniform(*last_chord_s))
    return Frame(bars, metre, bars * metre * 60.0 / seconds)


def any_key(rng: Rng, *modes: str) -> Key:
    """A key in one of these modes, on any tonic."""
    return Key(int(rng.integers(12)), choose(rng, modes))


def voicings(spans: Sequence[Span], centre: int, size: int) -> list[list[int]]:
    """Voicings of a harmony that move little, around a pitch."""
    return theory.lead_voices([span.chord for span in spans], centre, size)
