"""Finding songs by words and by labels, for the pages and the API alike."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet

from .models import Label, Song, SongLabel
from .names import label_key, storable, title_key

_MOST_WORDS = 12


def playable_songs(songs: QuerySet[Song]) -> QuerySet[Song]:
    """Those of the songs that have a file here."""
    return songs.filter(missing_since=None).exclude(path="")


def standing_words() -> QuerySet[SongLabel]:
    """What is said for a label of a song, without what a curator has said no to."""
    refusals = SongLabel.objects.filter(
        song=OuterRef("song"), label=OuterRef("label"), source=SongLabel.Source.CURATOR, weight__lt=0
    )
    return SongLabel.objects.filter(~Exists(refusals), weight__gt=0)


def labels_named(name: str) -> QuerySet[Label]:
    """The label of this name or alias, however it is spelled; none for a name of nothing but spaces."""
    try:
        key = label_key(name)
    except ValueError:
        return Label.objects.none()
    return Label.objects.filter(Q(key=key) | Q(pk__in=Label.objects.filter(aliases__key=key).values("pk")))


def songs_with_label(songs: QuerySet[Song], name: str) -> QuerySet[Song]:
    """Those of the songs that have the label of this name or alias."""
    words = standing_words().filter(label__in=labels_named(name))
    return songs.filter(pk__in=words.values("song"))


def songs_matching(songs: QuerySet[Song], text: str) -> QuerySet[Song]:
    """Those of the songs with every word of the text in title, artist or album; accents and case do not matter."""
    for word in storable(text).split()[:_MOST_WORDS]:
        key = title_key(word)
        as_written = Q(title__icontains=word) | Q(artist__icontains=word) | Q(album__icontains=word)
        songs = songs.filter(as_written | Q(title_key__contains=key) | Q(artist_key__contains=key))
    return songs
