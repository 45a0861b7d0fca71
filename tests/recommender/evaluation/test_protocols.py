"""What is held out is held out: no method sees it, and it is the same for everybody who asks again."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

from recommender.engine.evaluation.protocols import (
    RARELY,
    SPLITS,
    Listening,
    Protocol,
    Split,
    TooFewPlaysError,
    number_of_splits,
    split,
)
from recommender.engine.interface import TrainingData

from .conftest import N_LISTENERS, N_SONGS, untimed

BOTH = pytest.mark.parametrize("protocol", list(Protocol))


def held_out(parts: Split) -> np.ndarray[tuple[int, ...], np.dtype[np.int32]]:
    return np.asarray(parts.held_out.toarray())


@BOTH
def test_what_is_held_out_and_what_is_not_are_all_plays_and_never_the_same(
    protocol: Protocol, listening: Listening
) -> None:
    parts = split(listening, protocol)
    training = parts.training.data.played.toarray()
    assert (training + held_out(parts) == listening.data.played.toarray()).all()
    assert not ((training > 0) & (held_out(parts) > 0)).any()
    assert held_out(parts).any()


@BOTH
def test_counts_of_plays_and_listeners_are_those_of_what_is_left(protocol: Protocol, listening: Listening) -> None:
    training = split(listening, protocol).training.data
    assert (training.plays == training.played.toarray().sum(axis=0)).all()
    assert (training.listeners == (training.played.toarray() > 0).sum(axis=0)).all()


@BOTH
def test_the_same_seed_holds_the_same_out_and_another_seed_other_plays(
    protocol: Protocol, listening: Listening
) -> None:
    again = [held_out(split(listening, protocol, seed, 2)) for seed in (7, 7, 8)]
    assert (again[0] == again[1]).all()
    assert (again[0] != again[2]).any()


def test_cold_songs_have_lost_all_plays_and_are_a_fifth_of_those_that_count(data: TrainingData) -> None:
    played = data.played.toarray()
    played[:, :10] = 0
    played[: RARELY - 1, 3] = 1
    labels = data.term_frequencies.toarray()
    labels[20:25] = 0
    listening = untimed(TrainingData(csr_array(labels), csr_array(played)))
    parts = split(listening, Protocol.COLD)
    cold = parts.rankings["cold"]
    able = ((played > 0).sum(axis=0) >= RARELY) & labels.any(axis=1)
    assert cold.sum() == able.sum() // 5
    assert not (cold & ~able).any()
    assert not parts.training.data.played.toarray()[:, cold].any()
    assert (held_out(parts)[:, cold] == played[:, cold]).all()
    assert parts.cold[cold].all()
    assert parts.rankings["rare"][:10].all()
    assert (parts.rankings["rare"] >= cold).all()


def test_a_song_that_only_its_sound_describes_can_be_cold(data: TrainingData) -> None:
    heard = TrainingData(
        csr_array(data.term_frequencies.shape), data.played, embeddings=np.ones((N_SONGS, 4), dtype=np.float32)
    )
    assert split(untimed(heard), Protocol.COLD).rankings["cold"].any()


def test_no_song_is_cold_in_two_splits(listening: Listening) -> None:
    cold = sum(split(listening, Protocol.COLD, number=number).rankings["cold"].astype(int) for number in range(SPLITS))
    assert np.max(cold) == 1


def test_warm_holds_a_fifth_of_each_listeners_songs_out(listening: Listening) -> None:
    parts = split(listening, Protocol.WARM)
    songs = np.diff(listening.data.played.indptr)
    assert (np.diff(parts.held_out.indptr) == songs // 5).all()


def test_warm_holds_the_latest_songs_out_where_plays_have_a_time(data: TrainingData) -> None:
    first_played = np.random.default_rng(1).permutation(data.played.nnz).astype(float)
    listening = Listening(data, first_played)
    parts = split(listening, Protocol.WARM)
    times = csr_array((first_played + 1, data.played.indices, data.played.indptr), shape=data.played.shape)
    when = times.toarray()
    for listener in parts.listeners:
        kept = when[listener, parts.training.data.played.toarray()[listener] > 0]
        assert when[listener, held_out(parts)[listener] > 0].min() > kept.max()
    assert number_of_splits(listening, Protocol.WARM) == 1
    assert number_of_splits(listening, Protocol.COLD) == SPLITS


def test_of_songs_with_and_without_a_time_a_fifth_together_is_held_out(data: TrainingData) -> None:
    first_played = np.where(np.arange(data.played.nnz) % 3 == 0, np.nan, np.arange(data.played.nnz))
    listening = Listening(data, first_played)
    parts = split(listening, Protocol.WARM)
    assert (np.diff(parts.held_out.indptr) == np.diff(data.played.indptr) // 5).all()
    assert number_of_splits(listening, Protocol.WARM) == SPLITS


def test_times_stay_with_their_plays_in_a_split_of_a_split(data: TrainingData) -> None:
    song = data.played.indices.astype(float)
    inner = split(split(Listening(data, song), Protocol.COLD).training, Protocol.WARM).training
    assert (inner.first_played == inner.data.played.indices).all()


@BOTH
def test_sessions_which_are_the_same_plays_are_never_shown(protocol: Protocol, data: TrainingData) -> None:
    sessions = csr_array(np.ones((3, N_SONGS), dtype=np.int32))
    with_sessions = TrainingData(data.term_frequencies, data.played, sessions=sessions)
    assert split(untimed(with_sessions), protocol).training.data.sessions is None


@pytest.mark.parametrize(
    ("protocol", "said"), [(Protocol.WARM, "listeners have played enough"), (Protocol.COLD, "songs with labels have")]
)
def test_too_few_plays_are_said(protocol: Protocol, said: str, data: TrainingData) -> None:
    few = TrainingData(data.term_frequencies, csr_array(np.zeros((N_LISTENERS, N_SONGS), dtype=np.int32)))
    with pytest.raises(TooFewPlaysError, match=said):
        split(untimed(few), protocol)


def test_too_few_listeners_are_said(data: TrainingData) -> None:
    few = TrainingData(data.term_frequencies, data.played[:19].astype(np.int32))
    with pytest.raises(TooFewPlaysError, match=r"1\d listeners have"):
        split(untimed(few), Protocol.WARM)


def test_times_of_other_plays_are_refused(data: TrainingData) -> None:
    with pytest.raises(ValueError, match="times of shape"):
        Listening(data, np.zeros(3))
