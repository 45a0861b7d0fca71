"""Songs in the words of the protocol, as they are for everybody.

A song is written in pieces: what it alone says, what all songs of its album and artist say, and what all files of its
kind say. So there is little to write for each of the songs of a list, and little to keep. Genres are not in it: they
change with labels, and are joined with it for each answer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from catalog.file_parts import file_of
from catalog.models import Song, SongIdentifier
from catalog.services.genres import Genres, among
from catalog.song_index import IndexedSong

from .albums import NO_ALBUM, UNKNOWN_ARTIST
from .answers import moment_of
from .descriptions import Descriptions
from .ids import album_id, artist_id, song_id
from .library import Library
from .written import Form, Piece

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
    "pk", "album_artist", "path", "size", "sound_details__bit_rate", "sound_details__bit_depth",
    "sound_details__sample_rate", "sound_details__channels", "sound_details__track_gain", "sound_details__track_peak",
    "sound_details__album_gain", "sound_details__album_peak",
)  # fmt: skip
_SOUND = ("bitDepth", "samplingRate", "channelCount")
_GAINS = ("trackGain", "trackPeak", "albumGain", "albumPeak")
_NO_GAINS = [None, None, None, None]


class SongWriter:
    """Writes songs in one form, in one request.

    Parameters
    ----------
    library : Library
    form : Form
    known : Descriptions
        Where what was written is kept.
    """

    def __init__(self, library: Library, form: Form, known: Descriptions) -> None:
        self._library, self._form, self._known = library, form, known

    def write(self, pks: Sequence[int]) -> dict[int, tuple[Piece, ...]]:
        """Songs that are here to be played in pieces, by primary key."""
        rows = Song.objects.filter(**among("pk", pks)).order_by().values_list(*_COLUMNS)
        identifiers, has_song = _identifiers(pks), self._library.has_song
        return {row[0]: self._pieces(row, identifiers.get(row[0], ())) for row in rows if has_song(row[0])}

    def genres(self, genres: Genres) -> Piece:
        """What songs of the same genres and moods say of them."""
        shared = self._known.shared
        if (known := shared.get(genres)) is not None:
            return known
        found: dict[str, Any] = {"genres": [{"name": name} for name in genres.genres]}
        if genres.genres:
            found["genre"] = genres.genres[0]
        if genres.moods:
            found["moods"] = list(genres.moods)
        shared[genres] = written = self._form.write(found)
        return written

    def _pieces(self, row: Any, identifiers: Iterable[str]) -> tuple[Piece, ...]:
        pk, album_artist, path, size, bit_rate, bit_depth, sample_rate, channels, *gains = row
        one, said_id = self._library.song(pk), song_id(pk)
        own: dict[str, Any] = {
            "id": said_id,
            "title": one.title,
            "coverArt": said_id,
            "path": path,
            "created": moment_of(one.added),
            "sortName": one.title_key,
        }
        if one.track:
            own["track"] = one.track
        if one.duration_s:
            own["duration"] = round(one.duration_s)
            if bit_rate is None and size:
                bit_rate = 8 * size / one.duration_s
        if bit_rate:
            own["bitRate"] = max(1, round(bit_rate / 1000))
        if size and file_of(path) == path:
            own["size"] = size
        if None not in gains:
            own["replayGain"] = dict(zip(_GAINS, gains, strict=True))
        elif gains != _NO_GAINS:
            own["replayGain"] = {name: value for name, value in zip(_GAINS, gains, strict=True) if value is not None}
        if identifiers:
            own |= _identified(identifiers)
        return (
            self._form.write(own),
            self._of_album_and_artist(one, album_artist),
            self._of_kind((suffix_of(path), bit_depth, sample_rate, channels)),
        )

    def _of_album_and_artist(self, one: IndexedSong, album_artist: str) -> Piece:
        """What a song says of its album and its artists, as the others of the album do."""
        album, shared = self._library.album_of(one.pk), self._known.shared
        key = (album and album.key_hash, one.album, album_artist, one.artist, one.artists, one.year, one.disc)
        if (known := shared.get(key)) is not None:
            return known
        artists = [self._artist(name) for _, name in one.artists] or [self._artist(one.artist)]
        artist = one.artist or UNKNOWN_ARTIST
        found: dict[str, Any] = {
            "album": one.album or NO_ALBUM,
            "artist": artist,
            "artistId": artists[0]["id"],
            "artists": artists,
            "displayArtist": artist,
        }
        if one.year:
            found["year"] = one.year
        if one.disc:
            found["discNumber"] = one.disc
        if album is not None:
            said_id = album_id(album.key_hash)
            found |= {
                "parent": said_id,
                "albumId": said_id,
                "albumArtists": [{"id": artist_id(album.artist_hash), "name": album.artist}],
                "displayAlbumArtist": album_artist or album.artist,
            }
        shared[key] = written = self._form.write(found)
        return written

    def _artist(self, name: str) -> dict[str, str]:
        key_hash = self._library.artist_hash(name)
        found = self._library.artists_by_hash.get(key_hash)
        return {"id": artist_id(key_hash), "name": found.name if found else name or UNKNOWN_ARTIST}

    def _of_kind(self, kind: tuple[str, int | None, int | None, int | None]) -> Piece:
        """What a song says of its file, as others of the same kind do."""
        shared = self._known.shared
        if (known := shared.get(kind)) is not None:
            return known
        suffix, *sound = kind
        found: dict[str, Any] = {
            "isDir": False,
            "isVideo": False,
            "type": "music",
            "mediaType": "song",
            "contentType": CONTENT_TYPES.get(suffix, "application/octet-stream"),
        }
        if suffix:
            found["suffix"] = suffix
        found |= {name: value for name, value in zip(_SOUND, sound, strict=True) if value}
        shared[kind] = written = self._form.write(found)
        return written


def artist_id_of(library: Library, pk: int) -> str:
    """The id of the first artist of a song that is here to be played."""
    one = library.song(pk)
    return artist_id(library.artist_hash(one.artists[0][1] if one.artists else one.artist))


def suffix_of(path: str) -> str:
    """How the name of a song's file ends, in lower case; a part of a file is sent as WAV."""
    if file_of(path) != path:
        return "wav"
    stem, _, suffix = path.rpartition("/")[2].rpartition(".")
    return suffix.lower() if stem else ""


def _identifiers(pks: Sequence[int]) -> Mapping[int, list[str]]:
    found: defaultdict[int, list[str]] = defaultdict(list)
    rows = SongIdentifier.objects.filter(**among("song", pks)).order_by("pk").values_list("song_id", "value")
    for pk, value in rows:
        found[pk].append(value)
    return found


def _identified(identifiers: Iterable[str]) -> dict[str, Any]:
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
