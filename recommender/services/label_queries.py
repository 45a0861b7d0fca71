"""Queries of labels: finds the labels that names refer to, and refuses unknown names with suggestions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from catalog.models import Label, LabelAlias
from catalog.names import label_key
from catalog.search import labels_by_key

_MOST_NAMED = 3


class UnknownLabelError(ValueError):
    """A query names a label that does not exist; the message suggests the closest names."""


def find_labels(names: Iterable[str]) -> dict[str, Label]:
    """The labels with these names or aliases, by the given name; unknown names are left out."""
    keys = {}
    for name in names:
        try:
            keys[name] = label_key(name)
        except ValueError:
            continue
    found = labels_by_key(keys.values())
    return {name: found[key] for name, key in keys.items() if key in found}


def query_of(weights: Mapping[str, float]) -> dict[int, float]:
    """Translate a query from label names to primary keys; weights of the same label are summed.

    Raises
    ------
    UnknownLabelError
        If a name is neither a label nor an alias.
    ValueError
        If a weight is not finite.
    """
    if bad := [name for name, weight in weights.items() if not math.isfinite(weight)]:
        raise ValueError(f"the weight of {bad[0]} is not a number")
    labels = find_labels(weights)
    if unknown := [name for name in weights if name not in labels]:
        said = [no_such_label(name) for name in unknown[:_MOST_NAMED]]
        more = len(unknown) - len(said)
        raise UnknownLabelError("; ".join(said + ([f"and {more} more are not there"] if more else [])))
    query: dict[int, float] = {}
    for name, weight in weights.items():
        pk = labels[name].pk
        query[pk] = query.get(pk, 0.0) + weight
    return query


def no_such_label(name: str) -> str:
    """The error text for an unknown label, with the closest names."""
    names = {key: name for name, key in Label.objects.values_list("name", "key")}
    names |= {key: name for name, key in LabelAlias.objects.values_list("name", "key")}
    wanted = " ".join(name.casefold().split())
    close = [names[key] for key in get_close_matches(wanted, names, n=3, cutoff=0.5)]
    if not names:
        return f"no label is called {name!r}: no song has a label yet"
    return f"no label is called {name!r}" + (f"; the closest are {', '.join(close)}" if close else "")
