"""Reasons of recommendations, readable: labels by name and songs as rows, instead of positions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from catalog.models import Song

from ..engine import interface as engine
from ..snapshots.song_label_index import SongLabelIndex

REASONS = 5
"""Most reasons per recommendation."""

_LABELS_IN_WORDS = 3
_SONGS_IN_WORDS = 2


@dataclass(frozen=True, slots=True)
class LabelReason:
    """A label and its contribution to the score; negative contributions lower it."""

    label: str
    weight: float
    asked: bool = False
    """Whether the label is part of the query, not only of the profile."""
    background: bool = False
    """Whether the label says little to a listener."""
    clear: bool = True
    """Whether the song has the label about as much as its strongest."""


@dataclass(frozen=True, slots=True)
class SongReason:
    """Another song and its contribution to the score: played by the same people, or alike by sound."""

    song: Song
    weight: float
    by_sound: bool = False


Reason = LabelReason | SongReason


def counted(number: int, what: str) -> str:
    """A number with its noun: `1 song`, `1,200 songs`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def listed(names: Sequence[str]) -> str:
    """Names as people say several: `jazz, calm and piano`."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def told(reasons: Iterable[LabelReason]) -> list[LabelReason]:
    """Those that say something to a listener.

    Labels in the background, and those that a song hardly has, are told where they were asked for, or stand alone.
    """
    every = list(reasons)
    told = [reason for reason in every if reason.asked or not reason.background] or every
    return [reason for reason in told if reason.asked or reason.clear] or told


def in_words(reasons: Iterable[Reason]) -> str:
    """The strongest positive labels as text, query labels before profile labels; without any, what it sounds like."""
    reasons = list(reasons)
    speaking = told(reason for reason in reasons if isinstance(reason, LabelReason) and reason.weight > 0)
    asked = [reason.label.lower() for reason in speaking if reason.asked]
    own = [reason.label.lower() for reason in speaking if not reason.asked]
    if not speaking:
        return sounds_like(reasons)
    if not asked:
        return ", ".join(own[:_LABELS_IN_WORDS])
    return ", ".join(asked[:_LABELS_IN_WORDS]) + (f" + {own[0]} (yours)" if own else "")


def sounds_like(reasons: Iterable[Reason]) -> str:
    """The songs that a song sounds like, as text; empty if no reason is one."""
    songs = [reason.song for reason in reasons if isinstance(reason, SongReason) and reason.by_sound]
    return f"sounds like {' and '.join(f'“{song.title}”' for song in songs[:_SONGS_IN_WORDS])}" if songs else ""


def by_others(
    songs: engine.Positions, reasons: Sequence[Sequence[engine.Contribution]]
) -> list[list[engine.Contribution]]:
    """Reasons without a song that sounds like itself: all songs are compared with the best matches of a query."""
    return [
        [one for one in some if not (isinstance(one, engine.SoundContribution) and one.song == song)]
        for song, some in zip(songs.tolist(), reasons, strict=True)
    ]


def balanced(reasons: Sequence[engine.Contribution], asked: Collection[int]) -> list[engine.Contribution]:
    """The strongest contributions, with at least one of the query's labels and one other if there are any.

    Parameters
    ----------
    reasons : sequence of Contribution
        Strongest first.
    asked : collection of int
        The query's labels, by position.
    """

    def is_asked(reason: engine.Contribution) -> bool:
        return isinstance(reason, engine.LabelContribution) and reason.label in asked

    kept = list(reasons[:REASONS])
    for wanted in (True, False):
        speaking = next((reason for reason in reasons if reason.weight > 0 and is_asked(reason) is wanted), None)
        if speaking is not None and speaking not in kept:
            weakest = next((at for at in reversed(range(len(kept))) if is_asked(kept[at]) is not wanted), None)
            if weakest is not None:
                kept[weakest] = speaking
    return sorted(kept, key=lambda reason: -abs(reason.weight))


def resolve_labels(
    index: SongLabelIndex, parts: Sequence[engine.LabelContribution], asked: Collection[int] = ()
) -> list[LabelReason]:
    """Label contributions as reasons; `asked` holds the primary keys of the query's labels."""
    return [
        LabelReason(
            str(index.label_names[part.label]),
            part.weight,
            asked=int(index.label_ids[part.label]) in asked,
            background=bool(index.label_background[part.label]),
            clear=part.clear,
        )
        for part in parts
    ]


def resolve_reasons(
    index: SongLabelIndex,
    reasons: Sequence[Sequence[engine.Contribution]],
    songs: Mapping[int, Song],
    asked: Collection[int],
) -> list[list[Reason]]:
    """Contributions as reasons; songs missing from `songs` are fetched in one query."""
    named_songs = {
        reason.song for some in reasons for reason in some if not isinstance(reason, engine.LabelContribution)
    }
    ids = {position: int(index.song_ids[position]) for position in named_songs}
    songs = {**songs, **Song.objects.in_bulk([pk for pk in ids.values() if pk not in songs])}

    def readable(reason: engine.Contribution) -> list[Reason]:
        if isinstance(reason, engine.LabelContribution):
            return [*resolve_labels(index, [reason], asked)]
        song = songs.get(ids[reason.song])
        by_sound = isinstance(reason, engine.SoundContribution)
        return [SongReason(song, reason.weight, by_sound=by_sound)] if song else []

    return [[one for reason in some for one in readable(reason)] for some in reasons]
