"""What other rooms tell curation: where each tagger draws its lines, and what goes by a label's name elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from ...models import Label, LabelAlias
from ...names import label_key


@dataclass(frozen=True, slots=True)
class TaggerLines:
    """From which probability on a tagger gives its labels.

    Attributes
    ----------
    origin : str
        The tagger's name, as its words are signed.
    listens : bool
        Whether it hears every song here, so that a label it does not give is a no.
    points : mapping of label name to probability
    """

    origin: str
    listens: bool
    points: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Line:
    """From which probability on one tagger gives one label."""

    origin: str
    label: int
    point: float
    listens: bool


Lines: TypeAlias = Callable[[], Iterable[TaggerLines]]
Uses: TypeAlias = Callable[[list[str]], list[str]]

_lines: list[Lines] = []
_uses: list[Uses] = []


def tagger_lines(lines: Lines) -> Lines:
    """Register a function that says where taggers draw their lines."""
    _lines.append(lines)
    return lines


def names_labels(uses: Uses) -> Uses:
    """Register a function that says in words what goes by labels of these names: tables that name them."""
    _uses.append(uses)
    return uses


def used_by_name(names: list[str]) -> list[str]:
    """What goes by labels of these names, in words."""
    return [use for uses in _uses for use in uses(names)]


def current_lines() -> list[Line]:
    """The lines of every tagger, for the labels that are here, in two queries."""
    told = [lines for tell in _lines for lines in tell()]
    keys = {label_key(name) for lines in told for name in lines.points}
    labels = dict(Label.objects.filter(key__in=keys).values_list("key", "pk"))
    # A label that was renamed or merged is found by its old name.
    labels |= dict(LabelAlias.objects.filter(key__in=keys - set(labels)).values_list("key", "label_id"))
    return [
        Line(lines.origin, labels[key], point, lines.listens)
        for lines in told
        for name, point in lines.points.items()
        if (key := label_key(name)) in labels
    ]
