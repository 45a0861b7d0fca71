"""Bands with drums: rock, metal, punk, blues, funk, reggae."""

from .. import theory
from ..phrasing.accompaniment import comp
from ..phrasing.bass import bass_line
from ..phrasing.chances import Rng, chance, choose
from ..phrasing.drums import drum, fill, without
from ..phrasing.harmony import Span, harmony
from ..phrasing.melody import Manner, harmonize, sing
from ..score import DrumPart, Hit, Note, Part, Score
from ..theory import Key
from .form import any_key, frame, voicings


def _power(spans: list[Span], low: int) -> list[list[int]]:
    """Root, fifth and octave of each chord."""
    return [[root, root + 7, root + 12] for root in (theory.bass_note(span.chord, low) for span in spans)]


def _fifths(notes: list[Note]) -> list[Note]:
    """Each note with the fifth above it."""
    return [voice for note in notes for voice in (note, note.moved(0.0, 7.0))]


def _open_strings(spans: list[Span]) -> list[list[int]]:
    """Six strings, as a guitar would stop them: root, fifth, octave, third, fifth, octave."""
    shapes = []
    for span in spans:
        root = theory.bass_note(span.chord, 40)
        third = 4 if 4 in span.chord.intervals else 3
        shapes.append([root, root + 7, root + 12, root + 12 + third, root + 19, root + 24])
    return shapes


def rock(rng: Rng) -> Score:
    """Two guitars, bass and drums, with a tune on the lead guitar."""
    f = frame(rng, choose(rng, (14, 16)), 4, (27.0, 28.0))
    key = any_key(rng, "mixolydian", "major", "minor")
    row = {
        "mixolydian": choose(rng, ("I bVII IV I", "I IV bVII IV")),
        "major": choose(rng, ("I V vi IV", "I IV vi V", "I iii IV V")),
        "minor": choose(rng, ("i bVII bVI bVII", "i bVI bIII bVII")),
    }[key.mode]
    spans = harmony(key, row, 4.0, f.end)
    power = _power(spans, 40)
    rhythm = comp(spans, choose(rng, ("X-x.xxx-X-xxx-x-", "X--x--x-X-x-x-x-", "X-x-xxX-..x-xxx-")), 4, power, 0.8)
    strum = comp(spans, "X-x-x-xxX-x-xxx-", 4, _open_strings(spans), 0.6, 0.02)
    pattern = choose(
        rng,
        (
            {"kick": "X.....x.X.x.....", "snare": "....X.......X...", "hat": "X.x.X.x.X.x.X.x."},
            {"kick": "X..x..x.X.......", "snare": "....X.......X...", "hat": "X.x.X.x.X.x.X.x."},
            {"kick": "X...x...X.x.x...", "snare": "....X.......X..o", "open": "X...X...X...X..."},
        ),
    )
    beats = drum(pattern, 4, 0.0, f.bar(8))
    late = {("ride" if piece in ("hat", "open") else piece): signs for piece, signs in pattern.items()}
    beats += drum(late, 4, f.bar(8), f.end)
    for bar in (4, 8, f.bars):
        beats = [*without(beats, f.bar(bar) - 1.0, f.bar(bar)), *fill(rng, f.bar(bar) - 1.0, 1.0)]
    beats += [Hit(f.bar(b), "crash", 0.85) for b in (0, 4, 8, 12)] + [Hit(f.end, "crash", 1.0), Hit(f.end, "kick", 1.0)]
    bass = bass_line(spans, choose(rng, ("RRRRRRRR", "R.RRR.R5", "RR.RRR8R")), 2, 28, 0.85)
    cells = ((1.0, 0.5, 0.5), (1.5, 0.5), (0.5, 0.5, 1.0), (2.0,), (0.75, 0.75, 0.5))
    scale = "minor pentatonic" if key.mode == "minor" else "major pentatonic"
    manner = Manner(62, 84, 0.95, 0.8, 0.2, scale)
    form = ".abaC.dE" if f.bars == 16 else ".abaCdE"
    lead = sing(rng, key, spans, form, f.bar(2), cells, manner)
    final = [Note(f.end, 2.2, p, 0.9) for p in power[0]]
    lead.append(Note(f.end, 2.0, theory.nearest((key.tonic,), 74), 0.8))
    return Score(
        f.tempo,
        [
            DrumPart("studio", beats, 0.0, reverb=0.24),
            Part("crunch guitar", rhythm + final, -0.5, -0.7, reverb=0.2, looseness=0.006),
            Part("crunch guitar", strum + final, -1.5, 0.7, reverb=0.2, looseness=0.006),
            Part("pick bass", [*bass, Note(f.end, 2.0, power[0][0] - 12, 0.9)], -5.0, reverb=0.1),
            Part("lead guitar", lead, -3.0, 0.1, reverb=0.4, echo=0.2),
        ],
        space="plate",
        medium="console",
        fade_out=0.9,
    )


def punk(rng: Rng) -> Score:
    """Three chords, very fast."""
    f = frame(rng, 20, 4, (26.6, 27.6))
    key = any_key(rng, "major")
    spans = harmony(key, choose(rng, ("I V vi IV", "I IV V IV", "I IV I V")), 4.0, f.end)
    power = _power(spans, 40)
    beats = drum({"kick": "X..X..X.X..X..X.", "snare": "..X...X...X...X.", "open": "X.x.X.x.X.x.X.x."}, 4, 0.0, f.end)
    for bar in (4, 8, 12, 16, 20):
        beats = [
            *without(beats, f.bar(bar) - 2.0, f.bar(bar)),
            *fill(rng, f.bar(bar) - 2.0, 2.0, ("snare", "snare", "tom1", "tom3")),
        ]
    beats += [Hit(f.bar(b), "crash", 0.9) for b in range(0, 21, 4)] + [Hit(f.end, "kick", 1.0)]
    cells = ((1.0, 1.0), (0.5, 0.5, 1.0), (1.5, 0.5), (2.0,))
    tune = sing(rng, key, spans, ".abaBcabaC", f.bar(2), cells, Manner(64, 81, 0.95, 0.85, 0.15, "major pentatonic"))
    final = [Note(f.end, 2.2, p, 0.9) for p in power[0]]
    stops = [n for n in comp(spans, "xxxxxxxx", 2, power, 0.85) if not f.bar(12) <= n.beat < f.bar(14)]
    return Score(
        f.tempo,
        [
            DrumPart("heavy", beats, 0.0, reverb=0.24),
            Part("distorted guitar", comp(spans, "xxxxxxxx", 2, power, 0.85) + final, -2.0, -0.75, reverb=0.2),
            Part("crunch guitar", stops + final, -2.0, 0.75, reverb=0.2),
            Part(
                "pick bass",
                [*bass_line(spans, "RRRRRRRR", 2, 28, 0.9), Note(f.end, 2.0, power[0][0] - 12, 0.9)],
                -3.0,
                reverb=0.0,
            ),
            Part("lead guitar", tune, -2.5, reverb=0.4),
        ],
        space="chamber",
        medium="console",
        fade_out=0.9,
    )


def metal(rng: Rng) -> Score:
    """A palm-muted riff on the lowest string, two bass drums, a fast lead in harmony."""
    f = frame(rng, choose(rng, (18, 20)), 4, (26.8, 27.8))
    key = Key(choose(rng, (2, 3, 4, 5)), choose(rng, ("minor", "phrygian", "harmonic minor")))
    row = {"minor": "i i bVI bVII", "phrygian": "i i bII i", "harmonic minor": "i i bVI V"}[key.mode]
    spans = harmony(key, row, 4.0, f.end)
    root = theory.bass_note(key.chord("i5"), 36)
    gallop = choose(rng, ("X.xxX.xxX.xxX.xx", "X.xxx.xxX.xxXxxx", "XxxxX.xxXxxxX.xx"))
    accents = [theory.nearest((pc,), root + 5) for pc in key.pitch_classes[1:6]]
    riff: list[Note] = []
    chugs: list[Note] = []
    shape = [choose(rng, accents) if chance(rng, 0.8) else root for _ in range(4)]
    for bar in range(8):
        turn = bar % 4 == 3
        for step, sign in enumerate(gallop[:8] if turn else gallop):
            beat = f.bar(bar) + step / 4.0
            if sign == "X" and step and chance(rng, 0.9):
                riff.append(Note(beat, 0.24, shape[step // 4], 0.85))
            elif sign != ".":
                chugs.append(Note(beat, 0.2, root, 0.8 if sign == "X" else 0.65))
        if turn:
            descent = (accents[4], accents[3], accents[2], accents[0])
            riff += [Note(f.bar(bar) + 2.0 + i / 2.0, 0.48, pitch, 0.9) for i, pitch in enumerate(descent)]
    late = [s for s in spans if s.beat >= f.bar(8)]
    wall = comp(late, "X---x-x-X-x-x-x-", 4, _power(late, 36), 0.85)
    final = [Note(f.end, 2.5, p, 1.0) for p in (root, root + 7, root + 12)]
    double = drum(
        {"kick": "xxxxxxxxxxxxxxxx", "snare": "....X.......X...", "ride": "X.x.X.x.X.x.X.x."}, 4, f.bar(8), f.end
    )
    kicks = gallop.replace("X", "x")
    beats = drum({"kick": kicks, "snare": "....X.......X...", "open": "X...X...X...X..."}, 4, 0.0, f.bar(8)) + double
    for bar in (4, 8, 12, f.bars):
        beats = [*without(beats, f.bar(bar) - 2.0, f.bar(bar)), *fill(rng, f.bar(bar) - 2.0, 2.0)]
    beats += [Hit(f.bar(b), "crash", 0.9) for b in (0, 4, 8, 10, 12, 14, 16)] + [
        Hit(f.end, "crash", 1.0),
        Hit(f.end, "kick", 1.0),
    ]
    cells = ((0.25, 0.25, 0.25, 0.25), (0.5, 0.5), (0.25, 0.25, 0.5), (1.0,), (1.5, 0.5))
    form = "....abaCd" if f.bars == 18 else "....abaCdE"
    lead = sing(rng, key, spans, form, f.bar(2), cells, Manner(67, 89, 0.98, 0.85, 0.12))
    bass = [n.moved(0.0, -12.0) for n in [*riff, *chugs]] + bass_line(late, "RRRRRRRR", 2, 26, 0.9)
    return Score(
        f.tempo,
        [
            DrumPart("heavy", beats, 0.5, reverb=0.26),
            *(Part("muted guitar", _fifths(chugs), -1.0, side, reverb=0.2, looseness=0.005) for side in (-0.85, 0.85)),
            *(
                Part("distorted guitar", _fifths(riff) + wall + final, -0.5, side, reverb=0.24, looseness=0.005)
                for side in (-0.85, 0.85)
            ),
            Part("pick bass", [*bass, Note(f.end, 2.5, root - 12, 1.0)], -4.0, reverb=0.0),
            Part("lead guitar", lead, -3.5, 0.1, reverb=0.3, echo=0.15),
            Part(
                "lead guitar",
                [n for n in harmonize(lead, key, spans, 2) if n.beat >= f.bar(12)],
                -5.0,
                -0.2,
                reverb=0.3,
            ),
        ],
        space="plate",
        medium="console",
        fade_out=0.8,
    )


def blues(rng: Rng) -> Score:
    """Twelve bars, shuffled: a call on guitar or harmonica, an answer, and the turnaround."""
    f = frame(rng, 12, 4, (27.0, 28.2))
    key = Key(choose(rng, (4, 7, 9, 0)), "mixolydian")
    spans = harmony(
        key,
        choose(rng, ("I7 IV7 I7 I7 IV7 IV7 I7 I7 V7 IV7 I7 V7", "I7 I7 I7 I7 IV7 IV7 I7 I7 V7 IV7 I7 V7")),
        4.0,
        f.end,
    )
    line, steps = choose(rng, (("R3568653", 1), ("R.R.3.3.5.5.6.6.", 2), ("R.3.5.6.8.6.5.3.", 2), ("R35R57R5", 1)))
    bass = bass_line(spans, line, steps, 28, 0.8)
    boogie = []
    for span in spans:
        root = theory.bass_note(span.chord, 40)
        for step in range(8):
            top = root + (9 if step % 4 in (2, 3) else 7)
            boogie += [Note(span.beat + step / 2.0, 0.42, p, 0.7 if step % 2 == 0 else 0.55) for p in (root, top)]
    beats = drum({"kick": "x...x...", "snare": "..X...X.", "ride": "X.xoX.xo"}, 2, 0.0, f.end)
    beats = [
        *without(beats, f.end - 1.0, f.end),
        *fill(rng, f.end - 1.0, 1.0),
        Hit(f.end, "crash", 0.8),
        Hit(f.end, "kick", 0.9),
    ]
    cells = ((0.5, 0.5, 0.5, 0.5), (1.0, 0.5, 0.5), (-0.5, 0.5, 1.0), (1.5, 0.5), (0.5, 1.0, 0.5))
    lead = sing(rng, key, spans, "a.a.b.", f.bar(2), cells, Manner(62, 81, 0.9, 0.85, 0.2, "blues"))
    lead += sing(rng, key, spans, "cccC", f.bar(1), cells, Manner(62, 79, 0.9, 0.85, 0.2, "blues"), f.bar(8))
    answer = sing(
        rng,
        key,
        spans,
        ".A.A",
        f.bar(2),
        ((0.5, 0.5, 1.0), (1.0, 1.0), (0.5, 0.5, 0.5, 0.5)),
        Manner(64, 84, 0.8, 0.6, 0.2, "blues"),
    )
    keys = comp(spans, "..x...x.", 2, voicings(spans, 62, 3), 0.55)
    one, two = choose(
        rng, (("blues guitar", "grand piano"), ("harmonica", "grand piano"), ("blues guitar", "harmonica"))
    )
    root = theory.bass_note(key.chord("I"), 40)
    final = [Note(f.end, 2.2, root + i, 0.8) for i in (0, 7, 10, 16, 21)]
    return Score(
        f.tempo,
        [
            DrumPart("studio", beats, -2.5, reverb=0.12),
            Part("finger bass", [*bass, Note(f.end, 2.2, root - 12, 0.9)], -2.5, reverb=0.02),
            Part("crunch guitar", boogie + final, -7.0, 0.5, reverb=0.1),
            Part("drawbar organ" if two == "harmonica" else "grand piano", keys + final, -9.0, -0.4, reverb=0.12),
            Part(one, lead, 0.0, 0.05, reverb=0.18, echo=0.08),
            Part(two, [n for n in answer if n.beat < f.bar(8)], -4.0, -0.35, reverb=0.15),
        ],
        swing=0.66,
        space="room",
        medium="tape",
        fade_out=1.0,
    )


def funk(rng: Rng) -> Score:
    """One chord in sixteenths: bass, clavinet, chopped guitar, short brass."""
    f = frame(rng, 12, 4, (26.8, 27.8))
    key = any_key(rng, "dorian")
    spans = harmony(key, choose(rng, ("i7 i7 i7 IV9", "i7 IV9", "i9 i9 bVII9 IV9")), 4.0, f.end)
    bass = bass_line(spans, choose(rng, ("R..8..R.R.57.8..", "R.R..8..R..7R857", "R..R..8.7.5R..8.")), 4, 28, 0.9)
    clav = comp(spans, choose(rng, ("x.xo..x.xo.x..xo", "..xo.xx...xo.x.x")), 4, voicings(spans, 60, 3), 0.7)
    guitar = comp(spans, choose(rng, ("oxoX.oxo.xoXo.xo", "..xXoo..xo.Xox..")), 4, voicings(spans, 69, 3), 0.7)
    stabs = comp(
        spans,
        choose(rng, ("..............X.....X...........", "X..X..............X...X.........")),
        4,
        voicings(spans, 65, 4),
        0.85,
    )
    beats = drum({"kick": "X..x......x..x..", "snare": "....X..o.o..X..o", "hat": "xoxxxoxxxoxxxoxx"}, 4, 0.0, f.end)
    beats = [
        *without(beats, f.end - 1.0, f.end),
        *fill(rng, f.end - 1.0, 1.0),
        Hit(f.end, "crash", 0.9),
        Hit(f.end, "kick", 1.0),
    ]
    cells = ((0.5, 0.25, 0.25), (0.75, 0.25), (-0.5, 0.5), (0.25, 0.25, 0.5), (1.0,))
    tune = sing(rng, key, spans, "..abaB", f.bar(2), cells, Manner(60, 79, 0.75, 0.8, 0.25, "minor pentatonic"))
    final = [Note(f.end, 0.6, p, 0.95) for p in voicings(spans, 65, 4)[0]]
    return Score(
        f.tempo,
        [
            DrumPart("studio", beats, 0.0, reverb=0.06),
            Part("slap bass", [*bass, Note(f.end, 0.6, theory.bass_note(spans[0].chord, 28), 1.0)], -1.0, reverb=0.0),
            Part("clavinet", clav, -6.0, -0.5, reverb=0.08),
            Part("chopped guitar", guitar, -7.0, 0.55, reverb=0.08),
            Part("brass", [n for n in stabs if n.beat >= f.bar(2)] + final, -4.0, 0.1, reverb=0.15),
            Part(choose(rng, ("saxophone", "full organ", "saxophone")), tune, -3.0, -0.1, reverb=0.15),
        ],
        swing=0.54,
        swing_unit=0.25,
        space="room",
        medium="console",
        fade_out=0.8,
    )


def reggae(rng: Rng) -> Score:
    """Chords between the beats, a bass that sings, the drum on three, echoes."""
    f = frame(rng, choose(rng, (8, 9, 10)), 4, (27.0, 28.4))
    key = any_key(rng, "major", "minor", "dorian")
    row = {
        "major": choose(rng, ("I IV", "I V vi IV", "I ii")),
        "minor": choose(rng, ("i bVII", "i iv", "i bVI bVII i")),
        "dorian": "i IV",
    }[key.mode]
    spans = harmony(key, row, 4.0, f.end)
    chords = voicings(spans, 64, 3)
    skank = comp(spans, "..X...X.", 2, chords, 0.8)
    bubble = comp(spans, ".x.x.xox", 2, voicings(spans, 60, 3), 0.5)
    bass = bass_line(spans, choose(rng, ("R--R..5.8-..5.3.", "..R-R-5...R-8-5.", "R-..R.R.5-..3.R.")), 4, 28, 0.95)
    beats = drum({"kick": "........X.......", "rim": "........X.......", "hat": "x.o.x.o.x.o.x.oo"}, 4, 0.0, f.end)
    if chance(rng, 0.5):
        beats += drum({"kick": "X..............."}, 4, 0.0, f.end)
    beats += [h for b in range(3, f.bars, 4) for h in fill(rng, f.bar(b) + 3.0, 1.0, ("snare", "tom1", "tom2"))]
    cells = ((1.0, 0.5, 0.5), (0.75, 0.25, 1.0), (-0.5, 0.5, 1.0), (1.5, 0.5), (2.0,))
    form = {8: ".abC", 9: ".abC", 10: ".abaC"}[f.bars]
    tune = sing(
        rng,
        key,
        spans,
        form,
        f.bar(2),
        cells,
        Manner(64, 83, 0.9, 0.75, 0.2, "major pentatonic" if key.mode == "major" else "minor pentatonic"),
    )
    low = theory.bass_note(spans[0].chord, 28)
    return Score(
        f.tempo,
        [
            DrumPart(
                "studio", [*beats, Hit(f.end, "kick", 0.9), Hit(f.end, "crash", 0.5)], -3.0, reverb=0.15, echo=0.08
            ),
            Part("finger bass", [*bass, Note(f.end, 2.0, low, 0.9)], 0.5, reverb=0.0),
            Part("chopped guitar", skank, -5.0, -0.5, reverb=0.15, echo=0.15),
            Part("reggae organ", bubble + [Note(f.end, 0.4, p, 0.6) for p in chords[0]], -8.0, 0.5, reverb=0.12),
            Part(choose(rng, ("melodica", "brass", "melodica")), tune, -2.5, 0.1, reverb=0.25, echo=0.4),
        ],
        swing=float(rng.uniform(0.54, 0.6)),
        swing_unit=0.25,
        space="plate",
        echo_beats=0.75,
        medium="tape",
        fade_out=1.0,
    )
