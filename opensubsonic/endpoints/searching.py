"""Searching by words; without any, everything there is, in pages: so players keep a copy of the library."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from ..albums import Album, Artist
from ..asked import asked_folder, span
from ..library import FoundSongs, clean_query
from ..registry import Answer, Request, endpoint

_FOUND = 20


@endpoint("search")
def search(request: Request) -> Answer:
    """The oldest search: songs by artist, album, title or anything."""
    describe, parameters = request.describe, request.parameters
    words = " ".join(clean_query(parameters.text(name)) for name in ("artist", "album", "title", "any"))
    pks = describe.library.find_songs(words).pks.tolist()
    if newer_ms := parameters.number("newerThan", 0):
        since = min(newer_ms / 1000, datetime.now(UTC).timestamp())
        library = describe.library
        pks = [pk for pk in pks if library.has_song(pk) and library.song(pk).added > since]
    part = span(request, "count", "offset", _FOUND)
    found = describe.songs(pks[part])
    return {"searchResult": {"offset": part.start, "totalHits": len(pks), "match": found}}


@endpoint("search2")
def search2(request: Request) -> Answer:
    """Artists, albums and songs, for players that leaf through folders."""
    artists, albums, songs = _found(request)
    describe = request.describe
    return {
        "searchResult2": {
            "artist": describe.artist_directories(artists),
            "album": describe.album_directories(albums),
            "song": describe.songs(songs),
        }
    }


@endpoint("search3")
def search3(request: Request) -> Answer:
    """Artists, albums and songs."""
    artists, albums, songs = _found(request)
    describe = request.describe
    return {
        "searchResult3": {
            "artist": describe.artists(artists),
            "album": describe.albums(albums),
            "song": describe.songs(songs),
        }
    }


def _found(request: Request) -> tuple[Sequence[Artist], Sequence[Album], list[int]]:
    library, folder = request.describe.library, asked_folder(request)
    words = clean_query(request.parameters.text("query"))
    of_artists = span(request, "artistCount", "artistOffset", _FOUND)
    of_albums = span(request, "albumCount", "albumOffset", _FOUND)
    of_songs = span(request, "songCount", "songOffset", _FOUND)
    among = None if folder is None else library.songs_in_folder(folder)
    # Without words nothing is ranked: the last page costs what the first one does.
    found = library.find_songs(words, among) if words or among is not None else FoundSongs(library.song_ids, True)
    # What is nowhere written so may be a name that was misspelled; looking for it takes a while.
    nearly = not found.as_written
    artists: Sequence[Artist] = ()
    if of_artists.stop > of_artists.start:
        artists = library.find_artists(words, nearly=nearly)
    albums: Sequence[Album] = ()
    if of_albums.stop > of_albums.start:
        albums = library.find_albums(words, nearly=nearly)
    if folder is not None:
        artists = [artist for artist in artists if library.in_folder(folder, artist.albums)]
        albums = library.in_folder(folder, albums)
    return artists[of_artists], albums[of_albums], found.pks[of_songs].tolist()
