"""Deciding what is in the queue: keep, refuse, correct; and the same again for songs that sound alike."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.contrib.auth.models import User

from ...models import CurationAction, CurationItem, Label, Song, SongLabel
from ...names import storable
from ...search import standing_annotations
from ..labels import VERDICTS, curate_songs, labels_by_name
from . import log

MOST_ALIKE = 50
"""A correction is applied to at most this many songs at once."""

_LONGEST_NAME = 100


class AlreadyDecidedError(Exception):
    """Another curator has decided already; the message says who, and how."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a curator was asked: an item of the queue, and what it was about."""

    item: int
    song: int
    label: int


def decide(asked: Asked, verdict: bool, curator: User) -> CurationAction | None:
    """Keep a label or refuse it.

    Raises
    ------
    AlreadyDecidedError
        If it is not in the queue any more.
    """
    kind, wording = VERDICTS[verdict]
    with log.recorded(kind, curator, "") as recording:
        item = _take(asked)
        recording.item, recording.summary = _row(item), f"{item.label} {wording} {item.song}"
        curate_songs([item.song_id], item.label, verdict, curator, kind, recording.summary)
    return recording.action


def correct(asked: Asked, name: str, kind: str, curator: User) -> CurationAction | None:
    """Refuse a label, and give another in its place.

    Parameters
    ----------
    name : str
        Of the other label, or an alias; a new label is made where there is none.
    kind : str
        A `Label.Kind`, for a label that is new.

    Raises
    ------
    AlreadyDecidedError
        If it is not in the queue any more.
    ValueError
        If the name is none, or the label's own; the message says so.
    """
    name = storable(name).strip()
    if not name or len(name) > _LONGEST_NAME:
        raise ValueError(f"Type the name of a label, {_LONGEST_NAME} letters at most.")
    with log.recorded(log.Kind.CORRECTED, curator, "", log.label_named(name)) as recording:
        item = _take(asked)
        other = labels_by_name({name: kind if kind in Label.Kind.values else Label.Kind.OTHER})[name]
        if other == item.label:
            raise ValueError(f"It has the label {other} already: keep it, or name another one.")
        recording.item, recording.summary = _row(item), f"{item.label} corrected to {other} on {item.song}"
        for label, verdict in ((item.label, False), (other, True)):
            curate_songs([item.song_id], label, verdict, curator, recording.kind, recording.summary)
    return recording.action


@dataclass(frozen=True, slots=True)
class Correction:
    """What an action decided for its song, to be applied to songs that sound like it."""

    action: CurationAction
    song: Song
    refused: Label | None
    given: Label | None

    def __str__(self) -> str:
        if self.refused and self.given:
            return f"{self.given} in place of {self.refused}"
        return f"{self.given}" if self.given else f"not {self.refused}"

    def open_to(self, song_ids: Collection[int]) -> set[int]:
        """Those of the songs that it can be applied to: no curator has decided, and there is something to refuse."""
        label = self.given or self.refused
        curated = SongLabel.objects.filter(song__in=song_ids, label=label, source=SongLabel.Source.CURATOR)
        there = Song.objects.filter(pk__in=song_ids).values_list("pk", flat=True)
        still = set(there) - set(curated.values_list("song_id", flat=True))
        return still if self.given else still & _having(self.refused, still)


def correction_of(action: CurationAction) -> Correction | None:
    """What of an action can be applied to other songs; None where it corrected nothing, or is undone."""
    if action.undone_at or not action.item or action.kind not in (log.Kind.CORRECTED, log.Kind.REFUSED):
        return None
    song = Song.objects.filter(pk=action.item["song_id"]).first()
    refused = Label.objects.filter(pk=action.item["label_id"]).first()
    annotations = [change.after for change in action.changes.filter(table="SongLabel") if change.after]
    given = Label.objects.filter(
        pk__in=[annotation["label_id"] for annotation in annotations if annotation["weight"] > 0]
    ).first()
    return Correction(action, song, refused, given) if song and (refused or given) else None


def same_for(correction: Correction, song_ids: Collection[int], curator: User) -> CurationAction | None:
    """Say the same of songs that sound alike, as one action; those that it is not open to are passed over.

    Raises
    ------
    ValueError
        If they are more than `MOST_ALIKE`.
    """
    if len(song_ids) > MOST_ALIKE:
        raise ValueError(f"At most {MOST_ALIKE} songs at once.")
    songs = sorted(correction.open_to(set(song_ids)))
    alike = "1 song that sounds" if len(songs) == 1 else f"{len(songs)} songs that sound"
    summary = f"{correction} on {alike} like {correction.song}"
    with log.recorded(log.Kind.BULK, curator, summary) as recording:
        if correction.given:
            curate_songs(songs, correction.given, True, curator, recording.kind, summary)
        if correction.refused:
            undecided = _having(correction.refused, set(songs))
            curate_songs(sorted(undecided), correction.refused, False, curator, recording.kind, summary)
    return recording.action


def _having(label: Label | None, song_ids: set[int]) -> set[int]:
    """Those of the songs that have a label, by anybody but a curator."""
    if label is None:
        return set()
    annotated = set(standing_annotations().filter(song__in=song_ids, label=label).values_list("song_id", flat=True))
    curated = SongLabel.objects.filter(song__in=song_ids, label=label, source=SongLabel.Source.CURATOR)
    return annotated - set(curated.values_list("song_id", flat=True))


def _take(asked: Asked) -> CurationItem:
    """Take an item out of the queue: of two who decide at once, one does."""
    which = CurationItem.objects.filter(pk=asked.item, song=asked.song, label=asked.label)
    item = which.select_related("song", "label").first()
    if item is None or not which.delete()[0]:
        raise AlreadyDecidedError(_who_decided(asked))
    return item


def _who_decided(asked: Asked) -> str:
    annotations = SongLabel.objects.filter(song=asked.song, label=asked.label, source=SongLabel.Source.CURATOR)
    annotation = annotations.select_related("song", "label").first()
    if annotation is None:
        return "This is not to be decided any more: the label or the song has changed. Nothing was done."
    wording = "kept" if annotation.weight > 0 else "refused"
    who = annotation.origin or "Somebody"
    return f"{who} has already {wording} {annotation.label} on {annotation.song}. Nothing was done."


def _row(item: CurationItem) -> log.Row:
    return {name: getattr(item, name) for name in ("song_id", "label_id", "reason", "urgency", "figures")}
