"""What is described already, of everything that is the same for all users; in one form."""

from __future__ import annotations

from collections.abc import Collection, Hashable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .genre_table import GenreTable
from .written import Piece

MOST_SONGS = 150_000
# A song takes four hundred bytes: what all those of an album say is held once.
_MOST = {"songs": MOST_SONGS, "shared": 50_000, "artists": 25_000, "said": 25_000, "plays": 100}


@dataclass(slots=True)
class WithGenres:
    """What is described with its genres, as one table has them.

    Attributes
    ----------
    table : GenreTable
    albums : dict of (a kind of description, hash of the album's key) to piece
    genres : list of description, or None
        All of them, once they were asked for.
    """

    table: GenreTable
    albums: dict[tuple[str, str], Piece] = field(default_factory=dict)
    genres: list[dict[str, Any]] | None = None


@dataclass(slots=True)
class Descriptions:
    """What is described already, of the songs of one library.

    Attributes
    ----------
    songs : dict of primary key to pieces
        Without their genres.
    shared : dict of what they are made of to piece
        What several songs say alike.
    artists : dict of (a kind of description, hash of the artist's key) to piece
    said : dict of what a listener says of a song to piece
    plays : dict of a listener's primary key to (how the plays looked, plays and the last one by hash of an album's key)
    """

    songs: dict[int, tuple[Piece, ...]] = field(default_factory=dict)
    shared: dict[Hashable, Piece] = field(default_factory=dict)
    artists: dict[tuple[str, str], Piece] = field(default_factory=dict)
    said: dict[Hashable, Piece] = field(default_factory=dict)
    plays: dict[int, tuple[Any, dict[str, tuple[int, datetime | None]]]] = field(default_factory=dict)
    _with_genres: WithGenres | None = None

    def with_genres(self, table: GenreTable) -> WithGenres:
        """What is described with the genres of a table; what was with those of another one is forgotten."""
        found = self._with_genres
        if found is None or found.table is not table:
            found = self._with_genres = WithGenres(table)
        return found

    def without(self, pks: Collection[int]) -> Descriptions:
        """The same but for some songs of which something has changed; what is still written into this one is lost."""
        songs = self.songs.copy()
        for pk in pks:
            songs.pop(pk, None)
        return Descriptions(songs, self.shared, self.artists, self.said, self.plays)

    def make_room(self) -> None:
        """Forget those of a kind of which there are too many; readers of this moment keep them."""
        for kind, most in _MOST.items():
            if len(getattr(self, kind)) > most:
                setattr(self, kind, {})
