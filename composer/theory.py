"""Keys, chords and voicings. Pitches are MIDI note numbers (60 is middle C), pitch classes are 0 (C) to 11 (B)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

MODES: dict[str, tuple[int, ...]] = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "harmonic minor": (0, 2, 3, 5, 7, 8, 11),
    "phrygian dominant": (0, 1, 4, 5, 7, 8, 10),
    "major pentatonic": (0, 2, 4, 7, 9),
    "minor pentatonic": (0, 3, 5, 7, 10),
    "blues": (0, 3, 5, 6, 7, 10),
}

_NUMERALS = {"i": 0, "ii": 2, "iii": 4, "iv": 5, "v": 7, "vi": 9, "vii": 11}
_QUALITIES: dict[str, tuple[int, ...]] = {
    "": (0, 4, 7),
    "m": (0, 3, 7),
    "5": (0, 7),
    "6": (0, 4, 7, 9),
    "m6": (0, 3, 7, 9),
    "7": (0, 4, 7, 10),
    "m7": (0, 3, 7, 10),
    "maj7": (0, 4, 7, 11),
    "mmaj7": (0, 3, 7, 11),
    "9": (0, 4, 7, 10, 14),
    "m9": (0, 3, 7, 10, 14),
    "maj9": (0, 4, 7, 11, 14),
    "13": (0, 4, 10, 14, 21),
    "m11": (0, 3, 7, 10, 14, 17),
    "7b9": (0, 4, 7, 10, 13),
    "7#9": (0, 4, 7, 10, 15),
    "add9": (0, 4, 7, 14),
    "madd9": (0, 3, 7, 14),
    "sus2": (0, 2, 7),
    "sus4": (0, 5, 7),
    "7sus4": (0, 5, 7, 10),
    "dim": (0, 3, 6),
    "dim7": (0, 3, 6, 9),
    "m7b5": (0, 3, 6, 10),
    "aug": (0, 4, 8),
}
_NUMERAL = "vii|iii|vi|iv|ii|v|i|VII|III|VI|IV|II|V|I"
_SYMBOL = re.compile(rf"([b#]?)({_NUMERAL})([a-z0-9#]*)(?:/([b#]?)({_NUMERAL}))?")


@dataclass(frozen=True)
class Chord:
    """A chord: its root, its intervals above the root in semitones, and the pitch class in the bass."""

    root: int
    intervals: tuple[int, ...]
    bass: int

    @property
    def pitch_classes(self) -> tuple[int, ...]:
        """Root first."""
        return tuple((self.root + interval) % 12 for interval in self.intervals)


@dataclass(frozen=True)
class Key:
    """A tonic and a mode."""

    tonic: int
    mode: str

    @property
    def pitch_classes(self) -> tuple[int, ...]:
        """The scale, from the tonic up."""
        return tuple((self.tonic + step) % 12 for step in MODES[self.mode])

    def chord(self, symbol: str) -> Chord:
        """The chord of a Roman numeral.

        Parameters
        ----------
        symbol : str
            Capitals are major and small letters minor, counted in the major scale on the tonic whatever the mode
            (so the sixth degree of a minor key is `bVI`), then the quality, then a bass: `ii7`, `V7sus4`, `I/V`.

        Raises
        ------
        ValueError
            If the symbol cannot be read.
        """
        match = _SYMBOL.fullmatch(symbol)
        if match is None:
            raise ValueError(f"not a chord: {symbol}")
        accidental, numeral, quality, bass_accidental, bass_numeral = match.groups()
        minor = numeral.islower() and quality not in ("5", "dim", "dim7", "m7b5")
        name = f"m{quality}" if minor else quality
        root = self._degree(accidental, numeral)
        bass = self._degree(bass_accidental, bass_numeral) if bass_numeral else root
        try:
            return Chord(root, _QUALITIES[name], bass)
        except KeyError:
            raise ValueError(f"not a chord: {symbol}") from None

    def _degree(self, accidental: str | None, numeral: str) -> int:
        alteration = {"b": -1, "#": 1}.get(accidental or "", 0)
        return (self.tonic + _NUMERALS[numeral.lower()] + alteration) % 12

    def over(self, chord: Chord) -> tuple[int, ...]:
        """The scale to play over a chord: the key's own, bent where the chord leaves it.

        The chord's foreign notes come in, each in the place of the neighbour that leaves the most even scale.
        """
        scale = set(self.pitch_classes)
        own = set(chord.pitch_classes)
        for foreign in sorted(own - scale):
            neighbours = [pc % 12 for pc in (foreign - 1, foreign + 1) if pc % 12 in scale - own]
            options = [(scale - {pc}) | {foreign} for pc in neighbours] or [scale | {foreign}]
            scale = min(options, key=_widest_gap)
        return tuple(sorted(scale))


def _widest_gap(scale: set[int]) -> int:
    ordered = sorted(scale)
    return max((high - low) % 12 for low, high in zip(ordered, [*ordered[1:], ordered[0]], strict=True))


def pitches(classes: Sequence[int], low: int, high: int) -> list[int]:
    """All pitches of these pitch classes from `low` to `high`, both included, rising."""
    wanted = {pc % 12 for pc in classes}
    return [pitch for pitch in range(low, high + 1) if pitch % 12 in wanted]


def nearest(classes: Sequence[int], pitch: float) -> int:
    """The pitch of one of these classes that lies nearest; of two, the lower."""
    around = round(pitch)
    return min(pitches(classes, around - 7, around + 7), key=lambda candidate: (abs(candidate - pitch), candidate))


def bass_note(chord: Chord, low: int) -> int:
    """The chord's bass in the octave from `low` up."""
    return low + (chord.bass - low) % 12


def close_voicing(chord: Chord, low: int) -> list[int]:
    """The chord's notes stacked upwards from its root, the root in the octave from `low` up."""
    root = low + (chord.root - low) % 12
    return [root + interval for interval in chord.intervals]


def rootless(chord: Chord) -> Chord:
    """A chord of four notes or more without its root, which another instrument plays."""
    if len(chord.intervals) < 4:
        return chord
    third = chord.intervals[1]
    return Chord((chord.root + third) % 12, tuple(i - third for i in chord.intervals[1:]), chord.bass)


def lead_voices(chords: Sequence[Chord], centre: int, size: int) -> list[list[int]]:
    """Voicings that move as little as they can from one chord to the next.

    Parameters
    ----------
    chords : sequence of Chord
    centre : int
        The pitch that the voicings stay around.
    size : int
        Notes in each voicing; a chord with fewer has some doubled, one with more goes without its fifth, then
        without its root.

    Returns
    -------
    list of lists of pitches, rising
    """
    voicings: list[list[int]] = []
    previous: list[int] | None = None
    for chord in chords:
        classes = _essential(chord, size)
        around = pitches(classes, centre - 9, centre + 10)
        windows = [around[start : start + size] for start in range(len(around) - size + 1)]
        options = [window for window in windows if len({pitch % 12 for pitch in window}) == min(size, len(classes))]
        previous = min(options, key=lambda option: (_distance(option, previous, centre), option))
        voicings.append(previous)
    return voicings


def _essential(chord: Chord, size: int) -> list[int]:
    classes = list(dict.fromkeys(chord.pitch_classes))
    fifth = (chord.root + 7) % 12
    for expendable in (fifth, chord.root):
        if len(classes) > size and expendable in classes:
            classes.remove(expendable)
    return classes[: max(size, 1)] if len(classes) > size else classes


def _distance(option: list[int], previous: list[int] | None, centre: int) -> float:
    stray = abs(sum(option) / len(option) - centre)
    if previous is None:
        return stray
    return sum(abs(a - b) for a, b in zip(option, previous, strict=True)) + 0.4 * stray
