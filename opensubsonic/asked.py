"""What the parameters of a request name, looked up: songs, albums, artists, folders, spans of a list."""

from __future__ import annotations

from catalog.models import LibraryRoot, Song

from . import ids
from .albums import Album, Artist
from .failures import Code, Failure, not_found
from .ids import Id
from .library import Library
from .registry import Request

MOST = 500
"""Entries of one list, as the protocol has it."""

MOST_SONGS = 1000
"""Songs that one request names, but for a queue."""


def asked_song(request: Request, name: str = "id") -> Song:
    """The song that a parameter names.

    Raises
    ------
    Failure
        If there is no such song that can be played here.
    """
    return find_song(request.parameters.id(name, ids.SONG))


def find_song(asked: Id) -> Song:
    """The song of an id.

    Raises
    ------
    Failure
        If there is no such song that can be played here.
    """
    song = Song.objects.playable().select_related("root").filter(pk=asked.pk).first()
    if song is None:
        raise not_found("song")
    return song


def asked_songs(request: Request, name: str = "id", most: int = MOST_SONGS) -> list[int]:
    """The primary keys of the songs that a parameter names, in order.

    Raises
    ------
    Failure
        If one of them is not there, or they are too many.
    """
    pks = [one.pk for one in request.parameters.ids(name, most, ids.SONG)]
    there = set(Song.objects.playable().filter(pk__in=set(pks)).values_list("pk", flat=True))
    if any(pk not in there for pk in pks):
        raise not_found("song")
    return pks


def find_album(library: Library, asked: Id) -> Album:
    """The album of an id.

    Raises
    ------
    Failure
        If there is no such album.
    """
    album = library.albums_by_hash.get(asked.key)
    if album is None:
        raise not_found("album")
    return album


def find_artist(library: Library, asked: Id) -> Artist:
    """The artist of an id.

    Raises
    ------
    Failure
        If there is no such artist.
    """
    artist = library.artists_by_hash.get(asked.key)
    if artist is None:
        raise not_found("artist")
    return artist


def asked_folder(request: Request) -> int | None:
    """The music folder that is named, by the primary key of its root; None where none is, or it is the only one.

    Raises
    ------
    Failure
        If there is no such folder.
    """
    if not request.parameters.text("musicFolderId"):
        return None
    folder = request.parameters.number("musicFolderId", 0)
    folders = set(LibraryRoot.objects.values_list("pk", flat=True))
    if folder not in folders:
        raise not_found("music folder")
    return None if folders == {folder} else folder


def span(request: Request, size_name: str, offset_name: str, default: int) -> slice:
    """The part of a list that is asked for."""
    size = request.parameters.number(size_name, default, 0, MOST)
    offset = request.parameters.number(offset_name, 0)
    return slice(offset, offset + size)


def year_span(request: Request) -> tuple[int, int] | None:
    """The years from which to which something is asked for, in the order that was said; None where none is named."""
    if "fromYear" not in request.parameters and "toYear" not in request.parameters:
        return None
    return request.parameters.number("fromYear", 0, 0, 9999), request.parameters.number("toYear", 9999, 0, 9999)


def required_years(request: Request) -> tuple[int, int]:
    """The same, where both have to be said.

    Raises
    ------
    Failure
        If one is missing.
    """
    for name in ("fromYear", "toYear"):
        if not request.parameters.text(name):
            raise Failure(Code.PARAMETER_MISSING, f"The parameter {name} is missing.")
    return request.parameters.number("fromYear", 0, 0, 9999), request.parameters.number("toYear", 9999, 0, 9999)
