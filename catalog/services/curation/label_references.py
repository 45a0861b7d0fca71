"""Tables of other apps that name labels: they register here what refers to a label before it is merged."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

References: TypeAlias = Callable[[list[str]], list[str]]

_references: list[References] = []


def refers_to_labels(references: References) -> References:
    """Register a function from the names of labels to one sentence for each row that names one of them."""
    _references.append(references)
    return references


def references_to(names: list[str]) -> list[str]:
    """One sentence for each row of other apps that names one of these labels."""
    return [sentence for references in _references for sentence in references(names)]
