"""Methods against held-out plays: what they can know they show, and what is held out never reaches them."""

from __future__ import annotations

import numpy as np
import pytest

from recommender.engine.content import Content
from recommender.engine.evaluation import report
from recommender.engine.evaluation.baselines import Method, Scores, baselines, of_recommender
from recommender.engine.evaluation.comparison import Comparison, Measured, choose, compare
from recommender.engine.evaluation.protocols import Listening, Protocol, split
from recommender.engine.interface import ListenerBatch, Positions, TooLittleError, TrainingData, Vector

from .conftest import made_up, untimed

BOTH = pytest.mark.parametrize("protocol", list(Protocol))
CONTENT = of_recommender("content", Content)


def by_name(comparison: Comparison) -> dict[str, Measured]:
    return {measured.method.name: measured for measured in comparison.measured}


def mean_auc(measured: Measured, ranking: str) -> float:
    return float(np.nanmean(measured.accuracies[ranking][..., 0]))


def remembering(data: TrainingData) -> Scores:
    """A method that has learned by heart who plays what, and nothing else."""
    return lambda _batch, listeners: data.played[listeners].toarray().astype(float)


def knowing_all(data: TrainingData) -> Scores:
    """A method that has seen what is held out."""
    return lambda _batch, listeners: made_up().played[listeners].toarray().astype(float)


@BOTH
def test_what_is_held_out_never_reaches_a_method(protocol: Protocol, listening: Listening) -> None:
    methods = [Method("by heart", {"": remembering}), Method("a cheat", {"": knowing_all})]
    found = by_name(compare(listening, protocol, methods))
    first = next(iter(found["by heart"].accuracies))
    assert (np.nan_to_num(found["by heart"].accuracies[first][..., 0], nan=0.5) == 0.5).all()
    assert mean_auc(found["a cheat"], first) == 1


@BOTH
def test_tastes_are_what_is_left_of_the_plays(protocol: Protocol, listening: Listening) -> None:
    parts = split(listening, protocol)
    asked: list[tuple[ListenerBatch, Positions]] = []

    def listen(data: TrainingData) -> Scores:
        def scores(batch: ListenerBatch, listeners: Positions) -> Vector:
            asked.append((batch, listeners))
            return np.zeros((len(listeners), data.n_songs))

        return scores

    compare(listening, protocol, [Method("listens", {"": listen})])
    batch, listeners = asked[0]
    left = parts.training.data.played.toarray()[listeners]
    assert (batch.played.toarray() == left).all()
    assert (batch.liked.toarray() == (left > 0)).all()


def test_on_cold_songs_labels_know_and_plays_do_not(listening: Listening) -> None:
    found = by_name(compare(listening, Protocol.COLD, [*baselines(), CONTENT]))
    assert mean_auc(found["content"], "cold") > 0.7
    assert 0.45 < mean_auc(found["random"], "cold") < 0.55
    for name in ("most played", "item cosine", "BM25"):
        assert mean_auc(found[name], "cold") == pytest.approx(0.5)
    assert np.nanmax(found["content"].lists.cold_share) > 0
    assert np.nanmax(found["most played"].lists.cold_share) == 0
    assert found["random"].lists.coverage.mean() > found["most played"].lists.coverage.mean()
    assert np.nanmean(found["most played"].lists.novelty) < np.nanmean(found["random"].lists.novelty)


def test_on_warm_songs_neighbours_know(listening: Listening) -> None:
    found = by_name(compare(listening, Protocol.WARM, baselines()))
    for name in ("item cosine", "BM25", "BPR"):
        assert mean_auc(found[name], "all") > mean_auc(found["random"], "all") + 0.1
        assert len(found[name].chosen) == 5


def test_a_comparison_done_again_is_the_same(listening: Listening) -> None:
    methods = [method for method in baselines() if method.name in ("random", "BPR", "most labelled")]
    once, again = (report.document(compare(listening, Protocol.COLD, methods, seed=3)) for _ in range(2))
    assert once == again


def test_a_setting_is_chosen_on_an_inner_split(listening: Listening) -> None:
    seen: list[TrainingData] = []

    def fit(data: TrainingData) -> Scores:
        seen.append(data)
        return remembering(data)

    good = CONTENT.settings[""]
    method = Method("one of two", {"useless": fit, "content": good})
    parts = split(listening, Protocol.COLD)
    assert choose(method, parts.training, Protocol.COLD, seed=0) == "content"
    assert seen[0].played.nnz < parts.training.data.played.nnz
    assert not seen[0].played.toarray()[:, parts.rankings["cold"]].any()


def test_of_many_listeners_some_are_asked_and_all_are_learned_from(listening: Listening) -> None:
    fitted: list[int] = []

    def fit(data: TrainingData) -> Scores:
        fitted.append(data.played.shape[0])
        return remembering(data)

    found = compare(listening, Protocol.WARM, [Method("by heart", {"": fit})], most_listeners=25)
    assert len(found.listeners) == 25
    assert found.measured[0].accuracies["all"].shape == (25, 5, 4)
    assert set(fitted) == {listening.data.played.shape[0]}


def test_of_very_many_plays_some_listeners_are_as_if_they_were_not_there(listening: Listening) -> None:
    fitted: list[TrainingData] = []

    def fit(data: TrainingData) -> Scores:
        fitted.append(data)
        return remembering(data)

    songs = np.diff(listening.data.played.indptr)
    found = compare(listening, Protocol.WARM, [Method("by heart", {"": fit})], most_played=int(songs.sum() * 0.7))
    assert found.all_listeners == len(songs)
    assert 30 < found.learned_from < 50
    assert np.count_nonzero(np.diff(fitted[0].played.indptr)) == found.learned_from == len(found.listeners)
    assert fitted[0].played.nnz + found.held_out[0] == songs[found.listeners].sum() <= songs.sum() * 0.7


def test_a_method_that_there_is_too_little_for_is_left_out_with_the_reason(listening: Listening) -> None:
    def fit(_data: TrainingData) -> Scores:
        raise TooLittleError("too few of everything")

    found = compare(listening, Protocol.COLD, [Method("greedy", {"": fit}), CONTENT])
    assert [measured.method.name for measured in found.measured] == ["content"]
    assert report.document(found)["not_fitted"] == {"greedy": "too few of everything"}


def test_the_popularity_that_a_method_predicts_is_held_against_the_true_one(listening: Listening) -> None:
    true = listening.data.listeners.astype(float)

    def of(predicted: Vector) -> Vector:
        def fit(_data: TrainingData) -> Scores:
            return lambda _batch, listeners: np.tile(predicted, (len(listeners), 1))

        (found,) = compare(listening, Protocol.COLD, [Method("knows", {"": fit}, same_for_all=True)]).measured
        return found.predicted_popularity

    assert of(true) == pytest.approx(np.ones(5))
    assert of(-true) == pytest.approx(-np.ones(5))
    assert (of(np.zeros_like(true)) == 0).all()


@pytest.mark.parametrize("bad", [np.full((1, 3), 0.5), np.full((1, 150), np.nan)])
def test_scores_that_cannot_be_ranked_are_refused(bad: Vector, listening: Listening) -> None:
    method = Method("bad", {"": lambda _data: lambda _batch, listeners: np.repeat(bad, len(listeners), axis=0)})
    with pytest.raises(ValueError, match=r"scores of shape|not finite"):
        compare(listening, Protocol.COLD, [method])


def test_progress_runs_from_nothing_to_all(listening: Listening) -> None:
    said: list[tuple[str, float]] = []
    compare(listening, Protocol.COLD, [CONTENT], step=lambda what, done: said.append((what, done)))
    assert said[0] == ("split 1 of 5: content", 0)
    assert said[-1][1] == 1
    assert [done for _, done in said] == sorted(done for _, done in said)


def test_the_report_says_better_only_where_the_interval_does() -> None:
    cheat = Method("a cheat", {"": knowing_all})
    chance = [method for method in baselines() if method.name in ("random", "most played")]
    found = report.document(compare(untimed(made_up()), Protocol.COLD, [cheat, *chance]))
    said = {
        (one["method"], one["than"], one["figure"]): one for one in found["differences"] if one["ranking"] == "cold"
    }
    sure = said["a cheat", "random", "auc"]
    assert sure["better"] == "a cheat"
    assert 0 < sure["low"] <= sure["difference"] <= sure["high"]
    unsure = said["random", "most played", "auc"]
    assert unsure["better"] is None
    assert unsure["low"] < 0 < unsure["high"]
    assert found["methods"]["a cheat"]["auc"] == pytest.approx(1)
    assert set(found["methods"]["random"]) >= {*report.FIGURES, "coverage", "novelty", "cold_share", "rare"}
