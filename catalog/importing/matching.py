"""Which song of the library a name means: by artist and title, however they are spelled, and never another version."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..names import artist_key, split_artists, split_guests, title_key
from .descriptions import Description

_SAME_DURATION_S = 3.0
_LIVE_ALBUM = re.compile(r"\blive (at|in|from|on)\b|\bunplugged\b|[(\[]live\b|^live!?$|[:\-] live$", re.I)


@dataclass(slots=True)
class Known:
    """A song that is known.

    Attributes
    ----------
    pk : int
        Its primary key; 0 until it is stored.
    """

    pk: int


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A song that a name may mean: its place among all of them, and the keys of its title and album.

    `in_full` tells whether it stands under all of its artists, and not under one of several.
    """

    song: Known
    number: int
    title: str
    album: str
    live_album: bool
    duration_s: float | None
    has_file: bool
    in_full: bool


class NameIndex:
    """The songs that are known by artist and title."""

    def __init__(self) -> None:
        self._songs: defaultdict[str, list[_Candidate]] = defaultdict(list)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, song: Known, described: Description, *, has_file: bool) -> None:
        """Add a song, under one of its names; one by nobody knows whom cannot be told by its title, and is left out.

        Parameters
        ----------
        song : Known
        described : Description
        has_file : bool
            Whether it is one of the owner's own files.
        """
        keys = artist_key(described.artist), title_key(described.title)
        artists = all_artists(described.artist, described.artists, described.title)
        self.add_keys(song, *keys, described.album, described.duration_s, has_file=has_file, artists=artists)

    def add_keys(
        self,
        song: Known,
        artist: str,
        title: str,
        album: str,
        duration_s: float | None,
        *,
        has_file: bool,
        artists: Sequence[str] = (),
    ) -> None:
        """As `add`, with the keys of artist and title at hand, and the names that the artist's may stand for.

        An artist named alone is found under a name of several too, however it is joined: `Nick Cave` with the Bad
        Seeds.
        """
        if not artist:
            return
        self._count += 1
        number, of_album, live = self._count, title_key(album), bool(_LIVE_ALBUM.search(album))

        def stand_under(key: str, *, in_full: bool) -> None:
            candidate = _Candidate(song, number, title, of_album, live, duration_s, has_file, in_full)
            self._songs[_compact(key, title)].append(candidate)

        stand_under(artist, in_full=True)
        if len(artists) > 1:
            stand_under(_in_any_order(artists), in_full=True)
            for one in {artist_key(name) for name in artists} - {artist, ""}:
                stand_under(one, in_full=False)

    def find_file(self, described: Description) -> Known | None:
        """As `find`, among the owner's own files alone."""
        found = self._find(described)
        return found.song if found is not None and found.has_file else None

    def find(self, described: Description) -> Known | None:
        """The song of this artist and title, of about this length where both lengths are known.

        The owner's own files go first: the one whose title is the same to the letter, then the one of the same album
        (or at least not of a concert), then the nearest in length. Of songs without a file it is always the first, so
        that the songs which an import makes do not change what an earlier line of it meant.
        """
        found = self._find(described)
        return None if found is None else found.song

    def _find(self, described: Description) -> _Candidate | None:
        artist, title = artist_key(described.artist), title_key(described.title)
        if not artist:
            return None
        found = self._best(self._songs.get(_compact(artist, title), ()), title, described)
        names = all_artists(described.artist, described.artists, described.title)
        if (found is None or not (found.in_full and found.has_file)) and len(names) > 1:
            together = self._best(self._songs.get(_compact(_in_any_order(names), title), ()), title, described)
            if together is not None and (found is None or together.has_file):
                return together
        return found

    @staticmethod
    def _best(candidates: Sequence[_Candidate], title: str, described: Description) -> _Candidate | None:
        live = bool(_LIVE_ALBUM.search(described.album))
        alike = [
            song
            for song in candidates
            if _gap(song, described) <= _SAME_DURATION_S
            and (song.live_album == live or not described.album or not song.album)
        ]
        if not any(song.has_file for song in alike):
            return min(alike, key=lambda song: (not song.in_full, song.number), default=None)
        album = title_key(described.album)
        return min(
            (song for song in alike if song.has_file),
            key=lambda song: (
                not song.in_full,
                song.title != title,
                song.live_album != live,
                song.album != album,
                _gap(song, described),
                song.number,
            ),
        )


def all_artists(artist: str, artists: Sequence[str], title: str) -> list[str]:
    """The artists of a song one by one, listed or told by their joined name, and the guests whom its title names."""
    return [*(artists or split_artists(artist)), *split_guests(title)[1:]]


def _compact(artist: str, title: str) -> str:
    """Artist and title without gaps and the title's article: `AC/DC` and `ACDC`, `The Letter` and `Letter`."""
    return f"{artist}\n{title.removeprefix('the ')}".replace(" ", "")


def _in_any_order(artists: Iterable[str]) -> str:
    """A key of several artists that no one artist has, in any order."""
    return "+".join(sorted({artist_key(name) for name in artists} - {""}))


def _gap(song: _Candidate, described: Description) -> float:
    """Seconds between the lengths of a song and a description; 0 where one is unknown."""
    if song.duration_s is None or described.duration_s is None:
        return 0.0
    return abs(song.duration_s - described.duration_s)
