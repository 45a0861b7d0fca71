"""Accompaniments: chords struck by a pattern, broken or held."""

from collections.abc import Sequence

from ..score import Note
from .drums import STROKES
from .harmony import Span


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
        if sign not in STROKES:
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
        strength = velocity * (0.55 + 0.6 * STROKES[sign])
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
