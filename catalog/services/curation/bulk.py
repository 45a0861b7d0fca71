"""Accepting many at once: what a tagger is sure of, and no curator has spoken on."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db.models import QuerySet

from ...models import CurationAction, Label, Song, SongLabel
from ..labels import curate_songs
from . import log
from .candidates import curated

MOST = 2000
"""So many songs at most are accepted at once: one short transaction, and one line to undo."""

_SAMPLE = 12


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """Songs that a tagger gives a label with a probability or a larger one, and no curator has spoken on.

    Attributes
    ----------
    label : Label
    lowest : float
        The probability.
    songs : int
        How many there are.
    sample : list of (Song, float)
        Some of those that would be accepted, from the surest to the least sure, with their probabilities.
    at_once : int
        How many would be accepted.
    """

    label: Label
    lowest: float
    songs: int
    sample: list[tuple[Song, float]]
    at_once: int


def unconfirmed(label: Label, lowest: float) -> Unconfirmed:
    """What accepting would do, without doing it."""
    surest = _surest(label, lowest)
    ids = list(surest)
    shown = ids if len(ids) <= _SAMPLE else [ids[place * (len(ids) - 1) // (_SAMPLE - 1)] for place in range(_SAMPLE)]
    songs = Song.objects.in_bulk(shown)
    return Unconfirmed(
        label,
        lowest,
        songs=_annotations(label, lowest).values("song").distinct().count(),
        sample=[(songs[pk], surest[pk]) for pk in shown if pk in songs],
        at_once=len(ids),
    )


def accept(label: Label, lowest: float, curator: User) -> CurationAction | None:
    """Keep a label on all these songs, the `MOST` surest where they are more; None where there are none."""
    songs = list(_surest(label, lowest))
    many = "1 song" if len(songs) == 1 else f"{len(songs):,} songs"
    summary = f"{label} kept on {many} where it was heard with {lowest:.2f} or more"
    with log.recorded(log.Kind.BULK, curator, summary) as recording:
        curate_songs(songs, label, True, curator, recording.kind, summary)
    return recording.action


def _annotations(label: Label, lowest: float) -> QuerySet[SongLabel]:
    return SongLabel.objects.filter(~curated(), label=label, source=SongLabel.Source.CNN, weight__gte=lowest)


def _surest(label: Label, lowest: float) -> dict[int, float]:
    """The surest songs and their probabilities."""
    surest: dict[int, float] = {}
    # Several taggers may say it of one song.
    for song, weight in (
        _annotations(label, lowest).order_by("-weight", "song").values_list("song", "weight")[: 2 * MOST]
    ):
        if len(surest) < MOST:
            surest.setdefault(song, weight)
    return surest
