"""Melodies, basses, accompaniments and drum patterns: what is played over a harmony.

Patterns are strings, one sign a step, so that they can be read as a musician would tap them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from . import theory
from .score import Hit, Note
from .theory import Chord, Key

Rng = np.random.Generator
T = TypeVar("T")

_STROKES = {"o": 0.38, "x": 0.72, "X": 0.95}


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


def choose(rng: Rng, options: Sequence[T]) -> T:
    """One of several, all equally likely."""
    return options[int(rng.integers(len(options)))]


def chance(rng: Rng, probability: float) -> bool:
    """True with this probability."""
    return bool(rng.random() < probability)


# --- Harmony ------------------------------------------------------------------------------------


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


# --- Melody -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Motif:
    """A rhythm and a contour, without pitches yet.

    Attributes
    ----------
    onsets, beats : tuple of float
        Of each note, beats from the motif's start, and beats.
    steps : tuple of int
        From each note to the next along the scale; the first is not used.
    """

    onsets: tuple[float, ...]
    beats: tuple[float, ...]
    steps: tuple[int, ...]


def invent(rng: Rng, cells: Sequence[tuple[float, ...]], beats: float, leaps: float = 0.15) -> Motif:
    """A motif made of rhythmic cells, which like to come again.

    Parameters
    ----------
    cells : sequence of tuples
        Lengths of notes in beats; rests are below 0.
    beats : float
        Length of the motif.
    leaps : float
        How often it leaps in place of stepping.
    """
    onsets: list[float] = []
    lengths: list[float] = []
    at = 0.0
    cell = choose(rng, cells)
    while at < beats - 1e-6:
        for length in cell:
            if at >= beats - 1e-6:
                break
            if length > 0.0:
                onsets.append(at)
                lengths.append(min(length, beats - at))
            at += abs(length)
        if not chance(rng, 0.4):
            cell = choose(rng, cells)
    steps: list[int] = []
    direction = choose(rng, (-1, 1))
    turn = int(rng.integers(2, 5))
    for index in range(len(onsets)):
        if index % turn == turn - 1:
            direction = -direction
        if steps and abs(steps[-1]) > 2:
            steps.append(-int(np.sign(steps[-1])))  # a leap is filled in from the other side
        elif chance(rng, leaps):
            steps.append(direction * int(rng.integers(3, 6)))
        else:
            steps.append(direction * choose(rng, (1, 1, 1, 2, 0)))
    return Motif(tuple(onsets), tuple(lengths), tuple(steps))


@dataclass(frozen=True)
class Manner:
    """How a melody is sung.

    Attributes
    ----------
    low, high : int
        Its range, MIDI pitches.
    legato : float
        Share of each note's length that sounds.
    velocity : float
        Its middle; phrases swell around it.
    leaps : float
        As of `invent`.
    scale : str
        Mode to sing in in place of the key's own (a blues scale over major chords); empty for the key's own.
    """

    low: int = 60
    high: int = 81
    legato: float = 0.95
    velocity: float = 0.7
    leaps: float = 0.15
    scale: str = ""


def sing(
    rng: Rng,
    key: Key,
    spans: Sequence[Span],
    form: str,
    slot: float,
    cells: Sequence[tuple[float, ...]],
    manner: Manner,
    start: float = 0.0,
) -> list[Note]:
    """A melody in phrases.

    Parameters
    ----------
    key : Key
    spans : sequence of Span
        The harmony that it follows.
    form : str
        One letter a slot. The same letter is the same motif again, fitted to the chords that stand there; a capital
        closes the phrase on a long note; `.` is silence.
    slot : float
        Beats of a slot.
    cells : sequence of tuples
        As of `invent`.
    manner : Manner
    start : float
        Beat of the first slot.
    """
    motifs = {letter: invent(rng, cells, slot, manner.leaps) for letter in sorted(set(form.lower()) - {"."})}
    openings: dict[str, int] = {}
    notes: list[Note] = []
    pitch = round(manner.low + (manner.high - manner.low) * 0.45)
    for index, letter in enumerate(form):
        if letter == ".":
            continue
        begin = start + index * slot
        motif = motifs[letter.lower()]
        opening = openings.get(letter.lower(), pitch)
        climb = np.sin(np.pi * (index + 0.5) / len(form) * 0.85)
        target = manner.low + (manner.high - manner.low) * (0.3 + 0.4 * climb)
        phrase = _fit(key, spans, motif, begin, round(0.6 * opening + 0.4 * target), manner)
        if letter.isupper():
            phrase = _close(key, spans, phrase, begin + slot, manner, final=index == len(form) - 1)
        openings[letter.lower()] = round(phrase[0].pitch)
        pitch = round(phrase[-1].pitch)
        notes += _shape(phrase, begin, slot, manner)
    return notes


def _scale(key: Key, chord: Chord, manner: Manner) -> list[int]:
    classes = tuple((key.tonic + step) % 12 for step in theory.MODES[manner.scale]) if manner.scale else key.over(chord)
    return theory.pitches(classes, manner.low, manner.high)


def _fit(key: Key, spans: Sequence[Span], motif: Motif, begin: float, opening: int, manner: Manner) -> list[Note]:
    """A motif on pitches: its strong notes on chord tones, the others along the scale."""
    notes: list[Note] = []
    pitch = opening
    for index, (onset, beats) in enumerate(zip(motif.onsets, motif.beats, strict=True)):
        chord = chord_at(spans, begin + onset)
        scale = _scale(key, chord, manner)
        place = min(range(len(scale)), key=lambda i: abs(scale[i] - pitch))
        if index:
            place += motif.steps[index]
        # At the edge of the range the line turns back.
        last = len(scale) - 1
        place = abs(place) if place < 0 else place
        place = 2 * last - place if place > last else place
        pitch = scale[int(np.clip(place, 0, last))]
        strong = onset % 1.0 < 1e-6 and (beats >= 1.0 or onset % 2.0 < 1e-6)
        if strong or index == 0:
            tones = [tone for tone in scale if tone % 12 in chord.pitch_classes] or scale
            direction = motif.steps[index] if index else 0
            pitch = min(tones, key=lambda tone: abs(tone - pitch) - 0.5 * np.sign(direction) * np.sign(tone - pitch))
        notes.append(Note(begin + onset, beats, pitch))
    return notes


def _close(key: Key, spans: Sequence[Span], phrase: list[Note], end: float, manner: Manner, final: bool) -> list[Note]:
    """A phrase whose last beats are one long note: the tonic at the very end, else a note of the chord."""
    hold = min(2.0, (end - phrase[0].beat) / 2.0)
    at = end - hold
    kept = [note for note in phrase if note.beat < at - 1e-6] or phrase[:1]
    kept[-1] = Note(kept[-1].beat, min(kept[-1].beats, at - kept[-1].beat), kept[-1].pitch)
    chord = chord_at(spans, at)
    classes = chord.pitch_classes[:3]
    if final and key.tonic in chord.pitch_classes:
        classes = (key.tonic,)
    tones = theory.pitches(classes, manner.low, manner.high)
    close = min(tones, key=lambda tone: abs(tone - kept[-1].pitch) + (3.0 if tone == kept[-1].pitch else 0.0))
    scale = _scale(key, chord, manner)
    if len(kept) > 1:
        neighbours = [tone for tone in scale if 0 < abs(tone - close) <= 2]
        if neighbours:
            step = min(neighbours, key=lambda tone: abs(tone - kept[-2].pitch))
            kept[-1] = Note(kept[-1].beat, kept[-1].beats, step)
    return [*kept, Note(at, hold, close)]


def _shape(phrase: list[Note], begin: float, slot: float, manner: Manner) -> list[Note]:
    """Loudness and articulation of a phrase: towards its middle, leaning on the beats and on high notes."""
    shaped = []
    middle = (manner.low + manner.high) / 2.0
    for note in phrase:
        swell = 0.12 * np.sin(np.pi * (note.beat - begin) / slot)
        lean = 0.06 if note.beat % 2.0 < 1e-6 else 0.02 if note.beat % 1.0 < 1e-6 else -0.05
        height = 0.10 * (note.pitch - middle) / (manner.high - manner.low)
        velocity = float(np.clip(manner.velocity - 0.05 + swell + lean + height, 0.2, 1.0))
        shaped.append(Note(note.beat, max(note.beats * manner.legato, 0.08), note.pitch, velocity))
    return shaped


def harmonize(notes: Sequence[Note], key: Key, spans: Sequence[Span], below: int = 2) -> list[Note]:
    """A second voice under a melody, `below` steps of the scale lower (2 is a third, 5 a sixth)."""
    second = []
    for note in notes:
        scale = theory.pitches(key.over(chord_at(spans, note.beat)), round(note.pitch) - 16, round(note.pitch))
        pitch = scale[-1 - below]
        second.append(Note(note.beat, note.beats, pitch, note.velocity * 0.85))
    return second


# --- Bass ---------------------------------------------------------------------------------------


def bass_line(spans: Sequence[Span], pattern: str, steps_a_beat: int, low: int, velocity: float = 0.8) -> list[Note]:
    """A bass that plays a pattern over each chord.

    Parameters
    ----------
    pattern : str
        One sign a step, counted from the piece's beginning and repeated: `R` root, `3` third, `5` fifth, `6` sixth,
        `7` seventh, `8` octave, `a` the semitone under the root of the next chord, `-` the note goes on, `.` rest.
        Small `r` is a quieter root.
    low : int
        The octave from this pitch up is the roots'.
    """
    notes: list[Note] = []
    step = 1.0 / steps_a_beat
    for index in range(round(spans[-1].end * steps_a_beat)):
        beat = index * step
        if beat < spans[0].beat - 1e-6:
            continue
        sign = pattern[index % len(pattern)]
        if sign == "-" and notes:
            last = notes[-1]
            notes[-1] = Note(last.beat, last.beats + step, last.pitch, last.velocity)
        elif sign not in "-.":
            chord = chord_at(spans, beat)
            root = theory.bass_note(chord, low)
            pitch = _bass_pitch(sign, root, chord, spans, beat, low)
            lean = 0.06 if beat % 2.0 < 1e-6 else 0.0
            notes.append(Note(beat, step, pitch, velocity * (0.75 if sign == "r" else 1.0) + lean))
    return [Note(note.beat, note.beats * 0.94, note.pitch, note.velocity) for note in notes]


def _bass_pitch(sign: str, root: int, chord: Chord, spans: Sequence[Span], beat: float, low: int) -> int:
    match sign:
        case "R" | "r":
            return root
        case "8":
            return root + 12
        case "5":
            fifth = next((i for i in chord.intervals if 6 <= i <= 8), 7)
            return root + fifth
        case "3":
            return root + next((i for i in chord.intervals if i in (3, 4)), 5)
        case "6":
            return root + 9
        case "7":
            return root + next((i for i in chord.intervals if i in (9, 10, 11)), 10)
        case "a":
            following = next((span.chord for span in spans if span.beat > beat + 1e-6), spans[0].chord)
            return theory.bass_note(following, low) - 1
    raise ValueError(f"no bass note is called {sign}")


def walk(rng: Rng, key: Key, spans: Sequence[Span], low: int, high: int) -> list[Note]:
    """A walking bass: a note a beat, roots where chords begin, steps towards the next root before they end."""
    notes: list[Note] = []
    pitch = theory.bass_note(spans[0].chord, low)
    for index, span in enumerate(spans):
        count = max(1, round(span.beats))
        roots = theory.pitches((span.chord.bass,), low, high)
        pitch = min(roots, key=lambda root: abs(root - pitch))
        following = spans[index + 1].chord if index + 1 < len(spans) else spans[0].chord
        goals = theory.pitches((following.bass,), low, high)
        scale = theory.pitches(key.over(span.chord), low, high)
        tones = theory.pitches(span.chord.pitch_classes, low, high)
        goal = min(goals, key=lambda root: abs(root - pitch) + 5.0 * rng.random())
        direction = int(np.sign(goal - pitch)) or choose(rng, (-1, 1))
        if not low <= pitch + 7 * direction <= high:
            direction = -direction
        for beat in range(count):
            if beat and beat == count - 1:
                side = 1 if pitch > goal else -1
                pitch = goal + side * choose(rng, (1, 1, 2))
            elif beat:
                pool = tones if chance(rng, 0.6) else scale
                ahead = [tone for tone in pool if 0 < (tone - pitch) * direction <= 5] or scale
                reach = pitch + 3 * direction
                pitch = min(ahead, key=lambda tone: abs(tone - reach) + 2.0 * rng.random())
            lean = 0.05 if beat % 2 else 0.0
            notes.append(Note(span.beat + beat, 0.92, pitch, 0.72 + lean))
    return notes


# --- Accompaniment ------------------------------------------------------------------------------


def comp(
    spans: Sequence[Span],
    pattern: str,
    steps_a_beat: int,
    voicings: Sequence[Sequence[int]],
    velocity: float = 0.6,
    strum_s: float = 0.0,
) -> list[Note]:
    """Chords in a rhythm.

    Parameters
    ----------
    pattern : str
        One sign a step, counted from the piece's beginning and repeated: `x` a chord, `X` a strong one, `o` a weak
        one, `-` it goes on, `.` rest. A chord also ends where the harmony changes.
    voicings : sequence of sequences of pitches
        One a span.
    strum_s : float
        Beats between one string and the next, alternately downwards and upwards.
    """
    notes: list[Note] = []
    step = 1.0 / steps_a_beat
    steps = round(spans[-1].end * steps_a_beat)
    stroke = 0
    for index in range(round(spans[0].beat * steps_a_beat), steps):
        sign = pattern[index % len(pattern)]
        if sign not in _STROKES:
            continue
        beat = index * step
        place = next(i for i, span in enumerate(spans) if beat < span.end - 1e-6)
        length = 1
        while index + length < steps and pattern[(index + length) % len(pattern)] == "-":
            length += 1
        beats = min(length * step, spans[place].end - beat) * 0.95
        strings = list(voicings[place])
        if strum_s and stroke % 2:
            strings.reverse()
        stroke += 1
        strength = velocity * (0.55 + 0.6 * _STROKES[sign])
        notes += [
            Note(beat + string * strum_s, max(beats - string * strum_s, 0.08), pitch, strength)
            for string, pitch in enumerate(strings)
        ]
    return notes


def arpeggio(
    spans: Sequence[Span],
    pattern: str,
    steps_a_beat: int,
    voicings: Sequence[Sequence[int]],
    beats: float,
    velocity: float = 0.6,
) -> list[Note]:
    """Chords note by note.

    Parameters
    ----------
    pattern : str
        One sign a step, begun anew with each chord and repeated: `0` is the voicing's lowest note, `1` the next, on
        into further octaves, `.` rest.
    beats : float
        How long each note sounds.
    """
    notes: list[Note] = []
    step = 1.0 / steps_a_beat
    for span, voicing in zip(spans, voicings, strict=True):
        for index in range(round(span.beats * steps_a_beat)):
            sign = pattern[index % len(pattern)]
            if sign == ".":
                continue
            octave, place = divmod(int(sign, 16), len(voicing))
            lean = 0.10 if index % steps_a_beat == 0 else 0.0
            beat = span.beat + index * step
            notes.append(Note(beat, beats, voicing[place] + 12 * octave, velocity + lean))
    return notes


def sustain(
    spans: Sequence[Span], voicings: Sequence[Sequence[int]], velocity: float = 0.6, overlap: float = 0.0
) -> list[Note]:
    """Chords held for as long as they stand, a note that stays tied over in place of struck again."""
    notes: list[Note] = []
    held: dict[int, int] = {}
    for span, voicing in zip(spans, voicings, strict=True):
        now: dict[int, int] = {}
        for pitch in dict.fromkeys(voicing):
            if pitch in held:
                before = notes[held[pitch]]
                notes[held[pitch]] = Note(before.beat, span.end - before.beat + overlap, pitch, before.velocity)
                now[pitch] = held[pitch]
            else:
                now[pitch] = len(notes)
                notes.append(Note(span.beat, span.beats + overlap, pitch, velocity))
        held = now
    return notes


# --- Drums --------------------------------------------------------------------------------------


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
            if sign in _STROKES:
                hits.append(Hit(start + index / steps_a_beat, piece, _STROKES[sign] * strength))
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
