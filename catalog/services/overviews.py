"""All artists and all albums, to leaf through: read from the index of the library once, kept while it is the same."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rapidfuzz.fuzz import WRatio
from rapidfuzz.process import extract

from ..names import title_key
from ..song_index import IndexedSong, SongIndex
from . import song_index

_CLOSE = 82.0
_MOST_CLOSE = 60


@dataclass(frozen=True, slots=True)
class Entry:
    """An artist or an album.

    Attributes
    ----------
    name : str
    by : str
        Who an album is by, as it is compared; empty for an artist and where several people are.
    key : str
        Of an artist, for its address.
    first : int
        The song that stands for it, by primary key.
    songs, albums : int
        How many songs it has here, and an artist albums.
    year : int
        Of its latest song, 0 where nobody knows.
    added : float
        When its latest song came, in seconds of the epoch.
    folded : str
        Name and artist as they are compared.
    """

    name: str
    by: str
    key: str
    first: int
    songs: int
    albums: int
    year: int
    added: float
    folded: str


Order = Callable[[Entry], Any]

ARTIST_SORTS: dict[str, tuple[str, Order]] = {
    "name": ("Name", lambda one: (one.folded, one.key)),
    "songs": ("Most songs", lambda one: (-one.songs, one.folded)),
    "newest": ("Newest here", lambda one: (-one.added, one.folded)),
}
ALBUM_SORTS: dict[str, tuple[str, Order]] = {
    "name": ("Title", lambda one: (one.folded, one.first)),
    "artist": ("Artist", lambda one: (not one.by, title_key(one.by), one.year, one.folded)),
    "year": ("Latest year", lambda one: (-one.year, one.folded)),
    "newest": ("Newest here", lambda one: (-one.added, one.folded)),
}
"""What they can be sorted by: what it is called, and how."""


class _Kept:
    """What was made of the latest index, in every order that was asked for, for as long as that is the latest."""

    def __init__(self, make: Callable[[SongIndex], list[Entry]], sorts: dict[str, tuple[str, Order]]) -> None:
        self._make, self._sorts = make, sorts
        self._made: tuple[SongIndex, dict[str, list[Entry]]] | None = None

    def of(self, index: SongIndex, sort: str) -> list[Entry]:
        """The entries in an order."""
        made = self._made
        if made is None or made[0] is not index:
            self._made = made = (index, {"": self._make(index)})
        orders = made[1]
        if sort not in orders:
            orders[sort] = sorted(orders[""], key=self._sorts[sort][1])
        return orders[sort]


def artists(words: str = "", sort: str = "name") -> list[Entry]:
    """The artists with songs that can be played here.

    Parameters
    ----------
    words : str
        To be found in the name; where they are nowhere, names that are nearly so.
    sort : str
        One of `ARTIST_SORTS`.
    """
    return _found(_artists.of(song_index.current(), sort), words)


def albums(words: str = "", sort: str = "name") -> list[Entry]:
    """The albums with songs that can be played here; `words` in title or artist, `sort` of `ALBUM_SORTS`."""
    return _found(_albums.of(song_index.current(), sort), words)


def _found(entries: list[Entry], words: str) -> list[Entry]:
    asked = title_key(words).split()
    if not asked:
        return entries
    if found := [one for one in entries if all(word in one.folded for word in asked)]:
        return found
    folded = [one.folded for one in entries]
    close = extract(" ".join(asked), folded, scorer=WRatio, score_cutoff=_CLOSE, limit=_MOST_CLOSE)
    return [entries[at] for _, _, at in close]


def _grouped(index: SongIndex, keys: Callable[[IndexedSong], Iterable[str]]) -> dict[str, list[IndexedSong]]:
    groups: defaultdict[str, list[IndexedSong]] = defaultdict(list)
    for song, there in zip(index.songs, index.all().tolist(), strict=True):
        if there:
            for of in filter(None, keys(song)):
                groups[of].append(song)
    return groups


def _artists_of(song: IndexedSong) -> list[str]:
    return [key for key, _ in song.artists] or [song.artist_key]


def _read_artists(index: SongIndex) -> list[Entry]:
    return [
        _entry(
            usual_name(dict(song.artists).get(key, song.artist) for song in songs),
            songs,
            key=key,
            albums=len({s.album_key for s in songs} - {""}),
        )
        for key, songs in _grouped(index, _artists_of).items()
    ]


def _read_albums(index: SongIndex) -> list[Entry]:
    made = []
    for songs in _grouped(index, lambda song: [song.album_key]).values():
        _, by = album_by(songs)
        made.append(_entry(usual_name(song.album for song in songs), songs, by=by))
    return made


def album_by(songs: Sequence[IndexedSong]) -> tuple[str, str]:
    """Who the songs of an album are by: the key and the name, both empty where they are by several people.

    That is the album artist where one is written (whose name is its key here), else the artist who is on all of them,
    alone or with guests.
    """
    if written := {song.album_artist_key for song in songs} - {""}:
        key = written.pop() if len(written) == 1 else ""
        return key, key
    on_all = set.intersection(*({*_artists_of(song), song.artist_key} for song in songs)) - {""}
    key = next((key for key in (songs[0].artist_key, *_artists_of(songs[0])) if key in on_all), "")
    return key, usual_name(name_on(song, key) for song in songs) if key else ""


def name_on(song: IndexedSong, key: str) -> str:
    """What an artist is called on a song; empty where it is not theirs."""
    return dict(song.artists).get(key, "") or (song.artist if song.artist_key == key else "")


def _entry(name: str, songs: Sequence[IndexedSong], *, by: str = "", key: str = "", albums: int = 0) -> Entry:
    first = min(songs, key=lambda s: (s.album_key, s.disc, s.track or 10_000, s.title_key, s.pk))
    return Entry(
        name=name,
        by=by,
        key=key,
        first=first.pk,
        songs=len(songs),
        albums=albums,
        year=max(song.year for song in songs),
        added=max(song.added for song in songs),
        folded=title_key(f"{name} {by}"),
    )


def usual_name(names: Iterable[str]) -> str:
    """What is written most often; of names as frequent, the shortest: guests are not in it."""
    counted = Counter(names)
    return min(counted, key=lambda name: (-counted[name], len(name), name))


_artists, _albums = _Kept(_read_artists, ARTIST_SORTS), _Kept(_read_albums, ALBUM_SORTS)
