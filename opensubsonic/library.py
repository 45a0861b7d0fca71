"""Artists, albums and genres as players leaf through them: made of the index of songs, kept while it is the same.

Everything that reads artists and albums does it here. Every song that can be played is on an album, and every album is
an artist's, so that a player finds all of them: songs without an album are on one of their artist's that says so.
"""

from __future__ import annotations

import gc
import threading
import time
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from django.db import connection
from numpy.typing import NDArray
from rapidfuzz.fuzz import WRatio
from rapidfuzz.process import extract

from catalog.models import Song
from catalog.names import artist_key, collection_hash, label_key, search_words, title_key
from catalog.services import song_index
from catalog.services.genres import Genres, all_genres
from catalog.services.overviews import usual_name
from catalog.song_index import IndexedSong, Mask, SongIndex

VARIOUS_ARTISTS = "Various Artists"
UNKNOWN_ARTIST = "[Unknown Artist]"
NO_ALBUM = "[No Album]"
IGNORED_ARTICLES = "The"

_CLOSE = 82.0
_MOST_CLOSE = 60
# Labels change every second while a library is listened to; lists of genres may be so old.
_GENRES_KEPT_S = 60.0
# Those of so many songs are not read anew while a client waits.
_LARGE = 10_000
_DESCRIPTIONS_KEPT_S = 60.0
_MOST_DESCRIBED = {
    "songs": 10_000,
    "albums": 25_000,
    "artists": 25_000,
    "artist_lists": 25_000,
    "in_songs": 25_000,
    "plays": 100,
}
_FROZEN_FROM_SONGS = 5000
_FROZEN_EVERY_S = 300.0


@dataclass(slots=True, eq=False)
class Album:
    """An album.

    Attributes
    ----------
    key_hash : str
    name : str
    artist, artist_hash : str
        Who it is by.
    songs : list of IndexedSong
        By disc and track.
    year : int
        Of its latest song, 0 where nobody knows.
    seconds : float
    added : float
        When its latest song came, in seconds of the epoch.
    compilation : bool
        Whether several people are on it.
    folded : str
        Name and artist as they are compared.
    """

    key_hash: str
    name: str
    artist: str
    artist_hash: str
    songs: list[IndexedSong]
    year: int
    seconds: float
    added: float
    compilation: bool
    folded: str

    @property
    def created(self) -> str:
        """When its latest song came."""
        return moment_of(self.added)


@dataclass(slots=True, eq=False)
class Artist:
    """An artist: their albums, and those that they have a song on; `songs` are their own."""

    key: str
    key_hash: str
    name: str
    sort_name: str
    albums: list[Album] = field(default_factory=list)
    songs: list[IndexedSong] = field(default_factory=list)

    @property
    def order(self) -> tuple[bool, str, str]:
        """What artists are sorted by: the unknown ones come last."""
        return not self.key, self.sort_name, self.key_hash

    @property
    def letter(self) -> str:
        """What they stand under in a list by letters."""
        first = self.sort_name[:1].upper()
        return first if first.isalpha() else "#"

    @property
    def cover_song(self) -> int:
        """The song whose cover stands for them, by primary key."""
        return (self.albums[0].songs if self.albums else self.songs)[0].pk


@dataclass(slots=True)
class Descriptions:
    """What was described lately, of everything that is the same for all users.

    Attributes
    ----------
    songs : dict of primary key to description
    albums : dict of (a form of description, hash of the album's key) to description
    artists : dict of an artist's written name to description, as it stands in a song
    artist_lists : dict of (a form of description, hash of the artist's key) to description
    in_songs : dict of hash of an album's key to what its songs say of it
    plays : dict of a listener's primary key to (how the plays looked, plays and the last one by hash of an album's key)
    genres : list of description, or None
        All of them, once they were asked for.
    """

    songs: dict[int, dict[str, Any]] = field(default_factory=dict)
    albums: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    artists: dict[str, dict[str, str]] = field(default_factory=dict)
    artist_lists: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    in_songs: dict[str, dict[str, Any]] = field(default_factory=dict)
    plays: dict[int, tuple[Any, dict[str, tuple[int, datetime | None]]]] = field(default_factory=dict)
    genres: list[dict[str, Any]] | None = None
    made_at: float = field(default_factory=time.monotonic)

    @property
    def old(self) -> bool:
        """Whether it is time for new ones: they may not know that a label has another name."""
        return time.monotonic() - self.made_at > _DESCRIPTIONS_KEPT_S

    def make_room(self) -> None:
        """Forget those of a kind of which there are too many; readers of this moment keep them."""
        for kind, most in _MOST_DESCRIBED.items():
            if len(getattr(self, kind)) > most:
                setattr(self, kind, {})


class FoundSongs(NamedTuple):
    """What a search found: songs by primary key, and whether they have the very words."""

    pks: NDArray[np.int64]
    as_written: bool


class Library:
    """All that can be played here."""

    def __init__(self, index: SongIndex) -> None:
        self.index = index
        self._descriptions = Descriptions()
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
            self.index = index
            # Another object: who is still describing what the database said before fills the old one.
            self._descriptions = Descriptions()
            self.__dict__.pop("_roots", None)

    def descriptions(self) -> Descriptions:
        """What was described lately, to be read and added to in one request.

        To be asked for before the database is: then nothing older than the index gets into it.
        """
        if self._descriptions.old:
            self._descriptions = Descriptions()
        self._descriptions.make_room()
        return self._descriptions

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

    def _pks(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        songs = self.index.songs
        return np.fromiter((songs[at].pk for at in positions.tolist()), np.int64, len(positions))

    def positions_mask(self, pks: Iterable[int]) -> Mask:
        """Songs, by primary key, as a mask of the index."""
        mask = np.zeros(len(self.index.songs), bool)
        for pk in pks:
            if (at := self.index.position(pk)) is not None:
                mask[at] = True
        return mask

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

    @cached_property
    def _folded_albums(self) -> list[str]:
        return [album.folded for album in self.albums_by_name]

    @cached_property
    def _folded_artists(self) -> list[str]:
        return [title_key(artist.name) for artist in self.artists]

    def in_folder(self, root: int, albums: Sequence[Album]) -> list[Album]:
        """Those of the albums with a song of a library root."""
        inside = self._roots.get(root, frozenset())
        return [album for album in albums if any(song.pk in inside for song in album.songs)]

    def songs_in_folder(self, root: int) -> Mask:
        """The songs of a library root."""
        return self.positions_mask(self._roots.get(root, frozenset()))

    @cached_property
    def _roots(self) -> dict[int, frozenset[int]]:
        by_root: defaultdict[int, list[int]] = defaultdict(list)
        rows = Song.objects.playable().order_by().values_list("root_id", "pk")
        for root, pk in rows.iterator(5000):
            if root is not None:
                by_root[root].append(pk)
        return {root: frozenset(pks) for root, pks in by_root.items()}

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
        names = {key: _artist_name(key, songs) for key, songs in by_artist.items()}
        self._songs_by_pk = {song.pk: song for songs in groups.values() for song in songs}
        self._album_of_song: dict[int, Album] = {}
        for key, songs in groups.items():
            songs.sort(key=lambda song: (song.disc or 1, song.track or 10_000, song.title_key, song.pk))
            album, of = _album(key, songs, names)
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


def artists_of(song: IndexedSong) -> list[str]:
    """The keys of the artists of a song: several, one, or that of the unknown one."""
    return [key for key, _ in song.artists] or [song.artist_key]


def _artist_name(key: str, songs: Sequence[IndexedSong]) -> str:
    return usual_name(dict(song.artists).get(key, song.artist) for song in songs) if key else UNKNOWN_ARTIST


def _album(key: str, songs: list[IndexedSong], names: dict[str, str]) -> tuple[Album, str]:
    """An album, and the key of whom it is by."""
    # Guests do not make an album one of several people: the first artist of each song counts.
    own = {artists_of(song)[0] for song in songs}
    written = {song.album_artist_key for song in songs} - {""}
    if len(written) == 1:
        of = written.pop()
    elif len(own) == 1:
        of = next(iter(own))
    else:
        of = artist_key(VARIOUS_ARTISTS)
    artist = names.get(of) or (VARIOUS_ARTISTS if of == artist_key(VARIOUS_ARTISTS) else of.title() or UNKNOWN_ARTIST)
    name = usual_name(song.album for song in songs) or NO_ALBUM
    return (
        Album(
            key_hash=collection_hash(key),
            name=name,
            artist=artist,
            artist_hash=collection_hash(of),
            songs=songs,
            year=max(song.year for song in songs),
            seconds=sum(song.duration_s for song in songs),
            added=max(song.added for song in songs),
            compilation=len(own) > 1 and of not in own,
            folded=title_key(f"{name} {artist}"),
        ),
        of,
    )


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


def moment(at: datetime) -> str:
    """A moment as the protocol writes it: ISO 8601, in UTC."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def moment_of(seconds: float) -> str:
    """A moment as the protocol writes it, from seconds of the epoch."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


# --- Genres -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GenreTable:
    """The genres of all songs, and the songs of each genre.

    Attributes
    ----------
    of_song : dict of primary key to Genres
    songs : dict of str to list of int
        By `label_key` of the genre, primary keys ascending.
    names : dict of str to str
        What a genre is called, by its key.
    """

    of_song: dict[int, Genres]
    songs: dict[str, list[int]]
    names: dict[str, str]

    @classmethod
    def read(cls) -> GenreTable:
        """Read it from the database."""
        of_song = all_genres()
        songs: defaultdict[str, list[int]] = defaultdict(list)
        names: dict[str, str] = {}
        keys: dict[str, str] = {}
        for pk in sorted(of_song):
            for name in of_song[pk].genres:
                if (key := keys.get(name)) is None:
                    key = keys[name] = label_key(name)
                    names.setdefault(key, name)
                songs[key].append(pk)
        return cls(of_song, dict(songs), names)

    def named(self, genre: str) -> list[int]:
        """The songs of a genre, however it is spelled."""
        try:
            return self.songs.get(label_key(genre), [])
        except ValueError:
            return []

    def of_songs(self, songs: Iterable[IndexedSong]) -> list[str]:
        """The genres of songs, what most of them are first."""
        counted = Counter(name for song in songs for name in self.of_song.get(song.pk, Genres()).genres)
        return [name for name, _ in sorted(counted.items(), key=lambda item: (-item[1], item[0]))]


class _Kept:
    """What this process holds of the library: made again when songs or labels have changed."""

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
            self._freeze(len(index.songs))
            return made

    def _freeze(self, n_songs: int) -> None:
        """Spare the garbage collector a large library: looking through it takes longer than an answer should.

        What nobody needs any more is freed all the same, by its count of references: nothing in it refers to itself.
        """
        if n_songs >= _FROZEN_FROM_SONGS and time.monotonic() - self._frozen_at > _FROZEN_EVERY_S:
            gc.collect()
            gc.freeze()
            self._frozen_at = time.monotonic()

    def genres(self) -> GenreTable:
        index, kept = song_index.current(), self._genres
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

genres: Callable[[], GenreTable] = _kept.genres
"""The genres of all songs; in a large library up to a minute old."""
