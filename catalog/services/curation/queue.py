"""The queue of labels to look at: filled when it runs low, one of its items at a time for each curator.

It is a short table, so that a key press costs a few indexed questions however large the library is. Doubts of
listeners come into it at once; the rest is looked for again when little of it is left, at most twice a minute.
"""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth.models import User
from django.core.cache import cache
from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, When
from django.utils import timezone
from redis.exceptions import RedisError

from ...models import CurationItem, LabelDoubt, SongLabel
from ...search import standing_annotations
from .candidates import Candidate, doubted, found
from .thresholds import current_thresholds

FEW = 20
"""With fewer items than this, more are looked for."""

FULL = 100
"""No more items than this come in at a time, besides what listeners doubt."""

TAKEN_FOR = timedelta(minutes=3)
"""So long nobody else is asked what one curator is looking at."""

_LOOKED_FOR = "catalog.curation.looked_for"
_NOT_AGAIN_S = 30
_TRIES = 5


def waiting() -> int:
    """How many labels are waiting for a curator."""
    fill()
    return open_items().count()


def fill() -> None:
    """Bring the queue up to date: doubts at once, the rest where little of it is left."""
    _take_in_doubts()
    others = CurationItem.objects.exclude(reason=CurationItem.Reason.DOUBTED)
    if others.count() >= FEW or not _may_look():
        return
    # Items decided elsewhere, or without an annotation by now, are dropped.
    CurationItem.objects.exclude(pk__in=open_items().values("pk")).delete()
    candidates = sorted(found(current_thresholds()), key=lambda one: -one.urgency)
    _store(_spread(candidates)[:FULL])


def open_items() -> QuerySet[CurationItem]:
    """The items that are still open: the label has an annotation, and no curator has decided."""
    annotations = SongLabel.objects.filter(song=OuterRef("song"), label=OuterRef("label"))
    doubts = LabelDoubt.objects.filter(song=OuterRef("song"), label=OuterRef("label"), settled_at=None)
    annotated = standing_annotations().filter(song=OuterRef("song"), label=OuterRef("label"))
    undecided = ~Exists(annotations.filter(source=SongLabel.Source.CURATOR)) & ~Q(reason=CurationItem.Reason.DOUBTED)
    return CurationItem.objects.filter(Exists(annotated), Exists(doubts) | undecided)


def next_item(curator: User) -> CurationItem | None:
    """The first item that nobody else is looking at; for so long it is this curator's.

    What the curator is looking at stays, and what was undone last comes before it, however urgent others are.
    """
    fill()
    for _ in range(_TRIES):
        now = timezone.now()
        free = Q(taken_until=None) | Q(taken_until__lt=now) | Q(taken_by=curator)
        mine = Case(When(taken_by=curator, taken_until__gte=now, then=F("taken_until")))
        of_queue = open_items().filter(free).order_by(mine.desc(nulls_last=True), "skips", "-urgency", "pk")
        item = of_queue.select_related("song__root", "label").first()
        if item is None:
            return None
        if CurationItem.objects.filter(free, pk=item.pk).update(taken_by=curator, taken_until=now + TAKEN_FOR):
            return item
    return None


def put_off(item: CurationItem) -> None:
    """Let an item come again after all that has not been put off."""
    CurationItem.objects.filter(pk=item.pk).update(skips=F("skips") + 1, taken_by=None, taken_until=None)


def _take_in_doubts() -> None:
    _store(doubted())


def _store(candidates: list[Candidate]) -> None:
    """Take candidates in; where one is there for a lesser reason, it becomes the more urgent."""
    there = {
        (item.song_id, item.label_id): item
        for item in CurationItem.objects.filter(song__in={one.song for one in candidates})
    }
    new = []
    for one in candidates:
        if (item := there.get((one.song, one.label))) is None:
            new.append(one.item())
        elif item.urgency < one.urgency and item.figures != one.figures:
            CurationItem.objects.filter(pk=item.pk).update(
                reason=one.reason, urgency=one.urgency, figures=one.figures, skips=0
            )
    if new:
        CurationItem.objects.bulk_create(new, ignore_conflicts=True)


def _spread(candidates: list[Candidate]) -> list[Candidate]:
    """One of each label after the other, the most urgent first, so that no label fills the queue."""
    turns: dict[int, int] = {}
    placed = []
    for one in candidates:
        turn = turns[one.label] = turns.get(one.label, -1) + 1
        placed.append((turn, -one.urgency, one))
    return [one for _, _, one in sorted(placed, key=lambda place: place[:2])]


def _may_look() -> bool:
    try:
        if cache.get(_LOOKED_FOR):
            return False
        cache.set(_LOOKED_FOR, True, _NOT_AGAIN_S)
    except (OSError, RedisError):
        # Without the cache it is looked for more often than needed, and nothing else.
        pass
    return True
