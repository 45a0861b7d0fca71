"""Genres as players leaf through them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from catalog.names import label_key
from catalog.services.genres import Genres, all_genres
from catalog.song_index import IndexedSong


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
