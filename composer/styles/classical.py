"""Concert music: piano, harpsichord, organ, strings, choir, orchestra, mallets."""

from .. import theory
from ..phrasing.accompaniment import arpeggio, comp, sustain
from ..phrasing.bass import bass_line
from ..phrasing.chances import Rng, chance, choose
from ..phrasing.drums import drum, roll
from ..phrasing.harmony import Span, chord_at, harmony
from ..phrasing.melody import Manner, harmonize, sing
from ..score import DrumPart, Hit, Note, Part, Score
from ..theory import Key
from .form import any_key, frame, voicings


def piano_ballad(rng: Rng) -> Score:
    """A slow song without words for piano alone, broken chords under a singing right hand."""
    f = frame(rng, choose(rng, (8, 8, 10)), 4)
    key = Key(choose(rng, (0, 2, 3, 5, 7, 8, 10)), choose(rng, ("major", "major", "minor")))
    rows = (
        ("I V/VII vi I/V IV I/III ii7 V7sus4", "I iii vi IV I/III IV V7sus4 V7", "Iadd9 V vi7 IVmaj7")
        if key.mode == "major"
        else ("i bVI bIII bVII", "i iv bVII bIII bVI ii7 V7sus4 V7")
    )
    row = choose(rng, rows)
    spans = harmony(key, row, 4.0, f.end)
    low = voicings(spans, 50, 4)
    left = arpeggio(spans, choose(rng, ("01232321", "01213121", "02132312")), 2, low, 2.2, 0.42)
    left += [Note(s.beat, s.beats, theory.bass_note(s.chord, 33), 0.5) for s in spans]
    manner = Manner(64, 86, 1.1, 0.66, 0.2)
    form = choose(rng, ("abaC", "aabC", "abCb")) if f.bars == 8 else "abaBC"
    cells = ((1.5, 0.5, 2.0), (1.0, 1.0, 2.0), (0.5, 0.5, 1.0, 2.0), (3.0, 0.5, 0.5), (-0.5, 0.5, 0.5, 0.5, 2.0))
    right = sing(rng, key, spans, form, f.end / len(form), cells, manner)
    right += [n for n in harmonize(right, key, spans, choose(rng, (2, 5))) if n.beats > 1.0 and n.beat > f.end / 2.0]
    close = theory.close_voicing(spans[0].chord, 48)
    last = [Note(f.end + i * 0.08, 4.0, p, 0.45) for i, p in enumerate([close[0] - 12, *close, close[0] + 24])]
    piano = "felt piano" if chance(rng, 0.4) else "grand piano"
    swells = ((0.0, -3.0), (f.end * 0.6, 1.0), (f.end, -2.0))
    return Score(
        f.tempo,
        [
            Part(piano, right, 0.0, reverb=0.22, swells=swells, looseness=0.010),
            Part(piano, left + last, -6.0, reverb=0.2, swells=swells, looseness=0.012),
        ],
        space="hall",
        fade_out=1.6,
    )


def nocturne(rng: Rng) -> Score:
    """A slow piece in triplets, dark, for felt piano with a cello."""
    f = frame(rng, 8, 4)
    key = any_key(rng, "minor")
    spans = harmony(key, choose(rng, ("i bVI iv V7", "i bVI bIII bVII i bVI iv V7sus4")), 4.0, f.end)
    chords = voicings(spans, 56, 3)
    left = arpeggio(spans, "012", 3, chords, 1.2, 0.4)
    left += [Note(s.beat, s.beats, theory.bass_note(s.chord, 31), 0.5) for s in spans]
    cells = ((2.0, 1.0, 1.0), (3.0, 1.0), (1.0, 1.0, 2.0), (2.0, 2.0))
    tune = sing(rng, key, spans, "abaC", f.end / 4.0, cells, Manner(48, 67, 1.0, 0.65, 0.15))
    last = [Note(f.end + 0.1 * i, 4.0, p, 0.4) for i, p in enumerate(theory.close_voicing(spans[0].chord, 36))]
    return Score(
        f.tempo,
        [
            Part("felt piano", left + last, -3.0, reverb=0.25, looseness=0.012),
            Part("cello", tune, 0.0, reverb=0.3, swells=((0.0, -2.0), (f.end * 0.7, 1.5), (f.end, -1.0))),
        ],
        space="hall",
        fade_out=1.6,
    )


_FIGURES = (
    (0, 1, 2, 0),
    (0, -1, 0, 2),
    (0, 2, 1, 2),
    (2, 1, 0, 1),
    (0, 1, 2, 3),
    (3, 2, 1, 0),
    (0, -2, 0, 1),
)


def _figured(rng: Rng, key: Key, spans: list[Span], start: float, end: float, low: int, high: int) -> list[Note]:
    """Sixteenths: one figure for each half of the bar, carried through the harmony."""
    figures = (choose(rng, _FIGURES), choose(rng, _FIGURES))
    notes: list[Note] = []
    pitch = round(low + (high - low) * float(rng.uniform(0.45, 0.75)))
    anchor = 0
    for beat in range(round(start), round(end)):
        chord = chord_at(spans, beat)
        tones = theory.pitches(chord.pitch_classes, low + 3, high - 3)
        anchor = min(tones, key=lambda tone: (abs(tone - pitch) + (4 if tone == anchor else 0), tone))
        scale = theory.pitches(key.over(chord), low - 3, high + 3)
        place = scale.index(anchor)
        for step, offset in enumerate(figures[beat % 2]):
            note = scale[min(max(place + offset, 0), len(scale) - 1)]
            notes.append(Note(beat + step / 4.0, 0.24, note, 0.72 if step == 0 else 0.62))
            pitch = note
        drift = 1 if pitch < (low + high) / 2.0 else -1
        pitch += drift * int(rng.integers(0, 4))
    return notes


def _eighths(key: Key, spans: list[Span], start: float, end: float, low: int, high: int) -> list[Note]:
    """A calm voice in eighths: the chord's note on the beat, a step or an octave towards the next one off it."""
    notes: list[Note] = []
    pitch = low + 7
    for beat in range(round(start), round(end)):
        chord = chord_at(spans, beat)
        classes = (chord.bass,) if beat % 2 == 0 else chord.pitch_classes[:3]
        tones = theory.pitches(classes, low, high)
        note = min(tones, key=lambda tone: (abs(tone - pitch), tone))
        following = theory.nearest((chord_at(spans, beat + 1).bass,), note)
        scale = theory.pitches(key.over(chord), low - 2, high + 2)
        between = min(scale, key=lambda tone: abs(tone - (note + following) / 2.0) + (9.0 if tone == note else 0.0))
        notes += [Note(beat, 0.45, note, 0.7), Note(beat + 0.5, 0.45, between, 0.6)]
        pitch = note
    return notes


def baroque(rng: Rng) -> Score:
    """Two voices that answer one another over sequences of fifths, on a harpsichord or a small organ."""
    f = frame(rng, 12, 4)
    minor = chance(rng, 0.6)
    key = Key(choose(rng, (0, 2, 4, 5, 7, 9)), "minor" if minor else "major")
    opening = "i V i V7" if minor else "I V I V7"
    fifths = "i iv bVII bIII bVI iim7b5 V i" if minor else "I IV viim7b5 iii vi ii V I"
    away = "bIII bVII bIII bVI iv V i V" if minor else "vi iii IV I ii V I V"
    cadence = "i iv V V7" if minor else "I IV V V7"
    spans = harmony(key, f"{opening} {fifths} {away} {cadence}", 2.0, f.end)
    instrument = choose(rng, ("harpsichord", "harpsichord", "pipe organ"))
    upper, lower = (60, 84), (38, 60)
    right = _figured(rng, key, spans, 0.0, 8.0, *upper)
    left = _eighths(key, spans, 4.0, 8.0, *lower)
    # The left hand answers with the figures, then both change again.
    left += _figured(rng, key, spans, 8.0, 16.0, 43, 65)
    right += _eighths(key, spans, 8.0, 16.0, 62, 82)
    right += _figured(rng, key, spans, 16.0, 32.0, *upper)
    left += _eighths(key, spans, 16.0, 32.0, *lower)
    left += _figured(rng, key, spans, 32.0, 40.0, 43, 65)
    right += list(_eighths(key, spans, 32.0, 40.0, 62, 82))
    right += _figured(rng, key, spans, 40.0, f.end - 2.0, *upper)
    left += _eighths(key, spans, 40.0, f.end - 2.0, *lower)
    leading = theory.nearest(((key.tonic + 2) % 12,), 72)
    trill = [Note(f.end - 2.0 + i * 0.125, 0.12, leading + (2 if i % 2 == 0 else 0), 0.6) for i in range(14)]
    right += [*trill, Note(f.end - 0.25, 0.25, leading - 2, 0.7)]
    left += [
        Note(f.end - 2.0, 1.0, theory.bass_note(spans[-2].chord, 40)),
        Note(f.end - 1.0, 1.0, theory.bass_note(spans[-1].chord, 36)),
    ]
    final = key.chord("I")
    chord = [theory.bass_note(final, 36), *theory.close_voicing(final, 48), theory.nearest((key.tonic,), 72)]
    left += [Note(f.end + 0.09 * i, 4.0, p, 0.8) for i, p in enumerate(chord)]
    parts = [
        Part(instrument, right, 0.0, 0.15, reverb=0.3, looseness=0.005),
        Part(instrument, left, -0.5, -0.15, reverb=0.3, looseness=0.005),
    ]
    if instrument == "pipe organ":
        pedal = [Note(s.beat, s.beats, theory.bass_note(s.chord, 36), 0.7) for s in spans if s.beat >= 16.0]
        parts.append(Part("flute stop", pedal, -5.0, reverb=0.3))
    return Score(f.tempo, list(parts), space="church" if instrument == "pipe organ" else "chamber", fade_out=1.2)


def waltz(rng: Rng) -> Score:
    """Three in a bar: a ballroom's strings, or an accordion in the street."""
    f = frame(rng, 24, 3)
    key = any_key(rng, "major") if chance(rng, 0.6) else any_key(rng, "harmonic minor")
    row = (
        "I I V7 V7 V7 V7 I I IV IV I I V7 V7 I I" if key.mode == "major" else "i i V7 V7 V7 V7 i i iv iv i i V7 V7 i i"
    )
    spans = harmony(key, row, 3.0, f.end)
    bass = bass_line(spans, choose(rng, ("R..5..", "R..R..")), 1, 36, 0.75)
    chords = comp(spans, ".xx", 1, voicings(spans, 60, 3), 0.5)
    chords = [Note(n.beat, 0.55, n.pitch, n.velocity) for n in chords]
    cells = ((2.0, 1.0), (1.0, 1.0, 1.0), (3.0,), (1.5, 0.5, 1.0), (0.5, 0.5, 0.5, 0.5, 1.0))
    tune = sing(rng, key, spans, "abaBcbdC", f.end / 8.0, cells, Manner(65, 86, 0.95, 0.72, 0.22))
    final = theory.close_voicing(spans[0].chord, 48)
    last = [Note(f.end, 2.0, p, 0.75) for p in final]
    street = key.mode != "major" or chance(rng, 0.4)
    parts: list[Part | DrumPart]
    if street:
        parts = [
            Part("accordion", [*tune, Note(f.end, 2.0, final[0] + 24, 0.8)], 0.0, 0.1, reverb=0.15),
            Part("nylon guitar", chords + last, -8.0, -0.3, reverb=0.15),
            Part("upright bass", [*bass, Note(f.end, 2.0, final[0] - 12, 0.8)], -5.0, reverb=0.1),
            Part(
                "violin", harmonize([n for n in tune if n.beat >= f.end / 2.0], key, spans, 2), -5.0, 0.35, reverb=0.25
            ),
        ]
    else:
        parts = [
            Part("strings", [*tune, Note(f.end, 2.0, final[0] + 24, 0.8)], 0.0, 0.1, reverb=0.3),
            Part("short strings", chords + last, -7.0, -0.2, reverb=0.3),
            Part("pizzicato", [*bass, Note(f.end, 1.0, final[0] - 12, 0.9)], -6.0, reverb=0.3),
            Part("flute", [n.moved(0.0, 12.0) for n in tune if n.beat >= f.end / 2.0], -7.0, 0.3, reverb=0.35),
            Part("horns", sustain(spans, voicings(spans, 53, 2), 0.45), -12.0, -0.3, reverb=0.35),
            DrumPart(
                "orchestra",
                [*drum({"triangle": "..o..x"}, 1, f.end / 2.0, f.end), Hit(f.end, "timpano", 0.7)],
                -14.0,
                reverb=0.3,
            ),
        ]
    return Score(f.tempo, parts, space="room" if street else "hall", fade_out=1.2)


def choral(rng: Rng) -> Score:
    """A choir in four parts, slow, in a church."""
    f = frame(rng, 8, 4, (25.0, 26.5))
    key = any_key(rng, "major", "dorian", "minor")
    row = {
        "major": choose(rng, ("I IV I V vi IV Isus4 I", "I iii IV I ii vi IV V", "I V/VII vi iii IV I ii V")),
        "dorian": "i IV i bVII i IV bVII i",
        "minor": "i bVII bVI bIII iv i bVI V",
    }[key.mode]
    spans = [*harmony(key, row, 4.0, f.end), Span(f.end, 4.0, key.chord("I"))]
    chords = voicings(spans, 60, 4)
    low = [Note(s.beat, s.beats + 0.1, theory.bass_note(s.chord, 40), 0.6) for s in spans]
    cells = ((2.0, 2.0), (3.0, 1.0), (2.0, 1.0, 1.0), (4.0,))
    tune = sing(rng, key, spans, "abaC", f.end / 4.0, cells, Manner(67, 81, 1.02, 0.65, 0.08))
    top = theory.nearest((key.tonic,), 74)
    swells = ((0.0, -4.0), (f.end * 0.65, 1.0), (f.end, -2.0))
    parts: list[Part | DrumPart] = [
        Part("choir", [*tune, Note(f.end, 4.0, top, 0.6)], 0.0, 0.1, reverb=0.4, swells=swells),
        Part("soft choir", sustain(spans, [v[:3] for v in chords], 0.6, 0.2), -3.0, -0.1, reverb=0.4, swells=swells),
        Part("chant", low, -4.0, reverb=0.35, swells=swells),
    ]
    if chance(rng, 0.5):
        parts.append(Part("flute stop", sustain(spans, [v[:3] for v in chords], 0.5, 0.1), -9.0, reverb=0.4))
    return Score(f.tempo, parts, space="church", fade_in=0.3, fade_out=2.2)


def film(rng: Rng) -> Score:
    """A trailer: driving low strings, horns that call, drums, and a choir at the height of it."""
    f = frame(rng, 16, 4, (26.0, 27.2))
    key = any_key(rng, "minor")
    row = choose(rng, ("i bVI bIII bVII", "i bVI iv V", "i bVII bVI V", "i bIII bVII iv"))
    spans = harmony(key, row, 8.0, f.end)
    wide = voicings(spans, 62, 4)
    roots = [theory.bass_note(s.chord, 36) for s in spans]
    drive = choose(rng, ("X.xxX.xxX.xxX.xx", "X.xX.xX.X.xX.xX.", "XxxXxxXxXxxXxxXx"))
    ostinato = [
        Note(s.beat + i / 4.0, 0.22, root + (12 if i % 4 == 2 else 0), 0.85 if drive[i % 16] == "X" else 0.6)
        for s, root in zip(spans, roots, strict=True)
        for i in range(round(s.beats * 4))
        if drive[i % 16] != "."
    ]
    high = [n for n in arpeggio(spans, "01230123", 4, [v[:4] for v in wide], 0.22, 0.6) if n.beat >= f.bar(8)]
    cells = ((3.0, 1.0), (2.0, 2.0), (4.0,), (1.5, 0.5, 2.0), (2.0, 1.0, 1.0))
    call = sing(rng, key, spans, "..abaBaC", f.end / 8.0, cells, Manner(55, 74, 1.0, 0.85, 0.25))
    drums = drum({"taiko": "X..x..x.X.x.x.xx"}, 4, f.bar(4), f.end, 0.8)
    drums += drum({"drum": "X......."}, 2, 0.0, f.end)
    drums += drum({"drum": "....X..."}, 2, f.bar(8), f.end)
    drums += roll("timpano", f.bar(7.5), f.bar(8), 0.25, 0.3, 0.9) + roll("snare", f.bar(15), f.end, 0.25, 0.25, 0.95)
    drums += [
        Hit(f.bar(8), "crash", 0.85),
        Hit(f.bar(12), "crash", 0.9),
        Hit(f.end, "crash", 1.0),
        Hit(f.end, "drum", 1.0),
    ]
    drums += [Hit(f.bar(8) - 2.2 * f.tempo / 60.0, "swell", 0.8), Hit(f.end, "timpano", 1.0)]
    last = theory.close_voicing(key.chord("i"), 48)
    final = [Note(f.end, 2.5, p, 0.95) for p in [*last, last[0] + 12]]
    late = [s for s in spans if s.beat >= f.bar(8)]
    choir = sustain(late, [v for s, v in zip(spans, wide, strict=True) if s.beat >= f.bar(8)], 0.8, 0.1)
    grow = ((0.0, -7.0), (f.bar(8), -1.0), (f.end, 1.5))
    return Score(
        f.tempo,
        [
            Part("short strings", ostinato, -1.0, -0.1, reverb=0.25, swells=grow),
            Part("short strings", high, -5.0, 0.25, reverb=0.3),
            Part("slow strings", sustain(spans, wide, 0.6, 0.3), -4.0, 0.1, reverb=0.35, swells=grow),
            Part("horns", call + final, 0.0, 0.0, reverb=0.35),
            Part(
                "low brass",
                [Note(s.beat, s.beats * 0.95, r, 0.8) for s, r in zip(spans, roots, strict=True)]
                + [Note(f.end, 2.5, last[0] - 12, 1.0)],
                -3.0,
                0.2,
                reverb=0.3,
                swells=grow,
            ),
            Part("choir", choir + final, -4.0, reverb=0.4),
            DrumPart("orchestra", drums, 0.0, reverb=0.25, swells=grow),
        ],
        space="hall",
        medium="clean",
        fade_out=1.2,
    )


def minimal(rng: Rng) -> Score:
    """Mallets in patterns that shift against one another, slowly gaining notes."""
    f = frame(rng, 16, 3, (26.5, 27.6)) if chance(rng, 0.5) else frame(rng, 14, 4, (26.5, 27.6))
    key = any_key(rng, "major", "lydian", "mixolydian")
    spans = harmony(key, choose(rng, ("Imaj9 IVmaj9", "Iadd9 vi7", "Imaj7 iii7 IVmaj7 ii7")), f.metre * 4.0, f.end)
    chords = voicings(spans, 67, 4)
    sixteenths = f.metre * 4
    first = "".join(choose(rng, "0123") if chance(rng, 0.75) else "." for _ in range(sixteenths // 2))
    second = "".join(choose(rng, "1234") if chance(rng, 0.55) else "." for _ in range(sixteenths // 2 + 1))
    third = "".join(choose(rng, "4567") if chance(rng, 0.35) else "." for _ in range(sixteenths))
    one = arpeggio(spans, first, 4, chords, 0.5, 0.62)
    two = [n for n in arpeggio(spans, second, 4, chords, 0.5, 0.6) if n.beat >= f.bar(3)]
    three = [n for n in arpeggio(spans, third, 4, chords, 1.0, 0.55) if n.beat >= f.bar(6)]
    pulse = [
        Note(s.beat + i * 0.5, 0.4, theory.bass_note(s.chord, 48), 0.5)
        for s in spans
        for i in range(round(s.beats * 2))
    ]
    last = [Note(f.end, 4.0, p, 0.7) for p in chords[0]]
    names = choose(
        rng,
        (
            ("marimba", "marimba", "vibraphone"),
            ("marimba", "xylophone", "glockenspiel"),
            ("kalimba", "marimba", "celesta"),
        ),
    )
    return Score(
        f.tempo,
        [
            Part(names[0], one + last, 0.0, -0.4, reverb=0.2),
            Part(names[1], two + last, -1.0, 0.4, reverb=0.2),
            Part(names[2], three + [n.moved(0.0, 12.0) for n in last], -4.0, 0.0, reverb=0.3),
            Part("marimba", [n for n in pulse if n.beat >= f.bar(2)], -7.0, 0.0, reverb=0.15),
            Part(
                "clarinet",
                sustain(spans, [v[:2] for v in chords], 0.5),
                -11.0,
                0.2,
                reverb=0.3,
                swells=((0.0, -9.0), (f.bar(8), 0.0), (f.end, -2.0)),
            ),
        ],
        space="chamber",
        fade_out=1.2,
    )


def lullaby(rng: Rng) -> Score:
    """A music box, a celesta and a harp, small and slow."""
    f = frame(rng, 16, 3, (26.4, 27.4))
    key = any_key(rng, "major")
    spans = harmony(key, choose(rng, ("I I IV I ii V I I I I IV I IV V7 I I", "I vi IV V I vi ii V7")), 3.0, f.end)
    cells = ((2.0, 1.0), (1.0, 1.0, 1.0), (3.0,), (1.0, 0.5, 0.5, 1.0))
    tune = sing(
        rng, key, spans, "abaC" if chance(rng, 0.5) else "aabC", f.end / 4.0, cells, Manner(74, 91, 1.0, 0.6, 0.2)
    )
    left = arpeggio(spans, "012", 1, voicings(spans, 60, 3), 1.5, 0.45)
    last = [Note(f.end + 0.12 * i, 3.0, p, 0.5) for i, p in enumerate(theory.close_voicing(spans[0].chord, 60))]
    return Score(
        f.tempo,
        [
            Part("music box", tune + [n.moved(0.0, 12.0) for n in last], 0.0, 0.1, reverb=0.22),
            Part(choose(rng, ("harp", "celesta")), left + last, -5.0, -0.2, reverb=0.22),
            Part("soft choir", sustain(spans, voicings(spans, 64, 3), 0.4, 0.2), -14.0, reverb=0.4),
        ],
        space="chamber",
        fade_out=1.4,
    )
