"""Songs as lists show them: with their strongest labels, and the listener's own stars and plays."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db.models import Sum, Value

from ..models import NotThis, PlayCount, Rating, Song, SongLabel

_SHOWN_LABELS = 3
# From which probability on a person rather agrees with what a tagger predicts; where nothing is so sure, from which
# share of the strongest label's.
_LIKELY, _CLEAR = 0.5, 0.5
_REFUSED = 0


@dataclass(frozen=True, slots=True)
class SongRow:
    """A song for one listener, its labels as pages show them: in one case."""

    song: Song
    labels: list[str]
    stars: int | None
    plays: int
    refused: bool = False


def song_rows(songs: Iterable[Song], user: User, *, labels: bool = True) -> list[SongRow]:
    """The songs in their order, ready for `songs.row` of `components/songs.jinja`, in three queries.

    Pages that show no labels pass `labels=False`, which saves a query.
    """
    shown = list(songs)
    if not shown:
        return []
    ids = [song.pk for song in shown]
    strengths = label_strengths(ids if labels else [], clear=True)
    stars, refused = _opinions(ids, user)
    plays = dict(
        PlayCount.objects.filter(user=user, song__in=ids).order_by().values_list("song").annotate(Sum("count"))
    )
    return [
        SongRow(
            song, _strongest(strengths[song.pk]), stars.get(song.pk), plays.get(song.pk, 0), refused=song.pk in refused
        )
        for song in shown
    ]


def _opinions(ids: list[int], user: User) -> tuple[dict[int, int], set[int]]:
    """The listener's stars by song, and the songs that are not for them, in one query."""
    rated = Rating.objects.filter(user=user, song__in=ids).order_by().values_list("song", "stars")
    refused = NotThis.objects.filter(user=user, song__in=ids).order_by().values_list("song", Value(_REFUSED))
    stars: dict[int, int] = {}
    not_for_them: set[int] = set()
    for song, said in rated.union(refused, all=True):
        if said == _REFUSED:
            not_for_them.add(song)
        else:
            stars[song] = said
    return stars, not_for_them


def strongest_labels(song: Song) -> list[str]:
    """A song's strongest labels, as its row shows them, in one query."""
    return _strongest(label_strengths([song.pk], clear=True)[song.pk])


def _strongest(strengths: dict[str, float]) -> list[str]:
    return [name.lower() for name in sorted(strengths, key=lambda name: (-strengths[name], name))[:_SHOWN_LABELS]]


def least_shown(strongest: float) -> float:
    """From which probability on predicted labels of a song are shown, whose strongest one has this probability."""
    return _LIKELY if strongest >= _LIKELY else _CLEAR * strongest


def label_strengths(song_ids: Iterable[int], *, clear: bool = False) -> defaultdict[int, dict[str, float]]:
    """The strength of each label of each song, by song and name, in one query; curators override all other sources.

    Weights of different sources are compared as shares of the song's largest weight from that source. Labels that say
    little to a listener (`Label.background`) are there only where a song has no others; with `clear`, predicted ones
    only from `least_shown` on.
    """
    annotations = (
        SongLabel.objects.counting()
        .filter(song__in=list(song_ids))
        .values_list("song_id", "label__name", "source", "weight", "label__background")
    )
    by_song: defaultdict[int, list[tuple[str, str, float]]] = defaultdict(list)
    background = set()
    for song, name, source, weight, in_background in annotations:
        by_song[song].append((name, source, weight))
        if in_background:
            background.add(name)
    strengths: defaultdict[int, dict[str, float]] = defaultdict(dict)
    for song, of_song in by_song.items():
        told = _strengths([one for one in of_song if one[0] not in background], clear=clear)
        strengths[song] = told or _strengths(of_song, clear=clear)
    return strengths


def _strengths(annotations: list[tuple[str, str, float]], *, clear: bool) -> dict[str, float]:
    """Strengths of one song's annotations (name, source, weight): a curator's yes counts 2, a no removes the label."""
    largest: defaultdict[str, float] = defaultdict(float)
    for _, source, weight in annotations:
        largest[source] = max(largest[source], weight)
    strength: dict[str, float] = {}
    for name, source, weight in annotations:
        if source == SongLabel.Source.CURATOR or weight <= 0:
            continue
        if not clear or source != SongLabel.Source.CNN or weight >= least_shown(largest[source]):
            strength[name] = max(strength.get(name, 0.0), weight / largest[source])
    for name, source, weight in annotations:
        if source == SongLabel.Source.CURATOR:
            strength[name] = 2.0 if weight > 0 else 0.0
    return {name: share for name, share in strength.items() if share > 0}
