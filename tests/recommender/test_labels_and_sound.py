"""Labels and sound together, and queries that decide what is in a list."""

from __future__ import annotations

from unittest.mock import Mock

import numpy as np
import pytest
from scipy.sparse import csr_array

from recommender.engine.asking import words_first
from recommender.engine.content import Content
from recommender.engine.interface import (
    LabelContribution,
    ListenerBatch,
    SoundContribution,
    TrainingData,
    Vector,
)
from recommender.engine.labels_and_sound import LabelsAndSound
from recommender.engine.ranking import top
from recommender.engine.song_evidence import PIVOT

METAL, CALM, PIANO, RARE = range(4)
# Songs 0 to 3 are metal, 4 to 7 calm piano, 8 and 9 unlabelled: 8 sounds like metal, 9 like piano. Song 10 has one weak
# label that nothing else says of it, song 11 has neither label nor sound.
TF = np.array(
    [
        *([0.9, 0, 0, 0], [0.8, 0, 0, 0.3], [0.7, 0, 0.2, 0], [0.9, 0.1, 0, 0]),
        *([0, 0.9, 0.8, 0], [0, 0.8, 0.7, 0], [0, 0.7, 0.9, 0.1], [0, 0.9, 0.6, 0]),
        *([0, 0, 0, 0], [0, 0, 0, 0], [0.2, 0, 0, 0], [0, 0, 0, 0]),
    ]
)
N_SONGS, N_LABELS = TF.shape
LOUD, SOFT = np.array([1.0, 0.1, 0.2]), np.array([0.1, 1.0, 0.2])


def embeddings() -> np.ndarray:
    rng = np.random.default_rng(3)
    sounds = np.array([LOUD] * 4 + [SOFT] * 4 + [LOUD, SOFT, SOFT, [0, 0, 0]])
    sounds[:11] += rng.normal(scale=0.05, size=(11, 3))
    return sounds.astype(np.float32)


@pytest.fixture(scope="module")
def data() -> TrainingData:
    nobody = csr_array(np.zeros((1, N_SONGS), dtype=np.int32))
    return TrainingData(csr_array(TF), nobody, embeddings=embeddings())


@pytest.fixture(scope="module")
def fitted(data: TrainingData) -> LabelsAndSound:
    return LabelsAndSound.fit(data)


def listener(**said: object) -> ListenerBatch:
    return ListenerBatch.from_listener(N_SONGS, N_LABELS, **said)  # type: ignore[arg-type]


def ranked(fitted: LabelsAndSound, batch: ListenerBatch) -> list[int]:
    return [int(song) for song in top(fitted.scores(batch)[0], N_SONGS)]


def test_a_song_with_one_weak_label_is_not_the_best_of_that_label(fitted: LabelsAndSound, data: TrainingData) -> None:
    metal = listener(nudges={METAL: 1.0})
    by_cosine = Content.fit(data).scores(metal)[0]
    assert by_cosine[10] == by_cosine.max()
    assert ranked(fitted, metal).index(10) > 3


def test_a_song_without_labels_is_recommended_by_its_sound_and_names_the_songs_it_sounds_like(
    fitted: LabelsAndSound,
) -> None:
    piano = listener(liked=[4, 5])
    order = ranked(fitted, piano)
    assert order.index(9) < order.index(0) if 0 in order else 9 in order
    [reasons] = fitted.explain(piano, np.array([9]), 3)
    assert {type(reason) for reason in reasons} == {SoundContribution}
    assert {reason[0] for reason in reasons} == {4, 5}


def test_somebody_whose_songs_have_no_labels_is_recommended_what_sounds_like_them(fitted: LabelsAndSound) -> None:
    assert set(ranked(fitted, listener(liked=[8]))[:5]) == {0, 1, 2, 3, 8}


def test_what_is_not_liked_lowers_what_sounds_so(fitted: LabelsAndSound) -> None:
    order = ranked(fitted, listener(liked=[8, 9], disliked=[0, 1, 2, 3]))
    assert 9 in order
    assert 8 not in order or order.index(9) < order.index(8)


def test_songs_of_which_nothing_is_known_are_never_listed(fitted: LabelsAndSound) -> None:
    for batch in (listener(liked=[0]), listener(liked=[0], query={CALM: 1.0})):
        assert 11 not in ranked(fitted, batch)


def test_without_embeddings_it_is_the_cosine_shrunk_by_evidence(data: TrainingData) -> None:
    silent = TrainingData(data.term_frequencies, data.played)
    fitted, content, batch = LabelsAndSound.fit(silent), Content.fit(silent), listener(liked=[0, 4])
    norms = np.linalg.norm(TF * content.idf, axis=1)
    shrunk = norms / (norms + PIVOT * norms[norms > 0].mean())
    assert fitted.scores(batch)[0] == pytest.approx(shrunk * content.scores(batch)[0])


def test_what_is_asked_for_is_in_the_list_whatever_the_taste(fitted: LabelsAndSound) -> None:
    asked = listener(liked=[0, 1, 2, 3], query={PIANO: 1.0, CALM: 1.0})
    assert set(ranked(fitted, asked)[:4]) <= {4, 5, 6, 7, 9}


def test_taste_orders_what_matches_the_query_alike(data: TrainingData) -> None:
    tf = np.zeros((6, 4))
    tf[:4, METAL] = 1.0
    tf[[1, 3], PIANO], tf[[0, 2], RARE], tf[4, PIANO], tf[5, CALM] = 1.0, 1.0, 1.0, 1.0
    fitted = LabelsAndSound.fit(TrainingData(csr_array(tf), csr_array(np.zeros((1, 6), dtype=np.int32))))
    batch = ListenerBatch.from_listener(6, 4, liked=[4], query={METAL: 1.0})
    assert top(fitted.scores(batch)[0], 6).tolist() == [1, 3, 0, 2]


def test_a_song_without_labels_enters_by_sound_near_the_songs_that_carry_what_is_asked_for(
    fitted: LabelsAndSound,
) -> None:
    found = ranked(fitted, listener(query={METAL: 1.0}))
    assert 8 in found
    assert 9 not in found
    [reasons] = fitted.explain(listener(query={METAL: 1.0}), np.array([8]), 2)
    assert {type(reason) for reason in reasons} == {SoundContribution}
    assert {reason[0] for reason in reasons} <= {0, 1, 2, 3}


def test_what_a_query_has_scored_is_explained_without_scoring_it_again(
    data: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch, songs = listener(liked=[5], query={METAL: 1.0}), np.array([1, 3, 8])
    unscored = LabelsAndSound.fit(data).explain(batch, songs, 3)
    fitted = LabelsAndSound.fit(data)
    fitted.matches(np.array([1.0, 0, 0, 0]))
    scored = Mock(side_effect=fitted._scored)
    monkeypatch.setattr(LabelsAndSound, "_scored", lambda _, side: scored(side))
    assert fitted.explain(batch, songs, 3) == unscored
    # Once for the query and the listener's taste together, which nothing has scored before.
    scored.assert_called_once()


def test_a_query_of_no_share_bends_nothing() -> None:
    match, taste = np.array([0.9, 0.1, 0.5]), np.array([0.1, 0.9, 0.5])
    everything = np.ones(3, dtype=bool)
    assert np.argsort(-words_first(match, everything, taste, 0.0)).tolist() == [1, 2, 0]
    assert np.argsort(-words_first(match, everything, taste, 1.0)).tolist() == [0, 2, 1]


@pytest.mark.parametrize("share", [0.05, 0.5, 1.0])
def test_scores_of_a_query_lie_between_0_and_1_and_rank_what_matches_well_first(share: float) -> None:
    rng = np.random.default_rng(1)
    match, taste, candidates = rng.random(200), rng.normal(size=200), rng.random(200) < 0.7
    scores: Vector = words_first(match, candidates, taste, share)
    assert (scores[~candidates] == 0).all()
    assert 0 < scores[candidates].min() <= scores.max() <= 1
    if share == 0.5:
        assert match[np.argsort(-scores)[:10]].min() > 0.5


def test_contributions_of_a_labelled_song_add_up_to_its_score(fitted: LabelsAndSound) -> None:
    batch = listener(liked=[0, 5])
    scores = fitted.scores(batch)[0]
    for song, reasons in enumerate(fitted.explain(batch, np.arange(8), 20)):
        if all(isinstance(reason, LabelContribution) or reason.weight > 0 for reason in reasons):
            positive = sum(reason.weight for reason in reasons)
            assert positive >= scores[song] - 1e-6


def test_a_listener_of_many_is_scored_as_alone(fitted: LabelsAndSound) -> None:
    liked = np.zeros((2, N_SONGS))
    liked[0, [0, 1]], liked[1, [4, 9]] = 1, 1
    played = csr_array(liked.astype(np.int32))
    both = fitted.scores(ListenerBatch.from_plays(played, N_LABELS))
    alone = [fitted.scores(ListenerBatch.from_plays(played[[row]], N_LABELS))[0] for row in range(2)]
    assert both == pytest.approx(np.stack(alone))


def test_snapshots_of_older_versions_rank_by_it_too(fitted: LabelsAndSound) -> None:
    parts = {name: part for name, part in fitted.parts.items() if name != "song_evidence"}
    old = LabelsAndSound.of_parts(parts)
    batch = listener(liked=[0, 1])
    assert set(top(old.scores(batch)[0], 4).tolist()) <= {0, 1, 2, 3, 8}
    alone = LabelsAndSound.of_parts({"content": parts["content"]})
    assert alone.scores(batch)[0] == pytest.approx(fitted.content.scores(batch)[0])


def test_songs_like_some_others_are_those_that_share_labels_and_sound(fitted: LabelsAndSound) -> None:
    assert set(top(fitted.alike(np.array([4, 5])), 3).tolist()) <= {6, 7, 9}
