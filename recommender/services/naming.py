"""Tells label curation which query words refer to a label, before it is renamed, merged or deleted."""

from __future__ import annotations

from catalog.names import label_key
from catalog.services.curation.label_references import refers_to_labels

from ..models import WordLabel


@refers_to_labels
def words(names: list[str]) -> list[str]:
    """The words that refer to labels of these names, one line per label."""
    keys = {label_key(name) for name in names}
    found: dict[str, list[str]] = {}
    for label, word in WordLabel.objects.order_by("label", "word__text").values_list("label", "word__text"):
        if label_key(label) in keys:
            found.setdefault(label, []).append(word)
    return [f"the table of words names {label} for {', '.join(said)}" for label, said in found.items()]
