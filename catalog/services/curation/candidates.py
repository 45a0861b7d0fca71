"""Labels that a curator should look at, found by questions whose cost does not grow with the library.

For each tagger and label, annotations in the middle of what is uncertain are read off an index: a yes or no tells
most there, while songs right at the threshold are at the edge of nothing. Contradictions are looked for in some
hundreds of songs at a time; there are as many doubts as listeners have stated. What a curator has decided is left out.
Labels come first that an answer changes most for: by how many songs have them, and how often the song is played.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Count, Exists, OuterRef, QuerySet, Sum

from ...models import CurationItem, Label, LabelDoubt, PlayCount, Song, SongLabel
from ...search import standing_annotations
from . import reach
from .thresholds import Threshold

Reason = CurationItem.Reason

SURE_FROM = 0.9
"""From this probability on a tagger is sure; halfway to it from the threshold, in log-odds, is the middle."""

_READ_A_SIDE = 15
_KEPT_A_THRESHOLD = 4
_THRESHOLDS_A_QUERY = 20
_SONGS_LOOKED_AT = 400
_MOST_CONTRADICTIONS = 300
_MOST_DOUBTS = 200
_AFTER_DOUBTS, _AFTER_CONTRADICTIONS = 1000.0, 100.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A label of a song that a curator should check, and why."""

    song: int
    label: int
    reason: str
    urgency: float
    figures: dict[str, Any]

    def item(self) -> CurationItem:
        """Return the candidate as a row of the queue, not stored yet."""
        return CurationItem(
            song_id=self.song, label_id=self.label, reason=self.reason, urgency=self.urgency, figures=self.figures
        )


def curated() -> Exists:
    """That a curator has spoken on this row's song and label."""
    annotations = SongLabel.objects.filter(
        song=OuterRef("song"), label=OuterRef("label"), source=SongLabel.Source.CURATOR
    )
    return Exists(annotations)


def doubted() -> list[Candidate]:
    """Labels that listeners doubt, those with most doubts first; doubts that a curator has decided are settled."""
    standing = standing_annotations().filter(song=OuterRef("song"), label=OuterRef("label"))
    doubts = LabelDoubt.objects.filter(Exists(standing), settled_at=None).order_by()
    counted = doubts.values_list("song", "label").annotate(listeners=Count("pk")).order_by("-listeners", "song")
    return [
        Candidate(song, label, Reason.DOUBTED, _AFTER_DOUBTS + listeners, {"listeners": listeners})
        for song, label, listeners in counted[:_MOST_DOUBTS]
    ]


def found(thresholds: Sequence[Threshold]) -> list[Candidate]:
    """Labels that sources disagree about or that taggers are unsure of.

    The more songs have a label and the more a song is played, the more urgent it is.

    Parameters
    ----------
    thresholds : sequence of Threshold
        Of all taggers.
    """
    candidates = [*_contradicted(thresholds), *_unsure(thresholds)]
    plays = dict(
        PlayCount.objects.filter(song__in={one.song for one in candidates})
        .order_by()
        .values_list("song")
        .annotate(Sum("count"))
    )
    songs = reach.songs_by_label()
    return [_weighted(one, songs.get(one.label, 0), plays.get(one.song, 0)) for one in candidates]


def _weighted(candidate: Candidate, songs: int, plays: int) -> Candidate:
    base = _AFTER_CONTRADICTIONS if candidate.reason == Reason.CONTRADICTED else 0.0
    urgency = base + candidate.urgency * (1 + math.log10(1 + songs)) * (1 + math.log10(1 + plays))
    return Candidate(candidate.song, candidate.label, candidate.reason, urgency, candidate.figures)


def middle(threshold: float) -> float:
    """The probability halfway, in log-odds, between a threshold and being sure; the threshold itself above that."""
    halfway = (_log_odds(threshold) + _log_odds(SURE_FROM)) / 2
    return max(threshold, 1 / (1 + math.exp(-halfway)))


def _unsure(thresholds: Sequence[Threshold]) -> Iterator[Candidate]:
    least = dict(
        Label.objects.filter(pk__in={one.label for one in thresholds}, least_probability__gt=0).values_list(
            "pk", "least_probability"
        )
    )
    thresholds = [replace(one, value=max(one.value, least.get(one.label, 0.0))) for one in thresholds]
    by_place = {(threshold.origin, threshold.label): threshold for threshold in thresholds}
    near: defaultdict[tuple[str, int], list[tuple[float, float, int]]] = defaultdict(list)
    for origin, label, song, weight in _annotations_near(list(by_place.values())):
        off = abs(_log_odds(weight) - _log_odds(middle(by_place[origin, label].value)))
        near[origin, label].append((off, weight, song))
    for place, found_near in near.items():
        threshold = by_place[place]
        for off, weight, song in sorted(found_near)[:_KEPT_A_THRESHOLD]:
            figures = {"heard": round(weight, 4), "line": round(threshold.value, 4)}
            # What is in the middle comes a little sooner; how much an answer changes weighs more.
            yield Candidate(song, threshold.label, Reason.UNSURE, 1 / (1 + off / 10), figures)


def _annotations_near(thresholds: list[Threshold]) -> Iterator[tuple[str, int, int, float]]:
    """Annotations on both sides of the middle, some for each threshold: origin, label, song and weight."""
    for first in range(0, len(thresholds), _THRESHOLDS_A_QUERY):
        parts = [
            annotations_beside(threshold, above=above)
            for threshold in thresholds[first : first + _THRESHOLDS_A_QUERY]
            for above in (False, True)
        ]
        yield from parts[0].union(*parts[1:], all=True)


def annotations_beside(threshold: Threshold, *, above: bool) -> QuerySet[SongLabel, Any]:
    """Some annotations from the middle on upwards or downwards, but none that is sure or under the threshold."""
    centre = middle(threshold.value)
    # Weights are kept as they were computed, in single precision.
    bounds = (centre, SURE_FROM - 1e-6) if above else (threshold.value - 1e-6, centre)
    beside = SongLabel.objects.filter(
        ~curated(),
        label=threshold.label,
        source=SongLabel.Source.CNN,
        weight__gte=bounds[0],
        weight__lt=bounds[1],
    )
    nearest = beside.order_by("weight" if above else "-weight").values("pk")[:_READ_A_SIDE]
    here = SongLabel.objects.filter(pk__in=nearest, origin=threshold.origin, song__missing_since=None)
    return here.order_by().values_list("origin", "label", "song", "weight")


def _contradicted(thresholds: Sequence[Threshold]) -> Iterator[Candidate]:
    """Labels that files or people give to some songs, and that no tagger predicts although it could."""
    predicted = {threshold.label for threshold in thresholds if threshold.tags_every_song}
    if not predicted or not (songs := _some_tagged_songs()):
        return
    taggers = SongLabel.objects.filter(song=OuterRef("song"), label=OuterRef("label"), source=SongLabel.Source.CNN)
    imported = SongLabel.objects.filter(
        ~Exists(taggers), ~curated(), song__in=songs, label__in=predicted, source=SongLabel.Source.IMPORT, weight__gt=0
    )
    annotations = imported.order_by("-weight", "song", "label").values_list("song", "label", "origin", "weight")
    for song, label, origin, weight in annotations[:_MOST_CONTRADICTIONS]:
        figures = {"origin": origin, "people": weight}
        yield Candidate(song, label, Reason.CONTRADICTED, math.log10(1 + weight), figures)


def _some_tagged_songs() -> list[int]:
    """Songs that taggers have tagged, in that order, from a moment picked at random on."""
    predicted = Song.objects.filter(tagging_state=Song.Tagging.DONE)
    in_order = predicted.order_by("tagging_changed_at", "pk")
    # Each end is one look at the index; both in one question would read all of it.
    dated = predicted.exclude(tagging_changed_at=None).values_list("tagging_changed_at", flat=True)
    first, last = dated.order_by("tagging_changed_at").first(), dated.order_by("-tagging_changed_at").first()
    songs = []
    if first and last:
        moment = first + random.random() * (last - first)  # noqa: S311
        songs = _playable(in_order.filter(tagging_changed_at__gte=moment))
    if len(songs) < _SONGS_LOOKED_AT:
        songs += _playable(in_order)
    return list(dict.fromkeys(songs))[:_SONGS_LOOKED_AT]


def _playable(songs: QuerySet[Song]) -> list[int]:
    found: Iterable[tuple[int, str, Any]] = songs.values_list("pk", "path", "missing_since")[:_SONGS_LOOKED_AT]
    return [pk for pk, path, missing in found if path and missing is None]


def _log_odds(probability: float) -> float:
    inside = min(max(probability, 1e-6), 1 - 1e-6)
    return math.log(inside / (1 - inside))
