"""Artists, albums and songs as players leaf through them: made of the index of songs, kept while it is the same.

Everything that reads artists and albums does it here.
"""

from __future__ import annotations

import random
import time
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import compress
from operator import is_not
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.fuzz import WRatio
from rapidfuzz.process import extract

from catalog.names import artist_key, collection_hash, search_words, title_key
from catalog.song_index import IndexedSong, Mask, SongIndex

from .albums import Album, Artist, album_of_songs, artist_name, artists_of
from .descriptions import Descriptions
from .written import Form

IGNORED_ARTICLES = "The"

_CLOSE = 82.0
_MOST_CLOSE = 60


class FoundSongs(NamedTuple):
    """What a search found: songs by primary key, and whether they have the very words."""

    pks: NDArray[np.int64]
    as_written: bool


class Library:
    """All that can be played here."""

    def __init__(self, index: SongIndex) -> None:
        self.index = index
        self._descriptions: dict[Form, Descriptions] = {}
        self._hashes: dict[str, str] = {}
        self._columns: dict[str, NDArray[np.int64]] = {}
        # When it was found to be another one; what has changed before is in it.
        self.changed_at = time.time()
        self._songs, self._there = index.songs, index.all()
        self.albums_by_hash: dict[str, Album] = {}
        self.artists_by_hash: dict[str, Artist] = {}
        self._read()

    def same_songs(self, index: SongIndex) -> bool:
        """Whether another index has the same songs, under the same names."""
        return bool(index.songs == self._songs and np.array_equal(index.all(), self._there))

    def renew(self, index: SongIndex) -> None:
        """Go on with an index of the same songs, whose labels or folders may be others."""
        if index is not self.index:
            # A song of which something has changed was read anew, even if what the index knows of it is the same.
            read = compress(index.songs, map(is_not, index.songs, self._songs))
            changed = [song.pk for song in read]
            self.index, self._songs = index, index.songs
            # Other objects: who is still describing what the database said before fills the old ones.
            self._descriptions = {form: known.without(changed) for form, known in self._descriptions.items()}

    def descriptions(self, form: Form) -> Descriptions:
        """What is described already in a form, to be read and added to in one request.

        To be asked for before the database is: then nothing older than the index gets into it.
        """
        found = self._descriptions.setdefault(form, Descriptions())
        found.make_room()
        return found

    # --- Songs ----------------------------------------------------------------------------------

    @cached_property
    def song_ids(self) -> NDArray[np.int64]:
        """The primary keys of all songs, ascending: a song that comes is last, and no page of others moves."""
        return np.fromiter((song.pk for song in self._playing()), np.int64)

    def has_song(self, pk: int) -> bool:
        """Whether a song is here to be played."""
        return pk in self._album_of_song

    def song(self, pk: int) -> IndexedSong:
        """A song that is here to be played."""
        return self._songs_by_pk[pk]

    def album_of(self, pk: int) -> Album | None:
        """The album that a song is on."""
        return self._album_of_song.get(pk)

    def find_songs(self, words: str, among: Mask | None = None) -> FoundSongs:
        """The songs that words fit, the best first; all of them for no words."""
        mask = self.index.all() if among is None else self.index.all() & among
        if not search_words(words):
            return FoundSongs(self._pks(np.flatnonzero(mask)), as_written=True)
        found = self.index.matching(words, mask)
        return FoundSongs(
            self._pks(self.index.by_score(found)), as_written=bool(found.among.any() and not found.read_as)
        )

    def songs_of(self, pks: Sequence[int]) -> Mask:
        """Songs, by primary key, as a mask of the index."""
        return np.isin(self._numbers("pk"), np.array(pks, np.int64))

    def songs_between(self, first: int, last: int) -> Mask:
        """The songs of the years from `first` to `last`, as a mask of the index."""
        years = self._numbers("year")
        return (years > 0) & (first <= years) & (years <= last)

    def some_songs(self, among: Mask, n: int) -> list[int]:
        """So many of some songs by chance, by primary key; as many as there are."""
        positions = np.flatnonzero(self.index.all() & among)
        chosen = random.sample(range(len(positions)), min(n, len(positions)))
        found: list[int] = self._pks(positions[chosen]).tolist()
        return found

    def _pks(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        pks: NDArray[np.int64] = self._numbers("pk")[positions]
        return pks

    def _numbers(self, name: str) -> NDArray[np.int64]:
        """A column of the index that holds whole numbers."""
        if (found := self._columns.get(name)) is None:
            found = np.fromiter((getattr(song, name) for song in self._songs), np.int64, len(self._songs))
            self._columns[name] = found
        return found

    # --- Albums and artists -----------------------------------------------------------------------

    @cached_property
    def artists(self) -> list[Artist]:
        """All artists by name."""
        return sorted(self.artists_by_hash.values(), key=lambda artist: artist.order)

    @cached_property
    def artists_by_letter(self) -> list[tuple[str, list[Artist]]]:
        """All artists by the letter that they stand under; what is none comes last."""
        by_letter: defaultdict[str, list[Artist]] = defaultdict(list)
        for artist in self.artists:
            by_letter[artist.letter].append(artist)
        return sorted(by_letter.items(), key=lambda item: (item[0] == "#", item[0]))

    @cached_property
    def albums_by_name(self) -> list[Album]:
        """All albums by name."""
        return sorted(self.albums_by_hash.values(), key=lambda album: (album.folded, album.key_hash))

    @cached_property
    def albums_by_artist(self) -> list[Album]:
        """All albums by artist, then year."""
        orders = {key_hash: artist.order for key_hash, artist in self.artists_by_hash.items()}
        return sorted(
            self.albums_by_hash.values(),
            key=lambda album: (orders[album.artist_hash], album.year, album.folded, album.key_hash),
        )

    @cached_property
    def albums_newest_first(self) -> list[Album]:
        """All albums, what came last first."""
        return sorted(self.albums_by_hash.values(), key=lambda album: (-album.added, album.key_hash))

    @cached_property
    def albums_by_year(self) -> list[Album]:
        """Albums whose year is known, oldest first."""
        dated = [album for album in self.albums_by_hash.values() if album.year]
        return sorted(dated, key=lambda album: (album.year, album.folded, album.key_hash))

    def albums_between(self, first: int, last: int) -> list[Album]:
        """Albums of the years from `first` to `last`, oldest first."""
        albums = self.albums_by_year
        begin = bisect_left(albums, first, key=lambda album: album.year)
        return albums[begin : bisect_right(albums, last, key=lambda album: album.year)]

    def find_albums(self, words: str, *, nearly: bool) -> list[Album]:
        """The albums whose title and artist have all the words; `nearly` so, where none has; all for no words."""
        return _found(self.albums_by_name, self._folded_albums, words, nearly)

    def find_artists(self, words: str, *, nearly: bool) -> list[Artist]:
        """The artists whose name has all the words; `nearly` so, where none has; all for no words."""
        return _found(self.artists, self._folded_artists, words, nearly)

    def artist_named(self, name: str) -> Artist | None:
        """The artist of a name, however it is spelled."""
        return self.artists_by_hash.get(collection_hash(artist_key(name)))

    def artist_hash(self, name: str) -> str:
        """The hash of the key of a name that a song has, or of none: each name is folded once."""
        if (found := self._hashes.get(name)) is None:
            found = self._hashes[name] = collection_hash(artist_key(name) if name else "")
        return found

    @cached_property
    def _folded_albums(self) -> list[str]:
        return [album.folded for album in self.albums_by_name]

    @cached_property
    def _folded_artists(self) -> list[str]:
        return [title_key(artist.name) for artist in self.artists]

    def in_folder(self, root: int, albums: Sequence[Album]) -> list[Album]:
        """Those of the albums with a song of a library root."""
        return [album for album in albums if any(song.root == root for song in album.songs)]

    def songs_in_folder(self, root: int) -> Mask:
        """The songs of a library root, as a mask of the index."""
        inside: Mask = self._numbers("root") == root
        return inside

    def those_in_folder(self, root: int, pks: Iterable[int]) -> list[int]:
        """Those of some songs, by primary key, that are of a library root and here to be played."""
        return [pk for pk in pks if self.has_song(pk) and self.song(pk).root == root]

    # --- Reading the index ------------------------------------------------------------------------

    def _playing(self) -> list[IndexedSong]:
        return [self.index.songs[at] for at in np.flatnonzero(self.index.all()).tolist()]

    def _read(self) -> None:
        groups: defaultdict[str, list[IndexedSong]] = defaultdict(list)
        by_artist: defaultdict[str, list[IndexedSong]] = defaultdict(list)
        for song in self._playing():
            groups[song.album_key or f"\n{song.artist_key}"].append(song)
            for key in artists_of(song):
                by_artist[key].append(song)
        names = {key: artist_name(key, songs) for key, songs in by_artist.items()}
        self._songs_by_pk = {song.pk: song for songs in groups.values() for song in songs}
        self._album_of_song: dict[int, Album] = {}
        for key, songs in groups.items():
            songs.sort(key=lambda song: (song.disc or 1, song.track or 10_000, song.title_key, song.pk))
            album, of = album_of_songs(key, songs, names)
            self.albums_by_hash[album.key_hash] = album
            self._album_of_song.update(dict.fromkeys((song.pk for song in songs), album))
            for artist_of in dict.fromkeys([of, *(key for song in songs for key in artists_of(song))]):
                self._artist(artist_of, names.get(artist_of, album.artist)).albums.append(album)
        for key, songs in by_artist.items():
            self._artist(key, names[key]).songs = songs
        for artist in self.artists_by_hash.values():
            artist.albums.sort(key=lambda album: (album.year or 10_000, album.folded, album.key_hash))

    def _artist(self, key: str, name: str) -> Artist:
        key_hash = collection_hash(key)
        if key_hash not in self.artists_by_hash:
            self.artists_by_hash[key_hash] = Artist(key, key_hash, name, key or name.casefold())
        return self.artists_by_hash[key_hash]


def _found(entries: list[Any], folded: list[str], words: str, nearly: bool) -> list[Any]:
    asked = title_key(words).split() if search_words(words) else []
    if not asked:
        return entries
    places: Iterable[int] = range(len(folded))
    # The longest word leaves the fewest for the others.
    for word in sorted(asked, key=len, reverse=True):
        places = [at for at in places if word in folded[at]]
    if not places and nearly:
        close = extract(" ".join(asked), folded, scorer=WRatio, score_cutoff=_CLOSE, limit=_MOST_CLOSE)
        places = [at for _, _, at in close]
    return [entries[at] for at in places]


def clean_query(text: str) -> str:
    """The words of a search, without the signs that players put around them."""
    return text.replace('"', " ").replace("*", " ").strip()
