"""Beats under a loop: hip hop, its slower dusty cousin, and trap."""

from .. import theory
from ..phrasing.accompaniment import arpeggio, comp, sustain
from ..phrasing.bass import bass_line
from ..phrasing.chances import Rng, chance, choose
from ..phrasing.drums import drum, without
from ..phrasing.harmony import harmony
from ..phrasing.melody import Manner, sing
from ..score import DrumPart, Hit, Note, Part, Score
from .form import any_key, frame, voicings


def hip_hop(rng: Rng) -> Score:
    """A heavy, slightly late beat, a bass, a loop of keys or strings, a horn now and then."""
    f = frame(rng, 10, 4, (25.6, 27.6))
    key = any_key(rng, "minor", "dorian")
    spans = harmony(key, choose(rng, ("i9 iv9", "i7 bVImaj7", "i7 bVImaj7 iv7 V7#9", "i9")), 4.0, f.end)
    pattern = choose(
        rng,
        (
            {"kick": "X..x......xx....", "snare": "....X.......X...", "hat": "x.x.x.x.x.x.x.xo"},
            {"kick": "X.x....x..x.....", "snare": "....X.......X..o", "hat": "x.xxx.x.x.xxx.x."},
            {"kick": "X......x..X..x..", "snare": "....X..o....X...", "hat": "x.x.xox.x.x.xox."},
        ),
    )
    beats = drum(pattern, 4, f.bar(1), f.end) + drum({"hat": pattern["hat"]}, 4, 0.0, f.bar(1))
    beats = [*without(beats, f.bar(5) - 1.0, f.bar(5)), Hit(f.bar(5) - 0.5, "open", 0.6), Hit(f.end, "kick", 1.0)]
    chords = voicings(spans, 62, 4)
    loop = choose(rng, ("electric piano", "grand piano", "short strings", "vibraphone"))
    figure = (
        comp(spans, choose(rng, ("X-----..x---....", "X--.x--...x--...")), 4, chords, 0.6)
        if chance(rng, 0.5)
        else arpeggio(spans, choose(rng, ("3.21.3.2.1.3.20.", "0.23.1.2..3.2.1.")), 4, chords, 0.7, 0.55)
    )
    bass = bass_line(spans, choose(rng, ("R..R......RR.5..", "R.....5R..R...7.", "R..8...R..5.7...")), 4, 28, 0.95)
    cells = ((0.5, 0.5, 1.0), (0.75, 0.25, 1.0), (-1.0, 0.5, 0.5), (1.5, 0.5), (0.25, 0.25, 0.5, 1.0))
    tune = sing(rng, key, spans, "..aBa", f.bar(2), cells, Manner(62, 79, 0.85, 0.7, 0.2, "minor pentatonic"))
    return Score(
        f.tempo,
        [
            DrumPart("dusty", beats, 0.5, reverb=0.05),
            Part(
                "sub bass" if chance(rng, 0.5) else "upright bass",
                [n for n in bass if n.beat >= f.bar(1)],
                -1.5,
                reverb=0.0,
            ),
            Part(loop, figure, -4.0, -0.15, reverb=0.15),
            Part(choose(rng, ("muted trumpet", "saxophone", "flute")), tune, -6.0, 0.2, reverb=0.25, echo=0.25),
            Part("slow strings", sustain(spans, voicings(spans, 69, 3), 0.4), -13.0, 0.3, reverb=0.25),
        ],
        swing=float(rng.uniform(0.56, 0.61)),
        swing_unit=0.25,
        space="room",
        medium="vinyl",
        fade_out=0.9,
    )


def lo_fi(rng: Rng) -> Score:
    """Soft seventh chords, a lazy beat, dust on the record."""
    f = frame(rng, choose(rng, (8, 9)), 4, (26.2, 27.8))
    key = any_key(rng, "major")
    spans = harmony(
        key,
        choose(rng, ("ii9 V13 Imaj9 vi9", "IVmaj9 iii7 ii9 Imaj9", "Imaj9 vi9 ii9 V13", "IVmaj7 V7 iii7 vi7")),
        4.0,
        f.end,
    )
    chords = voicings(spans, 60, 4)
    beats = drum(
        {"kick": "x..x...x..x.....", "rim": "....x.......x..o", "hat": "x.o.x.o.x.o.x.oo"}, 4, f.bar(1), f.end, 0.9
    )
    keys = comp(spans, choose(rng, ("x-------..x---..", "x-----x-----x---", "..x-------x-----")), 4, chords, 0.5, 0.03)
    bass = bass_line(spans, choose(rng, ("R-----..R.5-..a.", "R---....5---..a.")), 4, 31, 0.75)
    cells = ((0.5, 0.5, 1.0), (-0.5, 0.5, 1.0), (1.5, 0.5), (2.0,), (0.25, 0.25, 0.5, 1.0))
    tune = sing(rng, key, spans, ".abA", f.bar(2), cells, Manner(66, 83, 1.0, 0.55, 0.2, "major pentatonic"))
    lead = choose(rng, ("felt piano", "jazz guitar", "vibraphone", "kalimba"))
    return Score(
        f.tempo,
        [
            DrumPart("dusty", [*beats, Hit(f.end, "kick", 0.7)], -3.0, reverb=0.08),
            Part(
                "upright bass", [*bass, Note(f.end, 2.0, theory.bass_note(spans[0].chord, 31), 0.7)], -3.0, reverb=0.0
            ),
            Part(
                "electric piano",
                keys + [Note(f.end, 3.0, p, 0.5) for p in chords[0]],
                -1.5,
                -0.1,
                reverb=0.15,
                looseness=0.012,
            ),
            Part(lead, tune, -2.5, 0.2, reverb=0.25, echo=0.2, looseness=0.015),
        ],
        swing=float(rng.uniform(0.57, 0.62)),
        swing_unit=0.25,
        space="room",
        medium="vinyl",
        fade_in=0.4,
        fade_out=1.6,
    )


def trap(rng: Rng) -> Score:
    """Half time: a boom that carries the bass, rattling hats, a cold little tune."""
    f = frame(rng, 8, 4, (26.4, 27.6))
    key = any_key(rng, "minor", "phrygian", "harmonic minor")
    spans = harmony(key, {"minor": "i bVI", "phrygian": "i bII", "harmonic minor": "i V"}[key.mode], 4.0, f.end)
    hats = []
    for bar in range(1, f.bars):
        for step in range(16):
            beat = f.bar(bar) + step / 4.0
            burst = choose(rng, (1, 1, 1, 1, 1, 2, 3)) if step % 4 else 1
            hats += [Hit(beat + i / (4.0 * burst), "hat", 0.75 if step % 4 == 0 else 0.5) for i in range(burst)]
    beats = drum({"kick": "X......x..x.....X.....x...x..x..", "clap": "........X......."}, 4, f.bar(1), f.end)
    beats += [*hats, *[Hit(f.bar(b) + 1.75, "open", 0.6) for b in range(1, f.bars, 2)], Hit(f.end, "kick", 1.0)]
    boom = [n for n in bass_line(spans, "R-----.R--5---..R-----R---8-R---", 4, 26, 1.0) if n.beat >= f.bar(1)]
    chords = voicings(spans, 64, 3)
    cells = ((0.5, 0.5, 0.5, 0.5), (0.75, 0.75, 0.5), (1.0, 1.0), (0.25, 0.25, 0.5, 1.0), (1.5, 0.5))
    tune = sing(
        rng, key, spans, "abab" if chance(rng, 0.5) else "aaba", f.bar(2), cells, Manner(69, 88, 0.9, 0.65, 0.25)
    )
    return Score(
        f.tempo,
        [
            DrumPart("eight", beats, -0.5, reverb=0.06),
            Part("boom bass", [*boom, Note(f.end, 2.0, theory.bass_note(spans[0].chord, 26), 1.0)], 0.0, reverb=0.0),
            Part(choose(rng, ("bell", "music box", "felt piano", "soft pluck")), tune, -4.0, 0.1, reverb=0.3, echo=0.3),
            Part(choose(rng, ("hollow pad", "soft choir")), sustain(spans, chords, 0.5, 0.4), -9.0, reverb=0.35),
        ],
        space="hall",
        fade_out=1.0,
    )
