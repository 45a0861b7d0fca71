"""Music of machines: from no beat at all to a fast one."""

from .. import theory
from ..phrasing.accompaniment import arpeggio, comp, sustain
from ..phrasing.bass import bass_line
from ..phrasing.chances import Rng, chance, choose
from ..phrasing.drums import drum, roll, without
from ..phrasing.harmony import harmony
from ..phrasing.melody import Manner, sing
from ..score import DrumPart, Hit, Note, Part, Score
from .form import any_key, frame, voicings


def ambient(rng: Rng) -> Score:
    """Slow chords that melt into one another, a few bells, and air."""
    f = frame(rng, 4, 8, (28.0, 28.0))
    key = any_key(rng, "lydian", "major", "dorian")
    row = {
        "lydian": "Imaj9 II/I Imaj9 vi9",
        "major": choose(rng, ("Imaj9 IVmaj9 vi9 IVmaj9", "Iadd9 V/I IVadd9 Iadd9")),
        "dorian": "i9 IV i11 bVIImaj7",
    }[key.mode]
    spans = harmony(key, row, 8.0, f.end)
    chords = voicings(spans, 57, 4)
    pad, veil = choose(
        rng,
        (
            ("warm pad", "glass pad"),
            ("warm pad", "soft choir"),
            ("hollow pad", "glass pad"),
            ("warm pad", "bright pad"),
        ),
    )
    ground = [
        Note(0.0, f.end, theory.bass_note(spans[0].chord, 29), 0.7),
        Note(0.0, f.end, theory.bass_note(spans[0].chord, 29) + 7, 0.4),
    ]
    scale = theory.pitches(
        [
            (key.tonic + s) % 12
            for s in theory.MODES["major pentatonic" if key.mode != "dorian" else "minor pentatonic"]
        ],
        67,
        90,
    )
    drops: list[Note] = []
    beat = float(rng.uniform(2.0, 4.0))
    while beat < f.end - 4.0:
        drops.append(Note(beat, 4.0, choose(rng, scale), float(rng.uniform(0.35, 0.6))))
        beat += float(rng.choice([1.0, 2.0, 2.5, 3.0, 4.0]))
    bell = choose(rng, ("singing bowl", "felt piano", "celesta", "bell"))
    return Score(
        f.tempo,
        [
            Part(pad, sustain(spans, chords, 0.6, 2.5), 0.0, reverb=0.45, looseness=0.03),
            Part(
                veil,
                sustain(spans, voicings(spans, 71, 3), 0.5, 2.0),
                -7.0,
                reverb=0.6,
                looseness=0.05,
                swells=((0.0, -8.0), (f.end * 0.5, 0.0), (f.end, -6.0)),
            ),
            Part("drone", ground, -2.0, reverb=0.2),
            Part(bell, drops, -9.0, reverb=0.8, echo=0.4, looseness=0.02),
            Part("wind", [Note(0.0, f.end, 64.0, 0.6)], -10.0, reverb=0.3),
        ],
        space="void",
        echo_beats=1.5,
        fade_in=2.2,
        fade_out=3.2,
    )


def drone(rng: Rng) -> Score:
    """One low chord that darkens and clears, with metal ringing far off."""
    f = frame(rng, 4, 8, (28.0, 28.0))
    key = any_key(rng, "minor", "phrygian")
    root = theory.bass_note(key.chord("i"), 26)
    low = [Note(0.0, f.end, root, 0.8), Note(0.0, f.end, root + 12, 0.6), Note(4.0, f.end - 4.0, root + 19, 0.5)]
    spans = harmony(key, choose(rng, ("i5 bVI i5 bII", "i bVI bVII i")), 8.0, f.end)
    scale = theory.pitches([(key.tonic + s) % 12 for s in (0, 1 if key.mode == "phrygian" else 2, 3, 7)], 55, 82)
    strikes = [Note(b, 6.0, choose(rng, scale), float(rng.uniform(0.4, 0.7))) for b in (3.0, 9.5, 13.0, 18.5, 24.0)]
    return Score(
        f.tempo,
        [
            Part("drone", low, 0.0, reverb=0.3, filter_hz=((0.0, 200.0), (f.end * 0.6, 1_400.0), (f.end, 260.0))),
            Part(
                choose(rng, ("slow strings", "chant")),
                sustain(spans, voicings(spans, 52, 3), 0.5, 2.0),
                -4.0,
                reverb=0.6,
                looseness=0.05,
            ),
            Part(choose(rng, ("tubular bells", "singing bowl")), strikes, -8.0, reverb=0.9, echo=0.3),
            Part("wind", [Note(0.0, f.end, 52.0, 0.7)], -12.0, reverb=0.4),
        ],
        space="void",
        echo_beats=2.0,
        fade_in=2.0,
        fade_out=3.0,
    )


def house(rng: Rng) -> Score:
    """Four to the floor, off-beat hats, chords of piano or organ, a round bass."""
    f = frame(rng, 14, 4, (27.2, 28.2))
    key = any_key(rng, "minor", "dorian")
    row = choose(rng, ("i7 iv7 bVII7 bIIImaj7", "i9 bVImaj7 bIIImaj7 bVII", "i7 v7 bVImaj7 iv7", "i9 iv9"))
    spans = harmony(key, row, 4.0, f.end)
    beats = drum({"kick": "X...", "open": "..x."}, 4, f.bar(2), f.end)
    beats += drum({"clap": "....X..."}, 4, f.bar(2), f.end)
    beats += drum({"hat": "xoxo", "shaker": "xoXo"}, 4, f.bar(4), f.end, 0.7)
    beats += drum({"kick": "X..."}, 4, 0.0, f.bar(2))
    beats = without(beats, f.bar(9.5), f.bar(10))
    beats += roll("snare", f.bar(9.5), f.bar(10), 0.25, 0.3, 0.8)
    beats += [Hit(f.bar(b), "crash", 0.7) for b in (2, 6, 10)] + [Hit(f.end, "kick", 0.9), Hit(f.end, "crash", 0.7)]
    pattern = choose(rng, ("X..x..x...x..x..", "..x..x....x..X..", "X..X..X...X.X..."))
    chords = comp(spans, pattern, 4, voicings(spans, 62, 4), 0.7)
    bass = bass_line(spans, choose(rng, ("..R...R...R.8.R.", "R..R..8...R..R5.", "..R8..R8..R8..R5")), 4, 33, 0.85)
    hook = sing(
        rng,
        key,
        spans,
        "...aba.",
        f.bar(2),
        ((0.75, 0.75, 0.5), (0.5, 0.5, 1.0), (-0.5, 0.5, 0.5, 0.5)),
        Manner(67, 84, 0.7, 0.7, 0.2, "minor pentatonic"),
    )
    keys = choose(rng, ("grand piano", "drawbar organ", "stab", "electric piano"))
    return Score(
        f.tempo,
        [
            DrumPart("nine", beats, 0.0, reverb=0.05),
            Part("house bass", [n for n in bass if n.beat >= f.bar(2)], -2.0, reverb=0.0, ducked=True),
            Part(
                keys,
                chords,
                -4.0,
                reverb=0.2,
                ducked=True,
                filter_hz=(
                    (0.0, 500.0),
                    (f.bar(4), 7_000.0),
                    (f.bar(9), 9_000.0),
                    (f.bar(9.9), 900.0),
                    (f.bar(10), 12_000.0),
                ),
            ),
            Part("warm pad", sustain(spans, voicings(spans, 67, 3), 0.5, 0.2), -11.0, reverb=0.3, ducked=True),
            Part(choose(rng, ("voice", "synth pluck", "vibraphone")), hook, -6.0, reverb=0.25, echo=0.35),
        ],
        swing=float(rng.uniform(0.52, 0.56)),
        swing_unit=0.25,
        space="club",
        pump=tuple(h.beat for h in beats if h.piece == "kick"),
        fade_out=0.9,
    )


def techno(rng: Rng) -> Score:
    """A hard kick, one chord, and a line that opens and closes."""
    f = frame(rng, 16, 4, (28.2, 29.3))
    key = any_key(rng, "minor", "phrygian")
    spans = harmony(key, choose(rng, ("i", "i:3 bII", "i:7 bVI")), 4.0, f.end)
    beats = drum({"kick": "X..."}, 4, 0.0, f.bar(11.5)) + drum({"kick": "X..."}, 4, f.bar(12), f.end)
    beats += drum({"open": "..X."}, 4, f.bar(2), f.end) + drum({"hat": "xoxo"}, 4, f.bar(4), f.end, 0.8)
    beats += drum({"clap": "....X..."}, 4, f.bar(4), f.end)
    beats += drum({"rim": choose(rng, ("...x..x...x..x..", "..x..x....x.x..."))}, 4, f.bar(6), f.end, 0.8)
    beats += roll("snare", f.bar(11), f.bar(12), 0.25, 0.15, 0.7) + [Hit(f.bar(b), "crash", 0.7) for b in (4, 8, 12)]
    root = theory.bass_note(key.chord("i"), 36)
    scale = [0, 0, 12, 0, 3, 0, 1 if key.mode == "phrygian" else 7, 10]
    line = [(choose(rng, scale), chance(rng, 0.75), chance(rng, 0.3)) for _ in range(16)]
    acid = [
        Note(bar * 4 + i / 4.0, 0.42 if slide else 0.2, root + step, 0.9 if i % 3 == 0 else 0.6)
        for bar in range(2, 16)
        for i, (step, on, slide) in enumerate(line)
        if on
    ]
    rumble = [Note(b + o, 0.22, root - 12, 0.8) for b in range(round(f.end)) for o in (0.25, 0.5, 0.75)]
    stabs = [
        n
        for n in comp(spans, choose(rng, ("...X..X.........", "..X..x....X.....")), 4, voicings(spans, 62, 3), 0.7)
        if n.beat >= f.bar(4)
    ]
    open_up = ((0.0, 300.0), (f.bar(8), 2_500.0), (f.bar(11.9), 6_000.0), (f.bar(12), 1_500.0), (f.end, 8_000.0))
    return Score(
        f.tempo,
        [
            DrumPart("nine", beats, 0.0, reverb=0.06),
            Part("sub bass", rumble, -5.0, reverb=0.0, ducked=True),
            Part(
                choose(rng, ("acid bass", "acid bass", "synth pluck")),
                acid,
                -4.0,
                reverb=0.08,
                echo=0.12,
                filter_hz=open_up,
            ),
            Part("stab", stabs, -7.0, reverb=0.35, echo=0.4, ducked=True),
            Part("riser", [Note(f.bar(10), 8.0, 60, 0.8)], -12.0, reverb=0.3),
        ],
        space="club",
        pump=tuple(h.beat for h in beats if h.piece == "kick"),
        fade_out=0.8,
    )


def trance(rng: Rng) -> Score:
    """A big chord progression, an arpeggio, an off-beat bass."""
    f = frame(rng, 16, 4, (27.4, 28.2))
    key = any_key(rng, "minor")
    spans = harmony(key, choose(rng, ("bVI bVII i i", "i bVI bIII bVII", "bVI bIII bVII i")), 4.0, f.end)
    chords = voicings(spans, 69, 3)
    beats = drum({"kick": "X..."}, 4, 0.0, f.bar(7)) + drum({"kick": "X..."}, 4, f.bar(8), f.end)
    beats += drum({"open": "..X."}, 4, f.bar(2), f.end) + drum({"clap": "....X..."}, 4, f.bar(4), f.end)
    beats += drum({"hat": "xoxo"}, 4, f.bar(8), f.end, 0.7)
    beats += [
        *roll("snare", f.bar(7), f.bar(8), 0.25, 0.2, 0.9),
        Hit(f.bar(8), "crash", 0.9),
        Hit(f.end, "crash", 0.8),
        Hit(f.end, "kick", 0.9),
    ]
    bass = bass_line(spans, "..RR", 4, 33, 0.85)
    runs = arpeggio(
        spans, choose(rng, ("0214021402140214", "0123210123210123", "2103210321032103")), 4, chords, 0.22, 0.65
    )
    tune = sing(
        rng,
        key,
        spans,
        "....abaC",
        f.bar(2),
        ((1.5, 1.5, 1.0), (0.75, 0.75, 0.5), (1.0, 1.0), (3.0, 1.0)),
        Manner(70, 88, 0.9, 0.8, 0.2),
    )
    open_up = ((0.0, 600.0), (f.bar(7.9), 7_000.0), (f.bar(8), 12_000.0), (f.end, 12_000.0))
    return Score(
        f.tempo,
        [
            DrumPart("nine", beats, 0.0, reverb=0.05),
            Part("synth bass", bass, -3.0, reverb=0.0, ducked=True),
            Part("synth pluck", runs, -5.0, reverb=0.2, echo=0.3, ducked=True, filter_hz=open_up),
            Part(
                "super saw",
                [n for n in comp(spans, "X..X..X.X..X..X.", 4, chords, 0.7) if n.beat >= f.bar(8)]
                + [Note(f.end, 3.0, p, 0.7) for p in chords[0]],
                -3.0,
                reverb=0.25,
                ducked=True,
            ),
            Part("bright pad", sustain(spans, voicings(spans, 62, 4), 0.5, 0.3), -9.0, reverb=0.35, ducked=True),
            Part("super saw", tune, -2.0, reverb=0.25, echo=0.3),
            Part("riser", [Note(f.bar(6), 8.0, 60, 0.8)], -12.0, reverb=0.2),
        ],
        space="hall",
        pump=tuple(h.beat for h in beats if h.piece == "kick"),
        fade_out=1.0,
    )


def drum_and_bass(rng: Rng) -> Score:
    """Broken beats at great speed over a slow bass and slow chords."""
    f = frame(rng, 20, 4, (27.2, 28.2))
    key = any_key(rng, "minor", "dorian")
    spans = harmony(key, choose(rng, ("i9 bVImaj7", "i7 bIIImaj7 bVImaj7 v7", "i9 iv9")), 8.0, f.end)
    breaks = choose(
        rng,
        (
            {
                "kick": "X.x.......X.....",
                "snare": "....X.......X...",
                "ghost": ".......x.x.....x",
                "hat": "x.x.x.x.x.x.x.x.",
            },
            {
                "kick": "X.........x.....",
                "snare": "....X.......X..x",
                "ghost": ".......o.o......",
                "hat": "x.x.x.x.x.x.x.x.",
            },
            {
                "kick": "X..x......X.....",
                "snare": "....X.......X...",
                "ghost": "..o....o.o..o..o",
                "hat": "x.xxx.x.x.xxx.x.",
            },
        ),
    )
    beats = drum({"hat": breaks["hat"], "ghost": breaks["ghost"]}, 4, 0.0, f.bar(4), 0.7) + drum(
        breaks, 4, f.bar(4), f.end
    )
    beats += drum({"ride": "x...x..."}, 4, f.bar(12), f.end, 0.7) + [Hit(f.bar(b), "crash", 0.8) for b in (4, 12)]
    beats = without(beats, f.bar(11.5), f.bar(12))
    beats += [*roll("snare", f.bar(11.5), f.bar(12), 0.25, 0.4, 0.9), Hit(f.end, "kick", 1.0), Hit(f.end, "crash", 0.8)]
    low = bass_line(
        spans, choose(rng, ("R-----....R-R-..R-----8-....5-..", "R-------....R-R-7---....R-......")), 4, 29, 0.9
    )
    bass = [n for n in low if n.beat >= f.bar(4)]
    chords = voicings(spans, 64, 4)
    cells = ((1.5, 1.5, 1.0), (2.0, 2.0), (0.5, 0.5, 1.0, 2.0), (3.0, 1.0))
    tune = sing(rng, key, spans, ".abaC", f.bar(4), cells, Manner(67, 84, 0.9, 0.65, 0.2))
    return Score(
        f.tempo,
        [
            DrumPart("break", beats, 0.0, reverb=0.06),
            Part(choose(rng, ("growl bass", "growl bass", "sub bass")), bass, -1.5, reverb=0.0),
            Part(
                "bright pad",
                sustain(spans, chords, 0.55, 0.5),
                -8.0,
                reverb=0.4,
                filter_hz=((0.0, 500.0), (f.bar(4), 4_000.0), (f.end, 6_000.0)),
            ),
            Part(choose(rng, ("electric piano", "synth pluck", "voice")), tune, -6.0, reverb=0.35, echo=0.45),
        ],
        space="hall",
        fade_out=0.9,
    )


def chiptune(rng: Rng) -> Score:
    """A game console with three tones and noise."""
    f = frame(rng, 18 if chance(rng, 0.4) else 16, 4, (27.4, 28.6))
    key = any_key(rng, "major", "minor")
    row = (
        choose(rng, ("I V vi IV", "I bVII IV I", "IV V iii vi", "I vi ii V"))
        if key.mode == "major"
        else choose(rng, ("i bVI bVII i", "i bVII bVI V", "bVI bVII i i"))
    )
    spans = harmony(key, row, 4.0, f.end)
    chords = voicings(spans, 67, 3)
    cells = ((0.5, 0.5, 0.5, 0.5), (1.0, 0.5, 0.5), (0.75, 0.75, 0.5), (0.25, 0.25, 0.5, 1.0), (1.5, 0.5))
    form = "ababcdcD" if f.bars == 16 else "ababcdcdE"
    tune = sing(rng, key, spans, form, f.bar(2), cells, Manner(69, 91, 0.85, 0.75, 0.25))
    trill = arpeggio(spans, choose(rng, ("012012012012012012", "0120", "02120212")), 8, chords, 0.12, 0.6)
    bass = bass_line(spans, choose(rng, ("R.8.R.8.R.8.5.8.", "R.R.8.R.R.R.8.5.", "R...8...R.R.8.5.")), 4, 36, 1.0)
    beats = drum({"kick": "X.....x.X.....x.", "snare": "....X.......X...", "hat": "x.x.x.x.x.x.x.x."}, 4, 0.0, f.end)
    beats += [h for b in range(3, f.bars, 4) for h in roll("snare", f.bar(b) + 3.0, f.bar(b) + 4.0, 0.25, 0.5, 0.9)]
    last = chords[0][0]
    return Score(
        f.tempo,
        [
            Part(
                "pulse lead", [*tune, Note(f.end, 2.0, last + 12, 0.8)], 0.0, 0.0, reverb=0.02, echo=0.12, looseness=0.0
            ),
            Part("thin pulse", [n.moved(0.375, 0.0) for n in tune], -12.0, 0.5, reverb=0.0, looseness=0.0),
            Part("chip arpeggio", trill, -8.0, -0.4, reverb=0.02, looseness=0.0),
            Part(
                "chip bass",
                [*bass, Note(f.end, 1.5, theory.bass_note(spans[0].chord, 36), 1.0)],
                -3.0,
                reverb=0.0,
                looseness=0.0,
            ),
            DrumPart("chip", [*beats, Hit(f.end, "crash", 0.8)], -5.0, reverb=0.0, looseness=0.0),
        ],
        space="booth",
        echo_beats=0.75,
        fade_out=0.5,
    )


def synthwave(rng: Rng) -> Score:
    """Night drive: a pulsing bass, big drums with a short room, broad chords, a lead that sings."""
    f = frame(rng, 12, 4, (26.8, 27.8))
    key = any_key(rng, "minor")
    spans = harmony(
        key, choose(rng, ("i bVI bIII bVII", "bVI bVII i i", "i bVII bVI bVII", "i bIII bVII iv")), 4.0, f.end
    )
    chords = voicings(spans, 64, 4)
    beats = drum(
        {"kick": "X...x...X...x...", "snare": "....X.......X...", "hat": "x.xxx.xxx.xxx.xx"}, 4, f.bar(2), f.end
    )
    beats += [h for b in (5, 11) for h in roll("tom3", f.bar(b) + 3.0, f.bar(b) + 4.0, 0.25, 0.6, 0.9)]
    beats += [Hit(f.end, "kick", 1.0)]
    bass = bass_line(spans, choose(rng, ("RRRRRRRR", "R.RRR.RR", "RR8RRR8R")), 2 if chance(rng, 0.5) else 4, 33, 0.85)
    runs = [
        n
        for n in arpeggio(spans, choose(rng, ("0213", "01234321", "02413241")), 4, chords, 0.3, 0.6)
        if n.beat >= f.bar(4)
    ]
    cells = ((1.5, 0.5, 1.0, 1.0), (2.0, 2.0), (0.75, 0.75, 0.5, 2.0), (1.0, 0.5, 0.5, 2.0))
    tune = sing(rng, key, spans, "..abaC", f.bar(2), cells, Manner(69, 86, 0.95, 0.75, 0.2))
    last = [Note(f.end, 3.0, p, 0.7) for p in chords[0]]
    return Score(
        f.tempo,
        [
            DrumPart("eight", beats, 0.0, reverb=0.22),
            Part("synth bass", [*bass, Note(f.end, 2.0, theory.bass_note(spans[0].chord, 33), 0.9)], -2.0, reverb=0.0),
            Part("synth brass", sustain(spans, chords, 0.6, 0.1) + last, -6.0, reverb=0.25),
            Part("synth pluck", runs, -8.0, 0.2, reverb=0.2, echo=0.4),
            Part("synth lead", tune, -3.0, reverb=0.25, echo=0.35),
        ],
        space="plate",
        medium="tape",
        fade_out=1.2,
    )
