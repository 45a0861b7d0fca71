"""The index of the library that this process holds: made when it is first asked for, kept up with what changes.

Whoever changes songs or labels notes down which (`note`), in the same transaction. Every request looks at the notes,
which costs one short query, and reads the songs that are noted; when very many are, all of it is read again, by a
thread of its own if that takes long, while requests are answered from the last one.
"""

from __future__ import annotations

import os.path
import re
import threading
import time
from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import timedelta
from typing import Any, NamedTuple

import numpy as np
from django.db import connection
from django.db.models import Count, Max, QuerySet
from django.utils import timezone

from ..models import Song, SongChange, SongLabel
from ..names import artist_key, search_words
from ..song_index import IndexedSong, SongIndex

_MOST_NOTED = 500
_MOST_READ_ONE_BY_ONE = 1000
_NOTES_KEPT = timedelta(hours=2)
_OLDEST_LOOK_S = 3600.0
_OLDEST_INDEX_S = 6 * 3600.0
_WAITED_FOR_S = 2.0
_LOOKED_BACK = 3000
_READ_AT_ONCE = 5000

_DISC_FOLDER = re.compile(r"(cd|dis[ck])\s*\d+", re.IGNORECASE)
_COLUMNS = (
    "pk", "missing_since", "path", "title", "artist", "album", "title_key", "artist_key", "album_artist",
    "added_at", "year", "duration_s", "disc_number", "track_number",
)  # fmt: skip


def note(song_ids: Collection[int] | None) -> None:
    """Note down that songs, or their labels, are new, other than before, or gone; None means any song."""
    if song_ids is None or len(song_ids) > _MOST_NOTED:
        SongChange.objects.create(song=None)
    elif song_ids:
        SongChange.objects.bulk_create(SongChange(song=pk) for pk in song_ids)


def forget_old_notes() -> None:
    """Delete the notes that every process has read by now."""
    SongChange.objects.filter(noted_at__lt=timezone.now() - _NOTES_KEPT).delete()


def album_key(album: str, album_artist: str, artist: str, path: str) -> str:
    """What the songs of one album have in common; empty for none.

    Where no album artist is written, the songs of a folder that is named as the album are one album, whoever plays.
    """
    title = " ".join(search_words(album))
    if not title:
        return ""
    if key := artist_key(album_artist):
        return f"{title}\n{key}"
    folder, name = os.path.split(os.path.dirname(path))  # noqa: PTH120 (many thousands of them)
    if _DISC_FOLDER.fullmatch(name):
        folder, name = os.path.split(folder)
    if title in " ".join(search_words(name)):
        return f"{title}\n{folder}/{name}"
    return f"{title}\n{artist_key(artist)}"


class _Read(NamedTuple):
    """An index, and the notes that it has taken in."""

    songs: SongIndex
    notes: tuple[int, int]
    seen: set[int]
    took_s: float


class _Holder:
    """The index of this process, and up to where it has read the notes."""

    def __init__(self) -> None:
        self._index: SongIndex | None = None
        self._seen: set[int] = set()
        self._notes: tuple[int, int] | None = None
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

    def forget(self) -> None:
        with self._lock:
            self._index = None

    def _keep_up(self, index: SongIndex) -> SongIndex:
        notes = _notes()
        if notes == self._notes:
            return index
        latest = _latest(notes)
        new = [(pk, song) for pk, song in latest if pk not in self._seen]
        songs = {song for _, song in new if song is not None}
        if len(songs) + index.changed > _MOST_READ_ONE_BY_ONE or any(song is None for _, song in new):
            return self._read_all_sometime(index)
        self._notes, self._seen = notes, {pk for pk, _ in latest}
        if songs:
            index = index.with_songs(songs, _songs(Song.objects.filter(pk__in=songs)), _labels_of(songs))
            self._index = index
        return index

    def _read_all_sometime(self, index: SongIndex) -> SongIndex:
        """Read everything: at once where that is quick, else aside, while the last index serves."""
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
        # What changes while songs are read stands in notes that are seen as new afterwards.
        notes = _notes()
        seen = {pk for pk, _ in _latest(notes)}
        return _Read(read_index(), notes, seen, time.monotonic() - begun)

    def _take(self, read: _Read) -> SongIndex:
        self._index, self._notes, self._seen, self._took_s = read
        self._read_at = time.monotonic()
        return read.songs


_holder = _Holder()


def current() -> SongIndex:
    """The index of all songs, as they are now."""
    return _holder.index()


def forget() -> None:
    """Read everything again when it is next asked for."""
    _holder.forget()


def read_index() -> SongIndex:
    """An index of every song that the database has."""
    songs = list(_songs(Song.objects.all()))
    pairs = np.fromiter(_pairs(SongLabel.objects.all()), np.dtype([("song", np.int64), ("label", np.int64)]))
    return SongIndex.of(songs, pairs["song"], pairs["label"])


def _notes() -> tuple[int, int]:
    """What is another as soon as there is a new note, in whatever order transactions end."""
    counted = SongChange.objects.aggregate(latest=Max("pk"), notes=Count("pk"))
    return counted["latest"] or 0, counted["notes"]


def _latest(notes: tuple[int, int]) -> list[tuple[int, int | None]]:
    """The latest notes and their songs: a transaction that took long may add one before those that were read."""
    return list(SongChange.objects.filter(pk__gt=notes[0] - _LOOKED_BACK).values_list("pk", "song"))


def _songs(songs: QuerySet[Song]) -> Iterator[IndexedSong]:
    for row in songs.order_by("pk").values_list(*_COLUMNS).iterator(_READ_AT_ONCE):
        pk, missing_since, path, title, artist, album, title_key, of_artist, album_artist, added, *numbers = row
        year, duration_s, disc, track = (number or 0 for number in numbers)
        yield IndexedSong(
            pk=pk,
            playable=bool(path) and missing_since is None,
            title=title,
            artist=artist,
            album=album,
            title_key=title_key,
            artist_key=of_artist,
            album_artist_key=artist_key(album_artist) if album_artist else "",
            album_key=album_key(album, album_artist, artist, path) if album else "",
            added=added.timestamp(),
            year=year,
            duration_s=duration_s,
            disc=disc,
            track=track,
        )


def _pairs(words: QuerySet[SongLabel]) -> Iterator[tuple[int, int]]:
    """Each song and label that belong together, once: said by anybody, and refused by no curator."""
    refused = set(words.filter(source=SongLabel.Source.CURATOR, weight__lt=0).values_list("song_id", "label_id"))
    said: QuerySet[SongLabel, Any] = words.filter(weight__gt=0).order_by("song_id", "label_id")
    before = None
    for pair in said.values_list("song_id", "label_id").iterator(_READ_AT_ONCE):
        if pair != before and pair not in refused:
            yield pair
        before = pair


def _labels_of(songs: Collection[int]) -> dict[int, list[int]]:
    labels: defaultdict[int, list[int]] = defaultdict(list)
    for song, label in _pairs(SongLabel.objects.filter(song__in=songs)):
        labels[song].append(label)
    return labels
