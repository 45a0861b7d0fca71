"""Lists of albums and songs, by whatever a player orders its front page by."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import datetime

from catalog.models import CollectionOpinion, Rating
from catalog.services.favourites import favourite_collections, favourite_songs

from ..albums import Album, Artist
from ..asked import MOST, asked_folder, required_years, span, year_span
from ..failures import Code, Failure
from ..registry import Answer, Request, endpoint


@endpoint("getAlbumList")
def album_list(request: Request) -> Answer:
    """Albums, for players that leaf through folders."""
    return {"albumList": {"album": request.describe.album_directories(_asked_albums(request))}}


@endpoint("getAlbumList2")
def album_list2(request: Request) -> Answer:
    """Albums."""
    return {"albumList2": {"album": request.describe.albums(_asked_albums(request))}}


def _asked_albums(request: Request) -> Sequence[Album]:
    kind = request.parameters.required("type")
    if kind not in _KINDS:
        raise Failure(Code.GENERIC, f"There is no list of albums called {kind[:50]}.")
    part, folder = span(request, "size", "offset", 10), asked_folder(request)
    albums = _KINDS[kind](request)
    if folder is not None:
        albums = request.describe.library.in_folder(folder, albums)
    if kind == "random":
        # Another list each time: it has no pages, and however far one leafs there is some.
        return random.sample(albums, min(part.stop - part.start, len(albums)))
    return albums[part]


def _highest(request: Request) -> Sequence[Album]:
    """By the listener's stars for the album, or else the mean of those for its songs."""
    library, describe = request.describe.library, request.describe
    by_album: dict[str, list[int]] = {}
    for pk, stars in Rating.objects.filter(user=request.user).order_by().values_list("song", "stars"):
        if (album := library.album_of(pk)) is not None:
            by_album.setdefault(album.key_hash, []).append(stars)
    stars_of = {key_hash: sum(given) / len(given) for key_hash, given in by_album.items()}
    for (kind, key_hash), opinion in describe.opinions.items():
        if kind == CollectionOpinion.Kind.ALBUM and opinion.stars:
            stars_of[key_hash] = opinion.stars
    albums = [library.albums_by_hash[key_hash] for key_hash in stars_of if key_hash in library.albums_by_hash]
    return sorted(albums, key=lambda album: (-stars_of[album.key_hash], album.folded, album.key_hash))


def _frequent(request: Request) -> Sequence[Album]:
    played = [(album, plays) for album, (plays, _) in _played(request) if plays]
    played.sort(key=lambda one: (-one[1], one[0].folded, one[0].key_hash))
    return [album for album, _ in played]


def _recent(request: Request) -> Sequence[Album]:
    played = [(album, at.timestamp()) for album, (_, at) in _played(request) if at is not None]
    played.sort(key=lambda one: (-one[1], one[0].folded, one[0].key_hash))
    return [album for album, _ in played]


def _played(request: Request) -> list[tuple[Album, tuple[int, datetime | None]]]:
    """The albums that the listener has played, with how often and when last."""
    albums = request.describe.library.albums_by_hash
    plays = request.describe.plays_by_album
    return [(albums[key_hash], plays[key_hash]) for key_hash in plays if key_hash in albums]


def _starred(request: Request) -> Sequence[Album]:
    albums = request.describe.library.albums_by_hash
    since = favourite_collections(request.user, CollectionOpinion.Kind.ALBUM)
    return [albums[key_hash] for key_hash in since if key_hash in albums]


def _by_year(request: Request) -> Sequence[Album]:
    first, last = required_years(request)
    albums = request.describe.library.albums_between(min(first, last), max(first, last))
    return albums[::-1] if first > last else albums


def _by_genre(request: Request) -> Sequence[Album]:
    library = request.describe.library
    songs = request.describe.genres.named(request.parameters.required("genre"))
    of_genre = {album.key_hash for pk in songs if (album := library.album_of(pk))}
    if len(of_genre) > len(library.albums_by_hash) // 8:
        return [album for album in library.albums_by_name if album.key_hash in of_genre]
    albums = (library.albums_by_hash[key_hash] for key_hash in of_genre)
    return sorted(albums, key=lambda album: (album.folded, album.key_hash))


_KINDS: dict[str, Callable[[Request], Sequence[Album]]] = {
    "random": lambda request: request.describe.library.albums_by_name,
    "newest": lambda request: request.describe.library.albums_newest_first,
    "highest": _highest,
    "frequent": _frequent,
    "recent": _recent,
    "alphabeticalByName": lambda request: request.describe.library.albums_by_name,
    "alphabeticalByArtist": lambda request: request.describe.library.albums_by_artist,
    "starred": _starred,
    "byYear": _by_year,
    "byGenre": _by_genre,
}


@endpoint("getRandomSongs")
def random_songs(request: Request) -> Answer:
    """Songs by chance, of a genre or of some years if that is asked."""
    describe, library = request.describe, request.describe.library
    size = request.parameters.number("size", 10, 0, MOST)
    among = library.index.all()
    if genre := request.parameters.text("genre"):
        among &= library.songs_of(describe.genres.named(genre))
    if (folder := asked_folder(request)) is not None:
        among &= library.songs_in_folder(folder)
    if (years := year_span(request)) is not None:
        among &= library.songs_between(min(years), max(years))
    return {"randomSongs": {"song": describe.songs(library.some_songs(among, size))}}


@endpoint("getSongsByGenre")
def songs_by_genre(request: Request) -> Answer:
    """The songs of a genre."""
    library = request.describe.library
    pks = [pk for pk in request.describe.genres.named(request.parameters.required("genre")) if library.has_song(pk)]
    if (folder := asked_folder(request)) is not None:
        pks = library.those_in_folder(folder, pks)
    return {"songsByGenre": {"song": request.describe.songs(pks[span(request, "count", "offset", 10)])}}


@endpoint("getStarred")
def starred(request: Request) -> Answer:
    """Favourites, for players that leaf through folders."""
    describe, (artists, albums, songs) = request.describe, _favourites(request)
    return {
        "starred": {
            "artist": describe.artist_directories(artists),
            "album": describe.album_directories(albums),
            "song": describe.songs(songs),
        }
    }


@endpoint("getStarred2")
def starred2(request: Request) -> Answer:
    """Favourites."""
    describe, (artists, albums, songs) = request.describe, _favourites(request)
    return {
        "starred2": {
            "artist": describe.artists(artists),
            "album": describe.albums(albums),
            "song": describe.songs(songs),
        }
    }


def _favourites(request: Request) -> tuple[list[Artist], list[Album], list[int]]:
    """The artists, albums and songs that are the listener's favourites, in a folder if one is named."""
    library, folder = request.describe.library, asked_folder(request)
    artist_hashes = favourite_collections(request.user, CollectionOpinion.Kind.ARTIST)
    artists = [library.artists_by_hash[one] for one in artist_hashes if one in library.artists_by_hash]
    albums = list(_starred(request))
    songs = list(favourite_songs(request.user).values_list("song_id", flat=True))
    if folder is not None:
        artists = [artist for artist in artists if library.in_folder(folder, artist.albums)]
        albums = library.in_folder(folder, albums)
        songs = library.those_in_folder(folder, songs)
    return artists, albums, songs
