"""Songs that sound alike: cosines of embeddings, against the same worked out one by one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array

from recommender.engine.interface import TrainingData
from recommender.engine.sound import Sound

N_SONGS = 40


@pytest.fixture
def embeddings() -> np.ndarray:
    """What a network might make of forty songs, a quarter of them not heard."""
    rng = np.random.default_rng(3)
    vectors = rng.exponential(size=(N_SONGS, 16)).astype(np.float32)
    vectors[::4] = 0
    return vectors


def heard(embeddings: np.ndarray | None) -> Sound:
    nothing = csr_array((N_SONGS, 3), dtype=np.float64)
    nobody = csr_array(np.zeros((0, N_SONGS), np.int32))
    return Sound.fit(TrainingData(nothing, nobody, embeddings=embeddings))


def test_likeness_is_the_cosine_of_two_embeddings(embeddings: np.ndarray) -> None:
    similar = heard(embeddings).similarities(5)
    for other in range(N_SONGS):
        a, b = embeddings[5].astype(float), embeddings[other].astype(float)
        unheard, itself = not b.any(), other == 5
        expected = 0.0 if unheard or itself else a @ b / np.sqrt((a @ a) * (b @ b))
        assert similar[other] == pytest.approx(expected, abs=1e-6)


def test_a_song_that_was_not_heard_is_like_none(embeddings: np.ndarray) -> None:
    sound = heard(embeddings)
    assert not sound.knows(0)
    assert not sound.similarities(0).any()
    assert not sound.knows(N_SONGS - 4)
    assert sound.knows(N_SONGS - 1)


def test_where_no_song_was_heard_none_is_known() -> None:
    sound = heard(None)
    assert not sound.knows(3)
    assert not sound.similarities(3).any()


def test_mapped_files_say_the_same_and_are_not_copied(embeddings: np.ndarray, tmp_path: Path) -> None:
    sound = heard(embeddings)
    for name, array in sound.arrays().items():
        np.save(tmp_path / name, array)
    mapped = {file.stem: np.load(file, mmap_mode="r") for file in tmp_path.glob("*.npy")}
    again = Sound.from_arrays(mapped)
    assert np.shares_memory(again.vectors, mapped["vectors"])
    assert again.similarities(5).tolist() == sound.similarities(5).tolist()
