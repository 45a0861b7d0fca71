"""Far more music than the styles write: their pieces with other players, tempi, rooms and media.

The demo plays the styles as they are. A tagger that is to learn from rendered music needs to hear every instrument in
every company, which no style would write: here a piece keeps its form and its harmony, and little else.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .phrasing.chances import Rng, chance, choose
from .score import DrumPart, Part, Score
from .styles import STYLES, compose
from .synthesis.drums import KITS
from .synthesis.effects import SPACES
from .synthesis.instruments import INSTRUMENTS

_MEDIA = ("clean", "tape", "vinyl", "console")


def compose_variation(seed: int) -> Score:
    """A piece of any style, varied.

    Parameters
    ----------
    seed : int
        The same seed is the same piece.
    """
    rng = np.random.default_rng([19, seed])
    styles = tuple(STYLES)
    score = compose(choose(rng, styles), seed)
    other = compose(choose(rng, styles), seed + 1) if chance(rng, 0.3) else None
    return vary(score, rng, other)


def vary(score: Score, rng: Rng, other: Score | None = None) -> Score:
    """A piece with other players, another tempo and another sound.

    Parameters
    ----------
    score : Score
    rng : Generator
    other : Score, optional
        A piece whose drummer plays here in place of this piece's own, or beside it where it has none.

    Returns
    -------
    Score
        As long as `score`, in seconds.
    """
    semitones = int(rng.integers(-5, 6))
    parts: list[Part | DrumPart] = []
    for part in _players(score, rng, other):
        level = part.level + float(rng.normal(0.0, 3.0))
        pan = float(np.clip(part.pan + rng.normal(0.0, 0.2), -1.0, 1.0))
        reverb = part.reverb * float(rng.uniform(0.3, 2.0))
        if isinstance(part, DrumPart):
            kit = _kit(part, rng) if chance(rng, 0.5) else part.kit
            parts.append(replace(part, kit=kit, level=level, pan=pan, reverb=reverb))
        else:
            instrument = _instrument(part, rng) if chance(rng, 0.5) else part.instrument
            notes = [note.moved(semitones=semitones) for note in part.notes]
            parts.append(replace(part, instrument=instrument, notes=notes, level=level, pan=pan, reverb=reverb))
    return replace(
        score,
        parts=parts,
        tempo=score.tempo * float(np.exp(rng.normal(0.0, 0.12))),
        space=choose(rng, tuple(SPACES)) if chance(rng, 0.5) else score.space,
        medium=choose(rng, _MEDIA) if chance(rng, 0.5) else score.medium,
    )


def _players(score: Score, rng: Rng, other: Score | None) -> Sequence[Part | DrumPart]:
    """Who plays: now and then a player is missing, and another piece's drummer may have come."""
    players = [part for part in score.parts if chance(rng, 0.85)] or list(score.parts)
    drummers = [part for part in other.parts if isinstance(part, DrumPart)] if other is not None else []
    if drummers:
        players = [part for part in players if not isinstance(part, DrumPart)] + drummers
    return players


def _instrument(part: Part, rng: Rng) -> str:
    """An instrument in whose range most of a part's notes lie."""
    pitches = [note.pitch for note in part.notes] or [60.0]
    low, high = np.quantile(pitches, [0.1, 0.9])
    able = [name for name, one in INSTRUMENTS.items() if one.lowest <= low and high <= one.highest]
    return choose(rng, able) if able else part.instrument


def _kit(part: DrumPart, rng: Rng) -> str:
    """A kit that has every piece that is struck."""
    struck = {hit.piece for hit in part.hits}
    return choose(rng, [name for name, kit in KITS.items() if struck <= kit.keys()] or [part.kit])
