"""Labels without those of whoever is asked: the same as if they had never been given."""

from __future__ import annotations

import numpy as np
import pytest

from recommender.engine.content import Content
from recommender.engine.evaluation import report
from recommender.engine.evaluation.baselines import EACH_ALONE, Method, Scores, of_recommender
from recommender.engine.evaluation.comparison import compare
from recommender.engine.evaluation.own_labels import OwnLabels
from recommender.engine.evaluation.protocols import Listening, Protocol
from recommender.engine.interface import TrainingData
from recommender.engine.tfidf import Annotations, term_frequencies

N_LISTENERS, N_SONGS, N_LABELS = 60, 150, 8


def words(rng: np.random.Generator, n: int, *, weights: float | None = None) -> Annotations:
    """Words on songs and labels, each pair once."""
    pairs = rng.permutation(N_SONGS * N_LABELS)[:n]
    return Annotations(pairs // N_LABELS, pairs % N_LABELS, np.full(n, weights) if weights else rng.random(n) + 0.1)


@pytest.fixture(scope="module")
def given() -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.intp]], ...]:
    """Listener, song and label of everything that listeners said."""
    said = np.random.default_rng(0).permutation(N_LISTENERS * N_SONGS * N_LABELS)[:3000]
    return tuple(np.unravel_index(said, (N_LISTENERS, N_SONGS, N_LABELS)))


def summed(songs: np.ndarray, labels: np.ndarray, besides: Annotations) -> Annotations:
    """How many gave each label, and what was imported from elsewhere."""
    weights = np.concatenate([np.ones(len(songs)), besides.weights])
    return Annotations(np.concatenate([songs, besides.songs]), np.concatenate([labels, besides.labels]), weights)


@pytest.mark.parametrize("left_out", [[3], [0, 1, 2, 59], list(range(60)), [1000]])
def test_songs_are_as_if_the_labels_had_never_been_given(given: tuple[np.ndarray, ...], left_out: list[int]) -> None:
    rng = np.random.default_rng(1)
    predicted, curated, besides = words(rng, 200), words(rng, 30, weights=-1.0), words(rng, 100)
    listeners, songs, labels = given
    own = OwnLabels(listeners, songs, labels, summed(songs, labels, besides), predicted, curated)
    found = own.without(term_frequencies(N_SONGS, N_LABELS, own.imported, predicted, curated), np.array(left_out))
    stay = ~np.isin(listeners, left_out)
    wanted = term_frequencies(N_SONGS, N_LABELS, summed(songs[stay], labels[stay], besides), predicted, curated)
    assert found.toarray() == pytest.approx(wanted.toarray())
    assert found.nnz == wanted.nnz
    assert (found.has_sorted_indices, found.has_canonical_format) == (True, True)


def nothing() -> Annotations:
    return Annotations(np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp), np.empty(0))


def test_who_has_labelled_what_they_play_gives_it_away_only_with_their_own_labels(listening: Listening) -> None:
    """Every listener has a label of their own and puts it on all they play: without it, there is nothing left."""
    played = listening.data.played.tocoo()
    listeners, songs = played.row.astype(np.intp), played.col.astype(np.intp)
    imported = Annotations(songs, listeners, np.ones(len(songs)))
    tf = term_frequencies(N_SONGS, N_LISTENERS, imported, nothing(), nothing())
    given_away = Listening(TrainingData(tf, listening.data.played), listening.first_played)
    own = OwnLabels(listeners, songs, listeners, imported, nothing(), nothing())
    content = of_recommender("content", Content, own_label_groups=EACH_ALONE)
    found = report.document(compare(given_away, Protocol.COLD, [content], own_labels=own))["methods"]["content"]
    assert found["auc"] > 0.95
    assert found["without_own_labels"]["auc"] < 0.85
    assert found["without_own_labels"]["differences"]["auc"]["high"] < 0


def test_in_groups_nobody_is_asked_by_what_has_seen_their_labels(listening: Listening) -> None:
    rng = np.random.default_rng(0)
    listeners, songs = rng.integers(0, 40, 300), rng.integers(0, N_SONGS, 300)
    labels = rng.integers(0, N_LABELS, 300)
    imported = summed(songs, labels, words(rng, 600, weights=1.0))
    tf = term_frequencies(N_SONGS, N_LABELS, imported, nothing(), nothing())
    own = OwnLabels(listeners, songs, labels, imported, nothing(), nothing())
    fits: list[float] = []
    asked: list[set[int]] = []

    def fit(data: TrainingData) -> Scores:
        fits.append(data.term_frequencies.sum())
        asked.append(set())

        def scores(_batch: object, rows: np.ndarray) -> np.ndarray:
            asked[-1].update(rows.tolist())
            return np.zeros((len(rows), N_SONGS))

        return scores

    method = Method("watched", {"": fit}, own_label_groups=4)
    parts = Listening(TrainingData(tf, listening.data.played), listening.first_played)
    compare(parts, Protocol.COLD, [method], own_labels=own)
    # Once for each split, and in the first once more for each group.
    assert len(fits) == 5 + 4
    of_first_split, groups = fits[1:5], asked[1:5]
    assert set().union(*groups) <= set(range(40))
    assert sum(map(len, groups)) == len(set().union(*groups))
    for left, group in zip(of_first_split, groups, strict=True):
        assert left == pytest.approx(tf.sum() - np.isin(listeners, list(group)).sum())
