"""What an audio file says of itself: the tags of every common format, brought to one form."""

from __future__ import annotations

import base64
import binascii
import re
import struct
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mutagen
from mutagen.aiff import AIFF
from mutagen.apev2 import APEv2
from mutagen.asf import ASFTags
from mutagen.flac import FLAC, Picture
from mutagen.id3 import ID3
from mutagen.mp4 import MP4Tags
from mutagen.wave import WAVE

from .fingerprint import chunks

LONGEST_TEXT = 300
_LONGEST_GENRE = 100
_LARGEST_PICTURE_BYTES = 20_000_000
_FRONT_COVER = 3

# What mutagen lets through of files that are damaged on purpose, besides its own error.
_DAMAGED = (
    mutagen.MutagenError,
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    TypeError,
    ValueError,
    OSError,
    struct.error,
)

# The names of the same field in each family of tags; what comes first counts.
_ID3_FRAMES = {
    "title": ["TIT2"],
    "artist": ["TPE1"],
    "album": ["TALB"],
    "album_artist": ["TPE2"],
    "track": ["TRCK"],
    "disc": ["TPOS"],
    "date": ["TDRC", "TDRL", "TDOR"],
    "isrc": ["TSRC"],
}
_VORBIS_COMMENTS = {
    "title": ["title"],
    "artist": ["artist"],
    "album": ["album"],
    "album_artist": ["albumartist", "album artist", "album_artist"],
    "track": ["tracknumber", "track"],
    "disc": ["discnumber", "disc"],
    "date": ["date", "year", "originaldate"],
    "genre": ["genre"],
    "isrc": ["isrc"],
    "mbid": ["musicbrainz_trackid"],
}
_MP4_ATOMS = {
    "title": ["\xa9nam"],
    "artist": ["\xa9ART"],
    "album": ["\xa9alb"],
    "album_artist": ["aART"],
    "track": ["trkn"],
    "disc": ["disk"],
    "date": ["\xa9day"],
    "genre": ["\xa9gen"],
    "isrc": ["----:com.apple.iTunes:ISRC"],
    "mbid": ["----:com.apple.iTunes:MusicBrainz Track Id"],
}
_APE_ITEMS = _VORBIS_COMMENTS | {"date": ["year", "date"]}
_ASF_ATTRIBUTES = {
    "title": ["Title"],
    "artist": ["Author"],
    "album": ["WM/AlbumTitle"],
    "album_artist": ["WM/AlbumArtist"],
    "track": ["WM/TrackNumber"],
    "disc": ["WM/PartOfSet"],
    "date": ["WM/Year"],
    "genre": ["WM/Genre"],
    "isrc": ["WM/ISRC"],
    "mbid": ["MusicBrainz/Track Id"],
}
_RIFF_INFO = {
    b"INAM": "title",
    b"IART": "artist",
    b"IPRD": "album",
    b"ICRD": "date",
    b"IGNR": "genre",
    b"ITRK": "track",
}
_AIFF_TEXT = {b"NAME": "title", b"AUTH": "artist"}

_MBID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_ISRC = re.compile(r"[A-Z]{2}[A-Z0-9]{3}[0-9]{7}")
_YEAR = re.compile(r"(?<!\d)(1\d|20)\d\d(?!\d)")

# The one genre that holds a sign which parts genres elsewhere.
_WHOLE_GENRE = "singer/songwriter"
_GENRE_SEPARATORS = re.compile(r"\s*[;|\\\0/,]\s*")
_LETTER = re.compile(r"[^\W\d_]")
_NO_GENRES = frozenset({"other", "unknown", "genre", "none", "misc", "miscellaneous", "default", "undefined", "n a"})


@dataclass(frozen=True, slots=True)
class Tags:
    """What a file's tags say; empty or None where they say nothing.

    Attributes
    ----------
    title, artist, album, album_artist : str
        At most `LONGEST_TEXT` characters.
    track_number, disc_number : int or None
        From 1.
    year : int or None
        1000 to 2099.
    genres : tuple of str
        In the tags' own spelling, each once.
    identifiers : tuple of str
        `mbid:` with the MusicBrainz recording id, `isrc:` with the ISRC.
    picture : bytes or None
        The front cover, or else the first picture, still encoded.
    """

    title: str = ""
    artist: str = ""
    album: str = ""
    album_artist: str = ""
    track_number: int | None = None
    disc_number: int | None = None
    year: int | None = None
    genres: tuple[str, ...] = ()
    identifiers: tuple[str, ...] = ()
    picture: bytes | None = field(default=None, repr=False)


def read_tags(path: Path) -> Tags:
    """The tags of an audio file; those of a file without any, or with damaged ones, are empty."""
    try:
        file = mutagen.File(path)
        if file is None:
            return Tags()
        fields = {name: [_clean(value) for value in values] for name, values in _fields(file, path).items()}
        picture = _picture(file)
    except _DAMAGED:
        return Tags()
    return Tags(
        title=_joined(fields, "title"),
        artist=_joined(fields, "artist"),
        album=_joined(fields, "album"),
        album_artist=_joined(fields, "album_artist"),
        track_number=_number(_first(fields, "track")),
        disc_number=_number(_first(fields, "disc")),
        year=next((year for text in fields.get("date", ()) if (year := _year(text))), None),
        genres=split_genres(fields.get("genre", ())),
        identifiers=tuple(_identifiers(fields)),
        picture=picture if picture and len(picture) <= _LARGEST_PICTURE_BYTES else None,
    )


def split_genres(values: Iterable[str]) -> tuple[str, ...]:
    """Single genres from tags that may hold several: `Rock/Pop; Folk, World, & Country` are five."""
    genres: dict[str, str] = {}
    for value in values:
        whole = value.casefold().replace(" ", "") == _WHOLE_GENRE
        parts = [value] if whole else _GENRE_SEPARATORS.split(value)
        for part in parts:
            genre = re.sub(r"^(&|and\s)\s*", "", part, flags=re.IGNORECASE).strip(" .-_")
            if 2 <= len(genre) <= _LONGEST_GENRE and genre.casefold() not in _NO_GENRES and _LETTER.search(genre):
                genres.setdefault(genre.casefold(), genre)
    return tuple(genres.values())


def mbid(value: str) -> str | None:
    """The song identifier of a MusicBrainz recording id; None where it is none."""
    plain = value.strip().lower()
    return f"mbid:{plain}" if _MBID.fullmatch(plain) else None


def isrc(value: str) -> str | None:
    """The song identifier of an ISRC, however it is grouped; None where it is none."""
    plain = re.sub(r"[^A-Za-z0-9]", "", value).upper()
    return f"isrc:{plain}" if _ISRC.fullmatch(plain) else None


def _fields(file: mutagen.FileType, path: Path) -> dict[str, list[str]]:
    tags: Any = file.tags
    if isinstance(tags, ID3):
        return _id3_fields(tags)
    if isinstance(tags, MP4Tags):
        return _named(tags, _MP4_ATOMS)
    if isinstance(tags, ASFTags):
        return _named(tags, _ASF_ATTRIBUTES)
    if isinstance(tags, APEv2):
        return _named(tags, _APE_ITEMS)
    if isinstance(file, WAVE | AIFF):
        return _chunk_fields(path)
    return _named(tags, _VORBIS_COMMENTS) if tags is not None else {}


def _named(tags: Any, names: dict[str, list[str]]) -> dict[str, list[str]]:
    return {name: [text for key in keys if key in tags for text in _texts(tags[key])] for name, keys in names.items()}


def _texts(values: object) -> Iterator[str]:
    if isinstance(values, str | bytes | int | tuple) or not isinstance(values, Iterable):
        values = [values]
    for value in values:
        if isinstance(value, bytes):
            yield value.decode(errors="replace")
        else:
            yield str(value[0] if isinstance(value, tuple) else value)


def _id3_fields(tags: Any) -> dict[str, list[str]]:
    fields = {
        name: [str(text) for frame_id in frame_ids for frame in tags.getall(frame_id) for text in frame.text]
        for name, frame_ids in _ID3_FRAMES.items()
    }
    fields["genre"] = [genre for frame in tags.getall("TCON") for genre in frame.genres]
    fields["mbid"] = [
        frame.data.decode("ascii", "replace")
        for frame in tags.getall("UFID")
        if frame.owner.endswith("musicbrainz.org")
    ]
    return fields


def _chunk_fields(path: Path) -> dict[str, list[str]]:
    """The texts of a WAV or AIFF file without ID3 tags."""
    fields: dict[str, list[str]] = {}
    with path.open("rb") as file:
        size = path.stat().st_size
        if file.read(4) == b"FORM":
            for chunk, name in _AIFF_TEXT.items():
                for start, stop in chunks(file, size, ">", {chunk}):
                    fields[name] = [_chunk_text(file.read(min(stop - start, 4 * LONGEST_TEXT)))]
        else:
            for start, stop in chunks(file, size, "<", {b"LIST"}):
                body = file.read(min(stop - start, 1 << 16))
                if body[:4] == b"INFO":
                    fields |= _riff_info(body)
    return fields


def _riff_info(body: bytes) -> dict[str, list[str]]:
    fields, offset = {}, 4
    while offset + 8 <= len(body):
        chunk, length = struct.unpack_from("<4sI", body, offset)
        if chunk in _RIFF_INFO:
            fields[_RIFF_INFO[chunk]] = [_chunk_text(body[offset + 8 : offset + 8 + length])]
        offset += 8 + length + length % 2
    return fields


def _chunk_text(raw: bytes) -> str:
    raw = raw.split(b"\0", 1)[0]
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _picture(file: mutagen.FileType) -> bytes | None:
    tags: Any = file.tags
    pictures: list[tuple[int, bytes]] = []
    if isinstance(file, FLAC):
        pictures = [(picture.type, picture.data) for picture in file.pictures]
    elif isinstance(tags, ID3):
        pictures = [(frame.type, frame.data) for frame in tags.getall("APIC")]
    elif isinstance(tags, MP4Tags):
        pictures = [(_FRONT_COVER, bytes(data)) for data in tags.get("covr", ())]
    elif isinstance(tags, APEv2):
        if "cover art (front)" in tags:
            pictures = [(_FRONT_COVER, tags["cover art (front)"].value.partition(b"\0")[2])]
    elif tags is not None and "metadata_block_picture" in tags:
        for text in tags["metadata_block_picture"]:
            try:
                picture = Picture(base64.b64decode(text))
            except (binascii.Error, *_DAMAGED):
                continue
            pictures.append((picture.type, picture.data))
    pictures.sort(key=lambda picture: picture[0] != _FRONT_COVER)
    return pictures[0][1] if pictures else None


def _identifiers(fields: dict[str, list[str]]) -> Iterator[str]:
    yield from filter(None, map(mbid, fields.get("mbid", ())))
    yield from filter(None, map(isrc, fields.get("isrc", ())))


def _clean(text: str) -> str:
    """One line without control characters, in composed Unicode that every database takes."""
    valid = text.encode(errors="replace").decode()
    seen = "".join(" " if unicodedata.category(char) == "Cc" and char != "\0" else char for char in valid)
    return unicodedata.normalize("NFC", " ".join(seen.split()))


def _first(fields: dict[str, list[str]], name: str) -> str:
    return next((value for value in fields.get(name, ()) if value), "")


def _joined(fields: dict[str, list[str]], name: str) -> str:
    """Several values as one text, each once: `A, B`."""
    parts = [part.strip() for value in fields.get(name, ()) for part in value.split("\0")]
    return ", ".join(dict.fromkeys(part for part in parts if part))[:LONGEST_TEXT].strip()


def _number(text: str) -> int | None:
    """The 3 of `3`, `03` and `3/12`; None for what is no such number."""
    match = re.fullmatch(r"\s*(\d{1,4})\s*(/.*)?", text)
    return int(match[1]) or None if match else None


def _year(text: str) -> int | None:
    match = _YEAR.search(text)
    return int(match[0]) if match else None
