"""How methods did on plays that were held back: the figures of the last evaluation, as a page shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from . import charts, evaluating
from .engine.evaluation.protocols import Protocol

_TITLES = {
    "cold": "Songs that had lost all their plays",
    "warm": "Songs held back from each listener",
}
_RANDOM = "random"
_DRAWN = {"auc": "AUC", "map": "MAP", "recall_at_50": "Recall@50"}
_FULL = {"auc": 1.0}


@dataclass(frozen=True, slots=True)
class Row:
    """What one method got.

    Attributes
    ----------
    method : str
    name : str
        What people call it.
    baseline : bool
        Whether it is only here to be beaten.
    auc, map, ndcg_at_10, recall_at_50 : float
        0 to 1, per listener and then averaged.
    coverage : float
        Which part of all songs is in anybody's first ten.
    """

    method: str
    name: str
    baseline: bool
    auc: float
    map: float
    ndcg_at_10: float
    recall_at_50: float
    coverage: float


_FIELDS = [field.name for field in fields(Row) if field.name not in ("method", "name")]


@dataclass(frozen=True, slots=True)
class HeldOut:
    """One evaluation.

    Attributes
    ----------
    protocol : str
    title : str
    listeners, splits, songs : int
        How many listeners were asked, how often all of it was done, and among how many songs.
    verdict : str
        Which of the two compared methods is better, where that is sure; empty where one was not measured.
    charts : list of Bars
        A chart a figure: all methods, the baselines paler, chance as a line.
    rows : list of Row
        The same and more in numbers.
    """

    protocol: str
    title: str
    listeners: int
    splits: int
    songs: int
    verdict: str
    charts: list[charts.Bars]
    rows: list[Row]


def measured(called: Callable[[str], str], left: str, right: str) -> list[HeldOut]:
    """The newest evaluations, that of songs without plays first.

    Parameters
    ----------
    called : callable
        What people call a method.
    left, right : str
        The two methods that are to be told apart.
    """
    found = [evaluating.latest(protocol) for protocol in (Protocol.COLD, Protocol.WARM)]
    return [_shown(one.figures, called, left, right) for one in found if one is not None]


def _shown(document: Mapping[str, Any], called: Callable[[str], str], left: str, right: str) -> HeldOut:
    methods: dict[str, dict[str, Any]] = document["methods"]
    by_chance = methods.get(_RANDOM)
    baselines = [called(method) for method, figures in methods.items() if figures["baseline"]]
    drawn = sorted((method for method in methods if method != _RANDOM), key=lambda name: methods[name]["baseline"])
    return HeldOut(
        protocol=document["protocol"],
        title=_TITLES[document["protocol"]],
        listeners=document["listeners"],
        splits=document["splits"],
        songs=next(iter(document["ranked_among"].values())),
        verdict=_verdict(document, called, left, right),
        charts=[
            charts.bars(
                title,
                {called(method): methods[method][figure] for method in drawn},
                aside=baselines,
                line=by_chance[figure] if by_chance else None,
                full=_FULL.get(figure),
            )
            for figure, title in _DRAWN.items()
        ],
        rows=[
            Row(method, called(method), **{field: methods[method][field] for field in _FIELDS})
            for method in (*drawn, *([_RANDOM] if by_chance else []))
        ],
    )


def _verdict(document: Mapping[str, Any], called: Callable[[str], str], left: str, right: str) -> str:
    """Which of two methods is better by MAP, in a sentence."""
    ranking = next(iter(document["ranked_among"]))
    for one in document["differences"]:
        if (one["ranking"], one["figure"]) == (ranking, "map") and {one["method"], one["than"]} == {left, right}:
            first, second = called(one["method"]), called(one["than"])
            low, high = one["low"], one["high"]
            if one["better"] == one["than"]:
                first, second, low, high = second, first, -high, -low
            interval = f"{low:+.3f} to {high:+.3f}, {100 * document['confidence']:.0f} % interval"
            if one["better"] is None:
                return f"Which of {first} and {second} is better is not sure (MAP {interval})."
            return f"{first} is better than {second} (MAP {interval})."
    return ""
