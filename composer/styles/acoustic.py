"""Music of small rooms and open air: jazz, bossa nova, folk, dances."""

from .. import theory
from ..phrasing.accompaniment import arpeggio, comp, sustain
from ..phrasing.bass import bass_line, walk
from ..phrasing.chances import Rng, chance, choose
from ..phrasing.drums import drum, roll
from ..phrasing.harmony import Span, harmony
from ..phrasing.melody import Manner, harmonize, sing
from ..score import DrumPart, Hit, Note, Part, Score
from ..theory import Key
from .form import any_key, frame, voicings

_EIGHTHS = ((0.5, 0.5, 0.5, 0.5), (1.0, 0.5, 0.5), (-0.5, 0.5, 0.5, 0.5), (1.5, 0.5), (0.5, 0.5, 1.0), (-1.0, 0.5, 0.5))


def _rootless(spans: list[Span], centre: int) -> list[list[int]]:
    return theory.lead_voices([theory.rootless(span.chord) for span in spans], centre, 4)


def jazz(rng: Rng) -> Score:
    """A trio or quartet that swings: walking bass, ride cymbal, a solo over two-five-ones."""
    f = frame(rng, choose(rng, (16, 18, 20)), 4, (27.0, 28.2))
    key = any_key(rng, "major", "dorian")
    row = (
        choose(
            rng,
            (
                "Imaj9 VI7b9 ii9 V13",
                "ii9 V13 Imaj9 VI7b9 ii9 V13 Imaj9:2",
                "Imaj9 Imaj9 ii9 V13 iii7 VI7b9 ii9 V13",
            ),
        )
        if key.mode == "major"
        else choose(rng, ("i9 i9 i9 i9 iv9 iv9 i9 i9 iim7b5 V7b9 i9 V7b9", "i9 iv9 iim7b5 V7b9"))
    )
    spans = harmony(key, row, 4.0, f.end)
    chords = _rootless(spans, 60)
    bass = walk(rng, key, spans, 28, 52)
    keys = comp(spans, choose(rng, ("x..x......x.....", "..x....x..x.....", "...x..x.....x...")), 2, chords, 0.55)
    keys = [Note(n.beat, min(n.beats, 0.6), n.pitch, n.velocity) for n in keys]
    beats = drum({"ride": "X.xoX.xo", "hat": "..x...x."}, 2, 0.0, f.end)
    brushes = chance(rng, 0.45)
    beats += drum(
        {"brush": "x.x.x.x.", "tap": "..x...x."}
        if brushes
        else {"snare": "...o....o....o..", "kick": "o.......o..o...."},
        2,
        0.0,
        f.end,
    )
    form = {16: "abacdbaE", 18: "abacdbacE", 20: "abacdbacdE"}[f.bars]
    lead = choose(rng, ("saxophone", "muted trumpet", "vibraphone", "grand piano", "jazz guitar"))
    low, high = {"saxophone": (53, 75), "muted trumpet": (60, 81), "jazz guitar": (55, 77)}.get(lead, (62, 86))
    solo = sing(rng, key, spans, form, f.bar(2), _EIGHTHS, Manner(low, high, 0.9, 0.72, 0.22))
    final = [*chords[0], theory.bass_note(spans[0].chord, 40)]
    comper = "jazz guitar" if lead in ("grand piano", "vibraphone") else "grand piano"
    last = Note(f.end, 2.4, theory.bass_note(spans[0].chord, 28), 0.75)
    return Score(
        f.tempo,
        [
            DrumPart(
                "jazz",
                [*beats, Hit(f.end, "ride", 0.9), Hit(f.end, "kick", 0.6), Hit(f.end, "crash", 0.4)],
                -8.0,
                reverb=0.16,
            ),
            Part("upright bass", [*bass, last], -1.5, reverb=0.08, looseness=0.007),
            Part(comper, keys + [Note(f.end, 2.4, p, 0.6) for p in final], -6.5, -0.3, reverb=0.18, looseness=0.008),
            Part(
                lead,
                [*solo, Note(f.end, 2.0, theory.nearest((spans[0].chord.pitch_classes[2],), high - 10), 0.6)],
                0.0,
                0.15,
                reverb=0.22,
                looseness=0.012,
            ),
        ],
        swing=float(rng.uniform(0.62, 0.66)),
        space="room",
        fade_out=1.2,
    )


def bossa(rng: Rng) -> Score:
    """A nylon guitar's syncopated chords, a soft cross-stick, an easy tune."""
    f = frame(rng, choose(rng, (14, 16)), 4, (27.0, 28.2))
    key = any_key(rng, "major")
    row = choose(
        rng,
        (
            "Imaj9 Imaj9 II9 II9 ii9 V13 Imaj9 V13",
            "ii9 V13 Imaj9 VI7b9",
            "Imaj7 II7 iv6 iii7 VI7b9 ii7 V13 Imaj7",
        ),
    )
    spans = harmony(key, row, 4.0, f.end)
    chords = _rootless(spans, 59)
    guitar = comp(spans, choose(rng, ("X..x..x.x..x..x.", "x.x..x..x..x..x.")), 4, chords, 0.6)
    guitar = [Note(n.beat, min(n.beats + 0.3, 0.9), n.pitch, n.velocity) for n in guitar]
    bass = bass_line(spans, "R--5R--5", 2, 31, 0.75)
    beats = drum({"rim": "x..x..x...x..x..", "shaker": "xoxoxoxoxoxoxoxo", "kick": "x..ox..ox..ox..o"}, 4, 0.0, f.end)
    lead = choose(rng, ("flute", "saxophone", "voice", "vibraphone", "clarinet"))
    low, high = {"saxophone": (55, 76), "voice": (60, 77), "clarinet": (57, 79)}.get(lead, (67, 86))
    cells = ((1.5, 0.5, 2.0), (0.5, 1.0, 0.5, 1.0, 1.0), (-0.5, 1.0, 0.5, 2.0), (1.0, 1.0, 1.5, 0.5), (3.0, 1.0))
    tune = sing(
        rng, key, spans, "abacdaC"[: f.bars // 2 - 1] + "E", f.bar(2), cells, Manner(low, high, 0.95, 0.66, 0.18)
    )
    final = [
        Note(f.end + 0.06 * i, 3.0, p, 0.6) for i, p in enumerate([theory.bass_note(spans[0].chord, 40), *chords[0]])
    ]
    return Score(
        f.tempo,
        [
            DrumPart("latin", beats, -9.0, reverb=0.12),
            Part(
                "upright bass", [*bass, Note(f.end, 2.5, theory.bass_note(spans[0].chord, 31), 0.7)], -3.5, reverb=0.05
            ),
            Part("nylon guitar", guitar + final, -2.5, -0.25, reverb=0.15, looseness=0.007),
            Part(
                lead,
                [*tune, Note(f.end, 2.5, theory.nearest((key.tonic + 4,), (low + high) // 2), 0.6)],
                0.0,
                0.2,
                reverb=0.25,
                looseness=0.012,
            ),
            Part("slow strings", sustain(spans, voicings(spans, 69, 3), 0.4, 0.2), -13.0, 0.3, reverb=0.3),
        ],
        space="chamber",
        fade_out=1.2,
    )


def folk(rng: Rng) -> Score:
    """Fingers on a guitar, thumb and tune together; perhaps a voice that hums, or a harmonica."""
    f = frame(rng, choose(rng, (10, 12, 14)), 4, (26.8, 27.8))
    key = Key(choose(rng, (0, 2, 4, 7, 9)), choose(rng, ("major", "major", "mixolydian", "dorian")))
    row = {
        "major": choose(rng, ("I V/VII vi IV", "I IV I V", "I iii IV V", "vi IV I V")),
        "mixolydian": "I bVII IV I",
        "dorian": choose(rng, ("i bVII i IV", "i bIII bVII IV")),
    }[key.mode]
    spans = harmony(key, row, 4.0, f.end)
    chords = voicings(spans, 60, 4)
    thumb = bass_line(spans, "R.5.8.5.", 2, 40, 0.62)
    thumb = [Note(n.beat, 1.4, n.pitch, n.velocity) for n in thumb]
    fingers = arpeggio(
        spans,
        choose(rng, (".3.2.3.1", "3..2.31.", ".2.3.123", "..32.3.2")),
        2 if chance(rng, 0.3) else 4,
        chords,
        1.6,
        0.45,
    )
    cells = ((1.0, 1.0, 2.0), (0.5, 0.5, 1.0), (1.5, 0.5), (1.0, 0.5, 0.5), (2.0,))
    form = {10: ".abaC", 12: ".abaBC", 14: ".abaBdC"}[f.bars]
    scale = "major pentatonic" if key.mode in ("major", "mixolydian") else ""
    lead = choose(rng, ("harmonica", "humming", "violin", "steel guitar", "flute"))
    low, high = {"humming": (55, 72), "steel guitar": (64, 81), "flute": (67, 84)}.get(lead, (60, 79))
    tune = sing(rng, key, spans, form, f.bar(2), cells, Manner(low, high, 0.95, 0.7, 0.18, scale))
    shape = theory.close_voicing(spans[0].chord, 52)
    final = [
        Note(f.end + 0.05 * i, 3.5, p, 0.6) for i, p in enumerate([shape[0] - 12, shape[0] - 5, *shape, shape[0] + 12])
    ]
    guitar = choose(rng, ("steel guitar", "nylon guitar"))
    parts: list[Part | DrumPart] = [
        Part(guitar, thumb + fingers + final, 0.0, -0.1, reverb=0.14, looseness=0.008),
        Part(lead, tune, -1.5, 0.2, reverb=0.22, looseness=0.014),
    ]
    if chance(rng, 0.4):
        parts.append(
            DrumPart(
                "hands", drum({"stomp": "X...X...", "tambourine": "..x...x."}, 2, f.bar(4), f.end), -9.0, reverb=0.12
            )
        )
    return Score(f.tempo, parts, space="room", fade_out=1.2)


def bluegrass(rng: Rng) -> Score:
    """A banjo that never rests, a fiddle, guitar and bass in two."""
    f = frame(rng, choose(rng, (24, 26)), 4, (27.0, 28.0))
    key = Key(choose(rng, (7, 9, 2, 0)), "major")
    spans = harmony(key, choose(rng, ("I I IV I I I V V", "I IV I V I IV V I", "I I V V I IV V I")), 4.0, f.end)
    chords = voicings(spans, 67, 3)
    roll_pattern = choose(rng, ("20120120", "01201202", "02120212"))
    banjo = arpeggio(spans, roll_pattern, 2, chords, 0.6, 0.65)
    cells = ((0.5, 0.5, 0.5, 0.5), (1.0, 0.5, 0.5), (0.5, 0.5, 1.0), (1.0, 1.0))
    tune = sing(
        rng,
        key,
        spans,
        "abaBabaBcdcE" if f.bars == 24 else "abaBabaBcdcdE",
        f.bar(2),
        cells,
        Manner(67, 88, 0.9, 0.75, 0.18, "major pentatonic"),
    )
    strum = comp(spans, ".X.X", 1, voicings(spans, 57, 4), 0.6, 0.015)
    strum = [Note(n.beat, 0.35, n.pitch, n.velocity) for n in strum]
    final = [Note(f.end, 1.5, p, 0.8) for p in chords[0]]
    return Score(
        f.tempo,
        [
            Part("banjo", banjo + final, -1.0, -0.35, reverb=0.1),
            Part(
                "violin",
                [*tune, Note(f.end, 1.5, theory.nearest((key.tonic,), 79), 0.8)],
                0.0,
                0.2,
                reverb=0.15,
                looseness=0.008,
            ),
            Part("strummed guitar", strum + final, -5.0, 0.45, reverb=0.1),
            Part(
                "upright bass",
                [*bass_line(spans, "R.5.", 1, 31, 0.85), Note(f.end, 1.5, theory.bass_note(spans[0].chord, 31), 0.9)],
                -2.5,
                reverb=0.05,
            ),
        ],
        space="room",
        fade_out=1.0,
    )


def jig(rng: Rng) -> Score:
    """A dance in six-eight for whistle and fiddle over a frame drum."""
    f = frame(rng, 32, 2, (27.0, 28.0))
    key = any_key(rng, "dorian", "mixolydian", "major")
    row = {
        "dorian": "i i bVII bVII i i bVII i",
        "mixolydian": "I I bVII bVII I IV bVII I",
        "major": "I I IV V I IV V I",
    }[key.mode]
    spans = harmony(key, row, 2.0, f.end)
    third = 1.0 / 3.0
    cells = ((third,) * 3, (2 * third, third), (1.0,), (third,) * 3)
    tune = sing(rng, key, spans, "abaBabaBcdcDcdcE", 4.0, cells, Manner(69, 88, 0.85, 0.72, 0.15))
    beats = drum({"frame": "X.ox.oX.ox.x", "edge": "..x..x..x..x"}, 3, 0.0, f.end)
    strum = comp(spans, "X.xx.x", 3, voicings(spans, 60, 4), 0.6, 0.015)
    last = theory.close_voicing(spans[0].chord, 52)
    instrument, double = choose(rng, (("whistle", "violin"), ("violin", "flute"), ("accordion", "whistle")))
    late = [n for n in tune if n.beat >= f.end / 2.0]
    return Score(
        f.tempo,
        [
            Part(
                instrument,
                [*tune, Note(f.end, 1.5, theory.nearest((key.tonic,), 79), 0.8)],
                0.0,
                0.1,
                reverb=0.2,
                looseness=0.006,
            ),
            Part(double, late, -3.0, -0.3, reverb=0.2, looseness=0.010),
            Part("strummed guitar", strum + [Note(f.end, 1.5, p, 0.7) for p in last], -5.0, 0.4, reverb=0.12),
            Part(
                "upright bass",
                [*bass_line(spans, "R.", 1, 36, 0.7), Note(f.end, 1.5, last[0] - 12, 0.8)],
                -6.0,
                reverb=0.05,
            ),
            DrumPart("hands", [*beats, Hit(f.end, "frame", 0.9)], -3.5, reverb=0.15),
        ],
        space="room",
        fade_out=1.0,
    )


def desert(rng: Rng) -> Score:
    """An oud over a drone, hand drums, a scale with a wide step in it."""
    f = frame(rng, choose(rng, (10, 12)), 4, (27.0, 28.2))
    key = any_key(rng, "phrygian dominant")
    spans = harmony(key, choose(rng, ("I I I bII", "I bII I I", "I I bII I")), 4.0, f.end)
    cells = ((0.5, 0.25, 0.25, 1.0), (0.25, 0.25, 0.25, 0.25, 1.0), (1.5, 0.5), (0.5, 0.5, 0.5, 0.5), (0.75, 0.25, 1.0))
    form = {10: "abaBC", 12: "abaBcD"}[f.bars]
    tune = sing(rng, key, spans, form, f.bar(2), cells, Manner(52, 74, 1.0, 0.75, 0.1))
    beats = drum(
        {"frame": "X..x..X...X.....", "edge": "...o..x..ox.x.xo", "shaker": "x.o.x.o.x.o.x.o."}, 4, f.bar(2), f.end
    )
    beats += drum({"frame": "X..............."}, 4, 0.0, f.bar(2)) + roll("edge", f.end - 1.0, f.end, 0.25, 0.4, 0.8)
    root = theory.bass_note(key.chord("I"), 36)
    return Score(
        f.tempo,
        [
            Part("oud", [*tune, Note(f.end, 3.0, root + 24, 0.7)], 0.0, -0.1, reverb=0.2, looseness=0.010),
            Part(
                choose(rng, ("flute", "violin", "oboe")),
                [n.moved(0.0, 12.0) for n in tune if n.beat >= f.bar(f.bars // 2)],
                -5.0,
                0.3,
                reverb=0.35,
                looseness=0.02,
            ),
            Part("drone", [Note(0.0, f.end + 2.0, root, 0.7), Note(0.0, f.end + 2.0, root + 7, 0.5)], -9.0, reverb=0.2),
            DrumPart("hands", [*beats, Hit(f.end, "frame", 0.9)], -3.0, reverb=0.2),
        ],
        space="chamber",
        fade_out=1.2,
    )


def island(rng: Rng) -> Score:
    """Steel pans, a ukulele and a light hand on the drums."""
    f = frame(rng, choose(rng, (14, 16)), 4, (27.0, 28.0))
    key = any_key(rng, "major")
    spans = harmony(key, choose(rng, ("I IV V I", "I vi ii V", "I V IV V")), 4.0, f.end)
    chords = voicings(spans, 67, 3)
    strum = comp(spans, "..X...X...X...X.", 4, [[*v, v[0] + 12] for v in chords], 0.6, 0.015)
    cells = ((0.75, 0.75, 0.5), (0.5, 0.5, 0.5, 0.5), (1.0, 0.5, 0.5), (1.5, 0.5), (-0.5, 0.5, 1.0))
    tune = sing(rng, key, spans, "abacabaC"[: f.bars // 2 - 1] + "D", f.bar(2), cells, Manner(64, 84, 1.0, 0.75, 0.25))
    beats = drum(
        {
            "kick": "X...x...X...x...",
            "conga": "...x..x....x..xo",
            "shaker": "xoXoxoXoxoXoxoXo",
            "slap": "....x.......x...",
        },
        4,
        0.0,
        f.end,
    )
    bass = bass_line(spans, "R..5..8.R..5..3.", 4, 31, 0.85)
    return Score(
        f.tempo,
        [
            Part(
                "steel pan",
                [*tune, *harmonize(tune, key, spans, 2), Note(f.end, 1.0, chords[0][0] + 12, 0.8)],
                0.0,
                0.1,
                reverb=0.2,
            ),
            Part(
                "ukulele",
                strum + [Note(f.end + i * 0.04, 1.5, p, 0.7) for i, p in enumerate(chords[0])],
                -4.0,
                -0.35,
                reverb=0.12,
            ),
            Part(
                "finger bass", [*bass, Note(f.end, 1.2, theory.bass_note(spans[0].chord, 31), 0.8)], -3.0, reverb=0.02
            ),
            DrumPart("latin", beats, -5.0, reverb=0.12),
        ],
        space="room",
        fade_out=1.0,
    )
