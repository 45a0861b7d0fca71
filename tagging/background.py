"""Which labels say little to a listener, for the catalog."""

from __future__ import annotations

from catalog.services.labels import background_labels

from .frontend.sound import NOTHING
from .labels.vocabulary import vocabulary


@background_labels
def background() -> list[str]:
    """The vocabulary's labels in the background, by every spelling, and what is no music."""
    entries = [entry for entry in vocabulary().entries if entry.background]
    return [NOTHING, *(name for entry in entries for name in (entry.name, *entry.aliases))]
