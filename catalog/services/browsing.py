"""Leafing through the library: what was asked of it, in order, with the labels that would narrow it further."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import overload

from django.contrib.auth.models import User
from django.db.models import Sum

from ..models import Label, PlayCount, Rating, Song
from ..names import artist_key
from ..search import labels_named
from ..song_index import Found, Mask, Positions, SongIndex
from . import song_index

_MOST_COUNTED = 300
_MOST_NEARLY = 500
_SHOWN_OF_A_KIND = 10

Order = Callable[[SongIndex, Found, User], Positions]


def _own_plays(index: SongIndex, found: Found, user: User) -> Positions:
    counts = PlayCount.objects.filter(user=user).order_by().values_list("song").annotate(Sum("count"))
    return index.by_own(dict(counts), found.among)


def _own_stars(index: SongIndex, found: Found, user: User) -> Positions:
    return index.by_own(dict(Rating.objects.filter(user=user).values_list("song", "stars")), found.among)


def _by_number(name: str, *, largest_first: bool = True) -> Order:
    return lambda index, found, _: index.by_number(name, found.among, largest_first=largest_first)


SORTS: dict[str, tuple[str, Order]] = {
    "best": ("Best match", lambda index, found, _: index.by_score(found)),
    "newest": ("Newest here", _by_number("added")),
    "title": ("Title", lambda index, found, _: index.by_title(found.among)),
    "artist": ("Artist", lambda index, found, _: index.by_artist(found.among)),
    "year": ("Latest year", _by_number("year")),
    "long": ("Longest", _by_number("duration_s")),
    "short": ("Shortest", _by_number("duration_s", largest_first=False)),
    "plays": ("You played most", _own_plays),
    "stars": ("Your stars", _own_stars),
}
"""What songs can be sorted by: what it is called, and how."""


@dataclass(frozen=True, slots=True)
class Facet:
    """A label that some of the songs have."""

    name: str
    songs: int


@dataclass(frozen=True, slots=True)
class FacetGroup:
    """Labels of one kind, those of most songs first, and last those that say little to a listener."""

    kind: str
    facets: list[Facet]


@dataclass(frozen=True, slots=True)
class Shelf:
    """The songs that were asked for.

    Attributes
    ----------
    song_ids : sequence of int
        All of them, in order; as long as it is, it costs nothing until it is read.
    facets : list of FacetGroup
        What would narrow it further.
    read_as : dict of str to list of str
        Words that are nowhere, and what they were taken for.
    labelled : int
        Number of songs that have a label which is called like the words, where no label was asked for.
    """

    song_ids: SongIds
    facets: list[FacetGroup]
    read_as: dict[str, list[str]]
    labelled: int


class SongIds(Sequence[int]):
    """Primary keys in an order, read when they are asked for."""

    def __init__(self, songs: SongIndex, positions: Positions) -> None:
        self._songs, self._positions = songs, positions

    def __len__(self) -> int:
        return len(self._positions)

    @overload
    def __getitem__(self, at: int) -> int: ...
    @overload
    def __getitem__(self, at: slice) -> list[int]: ...
    def __getitem__(self, at: int | slice) -> int | list[int]:
        if isinstance(at, slice):
            return [self._songs.songs[position].pk for position in self._positions[at].tolist()]
        return self._songs.songs[int(self._positions[at])].pk


def shelf(
    user: User,
    *,
    words: str = "",
    labels: Iterable[str] = (),
    artist: str = "",
    sort: str,
    include_unplayable: bool = False,
) -> Shelf:
    """The songs with all words and labels, of an artist if one is named, and the labels that they have.

    Parameters
    ----------
    user : User
        Whose plays and stars some orders go by.
    words : str
        To be found in title, artist or album; typing errors are forgiven where nothing is written so.
    labels : iterable of str
        Names or aliases.
    sort : str
        One of `SORTS`.
    include_unplayable : bool
        Also songs without a file.
    """
    index = song_index.current()
    among: Mask = index.all(include_unplayable=include_unplayable)
    chosen: set[int] = set()
    for name in labels:
        pks = set(labels_named(name).values_list("pk", flat=True))
        chosen |= pks
        among = among & any_of(index, pks)
    if artist:
        among = among & index.of_artist(artist_key(artist))
    found = index.matching(words, among)
    positions = SORTS[sort][1](index, found, user)
    counts = {pk: n for pk, n in index.label_counts(found.among).items() if pk not in chosen}
    called = set(labels_named(words).values_list("pk", flat=True)) if words and not chosen else set()
    labelled = int((among & any_of(index, called)).sum()) if called else 0
    return Shelf(SongIds(index, positions), facets(counts), found.read_as, labelled)


def songs_nearly_matching(words: str) -> list[int]:
    """The songs, by primary key, that words with typing errors in them may mean: the likeliest, best first."""
    index = song_index.current()
    found = index.matching(words, index.all(include_unplayable=True))
    return SongIds(index, index.by_score(found))[:_MOST_NEARLY]


def any_of(index: SongIndex, labels: Collection[int]) -> Mask:
    """The songs with any of the labels."""
    mask = index.all(include_unplayable=True) & False
    for pk in labels:
        mask |= index.with_label(pk)
    return mask


def facets(counts: Mapping[int, int]) -> list[FacetGroup]:
    """Labels, by primary key with the number of their songs, as groups by kind, in one query."""
    most = sorted(counts, key=lambda pk: -counts[pk])[:_MOST_COUNTED]
    groups: defaultdict[str, list[Label]] = defaultdict(list)
    for label in Label.objects.filter(pk__in=most):
        groups[label.kind].append(label)

    def first(label: Label) -> tuple[bool, int, str]:
        return label.background, -counts[label.pk], label.key

    return [
        FacetGroup(
            kind.label,
            [Facet(label.name, counts[label.pk]) for label in sorted(groups[kind], key=first)[:_SHOWN_OF_A_KIND]],
        )
        for kind in Label.Kind
        if groups[kind]
    ]


def songs_in_order(song_ids: Collection[int]) -> list[Song]:
    """The songs with these primary keys, in this order; one that has gone in this moment is left out."""
    songs = Song.objects.in_bulk(list(song_ids))
    return [songs[pk] for pk in song_ids if pk in songs]
