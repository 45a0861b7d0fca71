"""The dial from familiar to adventurous, and what nearness and familiarity are."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

from recommender.engine import adventure
from recommender.engine.adventure import KnownSongs, apply_dial, familiarity_ranks, fractional_ranks

#                   jazz piano rock
SONGS = csr_array([[1.0, 0.0, 0.0], [0.6, 0.8, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
ARTISTS = np.array([1, 2, 3, 1, -1])
ALL = np.arange(5)


def test_a_song_is_as_near_as_the_nearest_song_one_knows() -> None:
    assert KnownSongs(SONGS, np.array([0, 2]), ARTISTS, set()).similarity(ALL).tolist() == [1.0, 0.6, 1.0, 0.0, 0.0]


def test_every_song_of_a_known_artist_is_near() -> None:
    assert KnownSongs(SONGS, np.array([2]), ARTISTS, {1}).similarity(ALL).tolist() == [1.0, 0.0, 1.0, 1.0, 0.0]


def test_more_songs_and_labels_than_one_would_make_dense_are_as_near() -> None:
    # 600 known songs of 2,000 labels, each alone with its label: sparse; half of them at a time: dense.
    songs, artists = csr_array(np.eye(700, 2000)), np.full(700, -1)
    known, asked = np.arange(600), np.arange(590, 610)
    halves = [KnownSongs(songs, half, artists, set()).similarity(asked) for half in (known[:300], known[300:])]
    assert KnownSongs(songs, known, artists, set()).similarity(asked).tolist() == np.maximum(*halves).tolist()
    assert halves[1].tolist() == [1.0] * 10 + [0.0] * 10


def test_nothing_is_near_to_somebody_who_knows_nothing() -> None:
    assert KnownSongs(SONGS, np.array([], dtype=np.intp), ARTISTS, set()).similarity(ALL).tolist() == [0.0] * 5


def test_places_of_equal_values_are_equal() -> None:
    assert fractional_ranks(np.array([3.0, 1.0, 3.0, 2.0])).tolist() == [0.875, 0.25, 0.875, 0.5]
    assert fractional_ranks(np.array([])).tolist() == []


def test_familiar_is_half_nearness_and_half_listeners() -> None:
    familiar = familiarity_ranks(np.array([0.0, 1.0]), np.array([9, 0]))
    assert familiar.tolist() == [0.75, 0.75]
    assert familiarity_ranks(np.array([0.0, 1.0]), np.array([3, 3])).tolist() == [0.625, 0.875]


def test_in_the_middle_the_ranking_is_as_it_was() -> None:
    scores = np.array([0.1, 0.7, 0.3])
    assert apply_dial(scores, np.array([1.0, 0.0, 0.5]), 0) is scores


def test_the_ends_put_first_what_is_familiar_and_what_is_not() -> None:
    scores, familiar = np.array([0.9, 0.8, 0.7, 0.6]), np.array([0.25, 0.5, 0.75, 1.0])
    assert np.argsort(-apply_dial(scores, familiar, -1)).tolist() == [3, 2, 1, 0]
    assert np.argsort(-apply_dial(scores, familiar, 1)).tolist() == [0, 1, 2, 3]


def test_of_songs_as_familiar_as_each_other_the_better_fit_comes_first_wherever_the_dial_stands() -> None:
    scores, familiar = np.array([0.2, 0.9, 0.5]), np.full(3, 0.5)
    for dial in (-1, -0.5, 0, 0.5, 1):
        assert np.argsort(-apply_dial(scores, familiar, dial)).tolist() == [1, 2, 0]


@pytest.mark.parametrize("dial", [-1, -0.3, 0.5, 1])
@pytest.mark.parametrize("seed", range(5))
def test_how_far_a_methods_scores_lie_apart_does_not_matter(seed: int, dial: float) -> None:
    rng = np.random.default_rng(seed)
    scores, familiar = rng.random(50), rng.random(50)
    after = apply_dial(scores, familiar, dial)
    assert (after > 0).all()
    assert np.array_equal(after, apply_dial(1000 * scores**3, familiar, dial))


@pytest.mark.parametrize("seed", range(5))
def test_the_further_the_dial_the_less_familiar_the_first_song(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores, familiar = rng.random(50), rng.random(50)
    first = [familiar[np.argmax(apply_dial(scores, familiar, dial))] for dial in np.linspace(-1, 1, 9)]
    assert first == sorted(first, reverse=True)
    assert first[0] > first[-1]


@pytest.mark.parametrize("dial", [-1.1, 2, float("nan")])
def test_a_dial_beyond_its_ends_is_refused(dial: float) -> None:
    with pytest.raises(ValueError, match="dial"):
        apply_dial(np.ones(2), np.ones(2), dial)


def test_fit_still_counts_at_the_ends() -> None:
    assert 0 < adventure.DIAL_WEIGHT < 1
