"""Operating points of all taggers, for curation."""

from __future__ import annotations

from catalog.services.curation.thresholds import TaggerThresholds, tagger_thresholds

from .taggers import registry


@tagger_thresholds
def thresholds() -> list[TaggerThresholds]:
    """List the operating points of every known tagger."""
    installed = registry.installed()
    return [
        TaggerThresholds(name, name in installed, {label.name: label.operating_point for label in tagger.labels})
        for name, tagger in registry.known().items()
    ]
