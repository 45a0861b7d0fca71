"""A verdict on a label as a whole: songs heard, from the least sure to the surest, then from where on it counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from django.contrib.auth.models import User
from django.db.models import QuerySet, Sum
from django.utils import timezone

from ...models import CurationAction, Label, PlayCount, Song, SongLabel
from ...queries import rows_of_each
from ..labels import announce_labels_changed, curate_songs
from . import log
from .candidates import curated

N_HEARD = 12
"""So many songs are listened to."""

_READ_A_PLACE = 6
_A_LITTLE = 0.0001


@dataclass(frozen=True, slots=True)
class Effect:
    """What it changes if a label counts from a probability on.

    Attributes
    ----------
    songs_now, songs_then : int
        On how many songs that no curator has spoken on a tagger gives the label: now, and then.
    lost, gained : int
        How many songs would lose it, and get it back.
    plays : int
        How often those songs were played.
    """

    songs_now: int
    songs_then: int
    lost: int
    gained: int
    plays: int


def to_hear(label: Label) -> list[tuple[Song, float]]:
    """Songs that a tagger gives a label, with their probabilities, spread from the least sure to the surest.

    They are spread by probability, not by rank, so that each costs one look at the index however many songs there are.
    """
    by_weight = _predicted(label).order_by("weight")
    weights = [weight for _, weight in _some(by_weight, 1).union(_some(by_weight.reverse(), 1))]
    if not weights:
        return []
    least, step = min(weights), (max(weights) - min(weights)) / (N_HEARD - 1)
    # A hair lower: the surest one is not to be missed by rounding.
    places = [least + (number - _A_LITTLE) * step for number in range(N_HEARD)]
    read = rows_of_each(lambda place: _some(by_weight.filter(weight__gte=place)), places)
    heard: dict[int, float] = {}
    for weight, song in sorted((weight, song) for song, weight in read):
        heard[song] = max(weight, heard.get(song, 0.0))
    songs = Song.objects.playable().select_related("root").in_bulk(heard)
    rows = [(songs[pk], weight) for pk, weight in heard.items() if pk in songs]
    if len(rows) <= N_HEARD:
        return rows
    kept: list[tuple[Song, float]] = []
    for number in range(N_HEARD):
        wanted = least + number * step
        kept.append(min((row for row in rows if row not in kept), key=lambda row: abs(row[1] - wanted)))
    return sorted(kept, key=lambda row: (row[1], row[0].pk))


def fitting_probability(heard: Sequence[tuple[float, bool]], now: float) -> float:
    """From which probability on a label should count, by what was heard: where the fewest verdicts are contradicted.

    Parameters
    ----------
    heard : sequence of (float, bool)
        Probabilities, and whether the label is right there.
    now : float
        From where on it counts now; what changes least is taken of what fits equally well.

    Returns
    -------
    float
        In [0, 1], with four decimals: `now`; or halfway between two that were heard, or just above all of them.
    """
    if not heard:
        return now
    weights = sorted({weight for weight, _ in heard})
    between = [(lower + upper) / 2 for lower, upper in pairwise(weights)]
    places = [now, *(place for place in [*between, weights[-1] + _A_LITTLE] if place > now)]

    def contradicted(place: float) -> int:
        return sum(right != (weight >= place) for weight, right in heard)

    best = min(places, key=lambda place: (contradicted(place), place))
    return min(1.0, round(best, 4))


def effect(label: Label, least: float) -> Effect:
    """What would change if a label counted from a probability on, without changing it."""
    predicted = _predicted(label, counting=False)
    now, then = (_songs(predicted.filter(weight__gte=place)) for place in (label.least_probability, least))
    low, high = sorted((label.least_probability, least))
    kept = predicted.filter(weight__gte=high).values("song")
    others = _elsewhere(label)
    moved = predicted.filter(weight__gte=low, weight__lt=high).exclude(song__in=kept).exclude(song__in=others)
    many = _songs(moved)
    plays = PlayCount.objects.filter(song__in=moved.values("song")).aggregate(plays=Sum("count"))["plays"] or 0
    stricter = least > label.least_probability
    return Effect(now, then, lost=many if stricter else 0, gained=0 if stricter else many, plays=int(plays))


def judge(label: Label, least: float, verdicts: Mapping[int, bool], curator: User) -> CurationAction | None:
    """Store from which probability on a label counts, and the verdicts on songs that it rests on; logged as one.

    Parameters
    ----------
    least : float
        In [0, 1].
    verdicts : mapping of a song's primary key to bool
        Whether the label is right on it.

    Raises
    ------
    ValueError
        If `least` is no probability.
    """
    if not 0 <= least <= 1:
        raise ValueError("A probability is a number from 0 to 1.")
    right, wrong = ([song for song, verdict in verdicts.items() if verdict is said] for said in (True, False))
    with log.recorded(log.Kind.JUDGED, curator, "", *log.label_itself(label.pk)) as recording:
        now = Label.objects.select_for_update().get(pk=label.pk)
        counts = "taken as taggers have it" if least == 0 else f"counts where it was heard with {least:.4g} or more"
        recording.summary = f"{label} judged as a whole: {counts}"
        for songs, verdict in ((right, True), (wrong, False)):
            curate_songs(songs, label, verdict, curator, recording.kind, recording.summary)
        Label.objects.filter(pk=label.pk).update(least_probability=least, judged_at=timezone.now())
        low, high = sorted((now.least_probability, least))
        moved = _predicted(label, counting=False).filter(weight__gte=low, weight__lt=high)
        announce_labels_changed(moved.values_list("song_id", flat=True).distinct())
    return recording.action


def _predicted(label: Label, *, counting: bool = True) -> QuerySet[SongLabel]:
    """What taggers say of a label where no curator has spoken; only what counts, unless all is asked for."""
    annotations = SongLabel.objects.filter(~curated(), label=label, source=SongLabel.Source.CNN)
    return annotations.filter(weight__gte=label.least_probability) if counting else annotations


def _elsewhere(label: Label) -> QuerySet[SongLabel, Any]:
    """The songs that imports give a label: a tagger's threshold changes nothing there."""
    imported = SongLabel.objects.filter(label=label, source=SongLabel.Source.IMPORT, weight__gt=0)
    return imported.values("song")


def _some(annotations: QuerySet[SongLabel], many: int = _READ_A_PLACE) -> QuerySet[SongLabel, tuple[int, float]]:
    # SQLite takes no limit inside a union.
    return SongLabel.objects.filter(pk__in=annotations.values("pk")[:many]).order_by().values_list("song", "weight")


def _songs(annotations: QuerySet[SongLabel]) -> int:
    return annotations.order_by().values("song").distinct().count()
