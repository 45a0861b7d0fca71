"""Rankings against plays: the figures equal their definitions, over every order of equal scores."""

from __future__ import annotations

from itertools import pairwise, permutations
from math import log2

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, ndcg_score, roc_auc_score

from recommender.engine.evaluation.metrics import Accuracy, accuracy, self_information


def by_definition(ranking: list[bool], ndcg_at: int, recall_at: int) -> Accuracy:
    """The figures of one order of songs, true where the song is relevant."""
    relevant = sum(ranking)
    pairs = [(i, j) for i, hit in enumerate(ranking) if hit for j, other in enumerate(ranking) if not other]
    precisions = [sum(ranking[: rank + 1]) / (rank + 1) for rank, hit in enumerate(ranking) if hit]
    gain = sum(1 / log2(rank + 2) for rank, hit in enumerate(ranking[:ndcg_at]) if hit)
    best = sum(1 / log2(rank + 2) for rank in range(min(relevant, ndcg_at)))
    return Accuracy(
        auc=sum(i < j for i, j in pairs) / len(pairs),
        map=sum(precisions) / relevant,
        ndcg=gain / best,
        recall=sum(ranking[:recall_at]) / relevant,
    )


def over_all_orders(scores: list[float], relevant: set[int], ndcg_at: int, recall_at: int) -> Accuracy:
    """The mean of the figures over all orders of the songs that their scores allow."""
    allowed = [
        by_definition([song in relevant for song in order], ndcg_at, recall_at)
        for order in permutations(range(len(scores)))
        if all(scores[one] >= scores[next_] for one, next_ in pairwise(order))
    ]
    return Accuracy(*np.mean(allowed, axis=0).tolist())


@pytest.mark.parametrize("seed", range(12))
def test_ties_count_their_expected_value(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 3, 6).astype(float)
    relevant = rng.permutation(6)[: rng.integers(1, 5)]
    wanted = over_all_orders(scores.tolist(), set(relevant.tolist()), 3, 4)
    assert accuracy(scores, relevant, ndcg_at=3, recall_at=4) == pytest.approx(wanted, abs=1e-12)


def test_without_ties_the_figures_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(3)
    scores, relevant = rng.normal(size=500), rng.permutation(500)[:40]
    truth = np.isin(np.arange(500), relevant)
    found = accuracy(scores, relevant)
    assert found.auc == pytest.approx(roc_auc_score(truth, scores))
    assert found.map == pytest.approx(average_precision_score(truth, scores))
    assert found.ndcg == pytest.approx(ndcg_score([truth], [scores], k=10))
    assert found.recall == np.isin(np.argsort(-scores)[:50], relevant).sum() / 40


def test_equal_scores_are_chance() -> None:
    found = accuracy(np.zeros(1000), np.arange(100))
    assert found.auc == 0.5
    assert found.recall == pytest.approx(0.05)
    assert 0.1 < found.map < 0.11


def test_a_perfect_ranking_is_1_and_its_reverse_0() -> None:
    scores = np.arange(100.0)
    assert accuracy(scores, np.arange(95, 100)) == pytest.approx(Accuracy(1, 1, 1, 1))
    worst = accuracy(-scores, np.arange(95, 100))
    assert (worst.auc, worst.ndcg, worst.recall) == (0, 0, 0)


@pytest.mark.parametrize("relevant", [[], [0, 1, 2]])
def test_a_ranking_without_anything_to_tell_apart_is_refused(relevant: list[int]) -> None:
    with pytest.raises(ValueError, match="some and not all"):
        accuracy(np.arange(3.0), np.array(relevant, dtype=np.intp))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_scores_that_are_no_numbers_are_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="not finite"):
        accuracy(np.array([0.0, bad, 1.0]), np.array([0]))


def test_a_song_that_few_know_is_more_of_a_find() -> None:
    assert self_information(np.array([7, 3, 0]), 7).tolist() == [0, 1, 3]
