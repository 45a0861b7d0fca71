from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recommender.engine.diversity import UNKNOWN_ARTIST, spread_artists
from recommender.engine.ranking import CALM, best, fused, top


def test_the_highest_scores_come_first_and_ties_in_order() -> None:
    assert top(np.array([0.5, 0.9, 0.5, 0.1, 0.5]), 3).tolist() == [1, 0, 2]


def test_only_scores_above_zero_are_listed() -> None:
    assert top(np.array([0.0, -0.2, 0.3]), 5).tolist() == [2]


def test_songs_are_left_out_and_kept_in() -> None:
    scores = np.array([0.9, 0.8, 0.7, 0.6])
    assert top(scores, 4, leave_out=np.array([0])).tolist() == [1, 2, 3]
    assert top(scores, 4, among=np.array([True, False, True, False])).tolist() == [0, 2]


@given(st.lists(st.integers(-3, 3), max_size=30), st.integers(0, 12))
def test_the_best_of_any_sign_are_those_of_a_whole_sort(values: list[int], n: int) -> None:
    scores = np.array(values, dtype=np.float64)
    assert best(scores, n).tolist() == np.argsort(-scores, kind="stable")[:n].tolist()


def test_none_wanted_is_none_listed() -> None:
    assert top(np.array([0.5]), 0).tolist() == []


@given(st.lists(st.sampled_from([-0.1, 0.0, 0.1, 0.2, 0.3]), max_size=30), st.integers(0, 12))
def test_the_list_is_that_of_a_full_sort(scores: list[float], n: int) -> None:
    expected = [song for _, song in sorted((-score, song) for song, score in enumerate(scores) if score > 0)][:n]
    assert top(np.array(scores, dtype=float), n).tolist() == expected


@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 50, 10**9]), st.sampled_from([1, 20, 600, 9000]))
def test_of_a_large_catalogue_it_is_too(seed: int, levels: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    scores = np.maximum(rng.integers(0, levels, 10_000) / levels - rng.random(), 0)
    among, known = rng.random(len(scores)) < 0.9, rng.choice(len(scores), 30, replace=False)
    free = among.copy()
    free[known] = False
    expected = [at for at in np.argsort(-scores, kind="stable").tolist() if scores[at] > 0 and free[at]][:n]
    assert top(scores, n, leave_out=known, among=among).tolist() == expected


def test_what_stands_high_in_both_rankings_comes_first() -> None:
    scores = fused([np.array([3, 1, 4]), np.array([1, 0])], 6)
    assert np.argsort(-scores, kind="stable")[:4].tolist() == [1, 3, 0, 4]
    assert scores[1] == 1 / (CALM + 2) + 1 / (CALM + 1)
    assert scores[[2, 5]].tolist() == [0, 0]


def test_an_artist_comes_again_only_after_others() -> None:
    artists = np.array([7, 7, 7, 8, 9, 8])
    assert spread_artists(np.arange(6), artists, 6, gap=2).tolist() == [0, 3, 4, 1, 5, 2]


def test_the_best_song_of_an_artist_goes_first() -> None:
    assert spread_artists(np.array([2, 0, 1]), np.array([7, 8, 7]), 2).tolist() == [2, 1]


def test_songs_of_unknown_artists_stand_next_to_each_other() -> None:
    assert spread_artists(np.arange(3), np.full(3, UNKNOWN_ARTIST), 3).tolist() == [0, 1, 2]


def test_one_artist_alone_still_makes_a_list() -> None:
    assert spread_artists(np.arange(4), np.zeros(4, dtype=int), 3).tolist() == [0, 1, 2]


@given(st.lists(st.integers(-1, 3), max_size=20), st.integers(0, 20))
def test_spreading_loses_and_doubles_no_song(artists: list[int], n: int) -> None:
    spread = spread_artists(np.arange(len(artists)), np.array(artists, dtype=int), n).tolist()
    assert len(spread) == len(set(spread)) == min(n, len(artists))
