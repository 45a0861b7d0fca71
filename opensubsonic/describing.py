"""Songs, albums and artists in the words of the protocol, with what the listener says of them.

Whatever is described at once is read at once: a list of five hundred songs takes as many queries as one song.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Count, Max, QuerySet, Sum

from catalog.file_parts import file_of
from catalog.models import CollectionOpinion, FavouriteSong, PlayCount, Playlist, Rating, Song, SongIdentifier
from catalog.names import artist_key, collection_hash
from catalog.services.genres import Genres, among
from recommender.models import DailyList

from . import library
from .answers import Description
from .ids import album_id, artist_id, daily_list_id, playlist_id, song_id
from .library import Album, Artist, GenreTable, moment, moment_of

CONTENT_TYPES = {
    "mp3": "audio/mpeg",
    "ogg": "audio/ogg",
    "oga": "audio/ogg",
    "opus": "audio/ogg",
    "flac": "audio/flac",
    "m4a": "audio/mp4",
    "mp4": "audio/mp4",
    "m4b": "audio/mp4",
    "aac": "audio/aac",
    "wav": "audio/wav",
    "aif": "audio/aiff",
    "aiff": "audio/aiff",
    "wma": "audio/x-ms-wma",
    "ape": "audio/x-ape",
    "mpc": "audio/x-musepack",
    "wv": "audio/x-wavpack",
    "dsf": "audio/x-dsf",
    "tta": "audio/x-tta",
    "mka": "audio/x-matroska",
    "caf": "audio/x-caf",
    "au": "audio/basic",
}
"""The media types of files, by the ending of their names."""

# What the index of songs does not know; dates and lists, which take long to read, it has.
_COLUMNS = (
    "pk", "album_artist", "path", "size", "sound_details__bit_rate", "sound_details__sample_rate",
    "sound_details__channels", "sound_details__bit_depth", "sound_details__track_gain", "sound_details__track_peak",
    "sound_details__album_gain", "sound_details__album_peak",
)  # fmt: skip
_GAINS = ("trackGain", "trackPeak", "albumGain", "albumPeak")


@dataclass(slots=True)
class _Said:
    """What a listener says of some songs, by primary key."""

    stars: dict[int, int]
    plays: dict[int, tuple[int, datetime | None]]
    favourites: dict[int, datetime]


class Describer:
    """Describes things for one listener, in one request."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.library = library.current()
        self._known = self.library.descriptions()

    # --- Songs ----------------------------------------------------------------------------------

    def songs(self, pks: Sequence[int]) -> list[dict[str, Any]]:
        """Songs in their order, one that stands there twice twice; without those that cannot be played here."""
        has_song, known = self.library.has_song, self._known.songs
        wanted = [pk for pk in pks if has_song(pk)]
        described = {pk: known[pk] for pk in wanted if pk in known}
        if missing := [pk for pk in dict.fromkeys(wanted) if pk not in described]:
            found = self._described(missing)
            described |= found
            known |= found
        said = self._said(list(described))
        spoken_of = said.stars.keys() | said.plays.keys() | said.favourites.keys()
        return [
            described[pk] | self._said_of_song(pk, said) if pk in spoken_of else described[pk]
            for pk in wanted
            if pk in described
        ]

    def _described(self, pks: Sequence[int]) -> dict[int, dict[str, Any]]:
        """Songs, by primary key, as they are for everybody."""
        rows = Song.objects.filter(**among("pk", pks)).values_list(*_COLUMNS)
        genres, identifiers = self._genres.of_song, _identifiers(pks)
        return {row[0]: self._song(row, genres.get(row[0], Genres()), identifiers.get(row[0], ())) for row in rows}

    def _song(self, row: Any, genres: Genres, identifiers: Iterable[str]) -> dict[str, Any]:
        pk, album_artist, path, size, bit_rate, sample_rate, channels, bit_depth, *gains = row
        one, album = self.library.song(pk), self.library.album_of(pk)
        suffix, said_id = suffix_of(path), song_id(pk)
        artists = [self._artist_of_song(name) for _, name in one.artists] or [self._artist_of_song(one.artist)]
        artist = one.artist or library.UNKNOWN_ARTIST
        if bit_rate is None and size and one.duration_s:
            bit_rate = 8 * size / one.duration_s
        song: dict[str, Any] = {
            "id": said_id,
            "isDir": False,
            "title": one.title,
            "album": one.album or library.NO_ALBUM,
            "artist": artist,
            "coverArt": said_id,
            "contentType": CONTENT_TYPES.get(suffix, "application/octet-stream"),
            "path": path,
            "isVideo": False,
            "created": moment_of(one.added),
            "artistId": artists[0]["id"],
            "type": "music",
            "mediaType": "song",
            "sortName": one.title_key,
            "genres": [{"name": name} for name in genres.genres],
            "artists": artists,
            "displayArtist": artist,
        }
        if album is not None:
            song |= self._album_of_song(album)
            song["displayAlbumArtist"] = album_artist or album.artist
        if one.track:
            song["track"] = one.track
        if one.disc:
            song["discNumber"] = one.disc
        if one.year:
            song["year"] = one.year
        if genres.genres:
            song["genre"] = genres.genres[0]
        if genres.moods:
            song["moods"] = list(genres.moods)
        if size and file_of(path) == path:
            song["size"] = size
        if suffix:
            song["suffix"] = suffix
        if one.duration_s:
            song["duration"] = round(one.duration_s)
        if bit_rate:
            song["bitRate"] = max(1, round(bit_rate / 1000))
        if bit_depth:
            song["bitDepth"] = bit_depth
        if sample_rate:
            song["samplingRate"] = sample_rate
        if channels:
            song["channelCount"] = channels
        if identifiers:
            song |= _identified(identifiers)
        if gain := {name: value for name, value in zip(_GAINS, gains, strict=True) if value is not None}:
            song["replayGain"] = gain
        return song

    def _album_of_song(self, album: Album) -> dict[str, Any]:
        """What all songs of an album say of it."""
        known = self._known.in_songs
        if (found := known.get(album.key_hash)) is None:
            said_id = album_id(album.key_hash)
            artists = [{"id": artist_id(album.artist_hash), "name": album.artist}]
            found = known[album.key_hash] = {"parent": said_id, "albumId": said_id, "albumArtists": artists}
        return found

    def _artist_of_song(self, name: str) -> dict[str, str]:
        if (known := self._known.artists.get(name)) is not None:
            return known
        key_hash = collection_hash(artist_key(name) if name else "")
        found = self.library.artists_by_hash.get(key_hash)
        described = {"id": artist_id(key_hash), "name": found.name if found else name or library.UNKNOWN_ARTIST}
        self._known.artists[name] = described
        return described

    def _said_of_song(self, pk: int, said: _Said) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if pk in said.stars:
            found["userRating"] = said.stars[pk]
        plays, last_played = said.plays.get(pk, (0, None))
        if plays:
            found["playCount"] = plays
        if pk in said.favourites:
            found["starred"] = moment(said.favourites[pk])
        if last_played is not None:
            found["played"] = moment(last_played)
        return found

    def _said(self, pks: Sequence[int]) -> _Said:
        of_user = {"user": self.user, **among("song", pks)}
        return _Said(
            dict(Rating.objects.filter(**of_user).values_list("song", "stars")),
            _plays(PlayCount.objects.filter(**of_user)),
            dict(FavouriteSong.objects.filter(**of_user).values_list("song", "since")),
        )

    # --- Albums and artists -----------------------------------------------------------------------

    def albums(self, albums: Iterable[Album]) -> list[dict[str, Any]]:
        """Albums as `AlbumID3`."""
        return self._for_listener("album", self._album, albums)

    def album_directories(self, albums: Iterable[Album]) -> list[dict[str, Any]]:
        """Albums as `Child`, for players that leaf through folders."""
        return self._for_listener("directory", self._album_directory, albums)

    def _for_listener(
        self, form: str, describe: Callable[[Album], dict[str, Any]], albums: Iterable[Album]
    ) -> list[dict[str, Any]]:
        """Albums as they are for everybody, with what the listener says of them."""
        found, known, kind = [], self._known.albums, CollectionOpinion.Kind.ALBUM
        spoken_of = {key_hash for of, key_hash in self.opinions if of == kind} | self.plays_by_album.keys()
        for album in albums:
            key = (form, album.key_hash)
            if (described := known.get(key)) is None:
                described = known[key] = describe(album)
            if album.key_hash in spoken_of:
                described = described | self._opinion(kind, album.key_hash) | self._listened(album)
            found.append(described)
        return found

    def _album(self, album: Album) -> dict[str, Any]:
        found: dict[str, Any] = {
            "id": album_id(album.key_hash),
            "name": album.name,
            "artist": album.artist,
            "artistId": artist_id(album.artist_hash),
            "coverArt": album_id(album.key_hash),
            "songCount": len(album.songs),
            "duration": round(album.seconds),
            "created": album.created,
        }
        if album.year:
            found["year"] = album.year
        genres = self._genres.of_songs(album.songs)
        if genres:
            found["genre"] = genres[0]
        found |= {
            "genres": [{"name": name} for name in genres],
            "artists": [{"id": artist_id(album.artist_hash), "name": album.artist}],
            "displayArtist": album.artist,
            "sortName": album.folded,
            "isCompilation": album.compilation,
        }
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
        if genres := self._genres.of_songs(album.songs):
            found["genre"] = genres[0]
        return found | {
            "coverArt": album_id(album.key_hash),
            "songCount": len(album.songs),
            "duration": round(album.seconds),
            "created": album.created,
            "artistId": artist_id(album.artist_hash),
            "mediaType": "album",
        }

    @cached_property
    def _genres(self) -> GenreTable:
        return library.genres()

    def _listened(self, album: Album) -> dict[str, Any]:
        """How often its songs were played in all, and when last."""
        plays = self.plays_by_album.get(album.key_hash)
        if plays is None:
            return {}
        count, last_played = plays
        found: dict[str, Any] = {"playCount": count} if count else {}
        if last_played is not None:
            found["played"] = moment(last_played)
        return found

    @cached_property
    def plays_by_album(self) -> Mapping[str, tuple[int, datetime | None]]:
        """How often the listener has played the songs of each album, and when last, by the hash of its key."""
        rows = PlayCount.objects.filter(user=self.user).order_by()
        # Reading them all takes far longer than to see whether they are still the same.
        looks = rows.aggregate(Count("pk"), Sum("count"), Max("last_played"), Max("pk"))
        seen, plays = self._known.plays.get(self.user.pk, (None, {}))
        if seen != looks:
            plays = self._read_plays(rows)
            self._known.plays[self.user.pk] = (looks, plays)
        return plays

    def _read_plays(self, rows: QuerySet[PlayCount]) -> dict[str, tuple[int, datetime | None]]:
        plays: dict[str, tuple[int, datetime | None]] = {}
        for pk, (count, last_played) in _plays(rows).items():
            if (album := self.library.album_of(pk)) is not None:
                counted, latest = plays.get(album.key_hash, (0, None))
                moments = [at for at in (latest, last_played) if at is not None]
                plays[album.key_hash] = (counted + count, max(moments, default=None))
        return plays

    def artists(self, artists: Iterable[Artist]) -> list[dict[str, Any]]:
        """Artists as `ArtistID3`."""
        return self._artists("artist", _artist, artists)

    def artist_directories(self, artists: Iterable[Artist]) -> list[dict[str, Any]]:
        """Artists as `Artist`, for players that leaf through folders."""
        return self._artists("directory", _artist_directory, artists)

    def _artists(
        self, form: str, describe: Callable[[Artist], dict[str, Any]], artists: Iterable[Artist]
    ) -> list[dict[str, Any]]:
        """Artists as they are for everybody, with what the listener says of them."""
        found, known, kind = [], self._known.artist_lists, CollectionOpinion.Kind.ARTIST
        spoken_of = {key_hash for of, key_hash in self.opinions if of == kind}
        for artist in artists:
            key = (form, artist.key_hash)
            if (described := known.get(key)) is None:
                described = known[key] = describe(artist)
            if artist.key_hash in spoken_of:
                described = described | self._opinion(kind, artist.key_hash)
            found.append(described)
        return found

    def _opinion(self, kind: str, key_hash: str) -> dict[str, Any]:
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
        seconds = sum(self.library.index.songs[at].duration_s for pk in songs if (at := self._position(pk)) is not None)
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

    def _position(self, pk: int) -> int | None:
        return self.library.index.position(pk)


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


def suffix_of(path: str) -> str:
    """How the name of a song's file ends, in lower case; a part of a file is sent as WAV."""
    if file_of(path) != path:
        return "wav"
    stem, _, suffix = path.rpartition("/")[2].rpartition(".")
    return suffix.lower() if stem else ""


def _plays(rows: Any) -> dict[int, tuple[int, datetime | None]]:
    counted = rows.order_by().values_list("song").annotate(Sum("count"), Max("last_played"))
    return {song: (count, last_played) for song, count, last_played in counted}


def _identifiers(pks: Sequence[int]) -> Mapping[int, list[str]]:
    found: defaultdict[int, list[str]] = defaultdict(list)
    rows = SongIdentifier.objects.filter(**among("song", pks)).order_by("pk").values_list("song_id", "value")
    for pk, value in rows:
        found[pk].append(value)
    return found


def _identified(identifiers: Iterable[str]) -> Description:
    found: dict[str, Any] = {}
    by_kind: defaultdict[str, list[str]] = defaultdict(list)
    for value in identifiers:
        kind, _, name = value.partition(":")
        by_kind[kind].append(name)
    if by_kind["mbid"]:
        found["musicBrainzId"] = by_kind["mbid"][0]
    if by_kind["isrc"]:
        found["isrc"] = by_kind["isrc"]
    return found
