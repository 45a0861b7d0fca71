"""Latent factors: what plays say, and what content says of a song that nobody has played."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array

from recommender.engine.features import Features
from recommender.engine.interface import (
    IndexMapping,
    LabelContribution,
    ListenerBatch,
    PlayMatrix,
    SongContribution,
    TrainingData,
)
from recommender.engine.latent import Latent, Settings
from recommender.engine.ridge import leave_out_error, ridge

N_SONGS, N_LISTENERS = 60, 80
ROCK, JAZZ = range(30), range(30, 60)
UNPLAYED_ROCK, UNPLAYED_JAZZ = 29, 59


def two_camps(*, embeddings: bool = False) -> TrainingData:
    """Forty listeners of rock and forty of jazz; of each camp one song that nobody has played."""
    rng = np.random.default_rng(3)
    played = np.zeros((N_LISTENERS, N_SONGS), dtype=np.int32)
    for listener in range(N_LISTENERS):
        camp = ROCK if listener < 40 else JAZZ
        played[listener, rng.choice(camp, 12, replace=False)] = rng.integers(1, 9, 12)
    played[:, [UNPLAYED_ROCK, UNPLAYED_JAZZ]] = 0
    sounds = np.zeros((N_SONGS, 6), dtype=np.float32)
    labels = np.zeros((N_SONGS, 3))
    camps = np.repeat([0, 1], 30)
    if embeddings:
        sounds = rng.random((N_SONGS, 6)).astype(np.float32)
        sounds[np.arange(N_SONGS), camps] += 3
    else:
        labels[np.arange(N_SONGS), camps] = 3
        labels[:5, 2] = 1
    return TrainingData(csr_array(labels), csr_array(played), embeddings=sounds if embeddings else None)


@pytest.fixture(scope="module")
def latent() -> Latent:
    return Latent.fit(two_camps())


def of_rock(played: dict[int, int] | None = None) -> ListenerBatch:
    return ListenerBatch.from_listener(N_SONGS, 3, played=played or {0: 3, 7: 1, 12: 5})


def test_a_listener_who_was_not_there_when_it_was_fitted_gets_their_camps_songs(latent: Latent) -> None:
    scores = latent.scores(of_rock())[0]
    assert scores[ROCK].min() > scores[JAZZ].max()


def test_a_listener_stands_where_the_least_squares_put_them(latent: Latent) -> None:
    data = two_camps()
    row: PlayMatrix = data.played[[3]]
    placed = latent.listener_factors(ListenerBatch.from_plays(row, 3))[0]
    confidence = np.zeros(N_SONGS)
    confidence[row.indices] = 1 + Settings().alpha * np.log1p(row.data)
    preferred = confidence > 0
    played = data.listeners > 0
    # The gradient of sum c (p - x y)^2 + regularization |x|^2 over all training songs, c = 1 for unplayed ones.
    factors = latent.learned[played].astype(float)
    weights = np.where(confidence[played] > 0, confidence[played], 1)
    gradient = factors.T @ (weights * (factors @ placed - preferred[played])) + latent.regularization * placed
    assert np.abs(gradient).max() < 1e-6


@pytest.mark.parametrize("embeddings", [False, True])
def test_a_song_nobody_has_played_is_known_by_its_labels_or_its_sound(embeddings: bool) -> None:
    scores = Latent.fit(two_camps(embeddings=embeddings)).scores(of_rock())[0]
    assert scores[UNPLAYED_ROCK] > 0.05 > scores[UNPLAYED_JAZZ]


def test_the_reasons_of_a_played_song_are_songs_that_sum_to_its_score(latent: Latent) -> None:
    (reasons,) = latent.explain(of_rock(), np.array([20]), k=3)
    assert {reason.song for reason in reasons if isinstance(reason, SongContribution)} == {0, 7, 12}
    assert sum(reason.weight for reason in reasons) == pytest.approx(latent.scores(of_rock())[0, 20], rel=1e-4)


def test_the_reasons_of_an_unplayed_song_are_its_labels(latent: Latent) -> None:
    (reasons,) = latent.explain(of_rock(), np.array([UNPLAYED_ROCK]), k=3)
    assert [reason.label for reason in reasons if isinstance(reason, LabelContribution)] == [0]


def test_a_song_that_is_labelled_later_gets_factors_without_a_new_fit(latent: Latent) -> None:
    before = two_camps()
    labels = np.vstack([before.term_frequencies.toarray(), [3.0, 0, 0]])
    # A new label stands before the others, as if it had been there.
    labels = np.column_stack([np.zeros(N_SONGS + 1), labels])
    now = TrainingData(csr_array(labels), csr_array(np.zeros((1, N_SONGS + 1), dtype=np.int32)))
    mapping = IndexMapping(np.append(np.arange(N_SONGS), -1), np.array([-1, 0, 1, 2]), N_SONGS)
    refreshed = latent.refreshed(now, mapping)
    batch = ListenerBatch.from_listener(N_SONGS + 1, 4, played={0: 3, 7: 1, 12: 5})
    scores, as_before = refreshed.scores(batch)[0], latent.scores(of_rock())[0]
    assert scores[:N_SONGS] == pytest.approx(as_before, abs=1e-5)
    assert scores[N_SONGS] == pytest.approx(as_before[UNPLAYED_ROCK], abs=1e-5)


def test_with_no_plays_at_all_nothing_is_said() -> None:
    nobody = TrainingData(csr_array(np.eye(3)), csr_array(np.zeros((0, 3), dtype=np.int32)))
    assert not Latent.fit(nobody).scores(ListenerBatch.from_listener(3, 3, played={0: 1})).any()


def test_a_ridge_solves_its_normal_equations() -> None:
    rng = np.random.default_rng(0)
    features, targets = rng.random((50, 7)), rng.random((50, 3))
    found = ridge(csr_array(features), targets, 0.5)
    expected = np.linalg.solve(features.T @ features + 0.5 * np.eye(7), features.T @ targets)
    assert found == pytest.approx(expected, abs=1e-3)
    with pytest.raises(ValueError, match="above 0"):
        ridge(csr_array(features), targets, 0)


def test_what_a_ridge_errs_on_groups_it_has_not_seen_is_what_fits_without_them_err() -> None:
    rng = np.random.default_rng(1)
    features, targets, groups = rng.random((30, 5)), rng.random((30, 2)), rng.integers(0, 8, 30)
    expected = 0.0
    for group in np.unique(groups):
        out = groups == group
        found = ridge(csr_array(features[~out]), targets[~out], 0.3)
        expected += float(((targets[out] - features[out] @ found) ** 2).sum())
    assert leave_out_error(csr_array(features), targets, 0.3, groups) == pytest.approx(expected, rel=1e-3)


def test_every_played_song_counts_alike_for_what_content_predicts() -> None:
    data = two_camps()
    fitted = Latent.fit(data)
    played = np.flatnonzero(data.listeners)
    rows = fitted.features.rows_and_amounts(data).toarray()[played]
    held = Settings().prediction_regularization * np.eye(rows.shape[1])
    expected = np.linalg.solve(rows.T @ rows + held, rows.T @ fitted.learned[played])
    assert fitted.coefficients == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(("telling", "scale"), [("labels", 1.0), ("sound", 0.25)])
def test_labels_count_beside_sound_as_much_as_they_tell(telling: str, scale: float) -> None:
    rng = np.random.default_rng(5)
    camps = np.repeat([0, 1], 30)
    told, chance = np.eye(2)[camps], np.eye(12)[rng.integers(0, 12, N_SONGS)]
    sounds = (told if telling == "sound" else rng.normal(size=(N_SONGS, 8))).astype(np.float32)
    labels = csr_array(told if telling == "labels" else chance)
    data = replace(two_camps(), term_frequencies=labels, embeddings=sounds)
    fitted = Latent.fit(data)
    assert fitted.features.label_scale == scale
    assert Latent.from_arrays(fitted.arrays()).features.label_scale == scale


def test_few_songs_do_not_decide_how_much_labels_count() -> None:
    data = two_camps(embeddings=True)
    few = np.arange(N_SONGS)[:, np.newaxis] < 20
    labelled = csr_array(np.where(few, np.eye(N_SONGS), 0.0))
    assert Latent.fit(replace(data, term_frequencies=labelled)).features.label_scale == 1.0


def test_the_dimensions_of_an_embedding_keep_their_proportions() -> None:
    rng = np.random.default_rng(2)
    sounds = (rng.normal(size=(50, 4)) * [5, 1, 1, 0.1]).astype(np.float32)
    data = TrainingData(csr_array((50, 1)), csr_array(np.zeros((1, 50), dtype=np.int32)), embeddings=sounds)
    rows = Features.fit(data).rows(data).toarray()[:, -4:]
    assert (rows**2).sum(axis=1).mean() == pytest.approx(1)
    assert rows.std(axis=0) / rows.std(axis=0)[0] == pytest.approx(sounds.std(axis=0) / sounds.std(axis=0)[0], rel=1e-4)


def test_a_song_without_labels_and_sound_has_no_features() -> None:
    data = TrainingData(csr_array(np.array([[1.0, 0], [0, 0]])), csr_array(np.zeros((1, 2), dtype=np.int32)))
    rows = Features.fit(data).rows(data)
    assert np.diff(rows.indptr).tolist()[1] == 0


def test_what_more_people_say_of_a_song_tells_more() -> None:
    # Label 0 stands on two songs, once of one and ten times of the other, label 1 on a third.
    said = np.array([[1.0, 0], [10, 0], [0, 3]])
    data = TrainingData(csr_array(said), csr_array(np.zeros((1, 3), dtype=np.int32)))
    features = Features.fit(data)
    rows = features.rows_and_amounts(data).toarray()
    assert rows[:, : features.n_labels].tolist() == [[1, 0], [1, 0], [0, 1]]
    amounts = rows[:, -features.n_labels :]
    assert amounts[1, 0] / amounts[0, 0] == pytest.approx(np.log(11) / np.log(2))


def test_embeddings_of_another_version_count_as_none_until_the_next_fit() -> None:
    nobody = csr_array(np.zeros((1, 3), dtype=np.int32))
    sounds = np.random.default_rng(0).random((3, 4)).astype(np.float32)
    data = TrainingData(csr_array(np.eye(3)), nobody, embeddings=sounds, embedded_by="dcmrs")
    features = Features.from_arrays(Features.fit(data).arrays())
    assert features.rows(data).toarray()[:, -4:].any(axis=1).all()
    assert not features.rows(replace(data, embedded_by="musicnn")).toarray()[:, -4:].any()
    longer = replace(data, embedded_by="musicnn", embeddings=np.ones((3, 7), dtype=np.float32))
    assert features.rows(longer).toarray().tolist() == features.rows(replace(data, embeddings=None)).toarray().tolist()


def test_features_put_together_in_blocks_are_those_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    tf = csr_array(np.where(rng.random((23, 5)) < 0.4, rng.random((23, 5)), 0.0))
    embeddings = rng.standard_normal((23, 4)).astype(np.float32)
    embeddings[::5] = 0
    played = csr_array(np.ones((2, 23), dtype=np.int32))
    data = TrainingData(tf, played, embeddings=embeddings, embedded_by="x")
    features = Features.fit(data)
    whole = features.rows_and_amounts(data)
    monkeypatch.setattr("recommender.engine.features._BLOCK", 7)
    blocks = features.rows_and_amounts(data)
    assert (blocks.toarray() == whole.toarray()).all()
    heard = np.any(embeddings, axis=1)
    sounds = whole.toarray()[:, 5 + 2 : 5 + 2 + 4]
    assert not sounds[~heard].any()
    assert np.allclose(sounds[heard], (embeddings[heard] - features.mean) / features.scale)
