from __future__ import annotations

from collections import defaultdict
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.sparse import csr_array, vstack

from recommender.engine.content import Content
from recommender.engine.interface import LabelContribution, ListenerBatch, TrainingData
from recommender.engine.tfidf import Annotations, term_frequencies
from tests.recommender import plain

JAZZ, PIANO, CALM, ROCK = range(4)
HAND: list[dict[int, float]] = [{JAZZ: 3, PIANO: 4}, {JAZZ: 1, CALM: 2}, {ROCK: 5}, {JAZZ: 2, ROCK: 1}, {}]


def fitted(rows: list[dict[int, float]], n_labels: int) -> Content:
    said = [(song, label, weight) for song, row in enumerate(rows) for label, weight in row.items()]
    songs, labels, weights = (np.array(column) for column in zip(*said, strict=True))
    nothing = Annotations(np.array([], int), np.array([], int), np.array([]))
    tf = term_frequencies(len(rows), n_labels, Annotations(songs, labels, weights.astype(float)), nothing, nothing)
    return Content.fit(TrainingData(tf, csr_array(np.zeros((0, len(rows)), dtype=np.int32))))


@pytest.fixture
def content() -> Content:
    return fitted(HAND, 4)


def one(**said: Any) -> ListenerBatch:
    return ListenerBatch.from_listener(5, 4, **said)


def test_scores_worked_by_hand(content: Content) -> None:
    # The profile is song 0: its cosines are the products of weights worked out in test_tfidf.
    assert content.scores(one(liked=[0])) == pytest.approx(np.array([[1, 0.01587, 0, 0.09822, 0]]), abs=6e-6)


def test_a_profile_worked_by_hand(content: Content) -> None:
    # (0.15379 + 0.10321 - 0.25 x 0.63870, 0.98810, 0.99466, 0.5 - 0.25 x 0.76945)
    profile = content.profiles(one(liked=[0, 1], disliked=[3], nudges={ROCK: 0.5}))
    assert profile == pytest.approx(np.array([[0.09732, 0.98810, 0.99466, 0.30764]]), abs=6e-6)


def test_a_query_counts_half_beside_a_profile_of_any_length(content: Content) -> None:
    # (song 2 is rock alone) p = 0.5 rock + 0.5 (happy x IDF) / |query|: halves of two unit vectors at right angles
    few = content.scores(one(liked=[2], query={CALM: 1.0}))[0]
    many = content.scores(one(liked=[2], nudges={ROCK: 400}, query={CALM: 1.0}))[0]
    assert few == pytest.approx(many)
    assert few[2] == pytest.approx(np.sqrt(0.5))
    assert few[1] == pytest.approx(0.99466 * np.sqrt(0.5), abs=6e-6)


def test_a_query_is_everything_to_an_empty_profile(content: Content) -> None:
    assert content.scores(one(query={CALM: 3.0}, query_share=0.2))[0, 1] == pytest.approx(0.99466, abs=6e-6)


def test_query_weights_are_multiplied_by_idf(content: Content) -> None:
    # jazz 0.12494 and rock 0.30103, over their norm 0.32593
    assert content.directions(one(query={JAZZ: 1.0, ROCK: 1.0})) == pytest.approx(
        np.array([[0.38333, 0, 0, 0.92361]]), abs=6e-6
    )


def test_nobody_known_who_asks_for_nothing_scores_nothing(content: Content) -> None:
    assert not content.scores(one()).any()


def test_reasons_are_the_largest_products_of_either_sign(content: Content) -> None:
    batch = one(liked=[1], nudges={ROCK: -0.5})
    (reasons,) = content.explain(batch, np.array([3]), k=5)
    assert [reason[0] for reason in reasons] == [ROCK, JAZZ]
    assert reasons[0].weight < 0 < reasons[1].weight
    assert sum(reason.weight for reason in reasons) == pytest.approx(content.scores(batch)[0, 3])
    assert content.explain(batch, np.array([3]), k=1) == [[reasons[0]]]


def test_similar_songs_share_labels(content: Content) -> None:
    assert content.similarities(0) == pytest.approx(np.array([0, 0.01587, 0, 0.09822, 0]), abs=6e-6)
    ((reason,),) = content.explain_similarity(0, np.array([3]), k=3)
    assert isinstance(reason, LabelContribution)
    assert reason.label == JAZZ
    assert reason.weight == pytest.approx(0.09822, abs=6e-6)


def test_positions_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 4"):
        one(liked=[5])


weights = st.sampled_from([0.1, 0.25, 1.0, 3.0, 12.0])
rows = st.lists(st.dictionaries(st.integers(0, 4), weights, max_size=4), min_size=6, max_size=6).filter(any)
songs = st.lists(st.integers(0, 5), max_size=4, unique=True)
vectors = st.dictionaries(st.integers(0, 4), st.sampled_from([-1.0, -0.3, 0.5, 2.0]), max_size=3)


@given(rows, songs, songs, vectors, st.none() | vectors, st.sampled_from([0.2, 0.5, 1.0]))
def test_scores_equal_the_plain_formulas(
    rows: list[dict[int, float]],
    liked: list[int],
    disliked: list[int],
    nudges: dict[int, float],
    query: dict[int, float] | None,
    share: float,
) -> None:
    content = fitted(rows, 5)
    idf = plain.idf(rows)
    weights = plain.weights(rows, idf)
    profile = plain.profile(weights, liked, disliked, nudges)
    # What likes and dislikes that cancel leave is rounding, and its direction noise.
    profile = {label: value for label, value in profile.items() if abs(value) > 1e-9}
    asked = {label: weight * idf.get(label, 0) for label, weight in (query or {}).items()}
    direction = plain.bent(profile, asked, share) if any(asked.values()) else profile
    assume(not direction or max(map(abs, direction.values())) > 1e-9)
    batch = ListenerBatch.from_listener(
        6, 5, liked=liked, disliked=disliked, nudges=nudges, query=query, query_share=share
    )
    assert content.scores(batch)[0] == pytest.approx([plain.cosine(direction, song) for song in weights], abs=1e-7)
    for song in range(6):
        expected = [plain.cosine(weights[song], other) if other is not weights[song] else 0 for other in weights]
        assert content.similarities(song) == pytest.approx(expected, abs=1e-9)


@pytest.mark.shared
def test_scores_of_real_labels_equal_the_plain_formulas(shared: Path) -> None:
    given: defaultdict[int, defaultdict[int, float]] = defaultdict(lambda: defaultdict(float))
    with (shared / "lastfm" / "user_taggedartists.dat").open() as file:
        for line in islice(filter(str.strip, file), 1, None):
            _, artist, label, *_ = map(int, line.split("\t"))
            given[artist][label] += 1
    artists = sorted(given)[:800]
    number = {label: at for at, label in enumerate(sorted({label for artist in artists for label in given[artist]}))}
    rows = [{number[label]: weight for label, weight in given[artist].items()} for artist in artists]
    liked, disliked = list(range(0, 60, 3)), [700, 500]
    weights = plain.weights(rows, plain.idf(rows))
    profile = plain.profile(weights, liked, disliked, {})
    expected = [plain.cosine(profile, song) for song in weights]
    scores = fitted(rows, len(number)).scores(
        ListenerBatch.from_listener(800, len(number), liked=liked, disliked=disliked)
    )[0]
    assert np.count_nonzero(scores) > 400
    assert scores == pytest.approx(expected, abs=1e-9)


def test_a_block_of_listeners_scores_as_each_alone(content: Content) -> None:
    alone = [one(liked=[0]), one(liked=[1, 3], disliked=[2])]
    block = ListenerBatch(
        liked=vstack([batch.liked for batch in alone], format="csr"),
        disliked=vstack([batch.disliked for batch in alone], format="csr"),
        played=vstack([batch.played for batch in alone], format="csr"),
        nudges=vstack([batch.nudges for batch in alone], format="csr"),
    )
    assert content.scores(block) == pytest.approx(np.vstack([content.scores(batch) for batch in alone]))


def test_of_what_a_tagger_predicts_clear_labels_come_first_in_reasons_and_peoples_words_are_clear() -> None:
    # Jazz is frequent and sitar rare: by IDF alone, what is hardly there would be the best reason.
    predicted = np.array([[0.9, 0.3, 0.0], [0.8, 0.0, 0.5], [0.7, 0.0, 0.0], [0.0, 0.0, 0.6]])
    counted = np.array([[9.0, 1.0, 0.0], [8.0, 0.0, 2.0], [7.0, 0.0, 0.0], [0.0, 0.0, 3.0]])
    found = {}
    for name, tf in (("predicted", predicted), ("counted", counted)):
        content = Content.fit(TrainingData(csr_array(tf), csr_array(np.zeros((0, 4), np.int32))))
        assert content.from_arrays(content.arrays()).label_contributions(content.song(0), np.array([0]), 2) == (
            content.label_contributions(content.song(0), np.array([0]), 2)
        )
        (parts,) = content.label_contributions(content.song(0), np.array([0]), 2)
        found[name] = [(part.label, part.clear) for part in parts]
    assert found == {"predicted": [(0, True), (1, False)], "counted": [(0, True), (1, True)]}
