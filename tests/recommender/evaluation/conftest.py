"""A made-up crowd whose tastes are known: every listener plays songs of one kind more than others."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

from recommender.engine.evaluation.protocols import Listening
from recommender.engine.interface import TrainingData

N_LISTENERS, N_SONGS, N_KINDS = 60, 150, 5


def made_up(seed: int = 0) -> TrainingData:
    """Listeners of five kinds, songs of five kinds with a label for each and one besides, and who has played what."""
    rng = np.random.default_rng(seed)
    of_listener, of_song = rng.integers(0, N_KINDS, N_LISTENERS), rng.integers(0, N_KINDS, N_SONGS)
    chance = np.where(of_listener[:, np.newaxis] == of_song, 0.5, 0.08)
    played = (rng.random(chance.shape) < chance) * rng.integers(1, 30, chance.shape)
    labels = np.zeros((N_SONGS, N_KINDS + 3))
    labels[np.arange(N_SONGS), of_song] = rng.integers(1, 9, N_SONGS)
    labels[np.arange(N_SONGS), rng.integers(N_KINDS, N_KINDS + 3, N_SONGS)] = 1
    return TrainingData(csr_array(labels), csr_array(played.astype(np.int32)))


def untimed(data: TrainingData) -> Listening:
    """Plays of which nobody knows the time."""
    return Listening(data, np.full(data.played.nnz, np.nan))


@pytest.fixture(scope="session")
def data() -> TrainingData:
    return made_up()


@pytest.fixture(scope="session")
def listening(data: TrainingData) -> Listening:
    return untimed(data)
