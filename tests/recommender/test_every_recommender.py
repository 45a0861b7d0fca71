"""What holds for every recommender, whatever its method."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array

from recommender.engine.interface import IndexMapping, ListenerBatch, Recommender, SongSimilarity, TrainingData
from recommender.engine.methods import METHODS, PARTS
from recommender.engine.ranking import top

N_LISTENERS, N_SONGS, N_LABELS = 30, 40, 8
UNPLAYED = [7, 30]


@pytest.fixture(scope="module")
def data() -> TrainingData:
    rng = np.random.default_rng(5)
    tf = rng.integers(1, 9, (N_SONGS, N_LABELS)) * (rng.random((N_SONGS, N_LABELS)) < 0.3)
    played = rng.integers(1, 9, (N_LISTENERS, N_SONGS)) * (rng.random((N_LISTENERS, N_SONGS)) < 0.2)
    played[:, UNPLAYED] = 0
    heard = rng.normal(size=(N_SONGS, 6)).astype(np.float32)
    return TrainingData(csr_array(tf.astype(float)), csr_array(played.astype(np.int32)), embeddings=heard)


@pytest.fixture(params=list(METHODS), scope="module")
def recommender(request: pytest.FixtureRequest, data: TrainingData) -> Recommender:
    return METHODS[request.param].fit(data)


BATCH = ListenerBatch.from_listener(
    N_SONGS, N_LABELS, liked=[1, 5, 9], disliked=[2], played={1: 3, 5: 1}, nudges={3: 0.5}
)


def test_scores_are_one_row_a_listener_and_finite(recommender: Recommender) -> None:
    scores = recommender.scores(BATCH)
    assert scores.shape == (1, N_SONGS)
    assert np.isfinite(scores).all()


def test_every_recommended_song_has_a_reason(recommender: Recommender) -> None:
    songs = top(recommender.scores(BATCH)[0], 10)
    assert len(songs) == 10
    assert all(1 <= len(reasons) <= 3 for reasons in recommender.explain(BATCH, songs, k=3))


def test_what_is_stored_and_read_again_recommends_the_same(recommender: Recommender) -> None:
    again = type(recommender).from_arrays(recommender.arrays())
    assert (again.scores(BATCH) == recommender.scores(BATCH)).all()


def test_mapped_files_do_as_well_as_arrays_in_memory(recommender: Recommender, tmp_path: Path) -> None:
    mapped = {}
    for name, array in recommender.arrays().items():
        np.save(tmp_path / name, array)
        mapped[name] = np.load(tmp_path / f"{name}.npy", mmap_mode="r")
    again = type(recommender).from_arrays(mapped)
    assert (again.scores(BATCH) == recommender.scores(BATCH)).all()


def test_the_same_question_has_the_same_answer(recommender: Recommender, data: TrainingData) -> None:
    again = type(recommender).fit(data)
    assert (top(again.scores(BATCH)[0], N_SONGS) == top(recommender.scores(BATCH)[0], N_SONGS)).all()


def test_a_catalogue_that_has_moved_keeps_its_scores(recommender: Recommender, data: TrainingData) -> None:
    # Song 3 went, a song without labels and listeners came in its place at the end.
    stay = [song for song in range(N_SONGS) if song != 3]
    mapping = IndexMapping(np.array([*stay, -1]), np.arange(N_LABELS), N_SONGS)
    tf = csr_array(np.vstack([data.term_frequencies.toarray()[stay], np.zeros(N_LABELS)]))
    played = csr_array(np.column_stack([data.played.toarray()[:, stay], np.zeros(N_LISTENERS, dtype=np.int32)]))
    moved = recommender.refreshed(TrainingData(tf, played), mapping)
    batch = ListenerBatch.from_listener(N_SONGS, N_LABELS, liked=[1, 4, 8], played={1: 3, 4: 1})
    again = recommender.refreshed(TrainingData(tf, played), mapping)
    scores = moved.scores(batch)
    assert scores.shape == (1, N_SONGS)
    assert scores[0, -1] <= scores.max()
    assert (scores == again.scores(batch)).all()


@pytest.fixture(params=["content", "cooccurrence", "sound"], scope="module")
def similarity(request: pytest.FixtureRequest, data: TrainingData) -> SongSimilarity:
    part = PARTS[request.param].fit(data)
    assert isinstance(part, SongSimilarity)
    return part


def test_a_song_is_as_much_like_another_as_the_other_is_like_it(similarity: SongSimilarity) -> None:
    alike = np.stack([similarity.similarities(song) for song in range(N_SONGS)])
    assert alike.shape == (N_SONGS, N_SONGS)
    assert np.isfinite(alike).all()
    assert alike == pytest.approx(alike.T, abs=1e-6)
    assert alike.max() > 0
    assert alike.max() <= 1 + 1e-6
    assert not alike.diagonal().any()


def test_training_data_that_does_not_fit_together_is_refused() -> None:
    with pytest.raises(ValueError, match="labels of 2 songs, plays of 3"):
        TrainingData(csr_array((2, 3)), csr_array(np.zeros((4, 3), dtype=np.int32)))
    with pytest.raises(ValueError, match="embeddings of shape"):
        TrainingData(
            csr_array((2, 3)),
            csr_array(np.zeros((4, 2), dtype=np.int32)),
            embeddings=np.zeros((3, 8), dtype=np.float32),
        )
    with pytest.raises(ValueError, match="counted from 1"):
        TrainingData(csr_array((2, 3)), csr_array(np.array([[1, -1]], dtype=np.int32)))
