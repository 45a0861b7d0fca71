"""What is composed: chords, scales, melodies, and scores that can be played."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from composer import theory
from composer.phrasing.harmony import harmony
from composer.phrasing.melody import Manner, sing
from composer.score import Part
from composer.styles import STYLES, compose
from composer.synthesis.drums import KITS
from composer.synthesis.effects import SPACES
from composer.synthesis.instruments import INSTRUMENTS
from composer.theory import Key

pytestmark = pytest.mark.long

CELLS = ((1.0, 1.0), (0.5, 0.5, 1.0), (1.5, 0.5), (0.5, 0.5, 0.5, 0.5))


@pytest.mark.parametrize(
    ("symbol", "notes"),
    [
        ("I", "C E G"),
        ("ii7", "D F A C"),
        ("V7", "G B D F"),
        ("bVI", "Ab C Eb"),
        ("iv", "F Ab C"),
        ("viim7b5", "B D F A"),
    ],
)
def test_roman_numerals_are_chords(symbol: str, notes: str) -> None:
    names = "C Db D Eb E F Gb G Ab A Bb B".split()  # noqa: SIM905
    assert [names[pc] for pc in Key(0, "major").chord(symbol).pitch_classes] == notes.split()


@pytest.mark.parametrize("symbol", ["", "VIIII", "X", "I/Y", "ivish"])
def test_what_is_no_chord_is_refused(symbol: str) -> None:
    with pytest.raises(ValueError, match="not a chord"):
        Key(0, "major").chord(symbol)


def test_the_scale_bends_to_the_dominant_of_a_minor_key() -> None:
    key = Key(9, "minor")
    assert 8 in key.over(key.chord("V7"))
    assert 7 not in key.over(key.chord("V7"))
    assert key.over(key.chord("iv")) == tuple(sorted(key.pitch_classes))


def test_voices_move_little() -> None:
    key = Key(0, "major")
    voicings = theory.lead_voices([key.chord(symbol) for symbol in ("I", "vi", "IV", "V", "I")], 60, 3)
    for before, after in itertools.pairwise(voicings):
        assert sum(abs(a - b) for a, b in zip(before, after, strict=True)) <= 7


def test_a_melody_repeats_its_phrases_and_ends_on_the_tonic() -> None:
    key = Key(0, "major")
    spans = harmony(key, "I I I I", 4.0, 32.0)
    notes = sing(np.random.default_rng(5), key, spans, "abaB", 8.0, CELLS, Manner(60, 79))

    def rhythm(slot: int) -> list[float]:
        return [note.beat - 8.0 * slot for note in notes if 8.0 * slot <= note.beat < 8.0 * (slot + 1)]

    assert rhythm(0) == rhythm(2)
    assert rhythm(0) != rhythm(1)
    assert notes[-1].pitch % 12 == 0
    assert all(60 <= note.pitch <= 79 for note in notes)


@pytest.mark.parametrize("style", STYLES)
def test_every_style_writes_what_can_be_played(style: str) -> None:
    for seed in range(1, 7):
        score = compose(style, seed)
        assert score == compose(style, seed)
        assert score != compose(style, seed + 100)
        assert score.space in SPACES
        for part in score.parts:
            if isinstance(part, Part):
                assert part.instrument in INSTRUMENTS
                assert part.notes
                assert all(note.beats > 0 and 0.0 < note.velocity <= 1.3 for note in part.notes)
                beats = [note.beat for note in part.notes]
            else:
                assert {hit.piece for hit in part.hits} <= set(KITS[part.kit])
                beats = [hit.beat for hit in part.hits]
            assert min(beats) >= 0.0
            assert max(beats) * 60.0 / score.tempo < score.seconds
