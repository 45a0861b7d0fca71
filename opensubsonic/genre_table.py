"""Genres as players leaf through them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from catalog.names import label_key
from catalog.services.genres import Genres, genres_of_songs
from catalog.song_index import IndexedSong

_NONE = Genres()


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
    def read(cls, pks: Collection[int] | None = None) -> GenreTable:
        """Read it from the database; only what it has of some songs, if they are named."""
        of_song = genres_of_songs(pks)
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

    def of_songs(self, songs: Sequence[IndexedSong]) -> list[str]:
        """The genres of one song or more, what most of them are first."""
        each = [self.of_song.get(song.pk, _NONE) for song in songs]
        if each.count(each[0]) == len(each):
            # So it is with most albums.
            return sorted(each[0].genres)
        counted = Counter(name for genres in each for name in genres.genres)
        return [name for name, _ in sorted(counted.items(), key=lambda item: (-item[1], item[0]))]
