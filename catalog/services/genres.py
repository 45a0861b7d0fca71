"""Which genre a song is of, in few and sure words: what its file says, else the labels that are sure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from django.db.models import Q

from ..lookups import Numbers
from ..models import Label, SongLabel, SongLabelQuerySet

SURE_FROM = 0.75
"""The probability from which a predicted label is taken for surely true: "strongly", as a song's page says."""

_FILE = "file"


class Genres(NamedTuple):
    """The genres and moods of a song, each by name."""

    genres: tuple[str, ...] = ()
    moods: tuple[str, ...] = ()


_NONE = Genres()


def among(field: str, pks: Collection[int]) -> dict[str, Any]:
    """What a query filters by for rows of these primary keys, and perhaps a few more.

    Where they lie close together, as in the pages of a whole library, two bounds are a tenth of the work of hundreds
    of values.
    """
    if pks and max(pks) - min(pks) < 2 * len(pks):
        return {f"{field}__gte": min(pks), f"{field}__lte": max(pks)}
    return {f"{field}__among": Numbers(pks)}


def genres_of_songs(pks: Collection[int] | None = None) -> dict[int, Genres]:
    """The genres of every song of the library that has some, or only of those of these primary keys."""
    annotations: SongLabelQuerySet = SongLabel.objects.all()
    if pks is not None:
        annotations = annotations.filter(song__in=pks)
    said = annotations.counting().filter(
        Q(source=SongLabel.Source.IMPORT, origin=_FILE, label__kind=Label.Kind.GENRE)
        | Q(source=SongLabel.Source.CURATOR, label__kind__in=(Label.Kind.GENRE, Label.Kind.MOOD))
        | Q(
            source=SongLabel.Source.CNN,
            weight__gte=SURE_FROM,
            label__kind__in=(Label.Kind.GENRE, Label.Kind.MOOD),
        )
    )
    by_song: defaultdict[int, list[tuple[int, str, float]]] = defaultdict(list)
    for song, label, source, weight in said.values_list("song_id", "label_id", "source", "weight").iterator(5000):
        by_song[song].append((label, source, weight))
    if not by_song:
        return {}
    labels = {
        pk: (name, kind)
        for pk, name, kind in Label.objects.filter(kind__in=(Label.Kind.GENRE, Label.Kind.MOOD)).values_list(
            "pk", "name", "kind"
        )
    }
    # Thousands of songs share few sets of genres.
    shared: dict[Genres, Genres] = {}
    found = {}
    for song, rows in by_song.items():
        genres = _genres(rows, labels)
        if genres != _NONE:
            found[song] = shared.setdefault(genres, genres)
    return found


def _genres(rows: Iterable[tuple[int, str, float]], labels: Mapping[int, tuple[str, str]]) -> Genres:
    refused: set[int] = set()
    in_file: dict[int, float] = {}
    sure: dict[int, float] = {}
    for label, source, weight in rows:
        if source == SongLabel.Source.CURATOR and weight < 0:
            refused.add(label)
        elif source == SongLabel.Source.IMPORT:
            in_file[label] = weight
        else:
            # A curator's yes is surer than any network.
            sure[label] = max(sure.get(label, 0.0), 2.0 if source == SongLabel.Source.CURATOR else weight)
    genres = _names(in_file, refused, labels, Label.Kind.GENRE) or _names(sure, refused, labels, Label.Kind.GENRE)
    return Genres(genres, _names(sure, refused, labels, Label.Kind.MOOD))


def _names(
    weights: Mapping[int, float], refused: Collection[int], labels: Mapping[int, tuple[str, str]], kind: str
) -> tuple[str, ...]:
    """The names of labels of a kind, the surest first."""
    those = [label for label in weights if label not in refused and labels.get(label, ("", ""))[1] == kind]
    return tuple(labels[label][0] for label in sorted(those, key=lambda label: (-weights[label], labels[label][0])))
