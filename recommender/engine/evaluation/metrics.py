"""Ranking metrics with exact expectations over ties.

Every metric is its expected value over all orders of tied songs, so that the order of positions does not matter (F.
McSherry, M. Najork: Computing information retrieval performance measures efficiently in the presence of tied scores,
2008).
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..interface import Positions, Vector

NDCG_AT = 10
RECALL_AT = 50


class Accuracy(NamedTuple):
    """The metrics of one ranking, each in [0, 1], 1 being best.

    Attributes
    ----------
    auc : float
        The share of pairs of a relevant and an irrelevant song in which the relevant one has the higher score.
    map : float
        Average precision: the mean, over relevant songs, of the share of relevant songs from the top down to it.
        Its mean over listeners is the MAP.
    ndcg : float
        Discounted cumulative gain of the first ten, of what it could be: a song at rank r counts 1 / log2(r + 1).
    recall : float
        The share of the relevant songs that are among the first fifty.
    """

    auc: float
    map: float
    ndcg: float
    recall: float


def accuracy(scores: Vector, relevant: Positions, ndcg_at: int = NDCG_AT, recall_at: int = RECALL_AT) -> Accuracy:
    """Compute the metrics of scores.

    Parameters
    ----------
    scores : float64, shape (n,)
        Finite scores of the ranked songs, higher is better.
    relevant : positions in `scores`, each once
        At least one, not all.
    ndcg_at, recall_at : int
        Number of first ranks that nDCG and recall use.

    Raises
    ------
    ValueError
        If no song or every song is relevant, or a score is not finite.
    """
    n, n_relevant = len(scores), len(relevant)
    if not 0 < n_relevant < n:
        raise ValueError(f"of {n} ranked songs some and not all must be relevant, not {n_relevant}")
    ascending = np.sort(scores)
    # NaN sorts last.
    if not (np.isfinite(ascending[0]) and np.isfinite(ascending[-1])):
        raise ValueError("a score is not finite")
    values, hits = np.unique(scores[relevant], return_counts=True)
    below = np.searchsorted(ascending, values, side="left")
    above = n - np.searchsorted(ascending, values, side="right")
    return _expected(below[::-1], above[::-1], hits[::-1], n, ndcg_at, recall_at)


def _expected(
    below: NDArray[np.intp], above: NDArray[np.intp], hits: NDArray[np.intp], n: int, ndcg_at: int, recall_at: int
) -> Accuracy:
    """Expected metrics from groups of tied scores with relevant songs, best group first.

    Parameters
    ----------
    below, above : intp, shape (n_groups,)
        Number of songs with a lower, and a higher, score than the group.
    hits : intp, shape (n_groups,)
        Number of relevant songs in the group.
    n : int
        Number of ranked songs.
    """
    tied = n - below - above
    relevant = int(hits.sum())
    hits_above = np.cumsum(hits) - hits
    irrelevant_below = below - (relevant - hits_above - hits)
    auc = np.sum(hits * (irrelevant_below + (tied - hits) / 2)) / (relevant * (n - relevant))

    # A song at place j of its group stands at rank above + j. It is relevant with probability hits / tied, and then
    # (j - 1) (hits - 1) / (tied - 1) relevant songs of the group are expected before it. The sums of 1 / (above + j)
    # and (j - 1) / (above + j) over j are differences of harmonic numbers.
    harmonic = _harmonic(n)
    reciprocals = harmonic[above + tied] - harmonic[above]
    before = np.divide(hits - 1, tied - 1, out=np.zeros(len(hits)), where=tied > 1)
    precisions = (hits_above + 1) * reciprocals + before * (tied - (above + 1) * reciprocals)
    share = hits / tied
    average_precision = np.sum(share * precisions) / relevant

    discounts = _discounts(ndcg_at)
    gain = np.sum(share * (discounts[_first(above + tied, ndcg_at)] - discounts[_first(above, ndcg_at)]))
    found = np.sum(share * (_first(above + tied, recall_at) - _first(above, recall_at)))
    return Accuracy(
        auc=float(auc),
        map=float(average_precision),
        ndcg=float(gain / discounts[min(relevant, ndcg_at)]),
        recall=float(found / relevant),
    )


@lru_cache
def _discounts(k: int) -> Vector:
    """Cumulative discounts of the first r ranks, r from 0 to k."""
    return np.concatenate([[0.0], np.cumsum(1 / np.log2(np.arange(1, k + 1) + 1))])


def _first(ranks: NDArray[np.intp], k: int) -> NDArray[np.intp]:
    return np.minimum(ranks, k)


@lru_cache(maxsize=4)
def _harmonic(n: int) -> Vector:
    """1 + 1/2 + ... + 1/i for i from 0 to at least n."""
    return np.concatenate([[0.0], np.cumsum(1 / np.arange(1, n + 1))])


def self_information(listeners: NDArray[np.int64], n_listeners: int) -> Vector:
    """Self-information of each song in bits: -log2 of the share of its listeners.

    With add-one smoothing, so that it is finite for unplayed songs (T. Zhou and
    others: Solving the apparent diversity-accuracy dilemma of recommender systems, 2010, has it without).

    Parameters
    ----------
    listeners : int64, shape (n_songs,)
    n_listeners : int

    Returns
    -------
    float64, shape (n_songs,)
    """
    bits: Vector = np.log2((n_listeners + 1) / (listeners + 1))
    return bits
