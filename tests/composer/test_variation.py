from collections.abc import Iterable

import numpy as np

from composer.score import DrumPart, Score
from composer.styles import STYLES, compose
from composer.synthesis.drums import KITS
from composer.synthesis.instruments import INSTRUMENTS
from composer.variation import compose_variation, vary


def test_a_varied_piece_follows_from_its_seed_alone() -> None:
    assert compose_variation(3) == compose_variation(3)
    assert compose_variation(3) != compose_variation(4)


def test_a_piece_keeps_its_length_and_has_somebody_to_play_it() -> None:
    for seed in range(40):
        piece = compose_variation(seed)
        assert piece.seconds == 30.0
        assert piece.parts


def test_players_only_get_instruments_and_kits_that_can_play_their_part() -> None:
    for seed in range(40):
        for part in compose_variation(seed).parts:
            if isinstance(part, DrumPart):
                assert {hit.piece for hit in part.hits} <= KITS[part.kit].keys()
            else:
                assert part.instrument in INSTRUMENTS


def test_over_many_pieces_far_more_instruments_meet_than_in_the_styles() -> None:
    def companies(pieces: Iterable[Score]) -> set[frozenset[str]]:
        return {
            frozenset(part.instrument for part in piece.parts if not isinstance(part, DrumPart)) for piece in pieces
        }

    plain = companies(compose(style, seed) for seed, style in zip(range(60), list(STYLES) * 60, strict=False))
    varied = companies(compose_variation(seed) for seed in range(60))

    assert len(varied) > len(plain)


def test_a_drummer_of_another_piece_takes_the_place_of_the_own() -> None:
    drummed = [piece for piece in (compose_variation(seed) for seed in range(60)) if has_drums(piece)]

    varied = vary(drummed[0], np.random.default_rng(1), drummed[1])

    hits = [part.hits for part in varied.parts if isinstance(part, DrumPart)]
    assert hits == [part.hits for part in drummed[1].parts if isinstance(part, DrumPart)]


def has_drums(piece: Score) -> bool:
    return any(isinstance(part, DrumPart) for part in piece.parts)
