"""The decision thresholds of taggers, which `tagging` registers here: curation must not import it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from ...names import label_key
from ...search import labels_by_key


@dataclass(frozen=True, slots=True)
class TaggerThresholds:
    """From which probability on a tagger gives its labels.

    Attributes
    ----------
    origin : str
        The tagger's name, as in `SongLabel.origin`.
    tags_every_song : bool
        Whether it tags every song of the library, so that a label it does not give counts as a no.
    values : mapping of label name to probability
    """

    origin: str
    tags_every_song: bool
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Threshold:
    """From which probability on one tagger gives one label.

    Attributes
    ----------
    origin : str
        The tagger's name.
    label : int
        The label's primary key.
    value : float
        The probability.
    tags_every_song : bool
    """

    origin: str
    label: int
    value: float
    tags_every_song: bool


Source: TypeAlias = Callable[[], Iterable[TaggerThresholds]]

sources: list[Source] = []
"""What `tagger_thresholds` has registered."""


def tagger_thresholds(source: Source) -> Source:
    """Register a function that returns the thresholds of taggers."""
    sources.append(source)
    return source


def current_thresholds() -> list[Threshold]:
    """The thresholds of every tagger for the labels in the database, in two queries."""
    taggers = [tagger for source in sources for tagger in source()]
    keys = {label_key(name) for tagger in taggers for name in tagger.values}
    labels = labels_by_key(keys)
    return [
        Threshold(tagger.origin, labels[key].pk, value, tagger.tags_every_song)
        for tagger in taggers
        for name, value in tagger.values.items()
        if (key := label_key(name)) in labels
    ]
