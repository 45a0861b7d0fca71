"""Artists and their albums, as the index of the library knows them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

import numpy as np

from ..models import Label, Song
from ..song_index import IndexedSong, Mask, SongIndex
from . import song_index
from .browsing import songs_in_order
from .overviews import album_by, name_on, usual_name

_SHOWN_LABELS = 12
# More than are shown: some of them may say little to a listener.
_LOOKED_UP_LABELS = 40


@dataclass(frozen=True, slots=True)
class Album:
    """An album: its first song stands for it.

    Attributes
    ----------
    first : Song
    title : str
    artist, artist_key : str
        Who it is by, empty where several people are.
    year : int
        Of its latest song, 0 where nobody knows.
    song_ids : list of int
        By disc and track.
    discs : list of (int, list of int)
        The same by disc.
    seconds : float
    key : str
        What its songs have in common (`IndexedSong.album_key`).
    """

    first: Song
    title: str
    artist: str
    artist_key: str
    year: int
    song_ids: list[int]
    discs: list[tuple[int, list[int]]]
    seconds: float
    key: str


@dataclass(frozen=True, slots=True)
class Artist:
    """An artist, with what is here of theirs: as many of the `n_albums` albums as were wanted."""

    name: str
    key: str
    albums: list[Album]
    n_albums: int
    song_ids: list[int]
    labels: list[tuple[str, int]]
    seconds: float


def songs_of_artist(key: str) -> list[int]:
    """The songs of an artist, alone or with others, by primary key; `key` by `names.artist_key`."""
    index = song_index.current()
    there = index.of_artist(key) & index.all(include_unplayable=True)
    return [index.songs[at].pk for at in np.flatnonzero(there).tolist()]


def find_artist(key: str, most_albums: int | None = None) -> Artist | None:
    """The artist of this key (`names.artist_key`): their songs, and albums that they are on; None for nobody.

    `most_albums` is how many of the albums are wanted, the latest.
    """
    index = song_index.current()
    own = index.of_artist(key, albums_too=True) & index.all(include_unplayable=True)
    songs = _songs(index, own)
    if not songs:
        return None
    mine = {song.pk: name for song in songs if (name := name_on(song, key))}
    on = [album for album in dict.fromkeys(song.album_key for song in songs) if album]
    return Artist(
        name=usual_name(mine.values()) if mine else key.title(),
        key=key,
        albums=_albums([_songs_of_album(index, album) for album in on], most_albums),
        n_albums=len(on),
        song_ids=list(mine) or [song.pk for song in songs],
        labels=_labels(index.label_counts(index.of_artist(key) & own if mine else own)),
        seconds=sum(song.duration_s for song in songs if song.pk in mine or not mine),
    )


def album_of(song_id: int) -> Album | None:
    """The album that a song is on; None for a song on none, or one that is not there."""
    index = song_index.current()
    at = index.position(song_id)
    if at is None or not index.there[at] or not index.songs[at].album_key:
        return None
    return next(iter(_albums([_songs_of_album(index, index.songs[at].album_key)])), None)


def _songs_of_album(index: SongIndex, key: str) -> list[IndexedSong]:
    return _songs(index, index.of_album(key) & index.all(include_unplayable=True))


def _songs(index: SongIndex, among: Mask) -> list[IndexedSong]:
    """By album, disc, track and title; songs on no album last."""
    songs = [index.songs[at] for at in np.flatnonzero(among).tolist()]
    return sorted(songs, key=lambda s: (not s.album_key, s.album_key, s.disc, s.track or 10_000, s.title_key, s.pk))


def _albums(groups: list[list[IndexedSong]], most: int | None = None) -> list[Album]:
    """The albums that groups of songs are, latest first, in one query."""
    latest_first = sorted(groups, key=lambda songs: (-max(song.year for song in songs), _title(songs).casefold()))
    shown = latest_first[:most]
    firsts = {song.pk: song for song in songs_in_order([songs[0].pk for songs in shown])}
    return [_album(songs, firsts[songs[0].pk]) for songs in shown if songs[0].pk in firsts]


def _title(songs: list[IndexedSong]) -> str:
    return usual_name(song.album for song in songs)


def _album(songs: list[IndexedSong], first: Song) -> Album:
    key, name = album_by(songs)
    return Album(
        first=first,
        title=_title(songs),
        artist=(first.album_artist or name) if key else "",
        artist_key=key,
        year=max(song.year for song in songs),
        song_ids=[song.pk for song in songs],
        discs=[(disc, [song.pk for song in of_disc]) for disc, of_disc in groupby(songs, lambda song: song.disc)],
        seconds=sum(song.duration_s for song in songs),
        key=songs[0].album_key,
    )


def _labels(counts: dict[int, int]) -> list[tuple[str, int]]:
    """The labels of most songs that say something to a listener, with how many songs."""
    most = sorted(counts, key=lambda pk: -counts[pk])[:_LOOKED_UP_LABELS]
    names = dict(Label.objects.filter(pk__in=most, background=False).values_list("pk", "name"))
    return [(names[pk], counts[pk]) for pk in most if pk in names][:_SHOWN_LABELS]
