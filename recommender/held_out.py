"""How methods did on plays that were held back: the figures of the last evaluation, as a page shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from . import charts, evaluating
from .engine.evaluation.protocols import Protocol

_TITLES = {
    "cold": "Songs that had lost all their plays",
    "warm": "Songs held back from each listener",
}
_AMONG = {
    "cold": "Found among these songs alone",
    "rare": "Found among all songs with fewer than {rare_below_listeners} listeners",
    "all": "Found among all songs that are new to the listener",
}
_OF_LISTS = ("coverage", "novelty", "cold_share")
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
    """

    method: str
    name: str
    baseline: bool
    auc: float
    map: float
    ndcg_at_10: float
    recall_at_50: float


@dataclass(frozen=True, slots=True)
class Ranking:
    """One way of asking: among which songs those held back were to be found.

    Attributes
    ----------
    name : str
    title : str
    songs : int
        Among how many.
    rows : list of Row
    """

    name: str
    title: str
    songs: int
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class FirstTen:
    """What the first ten of all songs were like.

    Attributes
    ----------
    method, name : str
    coverage : float
        Which part of all songs is in anybody's first ten.
    novelty : float
        How little known they are, in bits: -log2 of the part of listeners who have played a song.
    cold_share : float
        Which part of them nobody has played.
    """

    method: str
    name: str
    coverage: float
    novelty: float
    cold_share: float


_ACCURACIES = ("auc", "map", "ndcg_at_10", "recall_at_50")


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
    notes : list of str
        What else was measured, in sentences.
    charts : list of Bars
        A chart a figure: all methods, the baselines paler, chance as a line.
    rankings : list of Ranking
        The same and more in numbers.
    lists : list of FirstTen
    """

    protocol: str
    title: str
    listeners: int
    splits: int
    songs: int
    verdict: str
    notes: list[str]
    charts: list[charts.Bars]
    rankings: list[Ranking]
    lists: list[FirstTen]


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
    in_order = [*drawn, *([_RANDOM] if by_chance else [])]
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
        notes=[*_popularity(methods, called), *_own_labels(methods, called)],
        rankings=[
            Ranking(
                name,
                _AMONG[name].format(**document),
                among,
                [
                    Row(method, called(method), figures["baseline"], **{one: mine[one] for one in _ACCURACIES})
                    for method in in_order
                    for figures in [methods[method]]
                    for mine in [figures.get(name, figures)]
                ],
            )
            for name, among in document["ranked_among"].items()
        ],
        lists=[
            FirstTen(method, called(method), **{one: methods[method][one] for one in _OF_LISTS}) for method in in_order
        ],
    )


def _popularity(methods: Mapping[str, Any], called: Callable[[str], str]) -> list[str]:
    """How well it was told how many people play a new song."""
    told = {method: figures["predicted_popularity"] for method, figures in methods.items() if _foretells(figures)}
    if not told:
        return []
    said = ", ".join(f"{called(method)} {sum(each) / len(each):.3f}" for method, each in told.items())
    return [f"How many people play a song that had lost its plays: rank correlation with what was predicted: {said}."]


def _foretells(figures: Mapping[str, Any]) -> bool:
    """Whether a method says different things of songs without plays, the same for all listeners."""
    return any(figures.get("predicted_popularity", []))


def _own_labels(methods: Mapping[str, Any], called: Callable[[str], str]) -> list[str]:
    """What it costs to take a listener's own labels out."""
    said = []
    for method, figures in methods.items():
        if left := figures.get("without_own_labels"):
            with_them = left["map"] - left["differences"]["map"]["difference"]
            said.append(f"{called(method)} MAP {left['map']:.3f} in place of {with_them:.3f}")
    return [f"Without the labels that a listener gave: {', '.join(said)}."] if said else []


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
