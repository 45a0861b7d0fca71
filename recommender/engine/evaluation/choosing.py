"""Hyperparameter search on inner splits, whose held-out plays are never part of an evaluation.

The chosen values are constants of the methods (`latent.Settings`, `two_tower.Settings`, `hybrid.PRIOR_STRENGTH`,
`popularity.REGULARIZATION`), because the search takes many times as long as fitting. An evaluation takes its figures
from the held-out part of a split; the search splits the training part again by the same rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..hybrid import Hybrid
from ..hybrid_weights import PRIOR_STRENGTH, Weights, fitted_parts
from ..interface import TrainingData
from ..latent import Latent
from ..latent import Settings as LatentSettings
from ..popularity import REGULARIZATION, expected_listeners
from ..two_tower import Settings as TwoTowerSettings
from ..two_tower import TwoTower
from .comparison import answers, sample
from .protocols import Listening, Protocol, Split, split

LEAST_GAIN = 0.005
"""Relative gain below which a candidate does not replace the current value, because it may be chance."""

LISTENERS = 500
"""Listeners evaluated per inner split."""

# More factors would be too slow for pages of a large catalogue.
LATENT: Mapping[str, Sequence[Any]] = {
    "factors": (16, 32, 64),
    "regularization": (1.0, 3.0, 10.0),
    "alpha": (2.0, 5.0, 10.0),
    "prediction_regularization": (1.0, 3.0, 10.0),
    "shrinkage": (5.0, 15.0, 50.0),
}
TWO_TOWER: Mapping[str, Sequence[Any]] = {
    "steps": (20, 30, 45),
    "weight_decay": (1.0, 3.0, 10.0),
    "dropout": (0.5, 0.7, 0.85),
}
PRIOR_STRENGTHS = (PRIOR_STRENGTH, 1.0, 100.0)
REGULARIZATIONS = (REGULARIZATION, 1.0, 10.0, 30.0)


class Tried(NamedTuple):
    """The result of one candidate.

    Attributes
    ----------
    method, setting : str
        The method, and its difference from the best setting so far.
    figures : dict of name to float
        MAP per protocol, averaged over inner splits; for popularity the rank correlation in cross-validation.
    best : bool
        Whether it is the best so far, by the geometric mean of its figures and `LEAST_GAIN`.
    """

    method: str
    setting: str
    figures: dict[str, float]
    best: bool


def tried(listening: Listening, *, seed: int = 0, splits: int = 1) -> Iterator[Tried]:
    """Coordinate search: varies one hyperparameter at a time, with the others at their best values.

    Parameters
    ----------
    listening : Listening
    seed, splits : int
        The number of evaluation splits with this seed; only their training parts are used.

    Yields
    ------
    Tried
        The current setting of a method first.

    Raises
    ------
    TooFewPlaysError
        If there are too few plays for two levels of splits.
    """
    inner = inner_splits(listening, seed, splits)
    yield from latent_tried(inner, seed)
    yield from _coordinate_search("towers", TwoTowerSettings(), TWO_TOWER, TwoTower.with_settings, inner, seed)
    yield from _prior_strengths_tried(inner, seed)
    yield from _expected([parts.training.data for parts in inner])


def latent_tried(inner: Sequence[Split], seed: int = 0) -> Iterator[Tried]:
    """The search of `tried` for latent factors alone, on `inner_splits`."""
    return _coordinate_search("latent", LatentSettings(), LATENT, Latent.with_settings, inner, seed)


def inner_splits(listening: Listening, seed: int, splits: int) -> list[Split]:
    """The training parts of an evaluation's first splits, each split again by the same rules.

    Raises
    ------
    TooFewPlaysError
        If there are too few plays for two levels of splits.
    """
    return [
        split(split(listening, protocol, seed, number).training, protocol, seed)
        for protocol in Protocol
        for number in range(splits)
    ]


def _coordinate_search(
    method: str,
    settings: Any,
    values: Mapping[str, Sequence[Any]],
    fit: Callable[[TrainingData, Any], Any],
    inner: Sequence[Split],
    seed: int,
) -> Iterator[Tried]:
    """Vary the hyperparameters of one method."""
    figures = _precisions([fit(parts.training.data, settings) for parts in inner], inner, seed)
    highest = _mean(figures)
    yield Tried(method, _said(settings), figures, best=True)
    for name, candidates in values.items():
        best = settings
        for value in candidates:
            if value == getattr(settings, name):
                continue
            other = settings._replace(**{name: value})
            figures = _precisions([fit(parts.training.data, other) for parts in inner], inner, seed)
            if better := _mean(figures) > (1 + LEAST_GAIN) * highest:
                best, highest = other, _mean(figures)
            yield Tried(method, f"{name} {value:g}", figures, best=better)
        settings = best


def _prior_strengths_tried(inner: Sequence[Split], seed: int) -> Iterator[Tried]:
    """Vary the prior strength of the hybrid's weights."""
    fitted = [
        (fitted_parts(parts.training.data), Weights.fit_with_priors(parts.training.data, PRIOR_STRENGTHS))
        for parts in inner
    ]
    highest = 0.0
    for place, prior_strength in enumerate(PRIOR_STRENGTHS):
        hybrids = [Hybrid.of_parts({**parts, "weights": weights[place]}) for parts, weights in fitted]
        figures = _precisions(hybrids, inner, seed)
        better = _mean(figures) > (1 + LEAST_GAIN) * highest
        highest = _mean(figures) if better else highest
        yield Tried("hybrid", f"prior_strength {prior_strength:g}", figures, best=better)


def _expected(data: Sequence[TrainingData]) -> Iterator[Tried]:
    """Vary the regularization of predicted popularity."""
    highest = 0.0
    for regularization in REGULARIZATIONS:
        found = [expected_listeners(one, regularization=regularization).rank_correlation for one in data]
        figures = {"rank correlation": float(np.mean(found))}
        better = _mean(figures) > (1 + LEAST_GAIN) * highest
        highest = _mean(figures) if better else highest
        yield Tried("popular", f"regularization {regularization:g}", figures, best=better)


def _precisions(fitted: Sequence[Any], inner: Sequence[Split], seed: int) -> dict[str, float]:
    """Mean MAP per protocol of recommenders, each fitted on one split."""
    found: dict[Protocol, list[float]] = {protocol: [] for protocol in Protocol}
    for recommender, parts in zip(fitted, inner, strict=True):
        ranking = next(iter(parts.rankings))
        asked = sample(parts.listeners, LISTENERS, seed)
        each = [
            answer.accuracies[ranking].map
            for answer in answers(lambda batch, _: recommender.scores(batch), parts, asked)  # noqa: B023
            if ranking in answer.accuracies
        ]
        found[parts.protocol].append(float(np.mean(each)))
    return {f"MAP {protocol}": float(np.mean(each)) for protocol, each in found.items()}


def _mean(figures: Mapping[str, float]) -> float:
    """The geometric mean, which weighs relative gains of all figures equally."""
    return float(np.exp(np.mean(np.log(list(figures.values())))))


def _said(settings: Any) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in settings._asdict().items())
