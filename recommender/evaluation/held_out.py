"""The figures of the last evaluations, for display."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..engine.evaluation.protocols import Protocol
from . import charts, evaluating

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
    """The figures of one method.

    Attributes
    ----------
    method : str
    name : str
        Display name.
    baseline : bool
        Whether the method is a baseline.
    auc, map, ndcg_at_10, recall_at_50 : float
        Means over listeners, 0 to 1.
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
    """One set of candidates that held-out songs are ranked among.

    Attributes
    ----------
    name : str
    title : str
    songs : int
        Number of candidates.
    rows : list of Row
    """

    name: str
    title: str
    songs: int
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class FirstTen:
    """Properties of the first ten songs.

    Attributes
    ----------
    method, name : str
    coverage : float
        Share of all songs in any first ten.
    novelty : float
        Mean self-information in bits: -log2 of the share of listeners of a song.
    cold_share : float
        Share of unplayed songs.
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
        Numbers of listeners, splits, and candidate songs.
    verdict : str
        Comparison of the two methods; empty if one was not evaluated.
    notes : list of str
        Further results, as sentences.
    charts : list of Bars
        A chart per figure: baselines paler, chance as a line.
    rankings : list of Ranking
        The figures as tables.
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
    """The newest evaluations, cold first.

    Parameters
    ----------
    called : callable
        Maps a method to its display name.
    left, right : str
        The two methods of the verdict.
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
    """The sentence about predicted popularity."""
    told = {method: figures["predicted_popularity"] for method, figures in methods.items() if _foretells(figures)}
    if not told:
        return []
    said = ", ".join(f"{called(method)} {sum(each) / len(each):.3f}" for method, each in told.items())
    return [f"How many people play a song that had lost its plays: rank correlation with what was predicted: {said}."]


def _foretells(figures: Mapping[str, Any]) -> bool:
    """Whether a method predicts popularity of unplayed songs."""
    return any(figures.get("predicted_popularity", []))


def _own_labels(methods: Mapping[str, Any], called: Callable[[str], str]) -> list[str]:
    """The sentence about figures without listeners' own labels."""
    said = []
    for method, figures in methods.items():
        if left := figures.get("without_own_labels"):
            with_them = left["map"] - left["differences"]["map"]["difference"]
            said.append(f"{called(method)} MAP {left['map']:.3f} in place of {with_them:.3f}")
    return [f"Without the labels that a listener gave: {', '.join(said)}."] if said else []


def _verdict(document: Mapping[str, Any], called: Callable[[str], str], left: str, right: str) -> str:
    """The sentence about which of two methods has the higher MAP."""
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
