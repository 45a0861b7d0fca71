"""How far labels reach: how many songs have each, and the label that is to be judged as a whole before others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from django.core.cache import cache
from django.db.models import Exists, OuterRef, Sum

from ...models import Label, PlayCount, SongLabel
from ...search import standing_annotations
from .. import song_index

WIDE_FROM = 0.25
"""A label on at least this share of the songs that have labels is to be judged as a whole."""

_PLAYS = "catalog.curation.plays"
_PLAYS_KEPT_S = 300
_FEWEST_SONGS = 8
_PARTS = (
    (0.9, "nearly all"),
    (0.7, "three quarters"),
    (0.6, "two thirds"),
    (0.45, "half"),
    (0.3, "a third"),
    (0.0, "a quarter"),
)


@dataclass(frozen=True, slots=True)
class WideLabel:
    """A label that is on a large part of the library.

    Attributes
    ----------
    label : Label
    songs : int
        How many songs have it.
    of_songs : int
        How many songs have labels.
    plays : int
        How often those that have it were played.
    """

    label: Label
    songs: int
    of_songs: int
    plays: int

    @property
    def part(self) -> str:
        """The share of the library, in words: "half"."""
        share = self.songs / self.of_songs
        return next(words for at_least, words in _PARTS if share >= at_least)


def songs_by_label() -> dict[int, int]:
    """How many songs have each label, by its primary key, off the index in memory."""
    labels, songs = np.unique(song_index.current().label_ids, return_counts=True)
    return dict(zip(labels.tolist(), songs.tolist(), strict=True))


def widest_label() -> WideLabel | None:
    """The label on most songs that taggers give and no curator has judged as a whole; None if none is on many."""
    index = song_index.current()
    of_songs = len(np.unique(index.label_songs))
    if of_songs < _FEWEST_SONGS:
        return None
    songs = {label: many for label, many in songs_by_label().items() if many >= WIDE_FROM * of_songs}
    predicted = SongLabel.objects.filter(label=OuterRef("pk"), source=SongLabel.Source.CNN)
    found = Label.objects.filter(Exists(predicted), pk__in=songs, judged_at=None, background=False)
    label = max(found, key=lambda one: (songs[one.pk], -one.pk), default=None)
    return None if label is None else WideLabel(label, songs[label.pk], of_songs, _plays(label))


def _plays(label: Label) -> int:
    """How often the songs that have a label were played, as counted within the last minutes: many rows are read."""
    kept: int | None = cache.get(key := f"{_PLAYS}.{label.pk}")
    if kept is None:
        annotated = standing_annotations().filter(label=label).values("song")
        kept = int(PlayCount.objects.filter(song__in=annotated).aggregate(plays=Sum("count"))["plays"] or 0)
        cache.set(key, kept, _PLAYS_KEPT_S)
    return kept
