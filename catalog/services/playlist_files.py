"""Playlists that other players have written: which songs of the library they name."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

from django.contrib.auth.models import User
from django.db import transaction

from ..file_parts import file_of
from ..importing.m3u import (
    LARGEST_FILE_BYTES,
    MOST_ENTRIES,
    PlaylistEntry,
    PlaylistFile,
    path_parts,
    read_m3u,
    unquoted,
)
from ..models import DuplicateFile, LibraryRoot, Playlist, Song
from ..names import artist_key, title_key
from .playlists import MOST_SONGS, PlaylistRefused, make_playlist

_READ_AT_ONCE = 5000
_SAME_DURATION_S = 3.0
_DASH = re.compile(r"\s+[-\u2013\u2014]\s+")


class _Place(NamedTuple):
    """A song's file: its path from the root's name or folder on, the song, and the root."""

    parts: tuple[str, ...]
    song: int
    root: int


_Paths = Mapping[str, Sequence[_Place]]


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
    if len(read.entries) > MOST_ENTRIES:
        raise PlaylistRefused(f"This file names more than {MOST_ENTRIES} songs; a playlist has room for {MOST_SONGS}.")
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
    that of the library does. Where several end alike, or none does, artist and title decide, and then the root in which
    most of the others lie; what fits several songs that are called otherwise is none of them.
    """
    paths = _paths({parts[-1] for entry in entries for parts in (entry.parts, unquoted(entry)) if parts})
    found = [_by_path(entry, paths) for entry in entries]
    unclear = [entry for entry, places in zip(entries, found, strict=True) if len(places) != 1]
    named = _by_name(unclear)
    clear = Counter(root for places in found if len(places) == 1 for root in places.values())
    usual_root = _most_common(clear)
    songs: list[int | None] = []
    for entry, places in zip(entries, found, strict=True):
        called = named.get(id(entry), [])
        fit = [pk for pk in called if pk in places] or list(places) or called
        in_usual_root = [pk for pk in fit if places.get(pk) == usual_root]
        is_clear = len(fit) == 1 or bool(called) or len(in_usual_root) == 1
        songs.append((in_usual_root or fit)[0] if fit and is_clear else None)
    return songs


def _most_common(counted: Counter[int]) -> int | None:
    """What was counted most often; None where several were as often."""
    (first, most), (_, second) = [*counted.most_common(2), (None, 0), (None, 0)][:2]
    return first if most > second else None


def _paths(names: Iterable[str]) -> _Paths:
    """Where songs and their copies lie, from their root's name on, by the file's name, of those names."""
    wanted, by_name = set(names), defaultdict[str, list[_Place]](list)
    roots = {root.pk: (root.name, path_parts(str(root.folder), folded=False)) for root in LibraryRoot.objects.all()}
    songs = Song.objects.playable().order_by("pk").values_list("pk", "root", "path")
    copies = DuplicateFile.objects.order_by("pk").values_list("song", "root", "path")
    for pk, root, path in chain(songs.iterator(_READ_AT_ONCE), copies.iterator(_READ_AT_ONCE)):
        parts = path_parts(file_of(path), folded=False)
        if parts and (last := parts[-1].casefold()) in wanted and root is not None:
            name, folder = roots[root]
            by_name[last].append(_Place((name, *parts), pk, root))
            if folder and folder[-1].casefold() != name.casefold():
                by_name[last].append(_Place((*folder, *parts), pk, root))
    return by_name


def _by_path(entry: PlaylistEntry, paths: _Paths) -> dict[int, int]:
    """The songs whose path ends as the entry's does, as far as possible, with their roots.

    Where several end alike, those that are written so to the letter are meant.
    """
    best: dict[int, tuple[int, int, int]] = {}
    length = 0
    to_the_letter = path_parts(entry.written, folded=False)
    for wanted in dict.fromkeys((entry.parts, unquoted(entry))):
        length = max(length, len(wanted))
        for place in paths.get(wanted[-1], ()) if wanted else ():
            alike = _alike_from_the_end(wanted, [part.casefold() for part in place.parts])
            exactly = _alike_from_the_end(to_the_letter, place.parts)
            best[place.song] = max(best.get(place.song, (0, 0, 0)), (alike, exactly, place.root))
    most = max((alike for alike, _, _ in best.values()), default=0)
    # The same name in another folder is another song, but where only the name is told.
    if most < min(length, 2):
        return {}
    closest = max(exactly for alike, exactly, _ in best.values() if alike == most)
    return {pk: root for pk, (alike, exactly, root) in best.items() if (alike, exactly) == (most, closest)}


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
