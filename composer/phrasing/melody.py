"""Melodies: a motif that is sung, varied and closed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .. import theory
from ..score import Note
from ..theory import Chord, Key
from .chances import Rng, chance, choose
from .harmony import Span, chord_at


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
