"""Playlists that other players have written: which songs of the library they name."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction

from ..file_parts import file_of
from ..importing.m3u import LARGEST_FILE_BYTES, PlaylistEntry, PlaylistFile, path_parts, read_m3u, unquoted
from ..models import LibraryRoot, Playlist, Song
from ..names import artist_key, title_key
from .playlists import MOST_SONGS, PlaylistRefused, make_playlist

_READ_AT_ONCE = 5000
_SAME_DURATION_S = 3.0
_DASH = re.compile(r"\s+[-\u2013\u2014]\s+")

_Paths = Mapping[str, Sequence[tuple[tuple[str, ...], int]]]


@dataclass(frozen=True, slots=True)
class ImportedPlaylist:
    """What became of a playlist's file.

    Attributes
    ----------
    playlist : Playlist
    found : int
        Songs that are in it now.
    missing : list of str
        What the file names and the library does not have.
    """

    playlist: Playlist
    found: int
    missing: list[str]


@transaction.atomic
def import_playlist(user: User, content: bytes, file_name: str, name: str = "") -> ImportedPlaylist:
    """Make a playlist of an M3U or M3U8 file.

    Parameters
    ----------
    user : User
        Whose it is to be.
    content : bytes
    file_name : str
        What it is called where the file does not say so.
    name : str
        What it is called whatever the file says; empty to leave that to the file.

    Raises
    ------
    PlaylistRefused
        If none of the songs is here, or there are too many of them or of playlists.
    """
    read = read_m3u(content) if len(content) <= LARGEST_FILE_BYTES else PlaylistFile()
    if not read.entries:
        raise PlaylistRefused("There is no song in this file. A playlist is an M3U or M3U8 file.")
    songs = songs_of_entries(read.entries)
    found = list(dict.fromkeys(pk for pk in songs if pk is not None))
    missing = [entry.written for entry, pk in zip(read.entries, songs, strict=True) if pk is None]
    if not found:
        raise PlaylistRefused(f"None of its {len(missing)} songs is in the library, the first is {missing[0][:200]}.")
    if len(found) > MOST_SONGS:
        raise PlaylistRefused(f"A playlist has room for {MOST_SONGS} songs; this one has {len(found)}.")
    playlist = make_playlist(user, (name or read.name or file_name)[:100], found)
    return ImportedPlaylist(playlist, len(found), missing)


def songs_of_entries(entries: Sequence[PlaylistEntry]) -> list[int | None]:
    """The songs that entries name, by primary key, in their order; None for what is not here.

    A file is found by as much of its path as is the same, from its end: an absolute path of another machine ends as
    that of the library does. Where several end alike, or none does, artist and title decide.
    """
    paths = _paths({parts[-1] for entry in entries for parts in (entry.parts, unquoted(entry)) if parts})
    found = [_by_path(entry, paths) for entry in entries]
    unclear = [entry for entry, pks in zip(entries, found, strict=True) if len(pks) != 1]
    named = _by_name(unclear)
    songs: list[int | None] = []
    for entry, pks in zip(entries, found, strict=True):
        called = named.get(id(entry), [])
        both = [pk for pk in called if pk in pks] or (pks if len(pks) == 1 else called)
        songs.append(both[0] if both else None)
    return songs


def _paths(names: Iterable[str]) -> _Paths:
    """The songs' paths from their root's name on, by the file's name, of those names."""
    wanted, by_name = set(names), defaultdict[str, list[tuple[tuple[str, ...], int]]](list)
    roots = {root.pk: (root.name, path_parts(str(root.folder))) for root in LibraryRoot.objects.all()}
    rows = Song.objects.playable().order_by("pk").values_list("pk", "root", "path")
    for pk, root, path in rows.iterator(_READ_AT_ONCE):
        parts = path_parts(file_of(path))
        if parts and parts[-1] in wanted and root is not None:
            name, folder = roots[root]
            by_name[parts[-1]].append(((name.casefold(), *parts), pk))
            if folder and folder[-1] != name.casefold():
                by_name[parts[-1]].append(((*folder, *parts), pk))
    return by_name


def _by_path(entry: PlaylistEntry, paths: _Paths) -> list[int]:
    """The songs whose path ends as the entry's does, as far as possible."""
    best: dict[int, int] = {}
    length = 0
    for wanted in dict.fromkeys((entry.parts, unquoted(entry))):
        length = max(length, len(wanted))
        for parts, pk in paths.get(wanted[-1], ()) if wanted else ():
            best[pk] = max(best.get(pk, 0), _alike_from_the_end(wanted, parts))
    most = max(best.values(), default=0)
    # The same name in another folder is another song, but where only the name is told.
    if most < min(length, 2):
        return []
    return [pk for pk, alike in best.items() if alike == most]


def _alike_from_the_end(one: Sequence[str], other: Sequence[str]) -> int:
    alike = 0
    while alike < min(len(one), len(other)) and one[-1 - alike] == other[-1 - alike]:
        alike += 1
    return alike


def _by_name(entries: Iterable[PlaylistEntry]) -> dict[int, list[int]]:
    """The songs that entries call by artist and title, those with a file of about this length first, by `id`."""
    keys: dict[int, tuple[str, str]] = {}
    lengths: dict[int, float | None] = {}
    for entry in entries:
        artist, dash, title = _parted(entry.said)
        if dash and (artist_key(artist) and title_key(title)):
            keys[id(entry)], lengths[id(entry)] = (artist_key(artist), title_key(title)), entry.seconds
    if not keys:
        return {}
    songs = Song.objects.playable().filter(
        artist_key__in={artist for artist, _ in keys.values()}, title_key__in={title for _, title in keys.values()}
    )
    rows = list(songs.order_by("pk").values_list("pk", "artist_key", "title_key", "duration_s"))
    return {
        entry: [
            pk for pk, artist, title, seconds in rows if (artist, title) == key and _as_long(seconds, lengths[entry])
        ]
        for entry, key in keys.items()
    }


def _parted(said: str) -> tuple[str, bool, str]:
    parts = _DASH.split(said, maxsplit=1)
    return (parts[0], True, parts[1]) if len(parts) == 2 else ("", False, said)


def _as_long(seconds: float | None, told: float | None) -> bool:
    return seconds is None or told is None or abs(seconds - told) <= _SAME_DURATION_S
