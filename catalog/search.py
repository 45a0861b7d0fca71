"""Finding songs by words and by labels, for the pages and the API alike."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Exists, OuterRef, Q, QuerySet

from .models import Label, LabelAlias, Song, SongLabel
from .names import label_key, storable, title_key

_MOST_WORDS = 12


def standing_annotations() -> QuerySet[SongLabel]:
    """Annotations for a label of a song that count, without labels that a curator has refused."""
    refusals = SongLabel.objects.filter(
        song=OuterRef("song"), label=OuterRef("label"), source=SongLabel.Source.CURATOR, weight__lt=0
    )
    return SongLabel.objects.counting().filter(~Exists(refusals), weight__gt=0)


def labels_by_key(keys: Collection[str]) -> dict[str, Label]:
    """The labels with these keys, by key; one that was renamed or merged is also found by its old key. Two queries."""
    found = Label.objects.in_bulk(set(keys), field_name="key")
    for alias in LabelAlias.objects.filter(key__in=set(keys) - set(found)).select_related("label"):
        found[alias.key] = alias.label
    return found


def labels_named(name: str) -> QuerySet[Label]:
    """The label of this name or alias, however it is spelled; none for a name of nothing but spaces."""
    try:
        key = label_key(name)
    except ValueError:
        return Label.objects.none()
    return Label.objects.filter(Q(key=key) | Q(pk__in=Label.objects.filter(aliases__key=key).values("pk")))


def songs_with_label(songs: QuerySet[Song], name: str) -> QuerySet[Song]:
    """Those of the songs that have the label of this name or alias."""
    annotations = standing_annotations().filter(label__in=labels_named(name))
    return songs.filter(pk__in=annotations.values("song"))


def songs_matching(songs: QuerySet[Song], text: str) -> QuerySet[Song]:
    """Those of the songs with every word of the text in title, artist or album; accents and case do not matter."""
    for word in storable(text).split()[:_MOST_WORDS]:
        key = title_key(word)
        as_written = Q(title__icontains=word) | Q(artist__icontains=word) | Q(album__icontains=word)
        songs = songs.filter(as_written | Q(title_key__contains=key) | Q(artist_key__contains=key))
    return songs
