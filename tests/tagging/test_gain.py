"""Gains that are none, gains that are, and artists whose songs are one piece of evidence."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from tagging.evaluation.gain import Paired, gain

N = 24
VERDICTS = np.arange(N) % 2 == 0
ALONE = np.arange(N)


Scores = NDArray[np.float64]


def scores(separation: float, seed: int = 0) -> Scores:
    drawn: Scores = separation * VERDICTS + np.random.default_rng(seed).normal(size=N)
    return drawn


def paired(before: Scores, after: Scores, artists: NDArray[np.int64] = ALONE) -> Paired:
    return Paired(VERDICTS, before, after[np.newaxis], artists)


def test_areas_are_those_of_both_answers_averaged_over_labels() -> None:
    one, other = paired(scores(0.0), scores(2.0)), paired(scores(1.0, 1), scores(0.5, 2))
    found = gain([one, other])
    for side in ("before", "after"):
        areas = [roc_auc_score(VERDICTS, np.ravel(getattr(each, side))) for each in (one, other)]
        assert getattr(found, side) == pytest.approx(np.mean(areas))


def test_a_clear_gain_is_sure_and_none_is_not() -> None:
    assert gain([paired(scores(0.0), scores(4.0))]).no_better < 0.01
    assert gain([paired(scores(2.0), scores(2.0))]).no_better == 1.0
    assert gain([paired(scores(4.0), scores(0.0, 1))]).no_better > 0.95


def test_answers_by_lot_are_no_better_than_chance_as_often_as_a_test_may_err() -> None:
    """Of 200 answers that mean nothing, about 1 in 40 looks better than 0.5 at this level; a rough test errs more."""
    rng = np.random.default_rng(3)
    found = [gain([paired(np.zeros(N), rng.normal(size=N))], 500).no_better_than_chance for _ in range(200)]
    assert np.mean(np.array(found) <= 0.025) <= 0.06


def test_songs_of_one_artist_are_one_piece_of_evidence() -> None:
    """Eight artists with one verdict and one sound each: three songs of each say no more than one does."""
    artists = ALONE // 3
    verdicts, sound = artists % 2 == 0, np.random.default_rng(1).normal(size=8)[artists]
    after = (sound + verdicts)[np.newaxis]
    alone, together, one_each = (
        gain([Paired(verdicts[songs], np.zeros(songs.size), after[:, songs], of[songs])])
        for songs, of in ((ALONE, ALONE), (ALONE, artists), (ALONE[::3], artists))
    )
    assert alone.after == together.after == one_each.after
    assert together.no_better == one_each.no_better > alone.no_better


def test_a_label_with_one_verdict_says_nothing() -> None:
    with pytest.raises(ValueError, match="songs that have it and songs that have it not"):
        gain([Paired(np.ones(N, bool), scores(0.0), scores(0.0)[np.newaxis], ALONE)])
