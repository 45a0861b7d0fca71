"""The index of all songs that this process holds: built on first use, and kept up to date with the database.

Code that changes songs or labels records which (`record_changes`) in the same transaction. Each request counts these
records, which is one short query, and reads the songs that changed. When very many changed, the whole index is read
again; where that is slow, in a thread of its own while requests use the previous index.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import timedelta
from typing import Any, NamedTuple

import numpy as np
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from ..importing.names import album_folder
from ..models import Song, SongChange, SongLabel, SongLabelQuerySet
from ..names import artist_key, search_words
from ..queries import first_row
from ..song_index import IndexedSong, SongIndex

_MOST_RECORDED = 500
_MOST_READ_ONE_BY_ONE = 1000
_CHANGES_KEPT = timedelta(hours=2)
_OLDEST_LOOK_S = 3600.0
_OLDEST_INDEX_S = 6 * 3600.0
_WAITED_FOR_S = 2.0
_LOOKED_BACK = 3000
_READ_AT_ONCE = 5000

_CHANGES = f"SELECT MAX(id), COUNT(*) FROM {SongChange._meta.db_table}"  # noqa: S608 (the name of a table)

_COLUMNS = (
    "pk", "missing_since", "path", "title", "artist", "album", "title_key", "artist_key", "artists", "album_artist",
    "gathered", "added_at", "year", "duration_s", "disc_number", "track_number", "root_id",
)  # fmt: skip


def record_changes(song_ids: Collection[int] | None) -> None:
    """Record that songs or their labels were added, changed or deleted; None stands for any song."""
    if song_ids is None or len(song_ids) > _MOST_RECORDED:
        SongChange.objects.create(song=None)
    elif song_ids:
        SongChange.objects.bulk_create(SongChange(song=pk) for pk in song_ids)


def delete_old_changes() -> None:
    """Delete the records that every process has read by now."""
    SongChange.objects.filter(noted_at__lt=timezone.now() - _CHANGES_KEPT).delete()


def album_key(album: str, album_artist: str, artist: str, path: str, *, gathered: bool = False) -> str:
    """What the songs of one album have in common; empty for none.

    Without an album artist, songs of one artist are one album in any folder; those that were gathered (`compilations`)
    are one in theirs, whoever they are by, and never with those of another.
    """
    title = " ".join(search_words(album))
    if not title:
        return ""
    if gathered:
        return f"{title}\n{album_folder(path)}"
    if key := artist_key(album_artist):
        return f"{title}\n{key}"
    return f"{title}\n{artist_key(artist)}"


class _Read(NamedTuple):
    """An index, and the recorded changes that it contains."""

    songs: SongIndex
    changes: tuple[int, int]
    seen: set[int]
    took_s: float


class _Holder:
    """The index of this process, and which recorded changes it contains."""

    def __init__(self) -> None:
        self._index: SongIndex | None = None
        self._seen: set[int] = set()
        self._changes: tuple[int, int] | None = None
        self._looked_at = self._read_at = float("-inf")
        self._took_s = 0.0
        self._lock = threading.Lock()
        self._reading = threading.Lock()

    def index(self) -> SongIndex:
        with self._lock:
            now = time.monotonic()
            looked_at, self._looked_at = self._looked_at, now
            if self._index is None:
                return self._take(self._read())
            if now - looked_at > _OLDEST_LOOK_S or now - self._read_at > _OLDEST_INDEX_S:
                return self._read_all_sometime(self._index)
            return self._keep_up(self._index)

    def reset(self) -> None:
        with self._lock:
            self._index = None

    def _keep_up(self, index: SongIndex) -> SongIndex:
        changes = _changes()
        if changes == self._changes:
            return index
        latest = _latest(changes)
        new = [(pk, song) for pk, song in latest if pk not in self._seen]
        songs = {song for _, song in new if song is not None}
        if len(songs) + index.changed > _MOST_READ_ONE_BY_ONE or any(song is None for _, song in new):
            return self._read_all_sometime(index)
        self._changes, self._seen = changes, {pk for pk, _ in latest}
        if songs:
            index = index.with_songs(songs, _songs(Song.objects.filter(pk__in=songs)), _labels_of(songs))
            self._index = index
        return index

    def _read_all_sometime(self, index: SongIndex) -> SongIndex:
        """Read everything: at once where that is quick, else in a thread, while the previous index is used."""
        if self._took_s < _WAITED_FOR_S or connection.in_atomic_block:
            return self._take(self._read())
        if self._reading.acquire(blocking=False):
            threading.Thread(target=self._read_aside, name="song-index", daemon=True).start()
        return index

    def _read_aside(self) -> None:
        try:
            read = self._read()
            with self._lock:
                self._take(read)
        finally:
            self._reading.release()
            connection.close()

    def _read(self) -> _Read:
        begun = time.monotonic()
        # What changes while songs are read is recorded, and read as new afterwards.
        changes = _changes()
        seen = {pk for pk, _ in _latest(changes)}
        return _Read(read_index(), changes, seen, time.monotonic() - begun)

    def _take(self, read: _Read) -> SongIndex:
        self._index, self._changes, self._seen, self._took_s = read
        self._read_at = time.monotonic()
        return read.songs


_holder = _Holder()


def current() -> SongIndex:
    """The index of all songs, as they are now."""
    return _holder.index()


def reset() -> None:
    """Discard the index; the next call of `current` reads everything again."""
    _holder.reset()


def read_index(pks: Collection[int] | None = None) -> SongIndex:
    """An index of every song that the database has, or only of those of these primary keys."""
    songs = list(_songs(Song.objects.all() if pks is None else Song.objects.filter(pk__in=pks)))
    labels = SongLabel.objects.all() if pks is None else SongLabel.objects.filter(song__in=pks)
    pairs = np.fromiter(_pairs(labels), np.dtype([("song", np.int64), ("label", np.int64)]))
    return SongIndex.of(songs, pairs["song"], pairs["label"])


def _changes() -> tuple[int, int]:
    """A value that differs as soon as there is a new record, in whatever order transactions commit."""
    latest, changes = first_row(_CHANGES) or (None, 0)
    return latest or 0, changes


def _latest(changes: tuple[int, int]) -> list[tuple[int, int | None]]:
    """The latest records and their songs, with some older ones: a long transaction may commit a lower key late."""
    return list(SongChange.objects.filter(pk__gt=changes[0] - _LOOKED_BACK).values_list("pk", "song"))


def _songs(songs: QuerySet[Song]) -> Iterator[IndexedSong]:
    for row in songs.order_by("pk").values_list(*_COLUMNS).iterator(_READ_AT_ONCE):
        pk, missing_since, path, title, artist, album, title_key, of_artist, artists, *others = row
        album_artist, gathered, added, *numbers = others
        first = artists[0] if artists else artist
        year, duration_s, disc, track, root = (number or 0 for number in numbers)
        yield IndexedSong(
            pk=pk,
            playable=bool(path) and missing_since is None,
            title=title,
            artist=artist,
            album=album,
            title_key=title_key,
            artist_key=of_artist,
            album_artist_key=artist_key(album_artist) if album_artist else "",
            album_key=album_key(album, album_artist, first, path, gathered=gathered) if album else "",
            artists=tuple((artist_key(name), name) for name in artists),
            added=added.timestamp(),
            year=year,
            duration_s=duration_s,
            disc=disc,
            track=track,
            root=root,
        )


def _pairs(annotations: SongLabelQuerySet) -> Iterator[tuple[int, int]]:
    """Each pair of a song and a label, once: annotated so that it counts, and refused by no curator."""
    refused = set(annotations.filter(source=SongLabel.Source.CURATOR, weight__lt=0).values_list("song_id", "label_id"))
    positive: QuerySet[SongLabel, Any] = annotations.counting().filter(weight__gt=0).order_by("song_id", "label_id")
    before = None
    for pair in positive.values_list("song_id", "label_id").iterator(_READ_AT_ONCE):
        if pair != before and pair not in refused:
            yield pair
        before = pair


def _labels_of(songs: Collection[int]) -> dict[int, list[int]]:
    labels: defaultdict[int, list[int]] = defaultdict(list)
    for song, label in _pairs(SongLabel.objects.filter(song__in=songs)):
        labels[song].append(label)
    return labels
