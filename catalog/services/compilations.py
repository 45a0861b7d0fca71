"""Albums by several artists: songs of one folder that carry one album title, and no album artist of their own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field

from django.db import transaction

from ..importing.names import album_folder
from ..models import LibraryRoot, Song
from ..names import artist_key, split_artists, title_key
from .song_index import record_changes

VARIOUS_ARTISTS = "Various Artists"
"""Whom an album is by that is by nobody alone."""

_FEWEST_ARTISTS = 3
_READ_AT_ONCE = 5000
_WRITTEN_AT_ONCE = 500


_State = tuple[str, bool]


@dataclass(slots=True)
class _Group:
    """The songs of one folder with one album title."""

    artists: set[str] = field(default_factory=set)
    on_all: set[str] | None = None
    flagged: bool = False
    songs: list[tuple[int, _State]] = field(default_factory=list)

    def add_artists(self, artist: str, artists: list[str]) -> None:
        """Count the artists of a song: the one named first, and those on all of them, alone or with others."""
        self.artists.add(artist_key(artists[0] if artists else artist))
        if artist:
            keys = {artist_key(name) for name in (artist, *artists, *split_artists(artist))} - {""}
            self.on_all = keys if self.on_all is None else self.on_all & keys

    @property
    def state(self) -> _State:
        """The album artist that its songs get, and whether songs of different artists form one album.

        "Various Artists" if a file has the flag, or if several artists are on it and none of them is on every song.
        """
        if self.flagged or (len(self.artists - {""}) >= _FEWEST_ARTISTS and not self.on_all):
            return VARIOUS_ARTISTS, True
        return "", bool(self.on_all) and len(self.artists) > 1


def gather(root: LibraryRoot, folders: Collection[str]) -> set[int]:
    """Give the songs of compilations their album artist, and take it from those that are none any more.

    A compilation are the songs of one folder with one album title and no album artist of their own, where a file says
    that it is of a compilation, or where there are three artists or more and none of them is on every song. Where one
    artist is on every song, with others or without, they belong together too, and keep to have no album artist.

    Parameters
    ----------
    root : LibraryRoot
    folders : collection of str
        Relative to the root (`importing.names.album_folder`); others are left as they are.

    Returns
    -------
    set of int
        The primary keys of the songs that were changed.
    """
    if not folders:
        return set()
    groups: defaultdict[tuple[str, str], _Group] = defaultdict(_Group)
    songs = Song.objects.playable().filter(root=root).exclude(album="").order_by()
    rows = songs.values_list("pk", "path", "album", "album_artist", "artist", "artists", "compilation", "gathered")
    for pk, path, album, album_artist, artist, artists, compilation, gathered in rows.iterator(_READ_AT_ONCE):
        folder = album_folder(path)
        state = (album_artist, gathered)
        if folder not in folders or (album_artist and state != (VARIOUS_ARTISTS, True)):
            continue
        group = groups[folder, title_key(album)]
        group.flagged |= compilation
        group.add_artists(artist, artists)
        group.songs.append((pk, state))
    changed: defaultdict[_State, list[int]] = defaultdict(list)
    for group in groups.values():
        changed[group.state] += [pk for pk, state in group.songs if state != group.state]
    for (album_artist, gathered), pks in changed.items():
        _write(pks, album_artist, gathered=gathered)
    return {pk for pks in changed.values() for pk in pks}


def _write(pks: list[int], album_artist: str, *, gathered: bool) -> None:
    for start in range(0, len(pks), _WRITTEN_AT_ONCE):
        some = pks[start : start + _WRITTEN_AT_ONCE]
        with transaction.atomic():
            Song.objects.filter(pk__in=some).update(album_artist=album_artist, gathered=gathered)
            record_changes(some)
