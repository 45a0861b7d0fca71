"""Basses: by pattern, or walking."""

from collections.abc import Sequence

import numpy as np

from .. import theory
from ..score import Note
from ..theory import Chord, Key
from .chances import Rng, chance, choose
from .harmony import Span, chord_at


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
