"""Choosing what methods are fitted with, on inner splits: of plays that no figure is ever taken from.

What is chosen here is written down in the methods (`latent.Settings`, `towers.Settings`, `hybrid.PULL`,
`popularity.DAMPING`): fitting them takes minutes, choosing takes many times that. An evaluation takes its figures from
the held-out part of a split; here that part is never looked at: the training part is split again by the same rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..hybrid import PULL, Hybrid, Weights, fitted_parts
from ..interface import Evidence
from ..latent import Latent
from ..latent import Settings as LatentSettings
from ..popularity import DAMPING, expected_listeners
from ..towers import Settings as TowersSettings
from ..towers import Towers
from .comparison import answers, sample
from .protocols import Listening, Protocol, Split, split

LEAST_GAIN = 0.005
"""What is in use is left only for what is better by this part: less is chance, with so many listeners."""

LISTENERS = 500
"""How many listeners are asked on each inner split."""

# A page has no time for more factors in a large catalogue.
LATENT: Mapping[str, Sequence[Any]] = {
    "factors": (16, 32, 64),
    "damping": (1.0, 3.0, 10.0),
    "certainty": (1.0, 2.0, 5.0, 15.0),
    "prediction_damping": (3.0, 6.0, 12.0),
    "doubt": (5.0, 15.0, 50.0),
}
TOWERS: Mapping[str, Sequence[Any]] = {
    "steps": (20, 30, 45),
    "weight_decay": (1.0, 3.0, 10.0),
    "forgotten": (0.5, 0.7, 0.85),
}
PULLS = (PULL, 1.0, 100.0)
DAMPINGS = (DAMPING, 1.0, 10.0, 30.0)


class Tried(NamedTuple):
    """How one setting did.

    Attributes
    ----------
    method, setting : str
        What was fitted, and with what that differs from the best so far.
    figures : dict of name to float
        What decides, averaged over splits: the MAP on the inner splits of each protocol; of popularity the rank
        correlation on songs held out.
    best : bool
        Whether it is what is to be used so far: the geometric mean of its figures is clearly the highest.
    """

    method: str
    setting: str
    figures: dict[str, float]
    best: bool


def tried(listening: Listening, *, seed: int = 0, splits: int = 1) -> Iterator[Tried]:
    """Try all settings, one after another: each is varied in turn, the others being the best so far.

    Parameters
    ----------
    listening : Listening
    seed, splits : int
        The first so many splits of an evaluation with this seed; only their training parts are looked at.

    Yields
    ------
    Tried
        First of each method what it has now.

    Raises
    ------
    TooFewPlaysError
        If there is too little to hold out twice.
    """
    inner = inner_splits(listening, seed, splits)
    yield from _climbed("latent", LatentSettings(), LATENT, Latent.with_settings, inner, seed)
    yield from _climbed("towers", TowersSettings(), TOWERS, Towers.with_settings, inner, seed)
    yield from _pulled(inner, seed)
    yield from _expected([parts.training.evidence for parts in inner])


def inner_splits(listening: Listening, seed: int, splits: int) -> list[Split]:
    """The training parts of an evaluation's first splits, each split again by the same rules.

    Raises
    ------
    TooFewPlaysError
        If there is too little to hold out twice.
    """
    return [
        split(split(listening, protocol, seed, number).training, protocol, seed)
        for protocol in Protocol
        for number in range(splits)
    ]


def _climbed(
    method: str,
    settings: Any,
    values: Mapping[str, Sequence[Any]],
    fit: Callable[[Evidence, Any], Any],
    inner: Sequence[Split],
    seed: int,
) -> Iterator[Tried]:
    """Settings varied one at a time."""
    figures = _precisions([fit(parts.training.evidence, settings) for parts in inner], inner, seed)
    highest = _mean(figures)
    yield Tried(method, _said(settings), figures, best=True)
    for name, candidates in values.items():
        best = settings
        for value in candidates:
            if value == getattr(settings, name):
                continue
            other = settings._replace(**{name: value})
            figures = _precisions([fit(parts.training.evidence, other) for parts in inner], inner, seed)
            if better := _mean(figures) > (1 + LEAST_GAIN) * highest:
                best, highest = other, _mean(figures)
            yield Tried(method, f"{name} {value:g}", figures, best=better)
        settings = best


def _pulled(inner: Sequence[Split], seed: int) -> Iterator[Tried]:
    """The pull of the hybrid's weights."""
    fitted = [
        (fitted_parts(parts.training.evidence), Weights.pulled(parts.training.evidence, PULLS)) for parts in inner
    ]
    highest = 0.0
    for place, pull in enumerate(PULLS):
        hybrids = [Hybrid.of_parts({**parts, "weights": weights[place]}) for parts, weights in fitted]
        figures = _precisions(hybrids, inner, seed)
        better = _mean(figures) > (1 + LEAST_GAIN) * highest
        highest = _mean(figures) if better else highest
        yield Tried("hybrid", f"pull {pull:g}", figures, best=better)


def _expected(evidence: Sequence[Evidence]) -> Iterator[Tried]:
    """The damping of predicted popularity."""
    highest = 0.0
    for damping in DAMPINGS:
        found = [expected_listeners(one, damping=damping).rank_correlation for one in evidence]
        figures = {"rank correlation": float(np.mean(found))}
        better = _mean(figures) > (1 + LEAST_GAIN) * highest
        highest = _mean(figures) if better else highest
        yield Tried("popular", f"damping {damping:g}", figures, best=better)


def _precisions(fitted: Sequence[Any], inner: Sequence[Split], seed: int) -> dict[str, float]:
    """The MAP of recommenders, each on its split: the means over `cold` and over `warm`."""
    found: dict[Protocol, list[float]] = {protocol: [] for protocol in Protocol}
    for recommender, parts in zip(fitted, inner, strict=True):
        ranking = next(iter(parts.rankings))
        asked = sample(parts.listeners, LISTENERS, seed)
        each = [
            answer.accuracies[ranking].map
            for answer in answers(lambda tastes, _: recommender.scores(tastes), parts, asked)  # noqa: B023
            if ranking in answer.accuracies
        ]
        found[parts.protocol].append(float(np.mean(each)))
    return {f"MAP {protocol}": float(np.mean(each)) for protocol, each in found.items()}


def _mean(figures: Mapping[str, float]) -> float:
    """The geometric mean: a hundredth more of one figure is worth a hundredth more of the other, however small."""
    return float(np.exp(np.mean(np.log(list(figures.values())))))


def _said(settings: Any) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in settings._asdict().items())
