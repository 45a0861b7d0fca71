"""Rows of chords, and which of them stands when."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..theory import Chord, Key


@dataclass(frozen=True)
class Span:
    """A chord and how long it stands, in beats."""

    beat: float
    beats: float
    chord: Chord

    @property
    def end(self) -> float:
        """The beat at which the chord is over."""
        return self.beat + self.beats


def harmony(key: Key, symbols: str, beats_each: float, until: float, start: float = 0.0) -> list[Span]:
    """A row of chords, again and again.

    Parameters
    ----------
    key : Key
    symbols : str
        Roman numerals as `Key.chord` reads them, with blanks between; `I:2` stands twice as long.
    beats_each, until, start : float
        The row begins at `start` and is cut off at `until`.
    """
    row = symbols.split()
    spans: list[Span] = []
    beat = start
    while beat < until - 1e-6:
        name, _, lengths = row[len(spans) % len(row)].partition(":")
        beats = min(beats_each * float(lengths or 1), until - beat)
        spans.append(Span(beat, beats, key.chord(name)))
        beat += beats
    return spans


def chord_at(spans: Sequence[Span], beat: float) -> Chord:
    """The chord that stands at a beat; the last one after the end."""
    return next((span.chord for span in spans if beat < span.end - 1e-6), spans[-1].chord)
