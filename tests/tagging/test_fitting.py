"""Rows that learn from corrections: better on songs they have not seen, still where there is nothing to learn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from tagging.training.fitting import FEWEST, FEWEST_OF_A_NEW_LABEL, Corrections, EmbeddingStatistics, Row, fit_row
from tests.tagging.sounds import DIMENSIONS, make_sounds

LIBRARY = make_sounds(600)
POINT = -2.0


@pytest.fixture(scope="module")
def library() -> EmbeddingStatistics:
    return EmbeddingStatistics.of(LIBRARY.embeddings)


def row_of(trait: int, weight: float = 1.0, n: int = 400) -> Row:
    """A row that predicts a trait, as a least-squares fit finds it, on the scale of a rare label."""
    sounds = make_sounds(n, seed=9)
    vectors = np.column_stack([sounds.embeddings, np.ones(n)]).astype(np.float64)
    solution = np.linalg.lstsq(vectors, weight * sounds.traits[:, trait], rcond=None)[0]
    return Row(solution[:-1].astype(np.float64), float(solution[-1]) - 3.0)


def corrected(truth: NDArray[np.bool_], n: int, seed: int = 0) -> tuple[Corrections, NDArray[np.intp]]:
    """Half of `n` corrections for, half against, of songs that are drawn; and the songs that nobody corrected."""
    rng = np.random.default_rng(seed)
    chosen = np.concatenate([rng.permutation(np.flatnonzero(truth == said))[: n // 2] for said in (True, False)])
    corrections = Corrections(LIBRARY.embeddings[chosen].astype(np.float64), truth[chosen], np.arange(len(chosen)))
    return corrections, np.setdiff1d(np.arange(len(truth)), chosen)


def area(row: Row, truth: NDArray[np.bool_], songs: NDArray[np.intp]) -> float:
    return float(roc_auc_score(truth[songs], row.log_odds(LIBRARY.embeddings[songs].astype(np.float64))))


@pytest.mark.parametrize("seed", range(3))
def test_thirty_corrections_teach_a_label_another_meaning(library: EmbeddingStatistics, seed: int) -> None:
    truth = LIBRARY.traits[:, 0] + 0.7 * LIBRARY.traits[:, 2] > 0.5
    old = row_of(1)
    corrections, others = corrected(truth, 30, seed)
    fitted = fit_row(old, corrections, library, POINT)
    assert fitted.better
    assert area(fitted.row, truth, others) > area(old, truth, others) + 0.2


def test_twenty_corrections_take_nothing_from_a_label_that_is_half_right(library: EmbeddingStatistics) -> None:
    truth = LIBRARY.traits[:, 0] + 0.7 * LIBRARY.traits[:, 2] > 0.5
    corrections, others = corrected(truth, 20)
    assert area(fit_row(row_of(0), corrections, library, POINT).row, truth, others) > area(row_of(0), truth, others)


def test_a_label_that_is_turned_round_is_learned(library: EmbeddingStatistics) -> None:
    truth = LIBRARY.traits[:, 0] < 0
    corrections, others = corrected(truth, 30)
    fitted = fit_row(row_of(0), corrections, library, POINT)
    assert fitted.better
    assert fitted.gain.before < 0.1
    assert area(fitted.row, truth, others) > 0.9


def test_verdicts_without_rhyme_or_reason_are_not_better(library: EmbeddingStatistics) -> None:
    better = []
    for seed in range(3):
        verdicts = np.random.default_rng(seed).random(len(LIBRARY.traits)) < 0.5
        corrections, _ = corrected(verdicts, 60, seed)
        better.append(fit_row(row_of(0), corrections, library, POINT).better)
    assert sum(better) <= 1


def test_a_row_that_is_right_already_stays_about_what_it_was(library: EmbeddingStatistics) -> None:
    truth = LIBRARY.traits[:, 0] > 0
    old = row_of(0, weight=3.0)
    corrections, others = corrected(truth, 20)
    fitted = fit_row(old, corrections, library, POINT)
    assert not fitted.better
    assert area(fitted.row, truth, others) > 0.95


def test_songs_keep_the_label_where_curators_would(library: EmbeddingStatistics) -> None:
    truth = LIBRARY.traits[:, 0] > 0
    corrections, others = corrected(truth, 40)
    kept = fit_row(row_of(1), corrections, library, POINT).row.log_odds(LIBRARY.embeddings.astype(np.float64)) >= POINT
    assert np.mean(kept[others] == truth[others]) > 0.75


def test_what_only_an_artist_sounds_like_is_not_taken_for_the_label(library: EmbeddingStatistics) -> None:
    """Each artist's songs are nearly the same, and each artist has one verdict, drawn by lot."""
    rng = np.random.default_rng(3)
    artists = np.repeat(np.arange(12), 4)
    vectors = LIBRARY.embeddings[artists] + rng.normal(0.0, 0.01, (len(artists), DIMENSIONS))
    corrections = Corrections(vectors, rng.permutation(np.arange(12) % 2 == 0)[artists], artists)
    by_artist = fit_row(row_of(0), corrections, library)
    by_song = fit_row(row_of(0), replace(corrections, artists=np.arange(len(artists))), library)
    assert by_artist.by_artist
    assert by_song.gain.after > 0.99
    assert by_artist.gain.after < 0.8


def test_where_one_artist_has_all_that_is_said_for_a_label_songs_are_held_out(library: EmbeddingStatistics) -> None:
    corrections, _ = corrected(LIBRARY.traits[:, 0] > 0, 20)
    artists = np.where(corrections.verdicts, 0, np.arange(20) + 1)
    assert not fit_row(row_of(0), replace(corrections, artists=artists), library).by_artist


def test_a_new_label_begins_with_nothing(library: EmbeddingStatistics) -> None:
    truth = LIBRARY.traits[:, 4] > 0
    corrections, others = corrected(truth, 2 * FEWEST_OF_A_NEW_LABEL)
    fitted = fit_row(None, corrections, library)
    assert fitted.gain.before == 0.5
    assert fitted.better
    assert area(fitted.row, truth, others) > 0.85


def test_the_same_corrections_are_the_same_row(library: EmbeddingStatistics) -> None:
    corrections, _ = corrected(LIBRARY.traits[:, 0] > 0, 20)
    one, other = (fit_row(row_of(1), corrections, library, POINT) for _ in range(2))
    assert np.array_equal(one.row.weights, other.row.weights)
    assert (one.row.bias, one.gain) == (other.row.bias, other.gain)


def test_too_few_corrections_are_refused(library: EmbeddingStatistics) -> None:
    corrections, _ = corrected(LIBRARY.traits[:, 0] > 0, 2 * FEWEST)
    fit_row(row_of(0), corrections, library)
    fewer = corrections.only(np.arange(2 * FEWEST) > 0)
    with pytest.raises(ValueError, match=f"3 yes and {FEWEST} no: at least {FEWEST} of each"):
        fit_row(row_of(0), fewer, library)
    with pytest.raises(ValueError, match=f"at least {FEWEST_OF_A_NEW_LABEL} of each"):
        fit_row(None, corrections, library)


def test_a_library_without_spread_is_a_library(library: EmbeddingStatistics) -> None:
    corrections, _ = corrected(LIBRARY.traits[:, 0] > 0, 10)
    still = EmbeddingStatistics.of(np.ones((5, DIMENSIONS)))
    assert np.isfinite(fit_row(row_of(0), corrections, still).row.weights).all()


@pytest.mark.parametrize(
    ("embeddings", "reason"),
    [(np.zeros((1, 4)), "n >= 2"), (np.zeros(4), "shape"), (np.full((3, 4), np.nan), "finite")],
)
def test_embeddings_that_are_none_are_refused(embeddings: NDArray[np.float64], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        EmbeddingStatistics.of(embeddings)


def test_corrections_of_another_network_are_refused(library: EmbeddingStatistics) -> None:
    corrections, _ = corrected(LIBRARY.traits[:, 0] > 0, 10)
    with pytest.raises(ValueError, match=r"\(10, 8\)"):
        fit_row(row_of(0), replace(corrections, embeddings=corrections.embeddings[:, :8]), library)
