"""Songs, albums, artists and playlists in the words of the protocol, with what the listener says of them.

Whatever is described at once is read at once: a list of five hundred songs takes as many queries as one song.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Count, Max, QuerySet, Sum

from catalog.models import CollectionOpinion, FavouriteSong, PlayCount, Playlist, Rating
from catalog.services import song_index
from catalog.services.genres import Genres, among
from recommender.models import DailyList

from . import kept
from .albums import Album, Artist
from .answers import moment
from .descriptions import Descriptions
from .genre_table import GenreTable
from .ids import album_id, artist_id, daily_list_id, playlist_id
from .library import Library
from .songs import SongWriter
from .written import Form, Piece

_NO_GENRES = Genres()

Plays = tuple[int, datetime | None]
"""How often something was played, and when last."""

_NEVER: Plays = (0, None)


@dataclass(slots=True)
class _Said:
    """What a listener says of some songs, by primary key."""

    stars: dict[int, int]
    plays: dict[int, Plays]
    favourites: dict[int, datetime]


class Describer:
    """Describes things for one listener in the form of one answer, in one request.

    Parameters
    ----------
    user : User
    form : Form
    library : Library, optional
        The one of now where left out.
    known : Descriptions, optional
        What is described already; what the library has where left out.
    """

    def __init__(
        self, user: User, form: Form, library: Library | None = None, known: Descriptions | None = None
    ) -> None:
        self.user, self.form = user, form
        self.library = library or kept.current()
        self._known = known or self.library.descriptions(form)
        self._writer = SongWriter(self.library, form, self._known)

    @cached_property
    def genres(self) -> GenreTable:
        """The genres of all songs."""
        return kept.genres(self.library.index)

    # --- Songs ----------------------------------------------------------------------------------

    def songs(self, pks: Sequence[int]) -> list[Piece]:
        """Songs in their order, one that stands there twice twice; without those that cannot be played here."""
        described = self.songs_by_pk(pks)
        return [described[pk] for pk in pks if pk in described]

    def song_of_now(self, pk: int) -> Piece | None:
        """A song as the database has it, though thousands of others may still be read anew; None if it is not here."""
        index = song_index.read_index([pk])
        same = self.library.has_song(pk) and index.songs == [self.library.song(pk)]
        one = Describer(self.user, self.form, self.library if same else Library(index), Descriptions())
        one.genres = GenreTable.read([pk])
        return next(iter(one.songs([pk])), None)

    def songs_by_pk(self, pks: Iterable[int]) -> dict[int, Piece]:
        """Songs that can be played here, by primary key."""
        has_song, known, join = self.library.has_song, self._known.songs, self.form.join
        wanted = [pk for pk in dict.fromkeys(pks) if has_song(pk)]
        pieces = {pk: known[pk] for pk in wanted if pk in known}
        if missing := [pk for pk in wanted if pk not in pieces]:
            found = self._writer.write(missing)
            pieces |= found
            known |= found
        said, genres, genres_of = self._said(wanted), self._writer.genres, self.genres.of_song
        spoken_of = said.stars.keys() | said.plays.keys() | said.favourites.keys()
        return {
            pk: join((*of_song, of_genres, self._said_of_song(pk, said)) if pk in spoken_of else (*of_song, of_genres))
            for pk, of_song in pieces.items()
            for of_genres in (genres(genres_of.get(pk, _NO_GENRES)),)
        }

    def extended(self, piece: Piece, more: dict[str, Any]) -> Piece:
        """What was described, with more that it says in one answer."""
        return self.form.join((piece, self.form.write(more)))

    def _said_of_song(self, pk: int, said: _Said) -> Piece:
        stars, (plays, last_played), since = said.stars.get(pk), said.plays.get(pk, _NEVER), said.favourites.get(pk)
        key = (stars, plays, last_played, since)
        if (known := self._known.said.get(key)) is not None:
            return known
        found: dict[str, Any] = {}
        if stars is not None:
            found["userRating"] = stars
        if plays:
            found["playCount"] = plays
        if since is not None:
            found["starred"] = moment(since)
        if last_played is not None:
            found["played"] = moment(last_played)
        self._known.said[key] = written = self.form.write(found)
        return written

    def _said(self, pks: Sequence[int]) -> _Said:
        of_user = {"user": self.user, **among("song", pks)}
        return _Said(
            dict(Rating.objects.filter(**of_user).values_list("song_id", "stars")),
            _plays(PlayCount.objects.filter(**of_user)),
            dict(FavouriteSong.objects.filter(**of_user).values_list("song_id", "since")),
        )

    # --- Albums and artists -----------------------------------------------------------------------

    def albums(self, albums: Iterable[Album]) -> list[Piece]:
        """Albums as `AlbumID3`."""
        return self._albums("album", self._album, albums)

    def album_directories(self, albums: Iterable[Album]) -> list[Piece]:
        """Albums as `Child`, for players that leaf through folders."""
        return self._albums("directory", self._album_directory, albums)

    def _albums(self, kind: str, describe: Callable[[Album], dict[str, Any]], albums: Iterable[Album]) -> list[Piece]:
        """Albums as they are for everybody, with what the listener says of them."""
        found, known = [], self._known.with_genres(self.genres).albums
        of = CollectionOpinion.Kind.ALBUM
        for album in albums:
            key = (kind, album.key_hash)
            if (described := known.get(key)) is None:
                described = known[key] = self.form.write(describe(album))
            if album.key_hash in self.plays_by_album or (of, album.key_hash) in self.opinions:
                described = self.extended(described, self.said_of_album(album))
            found.append(described)
        return found

    def _album(self, album: Album) -> dict[str, Any]:
        said_id = album_id(album.key_hash)
        found: dict[str, Any] = {
            "id": said_id,
            "name": album.name,
            "artist": album.artist,
            "artistId": artist_id(album.artist_hash),
            "coverArt": said_id,
            "songCount": len(album.songs),
            "duration": round(album.seconds),
            "created": album.created,
            "artists": [{"id": artist_id(album.artist_hash), "name": album.artist}],
            "displayArtist": album.artist,
            "sortName": album.folded,
            "isCompilation": album.compilation,
        }
        if album.year:
            found["year"] = album.year
        genres = self.genres.of_songs(album.songs)
        found["genres"] = [{"name": name} for name in genres]
        if genres:
            found["genre"] = genres[0]
        discs = sorted({song.disc for song in album.songs} - {0})
        if len(discs) > 1:
            found["discTitles"] = [{"disc": disc, "title": f"Disc {disc}"} for disc in discs]
        return found

    def _album_directory(self, album: Album) -> dict[str, Any]:
        found: dict[str, Any] = {
            "id": album_id(album.key_hash),
            "parent": artist_id(album.artist_hash),
            "isDir": True,
            "name": album.name,
            "title": album.name,
            "album": album.name,
            "artist": album.artist,
        }
        if album.year:
            found["year"] = album.year
        if genres := self.genres.of_songs(album.songs):
            found["genre"] = genres[0]
        return found | {
            "coverArt": album_id(album.key_hash),
            "songCount": len(album.songs),
            "duration": round(album.seconds),
            "created": album.created,
            "artistId": artist_id(album.artist_hash),
            "mediaType": "album",
        }

    def said_of_album(self, album: Album) -> dict[str, Any]:
        """What the listener says of an album, with how often its songs were played in all, and when last."""
        found = self.opinion(CollectionOpinion.Kind.ALBUM, album.key_hash)
        count, last_played = self.plays_by_album.get(album.key_hash, _NEVER)
        if count:
            found["playCount"] = count
        if last_played is not None:
            found["played"] = moment(last_played)
        return found

    @cached_property
    def plays_by_album(self) -> Mapping[str, Plays]:
        """How often the listener has played the songs of each album, and when last, by the hash of its key."""
        rows = PlayCount.objects.filter(user=self.user).order_by()
        # Reading them all takes far longer than to see whether they are still the same.
        looks = rows.aggregate(Count("pk"), Sum("count"), Max("last_played"), Max("pk"))
        seen, plays = self._known.plays.get(self.user.pk, (None, {}))
        if seen != looks:
            plays = self._read_plays(rows)
            self._known.plays[self.user.pk] = (looks, plays)
        return plays

    def _read_plays(self, rows: QuerySet[PlayCount]) -> dict[str, Plays]:
        plays: dict[str, Plays] = {}
        for pk, of_song in _plays(rows).items():
            if (album := self.library.album_of(pk)) is not None:
                plays[album.key_hash] = _together(plays.get(album.key_hash, _NEVER), of_song)
        return plays

    def artists(self, artists: Iterable[Artist]) -> list[Piece]:
        """Artists as `ArtistID3`."""
        return self._artists("artist", _artist, artists)

    def artist_directories(self, artists: Iterable[Artist]) -> list[Piece]:
        """Artists as `Artist`, for players that leaf through folders."""
        return self._artists("directory", _artist_directory, artists)

    def _artists(
        self, kind: str, describe: Callable[[Artist], dict[str, Any]], artists: Iterable[Artist]
    ) -> list[Piece]:
        """Artists as they are for everybody, with what the listener says of them."""
        found, known, of = [], self._known.artists, CollectionOpinion.Kind.ARTIST
        for artist in artists:
            key = (kind, artist.key_hash)
            if (described := known.get(key)) is None:
                described = known[key] = self.form.write(describe(artist))
            if (of, artist.key_hash) in self.opinions:
                described = self.extended(described, self.opinion(of, artist.key_hash))
            found.append(described)
        return found

    def opinion(self, kind: str, key_hash: str) -> dict[str, Any]:
        """What the listener says of an album or an artist."""
        opinion = self.opinions.get((kind, key_hash))
        found: dict[str, Any] = {}
        if opinion is not None and opinion.favourite_since is not None:
            found["starred"] = moment(opinion.favourite_since)
        if opinion is not None and opinion.stars:
            found["userRating"] = opinion.stars
        return found

    @cached_property
    def opinions(self) -> Mapping[tuple[str, str], CollectionOpinion]:
        """What the listener says of albums and artists, by kind and hash."""
        return {(row.kind, row.key_hash): row for row in CollectionOpinion.objects.filter(user=self.user)}

    # --- Playlists ------------------------------------------------------------------------------

    def playlist(self, playlist: Playlist, songs: int, seconds: float) -> dict[str, Any]:
        """A listener's own playlist, with how many songs it has and how long they are together."""
        comment = {"comment": playlist.comment} if playlist.comment else {}
        return {
            "id": playlist_id(playlist.pk),
            "name": playlist.name,
            **comment,
            "owner": self.user.get_username(),
            "public": False,
            "songCount": songs,
            "duration": round(seconds),
            "created": moment(playlist.created_at),
            "changed": moment(playlist.changed_at),
            "coverArt": playlist_id(playlist.pk),
            "readonly": False,
        }

    def daily_list(self, daily: DailyList, valid_until: datetime) -> dict[str, Any]:
        """A recommended list, which nobody can change and which is another one tomorrow."""
        songs = [pk for pk in daily.song_ids if self.library.has_song(pk)]
        seconds = self.seconds(songs)
        return {
            "id": daily_list_id(daily.slug),
            "name": daily.title,
            "comment": daily.reason,
            "owner": self.user.get_username(),
            "public": False,
            "songCount": len(songs),
            "duration": round(seconds),
            "created": moment(daily.made_at),
            "changed": moment(daily.made_at),
            "coverArt": daily_list_id(daily.slug),
            "readonly": True,
            "validUntil": moment(valid_until),
        }

    def seconds(self, pks: Iterable[int]) -> float:
        """How long the songs among some that can be played here are together."""
        return sum(self.library.song(pk).duration_s for pk in pks if self.library.has_song(pk))


def _artist(artist: Artist) -> dict[str, Any]:
    said_id = artist_id(artist.key_hash)
    return {
        "id": said_id,
        "name": artist.name,
        "coverArt": said_id,
        "albumCount": len(artist.albums),
        "sortName": artist.sort_name,
    }


def _artist_directory(artist: Artist) -> dict[str, Any]:
    return {"id": artist_id(artist.key_hash), "name": artist.name}


def _plays(rows: QuerySet[PlayCount]) -> dict[int, Plays]:
    """Plays of one listener by song, wherever they were counted."""
    plays: dict[int, Plays] = {}
    for song, count, last_played in rows.order_by().values_list("song_id", "count", "last_played"):
        plays[song] = _together(plays.get(song, _NEVER), (count, last_played))
    return plays


def _together(some: Plays, others: Plays) -> Plays:
    moments = [at for at in (some[1], others[1]) if at is not None]
    return some[0] + others[0], max(moments, default=None)
