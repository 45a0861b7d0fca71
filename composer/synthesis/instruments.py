"""The instruments, by name: how a note sounds, and what the sum of the notes goes through."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from . import effects, filters, plucked, struck, sustained, synthesizers
from .effects import Effect
from .waves import Signal, Voice


@dataclass(frozen=True)
class Instrument:
    """An instrument.

    Attributes
    ----------
    voice : Voice
    chain : tuple of Effect
        What the sum of its notes goes through.
    width : float
        How far low notes stand left of high ones, 0 to 1.
    lowest, highest : int
        The range it sounds well in, MIDI pitches.
    """

    voice: Voice
    chain: tuple[Effect, ...] = ()
    width: float = 0.0
    lowest: int = 24
    highest: int = 96


def _equalizer(kind: str, hz: float, q: float, gain_db: float) -> Effect:
    return partial(_equalize, kind=kind, hz=hz, q=q, gain_db=gain_db)


def _equalize(x: Signal, kind: str, hz: float, q: float, gain_db: float) -> Signal:
    return filters.apply(x, kind, hz, q, gain_db)


def _driven(drive: float) -> Effect:
    def effect(x: Signal) -> Signal:
        level = np.float32(np.sqrt(np.mean(x**2)) * 5.0 + 1e-9)
        return effects.saturate(x / level, drive)

    return effect


_slow_chorus: Effect = partial(effects.chorus, depth_s=0.003, rate_hz=0.35, mix=0.7)
_wide_chorus: Effect = partial(effects.chorus, depth_s=0.0022, rate_hz=0.8, mix=0.6)
_warm: Effect = _equalizer("highshelf", 3_500.0, 0.7, -5.0)
_no_rumble: Effect = _equalizer("highpass", 120.0, 0.7071, 0.0)

INSTRUMENTS: Mapping[str, Instrument] = {
    # Keys
    "grand piano": Instrument(struck.piano(0.0), (_equalizer("highshelf", 5_000.0, 0.7, 2.0),), 0.7, 28, 100),
    "felt piano": Instrument(struck.piano(0.75), (_warm,), 0.6, 33, 91),
    "electric piano": Instrument(
        struck.electric_piano, (partial(effects.tremolo, rate_hz=4.6, depth=0.35), _driven(0.9)), 0.3, 36, 90
    ),
    "harpsichord": Instrument(
        struck.harpsichord,
        (_equalizer("highpass", 90.0, 0.7, 0.0), _equalizer("highshelf", 3_200.0, 0.6, -9.0)),
        0.5,
        36,
        88,
    ),
    "clavinet": Instrument(
        plucked.string(0.95, 0.5, 1.6, 0.08, 0.03),
        (_no_rumble, _equalizer("peak", 1_300.0, 0.9, 5.0), _driven(1.4)),
        0.1,
        40,
        84,
    ),
    "pipe organ": Instrument(
        sustained.pipes(
            (
                ("principal", 1.0, 1.0),
                ("principal", 2.0, 0.7),
                ("stopped", 1.0, 0.6),
                ("principal", 4.0, 0.4),
                ("principal", 6.0, 0.2),
            )
        ),
        (),
        0.4,
        36,
        96,
    ),
    "flute stop": Instrument(sustained.pipes((("stopped", 1.0, 1.0), ("stopped", 2.0, 0.4))), (), 0.4, 36, 96),
    "drawbar organ": Instrument(sustained.tonewheels("888600000", 0.35), (_driven(1.2), effects.rotary), 0.0, 36, 96),
    "full organ": Instrument(
        sustained.tonewheels("888888888", 0.0),
        (_driven(2.0), partial(effects.rotary, rate_hz=6.8, depth=0.4)),
        0.0,
        36,
        96,
    ),
    "reggae organ": Instrument(sustained.tonewheels("880000008", 0.0), (_driven(1.1), _no_rumble), 0.0, 48, 88),
    "accordion": Instrument(sustained.free_reed(11.0, 5_000.0), (_equalizer("peak", 900.0, 0.8, 3.0),), 0.4, 45, 93),
    "harmonica": Instrument(
        sustained.free_reed(0.0, 4_500.0),
        (_equalizer("peak", 1_900.0, 1.0, 6.0), _no_rumble, _driven(1.6)),
        0.0,
        55,
        93,
    ),
    "melodica": Instrument(
        sustained.free_reed(0.0, 3_600.0), (_equalizer("peak", 1_200.0, 0.9, 4.0), _no_rumble), 0.0, 53, 91
    ),
    # Mallets and bells
    **{name: Instrument(struck.mallet(name), (), 0.7, 40, 108) for name in struck.MALLETS if name != "vibraphone"},
    "vibraphone": Instrument(
        struck.mallet("vibraphone"), (partial(effects.tremolo, rate_hz=5.2, depth=0.5),), 0.5, 52, 93
    ),
    "bell": Instrument(synthesizers.fm_bell, (_wide_chorus,), 0.4, 48, 100),
    # Plucked
    "nylon guitar": Instrument(plucked.string(0.32, 1.1, 3.2, 0.24), (plucked.guitar_body,), 0.35, 40, 84),
    "steel guitar": Instrument(
        plucked.string(0.62, 0.42, 5.5, 0.16),
        (plucked.guitar_body, _equalizer("highshelf", 4_000.0, 0.7, 3.0)),
        0.4,
        40,
        84,
    ),
    "strummed guitar": Instrument(
        plucked.string(0.75, 0.45, 4.0, 0.12, 0.06),
        (plucked.guitar_body, _equalizer("highpass", 160.0, 0.7, 0.0), _equalizer("highshelf", 4_500.0, 0.7, 3.0)),
        0.5,
        40,
        84,
    ),
    "chopped guitar": Instrument(
        plucked.string(0.7, 1.4, 1.2, 0.12, 0.02), (_equalizer("highpass", 220.0, 0.7, 0.0), _driven(1.2)), 0.1, 40, 88
    ),
    "jazz guitar": Instrument(
        plucked.string(0.38, 1.5, 2.8, 0.22), (_warm, _equalizer("peak", 380.0, 0.8, 2.5)), 0.1, 40, 84
    ),
    "crunch guitar": Instrument(
        plucked.string(0.75, 0.45, 5.0, 0.12, 0.05),
        (partial(effects.amplifier, drive=4.5, brightness=0.7),),
        0.0,
        38,
        84,
    ),
    "distorted guitar": Instrument(
        plucked.string(0.85, 0.35, 9.0, 0.1, 0.05),
        (partial(effects.amplifier, drive=22.0, brightness=0.75),),
        0.0,
        35,
        84,
    ),
    "muted guitar": Instrument(
        plucked.string(0.8, 2.4, 0.45, 0.08, 0.03),
        (partial(effects.amplifier, drive=16.0, brightness=0.6),),
        0.0,
        35,
        70,
    ),
    "lead guitar": Instrument(
        plucked.singing_guitar, (partial(effects.amplifier, drive=14.0, brightness=0.5),), 0.0, 48, 91
    ),
    "blues guitar": Instrument(
        plucked.singing_guitar, (partial(effects.amplifier, drive=2.6, brightness=0.6),), 0.0, 45, 88
    ),
    "banjo": Instrument(
        plucked.string(0.9, 0.6, 1.1, 0.09, 0.05),
        (_equalizer("highpass", 220.0, 0.7, 0.0), _equalizer("peak", 780.0, 1.5, 6.0)),
        0.2,
        48,
        86,
    ),
    "ukulele": Instrument(
        plucked.string(0.45, 1.3, 1.3, 0.2), (_equalizer("peak", 420.0, 1.5, 5.0), _no_rumble), 0.2, 55, 86
    ),
    "harp": Instrument(
        plucked.string(0.4, 0.7, 4.5, 0.3, 0.9), (_equalizer("highshelf", 5_000.0, 0.7, -2.0),), 0.8, 30, 98
    ),
    "pizzicato": Instrument(plucked.string(0.3, 2.2, 0.6, 0.2, 0.2), (sustained.violin_body,), 0.6, 36, 88),
    "oud": Instrument(plucked.string(0.6, 1.2, 1.7, 0.1), (_equalizer("peak", 260.0, 1.2, 5.0),), 0.2, 40, 79),
    # Basses
    "upright bass": Instrument(
        plucked.upright_bass,
        (_equalizer("peak", 110.0, 1.0, 3.0), _equalizer("lowpass", 3_000.0, 0.7, 0.0)),
        0.0,
        28,
        60,
    ),
    "finger bass": Instrument(
        plucked.string(0.42, 1.8, 4.0, 0.2, 0.05), (_equalizer("lowshelf", 90.0, 0.7, 3.0), _driven(1.0)), 0.0, 28, 60
    ),
    "pick bass": Instrument(
        plucked.string(0.8, 0.8, 5.0, 0.1, 0.05), (_equalizer("lowshelf", 90.0, 0.7, 3.0), _driven(2.2)), 0.0, 28, 60
    ),
    "slap bass": Instrument(
        plucked.string(1.0, 0.7, 3.0, 0.06, 0.03),
        (_equalizer("peak", 500.0, 0.8, -5.0), _equalizer("highshelf", 2_500.0, 0.7, 4.0)),
        0.0,
        28,
        60,
    ),
    "sub bass": Instrument(synthesizers.sub_bass, (), 0.0, 24, 55),
    "boom bass": Instrument(synthesizers.eight_bass, (), 0.0, 24, 55),
    "growl bass": Instrument(synthesizers.growl, (_driven(1.8),), 0.0, 24, 55),
    "synth bass": Instrument(synthesizers.swept("saw", 2, 6.0, 90.0, 3.2, 0.14, 1.4, 0.6, sub=0.5), (), 0.0, 24, 60),
    "house bass": Instrument(
        synthesizers.swept("triangle", 1, 0.0, 150.0, 2.5, 0.09, 1.2, 0.5, sub=0.4), (_driven(1.3),), 0.0, 24, 60
    ),
    "acid bass": Instrument(
        synthesizers.swept("saw", 1, 0.0, 160.0, 3.8, 0.11, 7.0, 0.7, 0.03), (_driven(2.2),), 0.0, 28, 67
    ),
    # Bowed
    "strings": Instrument(sustained.string_section(5, 0.22, 0.45, 3_000.0), (sustained.violin_body,), 0.8, 36, 96),
    "slow strings": Instrument(sustained.string_section(6, 0.7, 0.9, 2_200.0), (sustained.violin_body,), 0.8, 36, 96),
    "short strings": Instrument(
        sustained.string_section(4, 0.025, 0.12, 3_800.0), (sustained.violin_body,), 0.8, 36, 96
    ),
    "violin": Instrument(sustained.solo_string, (sustained.violin_body,), 0.0, 55, 96),
    "cello": Instrument(
        sustained.solo_string,
        (_equalizer("peak", 220.0, 1.5, 4.0), _equalizer("peak", 1_800.0, 0.8, -3.0), _warm),
        0.0,
        36,
        72,
    ),
    # Sung
    "choir": Instrument(sustained.singers(5, 0.28, 0.02), (sustained.vowel("ah"),), 0.8, 40, 84),
    "soft choir": Instrument(sustained.singers(5, 0.45, 0.03), (sustained.vowel("oo"),), 0.8, 40, 84),
    "chant": Instrument(sustained.singers(4, 0.10, 0.02), (sustained.vowel("oh"),), 0.5, 36, 67),
    "voice": Instrument(sustained.singers(1, 0.09, 0.035), (sustained.vowel("ah"),), 0.0, 55, 84),
    "humming": Instrument(sustained.singers(1, 0.12, 0.02), (sustained.vowel("mm"),), 0.0, 50, 79),
    # Blown
    "flute": Instrument(sustained.blown("flute", 0.06, 0.10, 14.0, 0.0, 0.0), (), 0.0, 60, 98),
    "whistle": Instrument(sustained.blown("sine", 0.03, 0.05, 10.0, 0.0, 0.0), (), 0.0, 67, 100),
    "clarinet": Instrument(sustained.blown("clarinet", 0.05, 0.015, 5.0, 0.0, 0.0), (), 0.0, 50, 91),
    "oboe": Instrument(
        sustained.blown("reed", 0.05, 0.015, 12.0, 0.0, 0.0),
        (_equalizer("peak", 1_400.0, 1.2, 5.0), _no_rumble),
        0.0,
        58,
        91,
    ),
    "saxophone": Instrument(
        sustained.blown("sax", 0.05, 0.06, 16.0, 700.0, 2.4),
        (_equalizer("peak", 650.0, 1.2, 3.0), _equalizer("peak", 1_500.0, 1.2, 2.0)),
        0.0,
        44,
        84,
    ),
    "muted trumpet": Instrument(
        sustained.blown("brass", 0.04, 0.04, 12.0, 1_500.0, 1.6),
        (_equalizer("highpass", 600.0, 0.7, 0.0), _equalizer("peak", 1_900.0, 1.6, 8.0)),
        0.0,
        54,
        87,
    ),
    "horns": Instrument(
        sustained.section(sustained.blown("brass", 0.07, 0.01, 4.0, 260.0, 2.4, 0.16), 3), (), 0.4, 36, 79
    ),
    "brass": Instrument(
        sustained.section(sustained.blown("brass", 0.03, 0.015, 6.0, 600.0, 2.8, 0.1), 3), (), 0.4, 40, 84
    ),
    "low brass": Instrument(
        sustained.section(sustained.blown("brass", 0.06, 0.01, 3.0, 220.0, 2.6, 0.14), 3), (), 0.3, 28, 62
    ),
    # Synthesizers
    "warm pad": Instrument(synthesizers.pad("saw", 5, 9.0, 0.9, 1.6, 650.0), (_slow_chorus,), 0.6, 36, 90),
    "bright pad": Instrument(
        synthesizers.pad("saw", 7, 14.0, 0.35, 0.9, 3_200.0), (_wide_chorus, _no_rumble), 0.7, 40, 96
    ),
    "hollow pad": Instrument(synthesizers.pad("pulse 0.3", 4, 8.0, 0.6, 1.2, 1_300.0), (_slow_chorus,), 0.6, 36, 90),
    "glass pad": Instrument(synthesizers.glass, (_slow_chorus,), 0.7, 48, 100),
    "drone": Instrument(synthesizers.pad("saw", 6, 6.0, 3.0, 3.0, 220.0), (_slow_chorus,), 0.3, 24, 60),
    "stab": Instrument(
        synthesizers.swept("saw", 5, 12.0, 400.0, 3.0, 0.12, 1.0, 0.35, 0.12), (_wide_chorus, _no_rumble), 0.4, 44, 90
    ),
    "super saw": Instrument(
        synthesizers.swept("saw", 7, 18.0, 2_400.0, 1.5, 0.4, 0.8, 0.8, 0.25), (_no_rumble, _wide_chorus), 0.5, 44, 96
    ),
    "synth pluck": Instrument(
        synthesizers.swept("saw", 2, 7.0, 250.0, 3.6, 0.09, 1.3, 0.15, 0.2), (_wide_chorus,), 0.5, 36, 96
    ),
    "soft pluck": Instrument(
        synthesizers.swept("triangle", 1, 0.0, 300.0, 2.6, 0.12, 0.9, 0.2, 0.3), (_wide_chorus,), 0.5, 44, 100
    ),
    "synth lead": Instrument(
        synthesizers.swept("saw", 3, 9.0, 1_400.0, 1.6, 0.5, 1.1, 0.85, 0.12), (_no_rumble,), 0.0, 50, 96
    ),
    "synth brass": Instrument(
        synthesizers.swept("saw", 4, 10.0, 500.0, 2.4, 0.35, 0.9, 0.75, 0.18), (_wide_chorus, _no_rumble), 0.4, 44, 90
    ),
    "pulse lead": Instrument(synthesizers.chip("pulse 0.25", 18.0), (), 0.0, 55, 100),
    "thin pulse": Instrument(synthesizers.chip("pulse 0.125", 12.0), (), 0.0, 55, 100),
    "chip arpeggio": Instrument(synthesizers.chip("square", t60_s=0.5), (), 0.3, 48, 100),
    "chip bass": Instrument(
        synthesizers.chip("triangle", t60_s=20.0), (partial(effects.crush, bits=5, every=2),), 0.0, 28, 64
    ),
    "riser": Instrument(synthesizers.riser),
    "wind": Instrument(synthesizers.wind),
}
"""Every instrument by name."""
