"""The report of a comparison as a JSON document: means, standard errors, and differences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from ..interface import Vector
from . import bootstrap
from .comparison import Comparison, Measured
from .protocols import HELD_OUT, RARELY

FIGURES = ("auc", "map", "ndcg_at_10", "recall_at_50")
"""Names of the metrics, in the order of `Accuracy`."""


def document(comparison: Comparison) -> dict[str, Any]:
    """The report of a comparison.

    Returns
    -------
    dict
        `methods`: by name, the metrics of the first ranking, of other rankings by their names, standard errors, and
        properties of the first ten songs. `differences`: of all pairs of methods, per metric and ranking, with the
        interval; `better` names the better method if the interval excludes 0.
    """
    first, *others = comparison.candidates
    drawn = {name: _Drawn(comparison, name) for name in comparison.candidates}
    methods = {}
    for place, measured in enumerate(comparison.measured):
        figures = drawn[first].figures(place)
        figures |= {name: drawn[name].figures(place) for name in others}
        figures |= {
            "coverage": float(measured.lists.coverage.mean()),
            "novelty": _mean(measured.lists.novelty),
            "cold_share": _mean(measured.lists.cold_share),
            "baseline": measured.method.baseline,
        }
        if measured.without_own_labels:
            figures["without_own_labels"] = _without_own_labels(comparison, measured, first)
        if measured.chosen:
            figures["settings"] = measured.chosen
        if len(measured.predicted_popularity):
            figures["predicted_popularity"] = measured.predicted_popularity.tolist()
        methods[measured.method.name] = figures
    return {
        "protocol": str(comparison.protocol),
        "seed": comparison.seed,
        "splits": len(comparison.held_out),
        "held_out": f"1/{HELD_OUT}",
        "held_out_plays": comparison.held_out,
        "listeners": int(np.count_nonzero(~np.isnan(comparison.measured[0].accuracies[first][..., 0]).all(axis=1))),
        "all_listeners": comparison.all_listeners,
        "learned_from_listeners": comparison.learned_from,
        "songs": comparison.n_songs,
        "ranked_among": comparison.candidates,
        "rare_below_listeners": RARELY,
        "confidence": bootstrap.CONFIDENCE,
        "methods": methods,
        "not_fitted": dict(comparison.not_fitted),
        "differences": [one for name in comparison.candidates for one in drawn[name].differences()],
    }


class _Drawn:
    """Means and bootstrap resamples of one ranking."""

    def __init__(self, comparison: Comparison, ranking: str) -> None:
        self._ranking = ranking
        self._measured: Sequence[Measured] = comparison.measured
        values = np.stack([measured.accuracies[ranking] for measured in self._measured], axis=2)
        self._means = bootstrap.means(values)
        self._draws = bootstrap.draws(values, comparison.seed)

    def figures(self, place: int) -> dict[str, Any]:
        """The metrics of one method with standard errors."""
        return _with_errors(self._means[place], self._draws[:, place])

    def differences(self) -> Iterator[dict[str, Any]]:
        """The differences of all pairs of methods, per metric."""
        for (one, first), (other, second) in combinations(enumerate(self._measured), 2):
            for at, figure in enumerate(FIGURES):
                found = bootstrap.difference(
                    self._means[one, at], self._means[other, at], self._draws[:, one, at], self._draws[:, other, at]
                )
                better = {found.better: first.method.name, found.worse: second.method.name}.get(True)
                yield {
                    "ranking": self._ranking,
                    "figure": figure,
                    "method": first.method.name,
                    "than": second.method.name,
                    **found._asdict(),
                    "better": better,
                }


def _with_errors(means: Vector, draws: Vector) -> dict[str, Any]:
    return {
        **dict(zip(FIGURES, means.tolist(), strict=True)),
        "standard_errors": dict(zip(FIGURES, draws.std(axis=0, ddof=1).tolist(), strict=True)),
    }


def _without_own_labels(comparison: Comparison, measured: Measured, ranking: str) -> dict[str, Any]:
    """The metrics without listeners' own labels, and their differences to those with them."""
    without = measured.without_own_labels[ranking]
    # It may have been evaluated in the first split only.
    with_them = np.where(np.isnan(without), np.nan, measured.accuracies[ranking])
    values = np.stack([without, with_them], axis=2)
    means, draws = bootstrap.means(values), bootstrap.draws(values, comparison.seed)
    costs = {
        figure: bootstrap.difference(means[0, at], means[1, at], draws[:, 0, at], draws[:, 1, at])._asdict()
        for at, figure in enumerate(FIGURES)
    }
    return {**_with_errors(means[0], draws[:, 0]), "differences": costs}


def _mean(values: Vector) -> float:
    """The mean over listeners and then splits."""
    return float(bootstrap.means(values[..., np.newaxis])[0])
