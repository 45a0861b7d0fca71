"""Leafing through artists, albums and songs: by tags, or as if they were folders."""

from __future__ import annotations

from typing import Any

from catalog.models import LibraryRoot, PlayCount
from recommender.services.similar_artists import artists_like

from .. import ids
from ..albums import Album, Artist
from ..asked import asked_folder, asked_song, find_album, find_artist, find_song
from ..failures import Code, Failure, not_found
from ..ids import Id, album_id, artist_id
from ..library import IGNORED_ARTICLES
from ..parameters import as_id
from ..registry import Answer, Request, endpoint
from ..songs import artist_id_of

_SIMILAR_ARTISTS = 20
_TOP_SONGS = 50
_MOST_TOP_SONGS = 500


@endpoint("getMusicFolders")
def music_folders(request: Request) -> Answer:
    """The folders that the library lies in."""
    roots = LibraryRoot.objects.order_by("pk").values_list("pk", "name")
    return {"musicFolders": {"musicFolder": [{"id": pk, "name": name} for pk, name in roots]}}


@endpoint("getIndexes")
def indexes(request: Request) -> Answer:
    """All artists by letter, for players that leaf through folders."""
    library = request.describe.library
    modified_ms = round(1000 * library.changed_at)
    head = {"lastModified": modified_ms, "ignoredArticles": IGNORED_ARTICLES}
    if request.parameters.number("ifModifiedSince", -1, -1) >= modified_ms:
        return {"indexes": head}
    index = [
        {"name": letter, "artist": request.describe.artist_directories(artists)}
        for letter, artists in _artists(request)
    ]
    return {"indexes": {**head, "index": index}}


@endpoint("getArtists")
def artists(request: Request) -> Answer:
    """All artists by letter."""
    index = [{"name": letter, "artist": request.describe.artists(artists)} for letter, artists in _artists(request)]
    return {"artists": {"ignoredArticles": IGNORED_ARTICLES, "index": index}}


def _artists(request: Request) -> list[tuple[str, list[Artist]]]:
    """The artists by letter, in a folder if one is named."""
    library, folder = request.describe.library, asked_folder(request)
    if folder is None:
        return library.artists_by_letter
    inside = [
        (letter, [artist for artist in artists if library.in_folder(folder, artist.albums)])
        for letter, artists in library.artists_by_letter
    ]
    return [(letter, artists) for letter, artists in inside if artists]


@endpoint("getMusicDirectory")
def music_directory(request: Request) -> Answer:
    """The albums of an artist, or the songs of an album, as if they were folders."""
    describe, asked = request.describe, request.parameters.id("id", ids.ARTIST, ids.ALBUM)
    if asked.kind == ids.ARTIST:
        artist = find_artist(describe.library, asked)
        [found] = describe.artist_directories([artist])
        return {"directory": describe.extended(found, {"child": describe.album_directories(artist.albums)})}
    album = find_album(describe.library, asked)
    said = describe.said_of_album(album)
    kept = {name: said[name] for name in ("starred", "userRating", "playCount") if name in said}
    songs = describe.songs([song.pk for song in album.songs])
    head = {"id": album_id(album.key_hash), "parent": artist_id(album.artist_hash), "name": album.name}
    return {"directory": {**head, **kept, "child": songs}}


@endpoint("getArtist")
def artist(request: Request) -> Answer:
    """An artist with their albums."""
    describe = request.describe
    one = find_artist(describe.library, request.parameters.id("id", ids.ARTIST))
    [found] = describe.artists([one])
    return {"artist": describe.extended(found, {"album": describe.albums(one.albums)})}


@endpoint("getAlbum")
def album(request: Request) -> Answer:
    """An album with its songs."""
    describe = request.describe
    one = find_album(describe.library, request.parameters.id("id", ids.ALBUM))
    [found] = describe.albums([one])
    return {"album": describe.extended(found, {"song": describe.songs([song.pk for song in one.songs])})}


@endpoint("getSong")
def song(request: Request) -> Answer:
    """A song."""
    found = request.describe.song_of_now(asked_song(request).pk)
    if found is None:
        raise not_found("song")
    return {"song": found}


@endpoint("getGenres")
def all_genres(request: Request) -> Answer:
    """All genres, with how many songs and albums each has."""
    describe, library = request.describe, request.describe.library
    table = describe.genres
    known = library.descriptions(describe.form).with_genres(table)
    if known.genres is None:
        counted = []
        for key in sorted(table.songs, key=lambda key: table.names[key].casefold()):
            songs = [pk for pk in table.songs[key] if library.has_song(pk)]
            albums = {album.key_hash for pk in songs if (album := library.album_of(pk))}
            if songs:
                counted.append({"value": table.names[key], "songCount": len(songs), "albumCount": len(albums)})
        known.genres = counted
    return {"genres": {"genre": known.genres}}


@endpoint("getArtistInfo")
def artist_info(request: Request) -> Answer:
    """Who sounds like an artist, for players that leaf through folders."""
    return {"artistInfo": {"similarArtist": request.describe.artist_directories(_similar_artists(request))}}


@endpoint("getArtistInfo2")
def artist_info2(request: Request) -> Answer:
    """Who sounds like an artist."""
    return {"artistInfo2": {"similarArtist": request.describe.artists(_similar_artists(request))}}


def _similar_artists(request: Request) -> list[Artist]:
    library = request.describe.library
    one = _artist_of(request, request.parameters.id("id", ids.ARTIST, ids.ALBUM, ids.SONG))
    count = request.parameters.number("count", _SIMILAR_ARTISTS, 0, 100)
    alike = artists_like(one.key, count) if count else []
    found = (library.artist_named(similar.song.artist) for similar in alike)
    return [other for other in found if other is not None]


def _artist_of(request: Request, asked: Id) -> Artist:
    """An artist, or that of an album or a song."""
    library = request.describe.library
    if asked.kind == ids.SONG:
        pk = find_song(asked).pk
        if not library.has_song(pk):
            raise not_found("song")
        asked = as_id(artist_id_of(library, pk), ids.ARTIST)
    elif asked.kind == ids.ALBUM:
        asked = Id(ids.ARTIST, find_album(library, asked).artist_hash)
    return find_artist(library, asked)


@endpoint("getAlbumInfo", "getAlbumInfo2")
def album_info(request: Request) -> Answer:
    """What there is to read about an album: what of it is known here."""
    library = request.describe.library
    asked = request.parameters.id("id", ids.ALBUM, ids.SONG)
    one = find_album(library, asked) if asked.kind == ids.ALBUM else library.album_of(find_song(asked).pk)
    return {"albumInfo": _notes(request, one) if one else {}}


def _notes(request: Request, album: Album) -> dict[str, Any]:
    named = request.describe.genres.of_songs(album.songs)[:3]
    parts = [f"{len(album.songs)} songs" if len(album.songs) != 1 else "1 song"]
    parts += [str(album.year)] if album.year else []
    parts += [", ".join(named)] if named else []
    return {"notes": " · ".join(parts)}


@endpoint("getTopSongs")
def top_songs(request: Request) -> Answer:
    """The songs of an artist that are played most here, by everybody."""
    describe, parameters = request.describe, request.parameters
    count = parameters.number("count", _TOP_SONGS, 0, _MOST_TOP_SONGS)
    one: Artist | None
    if parameters.text("id"):
        one = find_artist(describe.library, parameters.id("id", ids.ARTIST))
    elif parameters.text("artist"):
        # By name it may be nobody of here: that is no error, but no songs.
        one = describe.library.artist_named(parameters.text("artist"))
    else:
        raise Failure(Code.PARAMETER_MISSING, "The parameter artist is missing.")
    return {"topSongs": {"song": describe.songs(most_played(one)[:count]) if one and count else []}}


def most_played(artist: Artist) -> list[int]:
    """The songs of an artist, what is played most here first."""
    pks = [song.pk for song in artist.songs]
    plays: dict[int, int] = {}
    for song_pk, count in PlayCount.objects.filter(song__in=pks[:5000]).values_list("song_id", "count"):
        plays[song_pk] = plays.get(song_pk, 0) + count
    return sorted(pks, key=lambda pk: -plays.get(pk, 0))
