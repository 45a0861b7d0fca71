"""How sure means and differences are."""

from __future__ import annotations

import numpy as np
import pytest

from recommender.engine.evaluation.bootstrap import difference, draws, means


def test_a_mean_is_over_listeners_in_each_split_and_then_over_splits() -> None:
    values = np.array([[1.0, np.nan], [3.0, 4.0]])
    assert means(values[..., np.newaxis]) == pytest.approx([3.0])


def test_the_spread_of_the_draws_is_the_standard_error_of_the_mean() -> None:
    values = np.random.default_rng(0).normal(2, 1, (400, 1, 1))
    drawn = draws(values)
    assert drawn.std() == pytest.approx(values.std() / 20, rel=0.05)
    assert drawn.mean() == pytest.approx(values.mean(), abs=0.01)


def test_many_listeners_are_drawn_in_blocks_and_come_out_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).random((50, 2, 3))
    at_once = draws(values, n_draws=100)
    monkeypatch.setattr("recommender.engine.evaluation.bootstrap.AT_ONCE", 50 * 7)
    assert draws(values, n_draws=100) == pytest.approx(at_once)


def test_what_is_hard_for_both_drops_out_of_a_difference() -> None:
    rng = np.random.default_rng(0)
    hard = rng.normal(0, 10, (200, 1))
    both = np.stack([hard + 0.1 + rng.normal(0, 0.1, (200, 1)), hard], axis=2)
    mean, drawn = means(both), draws(both)
    found = difference(mean[0], mean[1], drawn[:, 0], drawn[:, 1])
    assert found.better
    assert not found.worse
    assert found.low < 0.1 < found.high
    assert found.high - found.low < 0.05


def test_intervals_hold_the_true_difference_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(0)
    held = 0
    for trial in range(200):
        both = rng.normal(0, 1, (80, 1, 2))
        mean, drawn = means(both), draws(both, seed=trial, n_draws=400)
        found = difference(mean[0], mean[1], drawn[:, 0], drawn[:, 1])
        held += not (found.better or found.worse)
    assert 180 <= held <= 198
