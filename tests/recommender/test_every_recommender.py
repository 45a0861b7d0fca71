"""What holds for every recommender, whatever its method."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array

from recommender.engine.content import Content
from recommender.engine.interface import Evidence, Recommender, Tastes
from recommender.engine.popularity import Popularity
from recommender.engine.ranking import top

N_SONGS, N_LABELS = 40, 8


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    rng = np.random.default_rng(5)
    tf = rng.integers(1, 9, (N_SONGS, N_LABELS)) * (rng.random((N_SONGS, N_LABELS)) < 0.3)
    listeners = rng.integers(0, 6, N_SONGS)
    return Evidence(csr_array(tf.astype(float)), listeners * rng.integers(1, 4, N_SONGS), listeners)


@pytest.fixture(params=[Content, Popularity])
def recommender(request: pytest.FixtureRequest, evidence: Evidence) -> Recommender:
    method: type[Recommender] = request.param
    return method.fit(evidence)


TASTES = Tastes.of_one(N_SONGS, N_LABELS, liked=[1, 5, 9], disliked=[2], nudges={3: 0.5})


def test_scores_are_one_row_a_listener_and_finite(recommender: Recommender) -> None:
    scores = recommender.scores(TASTES)
    assert scores.shape == (1, N_SONGS)
    assert np.isfinite(scores).all()


def test_every_recommended_song_has_a_reason(recommender: Recommender) -> None:
    songs = top(recommender.scores(TASTES)[0], 10)
    assert len(songs) == 10
    assert all(1 <= len(reasons) <= 3 for reasons in recommender.reasons(TASTES, songs, k=3))


def test_what_is_stored_and_read_again_recommends_the_same(recommender: Recommender) -> None:
    again = type(recommender).from_arrays(recommender.arrays())
    assert (again.scores(TASTES) == recommender.scores(TASTES)).all()


def test_mapped_files_do_as_well_as_arrays_in_memory(recommender: Recommender, tmp_path: Path) -> None:
    mapped = {}
    for name, array in recommender.arrays().items():
        np.save(tmp_path / name, array)
        mapped[name] = np.load(tmp_path / f"{name}.npy", mmap_mode="r")
    again = type(recommender).from_arrays(mapped)
    assert (again.scores(TASTES) == recommender.scores(TASTES)).all()


def test_the_same_question_has_the_same_answer(recommender: Recommender, evidence: Evidence) -> None:
    again = type(recommender).fit(evidence)
    assert (top(again.scores(TASTES)[0], N_SONGS) == top(recommender.scores(TASTES)[0], N_SONGS)).all()


def test_evidence_that_does_not_fit_together_is_refused() -> None:
    with pytest.raises(ValueError, match="labels of 2 songs"):
        Evidence(csr_array((2, 3)), np.zeros(3, dtype=np.int64), np.zeros(2, dtype=np.int64))
