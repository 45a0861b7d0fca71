"""Albums and artists as players leaf through them, made of the songs that the index has.

Every song that can be played is on an album, and every album is an artist's, so that a player finds all of them: songs
without an album are on one of their artist's that says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from catalog.names import artist_key, collection_hash, title_key
from catalog.services.overviews import usual_name
from catalog.song_index import IndexedSong

from .answers import moment_of

VARIOUS_ARTISTS = "Various Artists"
UNKNOWN_ARTIST = "[Unknown Artist]"
NO_ALBUM = "[No Album]"


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


def artists_of(song: IndexedSong) -> list[str]:
    """The keys of the artists of a song: several, one, or that of the unknown one."""
    return [key for key, _ in song.artists] or [song.artist_key]


def artist_name(key: str, songs: Sequence[IndexedSong]) -> str:
    """What an artist is called most, by key and songs."""
    return usual_name(dict(song.artists).get(key, song.artist) for song in songs) if key else UNKNOWN_ARTIST


def album_of_songs(key: str, songs: list[IndexedSong], names: dict[str, str]) -> tuple[Album, str]:
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
