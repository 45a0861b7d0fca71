"""What tagging tells curators: from which probability on each tagger gives its labels."""

from __future__ import annotations

from catalog.services.curation.lines import TaggerLines, tagger_lines

from . import registry


@tagger_lines
def lines() -> list[TaggerLines]:
    """The operating points of every tagger that this program knows."""
    listening = registry.installed()
    return [
        TaggerLines(name, name in listening, {label.name: label.operating_point for label in tagger.labels})
        for name, tagger in registry.known().items()
    ]
