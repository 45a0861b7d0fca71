"""Figures of merit against their definitions, counted out in plain Python."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tagging.evaluation import metrics


def counted_roc_auc(scores: list[float], truth: list[bool]) -> float:
    """Of all pairs of a positive and a negative, how many are ranked rightly; ties are half right."""
    pairs = [
        (one, other) for (one, yes), (other, no) in product(zip(scores, truth, strict=True), repeat=2) if yes and not no
    ]
    return sum(1.0 if one > other else 0.5 if one == other else 0.0 for one, other in pairs) / len(pairs)


def counted_average_precision(scores: list[float], truth: list[bool]) -> float:
    """Threshold by threshold: how much recall it adds, times the precision down to it."""
    area, recall = 0.0, 0.0
    for threshold in sorted(set(scores), reverse=True):
        kept = [yes for score, yes in zip(scores, truth, strict=True) if score >= threshold]
        now = sum(kept) / sum(truth)
        area += (now - recall) * sum(kept) / len(kept)
        recall = now
    return area


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=30).filter(
        lambda rows: len({yes for _, yes in rows}) == 2
    )
)
def test_areas_are_those_of_their_definitions(rows: list[tuple[int, bool]]) -> None:
    scores, truth = [score / 5 for score, _ in rows], [yes for _, yes in rows]
    found = metrics.ranking(np.array(scores)[:, None], np.array(truth)[:, None], n_resamples=0)
    assert found.roc_auc[0].value == pytest.approx(counted_roc_auc(scores, truth))
    assert found.pr_auc[0].value == pytest.approx(counted_average_precision(scores, truth))


def test_a_resample_counts_recordings_as_often_as_they_were_drawn() -> None:
    random = np.random.default_rng(1)
    scores, truth = random.integers(0, 5, (14, 2)) / 5, random.random((14, 2)) < 0.4
    counts = next(metrics._resamples(14, 40))
    assert (counts.sum(axis=0) == 14).all()
    curve = metrics._Curve.of(scores[:, 0], truth[:, 0])
    for column, (roc, pr) in zip(counts.T.astype(int), curve.areas(counts).T, strict=True):
        drawn = np.repeat(np.arange(14), column)
        drawn_scores, drawn_truth = scores[drawn, 0].tolist(), truth[drawn, 0].tolist()
        if len(set(drawn_truth)) == 1:
            assert np.isnan([roc, pr]).all()
        else:
            assert roc == pytest.approx(counted_roc_auc(drawn_scores, drawn_truth))
            assert pr == pytest.approx(counted_average_precision(drawn_scores, drawn_truth))


def test_the_macro_mean_is_over_labels_that_have_both_kinds() -> None:
    scores = np.array([[0.9, 0.1, 0.2, 0.5], [0.1, 0.9, 0.3, 0.4]])
    truth = np.array([[True, True, True, False], [False, False, True, False]])
    found = metrics.ranking(scores, truth)
    assert set(found.roc_auc) == {0, 1}
    assert found.macro_roc_auc.value == 0.5
    assert found.roc_auc[0].value == 1.0
    assert found.roc_auc[1].value == 0.0


def test_nothing_to_rank_is_refused() -> None:
    with pytest.raises(ValueError, match="no label has both"):
        metrics.ranking(np.ones((3, 2)), np.ones((3, 2), bool))
    with pytest.raises(ValueError, match="no label has both"):
        metrics.ranking(np.ones((0, 2)), np.ones((0, 2), bool))
    with pytest.raises(ValueError, match="one shape"):
        metrics.ranking(np.ones((3, 2)), np.ones((2, 3), bool))


def test_intervals_hold_the_true_value_about_as_often_as_they_promise() -> None:
    # Two normal distributions one standard deviation apart have an area of 0.7602.
    random = np.random.default_rng(5)
    held = 0
    for _ in range(60):
        truth = np.arange(150) < 60
        scores = random.normal(size=150) + truth
        found = metrics.ranking(scores[:, None], truth[:, None], 300).roc_auc[0]
        held += found.low <= 0.7602 <= found.high
    assert held >= 51


def counted_agreement(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> float:
    """Correlation of all log-odds once each label's mean is gone, by NumPy's own."""
    one, other = (np.log(each / (1 - each)) for each in (ours, theirs))
    return float(np.corrcoef((one - one.mean(0)).ravel(), (other - other.mean(0)).ravel())[0, 1])


def test_agreement_is_the_correlation_of_log_odds_without_each_labels_mean() -> None:
    random = np.random.default_rng(2)
    theirs = random.beta(1, 8, (40, 12))
    ours = np.clip(theirs * random.uniform(0.3, 1.5, theirs.shape), 1e-5, 0.999)
    found = metrics.agreement(ours, theirs)
    assert found.value == pytest.approx(counted_agreement(ours, theirs))
    assert found.low < found.value < found.high
    counts = next(metrics._resamples(40, 7))
    one, other = metrics.log_odds(ours), metrics.log_odds(theirs)
    for column, correlation in zip(counts.T.astype(int), metrics._correlations(counts, one, other), strict=True):
        drawn = np.repeat(np.arange(40), column)
        assert correlation == pytest.approx(counted_agreement(ours[drawn], theirs[drawn]))


def test_knowing_only_how_common_each_label_is_agrees_at_nought() -> None:
    theirs = np.random.default_rng(3).beta(1, 8, (40, 12))
    found = metrics.agreement(np.tile(theirs.mean(axis=0), (40, 1)), theirs)
    assert (found.value, found.low, found.high) == (0.0, 0.0, 0.0)


def test_a_constant_answer_is_perfectly_stable_and_agrees_at_nought() -> None:
    theirs = np.random.default_rng(3).beta(1, 8, (40, 12))
    constant = np.full((40, 12), 0.3, np.float32)
    assert metrics.mean(metrics.best_kept(constant, constant)).value == 1.0
    assert metrics.agreement(constant, theirs).value == 0.0


def test_agreement_does_not_depend_on_how_a_tagger_is_scaled() -> None:
    theirs = np.random.default_rng(4).uniform(0.01, 0.9, (40, 12))
    scaled = 1 / (1 + np.exp(-(2 * np.log(theirs / (1 - theirs)) + 3)))
    assert metrics.agreement(scaled, theirs).value == pytest.approx(1.0)
    assert metrics.agreement(1 - theirs, theirs).value == pytest.approx(-1.0)


def test_certain_answers_have_finite_log_odds() -> None:
    assert np.isfinite(metrics.log_odds([0.0, 1.0])).all()
    assert metrics.log_odds([0.5, 0.75]) == pytest.approx([0.0, np.log(3)])


def test_the_share_of_best_labels_that_stay_is_counted() -> None:
    before = np.array([[0.9, 0.8, 0.7, 0.6, 0.5, 0.1, 0.0], [0.9, 0.8, 0.7, 0.6, 0.5, 0.1, 0.0]])
    after = np.array([[0.5, 0.6, 0.7, 0.8, 0.9, 0.1, 0.0], [0.9, 0.8, 0.7, 0.1, 0.0, 0.6, 0.5]])
    assert metrics.best_kept(before, after).tolist() == [1.0, 0.6]
    assert metrics.best_kept(before[:, :3], after[:, :3]).tolist() == [1.0, 1.0]


def test_calibration_error_is_the_gap_between_what_is_said_and_what_is() -> None:
    said = np.repeat([[0.1], [0.6]], 10, axis=0)
    true = np.array([[True]] * 3 + [[False]] * 7 + [[True]] * 6 + [[False]] * 4)
    found = metrics.calibration(said, true)
    assert found.error == pytest.approx(0.1)
    assert found.n.tolist() == [10, 10]
    assert found.predicted == pytest.approx([0.1, 0.6])
    assert found.observed == pytest.approx([0.3, 0.6])


def test_probabilities_that_come_true_are_calibrated() -> None:
    random = np.random.default_rng(6)
    said = random.beta(1, 4, (4000, 20))
    true = random.random(said.shape) < said
    assert metrics.calibration(said, true).error < 0.005
    assert metrics.calibration(np.minimum(2 * said, 1.0), true).error > 0.15
    assert metrics.calibration(said, said).error == 0.0
