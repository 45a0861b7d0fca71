"""The hybrid: parts weighed by how many listeners a song has, on plays that they have not seen."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.engine import hybrid_weights
from recommender.engine.hybrid import Hybrid
from recommender.engine.interface import ListenerBatch, PlayMatrix, TooLittleError, TrainingData
from recommender.engine.popularity import Popularity, expected_listeners

N_LISTENERS, N_SONGS, N_CAMPS = 120, 150, 5


def camps() -> TrainingData:
    """Listeners of five camps, songs of five kinds; popular songs are played by all, a tenth by nobody."""
    rng = np.random.default_rng(11)
    kind = rng.integers(0, N_CAMPS, N_SONGS)
    appeal = rng.pareto(1.2, N_SONGS) + 0.1
    appeal[::10] = 0
    played = np.zeros((N_LISTENERS, N_SONGS), dtype=np.int32)
    for listener in range(N_LISTENERS):
        drawn = appeal * np.where(kind == listener % N_CAMPS, 8, 1)
        mine = rng.choice(N_SONGS, 15, replace=False, p=drawn / drawn.sum())
        played[listener, mine] = rng.integers(1, 20, 15)
    labels = np.zeros((N_SONGS, N_CAMPS + 2))
    labels[np.arange(N_SONGS), kind] = rng.integers(1, 5, N_SONGS)
    labels[np.arange(N_SONGS), rng.integers(0, N_CAMPS + 2, N_SONGS)] += 1
    return TrainingData(csr_array(labels), csr_array(played))


@pytest.fixture(scope="module")
def data() -> TrainingData:
    return camps()


@pytest.fixture(scope="module")
def fitted(data: TrainingData) -> Hybrid:
    return Hybrid.fit(data)


def test_weights_depend_on_how_many_listeners_a_song_has(fitted: Hybrid) -> None:
    basis = hybrid_weights.popularity_basis(np.array([0, 1, 2, 4, 64, 1000]))
    assert basis.sum(axis=1) == pytest.approx(1)
    assert basis[0].tolist() == [1, 0, 0, 0, 0]
    assert basis[2].tolist() == [0, 0.5, 0.5, 0, 0]
    assert (basis[4] == basis[5]).all()
    assert np.ptp(fitted.weights, axis=0).min() > 0


START = np.array([hybrid_weights.PRIOR_MEANS[name] for name in hybrid_weights.FEATURES]).T
LATENT, CONTENT = (hybrid_weights.WEIGHED_PARTS.index(name) for name in ("latent", "content"))


def choices_among_cold_songs() -> hybrid_weights._Choices:
    """Latent factors put the played song first; content puts it last."""
    n_columns = len(hybrid_weights.FEATURES)
    values = np.zeros((4, 3, START.size), dtype=np.float32)
    values[:, 0, LATENT] = 1
    values[:, 1:, CONTENT] = 0.4
    values[..., n_columns - 1] = 1
    all_of_them = np.ones((4, 3), dtype=bool)
    return hybrid_weights._Choices(values, all_of_them, all_of_them.copy(), np.ones(4, dtype=np.float32))


def weights_of_content_alone() -> NDArray[np.float64]:
    fitted = START.copy()
    fitted[0, :-1] = 0
    fitted[0, CONTENT] = 0.5
    return fitted


def test_songs_without_listeners_are_ranked_among_themselves_by_what_ranks_them_best() -> None:
    choices, fitted = choices_among_cold_songs(), weights_of_content_alone()
    turned = hybrid_weights._blend_cold_weights(fitted, START, choices)
    assert (turned[1:] == fitted[1:]).all()
    assert turned[0, -1] == fitted[0, -1]
    assert np.linalg.norm(turned[0, :-1]) == pytest.approx(0.5)
    assert turned[0, LATENT] > 0
    # Where they are ranked well already, nothing turns.
    choices.values[:, 0, CONTENT] = 2
    assert hybrid_weights._blend_cold_weights(fitted, START, choices) == pytest.approx(fitted)


def test_latent_factors_rank_alone_where_every_other_part_misleads() -> None:
    choices, fitted = choices_among_cold_songs(), weights_of_content_alone()
    others = [column for column in range(len(hybrid_weights.FEATURES) - 1) if column != LATENT]
    choices.values[:, 1:, others] = 40
    turned = hybrid_weights._blend_cold_weights(fitted, START, choices)
    assert turned[0, LATENT] == pytest.approx(0.5)
    assert not turned[0, others].any()


def test_unplayed_songs_without_content_do_not_decide_how_the_others_are_ranked() -> None:
    choices, fitted = choices_among_cold_songs(), weights_of_content_alone()
    # All choices but one are among songs that nobody has played or described, and that content ranks right.
    choices.values[1:, 0, CONTENT] = 2
    choices.cold[1:] = False
    assert hybrid_weights._blend_cold_weights(fitted, START, choices)[0, LATENT] > 0
    choices.cold[0] = False
    assert hybrid_weights._blend_cold_weights(fitted, START, choices) is fitted


def test_nothing_that_is_held_out_is_seen_by_the_parts(data: TrainingData) -> None:
    inner = hybrid_weights._inner_split(data)
    assert inner.data.played.nnz + inner.held_out.nnz == data.played.nnz
    assert not (inner.data.played.toarray() * inner.held_out.toarray()).any()
    assert not inner.data.listeners[inner.cold].any()
    assert inner.cold.sum() > 10


def test_unplayed_songs_of_the_listeners_kind_come_before_other_unplayed_songs(
    fitted: Hybrid, data: TrainingData
) -> None:
    row: PlayMatrix = data.played[[0]]
    scores = fitted.scores(ListenerBatch.from_plays(row, N_CAMPS + 2))[0]
    mostly = data.term_frequencies.toarray()[:, :N_CAMPS].argmax(axis=1)
    unplayed = data.listeners == 0
    assert scores[unplayed & (mostly == 0)].mean() > scores[unplayed & (mostly != 0)].mean()


def test_somebody_of_whom_nothing_is_known_is_told_nothing(fitted: Hybrid) -> None:
    assert not fitted.scores(ListenerBatch.from_listener(N_SONGS, N_CAMPS + 2)).any()


def test_with_an_empty_profile_a_query_is_all_there_is(fitted: Hybrid) -> None:
    asked = ListenerBatch.from_listener(N_SONGS, N_CAMPS + 2, query={2: 1.0})
    scores, match = fitted.scores(asked)[0], fitted.labels_and_sound.scores(asked)[0]
    assert (np.argsort(-scores, kind="stable")[:20] == np.argsort(-match, kind="stable")[:20]).all()


def test_a_query_bends_the_ranking_of_a_listener(fitted: Hybrid, data: TrainingData) -> None:
    row: PlayMatrix = data.played[[0]]
    plays = {int(song): int(count) for song, count in zip(row.indices, row.data, strict=True)}
    of_label_3 = data.term_frequencies.toarray()[:, 3] > 0
    calm = fitted.scores(ListenerBatch.from_listener(N_SONGS, N_CAMPS + 2, liked=list(plays), played=plays))[0]
    bent = fitted.scores(
        ListenerBatch.from_listener(N_SONGS, N_CAMPS + 2, liked=list(plays), played=plays, query={3: 1.0})
    )[0]
    assert np.argsort(np.argsort(bent))[of_label_3].mean() > np.argsort(np.argsort(calm))[of_label_3].mean()


def test_too_few_listeners_are_said() -> None:
    few = TrainingData(csr_array(np.eye(9)), csr_array(np.ones((5, 9), dtype=np.int32)))
    with pytest.raises(TooLittleError, match="20 listeners of 5 songs"):
        Hybrid.fit(few)


def test_popularity_is_expected_of_songs_whose_kind_is_played(data: TrainingData) -> None:
    tf = data.term_frequencies.toarray()
    played = data.played.toarray()
    # Songs of kind 0 are what everybody plays.
    popular_kind = tf[:, 0] > 0
    played[:, popular_kind] += 1
    new = np.flatnonzero(~played.any(axis=0))
    played[:, np.flatnonzero(popular_kind)[:3]] = 0
    known = TrainingData(csr_array(tf), csr_array(played))
    expectation = expected_listeners(known)
    assert expectation.rank_correlation > 0.5
    held = np.flatnonzero(popular_kind)[:3]
    assert expectation.listeners[held].min() > expectation.listeners[new].max()
    middle, low, high = Popularity.fit(known).expected_between(int(held[0]))
    assert 0 <= low < middle < high


def test_too_few_songs_tell_nothing_of_new_ones() -> None:
    few = TrainingData(csr_array(np.eye(9)), csr_array(np.ones((5, 9), dtype=np.int32)))
    expectation = expected_listeners(few)
    assert not expectation.listeners.any()
    assert np.isnan(expectation.rank_correlation)
