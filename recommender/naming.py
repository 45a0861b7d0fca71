"""What recommending tells whoever renames, merges or deletes labels: which words are understood as them."""

from __future__ import annotations

from catalog.names import label_key
from catalog.services.curation.lines import names_labels

from .models import WordLabel


@names_labels
def words(names: list[str]) -> list[str]:
    """The words that mean labels of these names, one line a label."""
    keys = {label_key(name) for name in names}
    found: dict[str, list[str]] = {}
    for label, word in WordLabel.objects.order_by("label", "word__text").values_list("label", "word__text"):
        if label_key(label) in keys:
            found.setdefault(label, []).append(word)
    return [f"the table of words names {label} for {', '.join(said)}" for label, said in found.items()]
