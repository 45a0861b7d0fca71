"""Albums by various artists: songs of one folder that carry one album title, and no album artist of their own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field

from django.db import transaction

from ..importing.names import album_folder
from ..models import LibraryRoot, Song
from ..names import artist_key, title_key
from .song_index import record_changes

VARIOUS_ARTISTS = "Various Artists"
"""Whom an album is by that is by nobody alone."""

_FEWEST_ARTISTS = 3
_READ_AT_ONCE = 5000
_WRITTEN_AT_ONCE = 500


@dataclass(slots=True)
class _Group:
    """The songs of one folder with one album title."""

    artists: set[str] = field(default_factory=set)
    on_all: set[str] | None = None
    flagged: bool = False
    alone: list[int] = field(default_factory=list)
    gathered: list[int] = field(default_factory=list)

    def add_artists(self, artist: str, artists: list[str]) -> None:
        """Count the artists of a song: the one named first, and those on all of them."""
        keys = {artist_key(name) for name in (artist, *artists)}
        self.artists.add(artist_key(artists[0] if artists else artist))
        self.on_all = keys if self.on_all is None else self.on_all & keys

    @property
    def is_compilation(self) -> bool:
        """Whether a file says so, or there are several artists, and none of them on every song."""
        return self.flagged or (len(self.artists) >= _FEWEST_ARTISTS and not self.on_all)


def gather(root: LibraryRoot, folders: Collection[str]) -> set[int]:
    """Give the songs of compilations their album artist, and take it from those that are none any more.

    A compilation are the songs of one folder with one album title and no album artist of their own, where a file says
    that it is of a compilation, or where there are three artists or more and none of them is on every song.

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
        by_gathering = gathered and album_artist == VARIOUS_ARTISTS
        if folder not in folders or (album_artist and not by_gathering):
            continue
        group = groups[folder, title_key(album)]
        group.flagged |= compilation
        if artist:
            group.add_artists(artist, artists)
        (group.gathered if by_gathering else group.alone).append(pk)
    together, apart = [], []
    for group in groups.values():
        if group.is_compilation:
            together += group.alone
        else:
            apart += group.gathered
    _write(together, VARIOUS_ARTISTS, gathered=True)
    _write(apart, "", gathered=False)
    return {*together, *apart}


def _write(pks: list[int], album_artist: str, *, gathered: bool) -> None:
    for start in range(0, len(pks), _WRITTEN_AT_ONCE):
        some = pks[start : start + _WRITTEN_AT_ONCE]
        with transaction.atomic():
            Song.objects.filter(pk__in=some).update(album_artist=album_artist, gathered=gathered)
            record_changes(some)
