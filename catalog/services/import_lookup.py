"""The songs and listeners that a table speaks of: known ones are found, unknown ones are made."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Q

from ..http import parse_id
from ..importing.descriptions import LASTFM_ARTIST, Description, Descriptions
from ..importing.matching import Known, NameIndex, all_artists
from ..importing.tables import TableReport
from ..models import Listener, MergedSong, Song, SongIdentifier
from ..names import distinct_artists, split_guests
from .song_index import record_changes
from .song_merging import merge_songs

LONGEST_IDENTIFIER = 200
LONGEST_USERNAME = 150

_INDEXED_AT_ONCE = 5000

Progress = Callable[[str, int, int], object]
"""Told what is being done, how much of it is done, and how much there is."""


@dataclass(slots=True)
class ImportedTable:
    """What the import of a table did.

    Attributes
    ----------
    lines : TableReport
    beside : dict of str to TableReport
        How the lines were of the files that say what its songs and labels are called, by the file's name.
    stored : int
        Labels on songs, ratings, or songs of listeners that the table speaks of.
    new_songs, new_users : int
    """

    lines: TableReport = field(default_factory=TableReport)
    beside: dict[str, TableReport] = field(default_factory=dict)
    stored: int = 0
    new_songs: int = 0
    new_users: int = 0


class ImportLookup:
    """The primary keys of songs and users by the names that a table gives them, remembered.

    Parameters
    ----------
    done : ImportedTable
        Told how many were made.
    descriptions : Descriptions, optional
        What songs are called that nobody has named yet.
    index : NameIndex, optional
        Where to look for a song that is described, before one is made.
    """

    def __init__(
        self, done: ImportedTable, descriptions: Descriptions | None = None, index: NameIndex | None = None
    ) -> None:
        self._done = done
        self._descriptions = descriptions
        self._index = index
        self._songs: dict[str, int] = {}
        self._users: dict[str, int] = {}

    @property
    def found_songs(self) -> set[int]:
        """The primary keys of all songs that were asked for."""
        return set(self._songs.values())

    def songs(self, names: Collection[str]) -> Mapping[str, int]:
        """The songs by identifier, or else by primary key; unknown songs are made, without audio."""
        if new := set(names) - self._songs.keys():
            self._songs |= self._found_or_made(new)
        return self._songs

    def users(self, names: Collection[str]) -> Mapping[str, int]:
        """The users; unknown ones are made: inactive, without a password, marked as imported."""
        if new := set(names) - self._users.keys():
            self._users |= users_by_name(new, self._done)
        return self._users

    def _found_or_made(self, names: Collection[str]) -> dict[str, int]:
        described = self._descriptions.of(names) if self._descriptions else {}
        try:
            with transaction.atomic():
                found = _known_songs(names)
                found |= self._named({name: described[name] for name in found if name in described})
                matched = self._matched({name: described[name] for name in described if name not in found})
                new = {
                    name: described_song(described.get(name) or Description(name))
                    for name in sorted(set(names) - found.keys() - matched.keys())
                }
                Song.objects.bulk_create(new.values())
                made = {name: song.pk for name, song in new.items()}
                record_changes({*matched.values(), *made.values()})
                SongIdentifier.objects.bulk_create(
                    SongIdentifier(song_id=pk, value=name) for name, pk in (matched | made).items()
                )
        except IntegrityError:
            # Another import has made some of them in this very moment.
            return self._found_or_made(names)
        self._done.new_songs += len(new)
        return found | matched | made

    def _named(self, described: Mapping[str, Description]) -> dict[str, int]:
        """Name the songs that were known by their identifier alone so far; those that are a file become part of it."""
        unnamed = Song.objects.filter(path="", artist="", title__in=described, identifiers__value__in=described)
        songs = {song.title: song for song in unnamed.distinct()}
        files = {name: self._index.find_file(described[name]) for name in songs} if self._index else {}
        named, merged = [], {}
        for name, song in songs.items():
            _describe(song, described[name])
            if (file := files.get(name)) is None:
                named.append(song)
            else:
                merge_songs([song], Song.objects.get(pk=file.pk))
                merged[name] = file.pk
        Song.objects.bulk_update(
            named, ["title", "artist", "artists", "album", "year", "title_key", "artist_key"], batch_size=500
        )
        record_changes([song.pk for song in named])
        return merged

    def _matched(self, described: Mapping[str, Description]) -> dict[str, int]:
        """Those of the described songs that are in the library under their artist and title."""
        if self._index is None:
            return {}
        found = {name: self._index.find(description) for name, description in described.items()}
        return {name: song.pk for name, song in found.items() if song is not None}


def users_by_name(names: Collection[str], done: ImportedTable) -> dict[str, int]:
    """The primary keys of users; unknown ones are made: inactive, without a password, marked as imported."""
    try:
        with transaction.atomic():
            found = dict(User.objects.filter(username__in=names).values_list("username", "pk"))
            new = User.objects.bulk_create(
                # What `make_password(None)` is, drawn at once: a random number for each character takes long.
                User(username=name, is_active=False, password=f"{UNUSABLE_PASSWORD_PREFIX}{token_hex(20)}")
                for name in sorted(set(names) - set(found))
            )
            Listener.objects.bulk_create(Listener(user=user, origin=Listener.Origin.IMPORTED) for user in new)
    except IntegrityError:
        return users_by_name(names, done)
    done.new_users += len(new)
    return found | {user.username: user.pk for user in new}


def name_index(identifier_prefix: str | None) -> NameIndex:
    """The songs that a name in an import may mean.

    Parameters
    ----------
    identifier_prefix : str or None
        Of the import's identifiers, up to the last colon; empty for bare ones. Two songs with identifiers of the same
        prefix are two, whatever their names say: a song without a file that has such an identifier is not matched.
        None for an import without identifiers of its own.
    """
    index = NameIndex()
    # An artist of Last.fm's is no song of theirs that is called as they are.
    songs = Song.objects.exclude(artist_key="").exclude(
        Q(path="") & Q(pk__in=SongIdentifier.objects.filter(value__startswith=LASTFM_ARTIST).values("song"))
    )
    if identifier_prefix is not None:
        of_same_prefix = (
            SongIdentifier.objects.filter(value__startswith=f"{identifier_prefix}:")
            if identifier_prefix
            else SongIdentifier.objects.exclude(value__contains=":")
        )
        songs = songs.exclude(Q(path="") & Q(pk__in=of_same_prefix.values("song")))
    columns = "pk", "artist", "artist_key", "artists", "title", "title_key", "album", "duration_s", "path"
    rows = songs.order_by("pk").values_list(*columns)
    for pk, artist, key, artists, title, title_key, album, duration_s, path in rows.iterator(_INDEXED_AT_ONCE):
        names = all_artists(artist, artists, title)
        index.add_keys(Known(pk), key, title_key, album, duration_s, has_file=bool(path), artists=names)
    for merged in MergedSong.objects.order_by("pk").select_related("song").defer("contents"):
        if identifier_prefix is None or merged.song.path:
            described = Description(merged.title, merged.artist, merged.album, None, merged.duration_s)
            index.add(Known(merged.song_id), described, has_file=bool(merged.song.path))
    return index


def read_artists(beside: Path, done: ImportedTable, descriptions: Descriptions) -> None:
    """Take in the names of Last.fm's artists from `artists.dat` beside a file; without it they stay numbers."""
    path = beside.with_name("artists.dat")
    if path.exists():
        descriptions.read_artists(path, done.beside.setdefault(path.name, TableReport()))


def songs_with_file(song_ids: Collection[int]) -> set[int]:
    """Those of the songs that have a file of the owner's."""
    ids, found = sorted(song_ids), set[int]()
    for start in range(0, len(ids), _INDEXED_AT_ONCE):
        some = Song.objects.with_file().filter(pk__in=ids[start : start + _INDEXED_AT_ONCE])
        found.update(some.values_list("pk", flat=True))
    return found


def _known_songs(names: Collection[str]) -> dict[str, int]:
    found = dict(SongIdentifier.objects.filter(value__in=names).values_list("value", "song_id"))
    keys = []
    for name in set(names) - set(found):
        with suppress(ValueError):
            keys.append(parse_id(name))
    found |= {str(pk): pk for pk in Song.objects.filter(pk__in=keys).values_list("pk", flat=True)}
    return found


def described_song(described: Description) -> Song:
    """A new song without a file, not stored yet."""
    song = Song()
    _describe(song, described)
    return song


def _describe(song: Song, described: Description) -> None:
    song.title, song.artist = described.title, described.artist
    names = distinct_artists(described.artists or split_guests(described.artist))
    song.artists = names if len(names) > 1 else []
    song.album, song.year, song.duration_s = described.album, described.year, described.duration_s
    song.set_keys()
