"""What merging labels would change, before it does."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Exists, Q, QuerySet

from ...models import Label, LabelAlias, LabelAssignment, LabelDoubt, Nudge, SongLabel
from ..labels import same_annotation
from .label_references import references_to


@dataclass(frozen=True, slots=True)
class MergePreview:
    """What merging labels into one of them would do.

    Attributes
    ----------
    into : Label
        The one that stays.
    names : list of str
        Those that go.
    songs_now, songs_then : int
        How many songs have the one that stays, before and after.
    both : int
        Songs that are called both by the same source: the stronger word stays.
    verdicts_lost : int
        Curators' words on those that go, where a curator has spoken on the one that stays too.
    nudges, nudges_lost : int
        Of listeners: all, and those whose listener has nudged the one that stays too.
    doubts, given : int
        Doubts of listeners, and what imports say that people gave.
    aliases : list of str
        Other spellings that go over.
    named_by : list of str
        Tables of other apps that name those that go; they are found by their old names.
    """

    into: Label
    names: list[str]
    songs_now: int
    songs_then: int
    both: int
    verdicts_lost: int
    nudges: int
    nudges_lost: int
    doubts: int
    given: int
    aliases: list[str]
    named_by: list[str]


def preview_merge(labels: list[Label], into: Label) -> MergePreview:
    """What `merge_labels(labels, into)` would do, without doing it."""
    merged = [label for label in labels if label.pk != into.pk]
    names = [label.name for label in merged]
    annotations = SongLabel.objects.filter(label__in=merged)
    twice = annotations.filter(Exists(same_annotation(into)))
    nudges = Nudge.objects.filter(label__in=merged)
    aliases = LabelAlias.objects.filter(label__in=merged).order_by("name")
    return MergePreview(
        into=into,
        names=names,
        songs_now=_songs(SongLabel.objects.filter(label=into)),
        songs_then=_songs(SongLabel.objects.filter(Q(label=into) | Q(label__in=merged))),
        both=_songs(twice),
        verdicts_lost=twice.filter(source=SongLabel.Source.CURATOR).count(),
        nudges=nudges.count(),
        nudges_lost=nudges.filter(user__in=Nudge.objects.filter(label=into).values("user")).count(),
        doubts=LabelDoubt.objects.filter(label__in=merged).count(),
        given=LabelAssignment.objects.filter(label__in=merged).count(),
        aliases=list(aliases.values_list("name", flat=True)),
        named_by=references_to(names),
    )


def _songs(annotations: QuerySet[SongLabel]) -> int:
    return annotations.values("song").distinct().count()
