"""Labels that a curator should look at, found by questions whose cost does not grow with the library.

For each tagger and label, the words closest to its line are read off an index; contradictions are looked for in some
hundreds of songs at a time; doubts are as many as listeners have spoken out. Whatever a curator has spoken on is left
out.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, OuterRef, QuerySet, Sum

from ...models import CurationItem, LabelDoubt, PlayCount, Song, SongLabel
from ...search import standing_words
from .lines import Line

Reason = CurationItem.Reason

_UNSURE_WITHIN = 0.4
"""Log-odds above a line up to which a tagger is unsure: from 0.50 to 0.60."""

_READ_A_LINE = 30
_KEPT_A_LINE = 4
_LINES_A_QUERY = 40
_SONGS_LOOKED_AT = 400
_MOST_CONTRADICTIONS = 300
_MOST_DOUBTS = 200
_AFTER_DOUBTS, _AFTER_CONTRADICTIONS = 1000.0, 100.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A label of a song that somebody should look at, and why."""

    song: int
    label: int
    reason: str
    urgency: float
    figures: dict[str, Any]

    def item(self) -> CurationItem:
        return CurationItem(
            song_id=self.song, label_id=self.label, reason=self.reason, urgency=self.urgency, figures=self.figures
        )


def curated() -> Exists:
    """That a curator has spoken on this row's song and label."""
    words = SongLabel.objects.filter(song=OuterRef("song"), label=OuterRef("label"), source=SongLabel.Source.CURATOR)
    return Exists(words)


def doubted() -> list[Candidate]:
    """What listeners say is wrong, most of them first; what a curator had the last word on is settled."""
    standing = standing_words().filter(song=OuterRef("song"), label=OuterRef("label"))
    doubts = LabelDoubt.objects.filter(Exists(standing), settled_at=None).order_by()
    counted = doubts.values_list("song", "label").annotate(listeners=Count("pk")).order_by("-listeners", "song")
    return [
        Candidate(song, label, Reason.DOUBTED, _AFTER_DOUBTS + listeners, {"listeners": listeners})
        for song, label, listeners in counted[:_MOST_DOUBTS]
    ]


def found(lines: Sequence[Line]) -> list[Candidate]:
    """Labels that sources disagree about or that taggers are unsure of; those of songs much played are the more urgent.

    Parameters
    ----------
    lines : sequence of Line
        Where the taggers draw theirs.
    """
    candidates = [*_contradicted(lines), *_unsure(lines)]
    plays = dict(
        PlayCount.objects.filter(song__in={one.song for one in candidates})
        .order_by()
        .values_list("song")
        .annotate(Sum("count"))
    )
    return [_weighted(one, plays.get(one.song, 0)) for one in candidates]


def _weighted(candidate: Candidate, plays: int) -> Candidate:
    base = _AFTER_CONTRADICTIONS if candidate.reason == Reason.CONTRADICTED else 0.0
    urgency = base + candidate.urgency * (1 + math.log10(1 + plays))
    return Candidate(candidate.song, candidate.label, candidate.reason, urgency, candidate.figures)


def _unsure(lines: Sequence[Line]) -> Iterator[Candidate]:
    by_place = {(line.origin, line.label): line for line in lines}
    nearest: defaultdict[tuple[str, int], list[tuple[float, int]]] = defaultdict(list)
    for origin, label, song, weight in _close_words(list(by_place.values())):
        nearest[origin, label].append((weight, song))
    for place, words in nearest.items():
        line = by_place[place]
        for weight, song in sorted(words)[:_KEPT_A_LINE]:
            closeness = 1 - (_log_odds(weight) - _log_odds(line.point)) / _UNSURE_WITHIN
            figures = {"heard": round(weight, 4), "line": round(line.point, 4)}
            yield Candidate(song, line.label, Reason.UNSURE, closeness, figures)


def _close_words(lines: list[Line]) -> Iterator[tuple[str, int, int, float]]:
    """Words just above the lines, some for each: origin, label, song and weight."""
    for first in range(0, len(lines), _LINES_A_QUERY):
        parts = [_words_of_line(line) for line in lines[first : first + _LINES_A_QUERY]]
        yield from parts[0].union(*parts[1:], all=True)


def _words_of_line(line: Line) -> QuerySet[SongLabel, Any]:
    upper = 1 / (1 + math.exp(-_log_odds(line.point) - _UNSURE_WITHIN))
    close = SongLabel.objects.filter(
        ~curated(),
        label=line.label,
        source=SongLabel.Source.CNN,
        # Weights are kept as they were computed, in single precision.
        weight__gte=line.point - 1e-6,
        weight__lt=upper,
    )
    nearest = close.order_by("weight").values("pk")[:_READ_A_LINE]
    here = SongLabel.objects.filter(pk__in=nearest, origin=line.origin, song__missing_since=None)
    return here.order_by().values_list("origin", "label", "song", "weight")


def _contradicted(lines: Sequence[Line]) -> Iterator[Candidate]:
    """What files or people say of some songs, and no tagger hears that could."""
    heard = {line.label for line in lines if line.listens}
    if not heard or not (songs := _some_heard_songs()):
        return
    taggers = SongLabel.objects.filter(song=OuterRef("song"), label=OuterRef("label"), source=SongLabel.Source.CNN)
    said = SongLabel.objects.filter(
        ~Exists(taggers), ~curated(), song__in=songs, label__in=heard, source=SongLabel.Source.IMPORT, weight__gt=0
    )
    words = said.order_by("-weight", "song", "label").values_list("song", "label", "origin", "weight")
    for song, label, origin, weight in words[:_MOST_CONTRADICTIONS]:
        figures = {"origin": origin, "people": weight}
        yield Candidate(song, label, Reason.CONTRADICTED, math.log10(1 + weight), figures)


def _some_heard_songs() -> list[int]:
    """Songs that taggers have heard, in the order in which they did, from a moment picked at random on."""
    heard = Song.objects.filter(tagging_state=Song.Tagging.DONE)
    in_order = heard.order_by("tagging_changed_at", "pk")
    # Each end is one look at the index; both in one question would read all of it.
    dated = heard.exclude(tagging_changed_at=None).values_list("tagging_changed_at", flat=True)
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
