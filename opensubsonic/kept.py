"""What this process holds of the library: made again when songs or labels have changed."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable

from django.db import connection

from catalog.services import song_index
from catalog.song_index import SongIndex

from .genre_table import GenreTable
from .library import Library

# Labels change every second while a library is listened to; lists of genres may be so old.
_GENRES_KEPT_S = 60.0
# Those of so many songs are not read anew while a client waits.
_LARGE = 10_000
_FROZEN_FROM_SONGS = 5000
_FROZEN_EVERY_S = 300.0


class _Kept:
    """The library and its genres."""

    def __init__(self) -> None:
        self._library: Library | None = None
        self._genres: tuple[SongIndex, float, GenreTable] | None = None
        self._frozen_at = float("-inf")
        self._making, self._reading = threading.Lock(), threading.Lock()

    def library(self) -> Library:
        index = song_index.current()
        with self._making:
            kept = self._library
            if kept is not None and (kept.index is index or kept.same_songs(index)):
                kept.renew(index)
                return kept
            self._library = made = Library(index)
            if len(index.songs) >= _FROZEN_FROM_SONGS and time.monotonic() - self._frozen_at > _FROZEN_EVERY_S:
                self.spare_collector()
            return made

    def holds(self, library: Library) -> bool:
        return self._library is library

    def spare_collector(self) -> None:
        """Spare the garbage collector a large library: looking through it takes longer than an answer should.

        What nobody needs any more is freed all the same, by its count of references: nothing in it refers to itself.
        """
        gc.collect()
        gc.freeze()
        self._frozen_at = time.monotonic()

    def genres(self, index: SongIndex) -> GenreTable:
        kept = self._genres
        if kept is None:
            return self._read(index)
        large = len(kept[2].of_song) >= _LARGE
        if kept[0] is not index and (not large or time.monotonic() - kept[1] > _GENRES_KEPT_S):
            if not large or connection.in_atomic_block:
                return self._read(index)
            if self._reading.acquire(blocking=False):
                threading.Thread(target=self._read_aside, args=(index,), name="genres", daemon=True).start()
        return kept[2]

    def _read(self, index: SongIndex) -> GenreTable:
        begun = time.monotonic()
        table = GenreTable.read()
        self._genres = (index, begun, table)
        return table

    def _read_aside(self, index: SongIndex) -> None:
        try:
            self._read(index)
        finally:
            self._reading.release()
            connection.close()


_kept = _Kept()

current: Callable[[], Library] = _kept.library
"""The library as it is now."""

holds: Callable[[Library], bool] = _kept.holds
"""Whether a library is the one of now."""

spare_collector: Callable[[], None] = _kept.spare_collector
"""Have the garbage collector leave alone what there is now."""

genres: Callable[[SongIndex], GenreTable] = _kept.genres
"""The genres of all songs of an index; in a large library up to a minute old."""
