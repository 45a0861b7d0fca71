"""Tags in the atoms of MP4, the attributes of ASF, the items of APEv2 and the chunks of RIFF and AIFF."""

from __future__ import annotations

import struct
from io import BytesIO
from typing import Any, BinaryIO

from mutagen.apev2 import APEv2
from mutagen.asf import ASF
from mutagen.mp4 import MP4Tags
from mutagen.mp4._atom import Atoms

from . import damaged_tags
from .fingerprint import chunks
from .tag_fields import (
    DAMAGED,
    FRONT_COVER,
    LARGEST_BLOCK_BYTES,
    LINK,
    LONGEST_TEXT_BYTES,
    MOST_PICTURES,
    ORIGINAL_DATES,
    TagBlock,
    named,
    old_texts,
    read_at,
    with_pictures,
)
from .vorbis_tags import VORBIS_COMMENTS

_ITUNES = "----:com.apple.itunes:"
_MP4_ATOMS = {
    "title": ["\xa9nam"],
    "artist": ["\xa9art"],
    "artists": [f"{_ITUNES}artists"],
    "album": ["\xa9alb"],
    "album_artist": ["aart"],
    "track": ["trkn"],
    "disc": ["disk"],
    "date": [f"{_ITUNES}originaldate", f"{_ITUNES}originalyear", "\xa9day"],
    "genre": ["\xa9gen", "gnre"],
    "isrc": [f"{_ITUNES}isrc"],
    "mbid": [f"{_ITUNES}musicbrainz track id"],
    "compilation": ["cpil", f"{_ITUNES}compilation"],
    "artist_mbid": [f"{_ITUNES}musicbrainz artist id"],
    "cuesheet": [f"{_ITUNES}cuesheet"],
}
_APE_ITEMS = VORBIS_COMMENTS | {"date": [*ORIGINAL_DATES, "year", "date"]}
_ASF_ATTRIBUTES = {
    "title": ["title"],
    "artist": ["author"],
    "artists": ["wm/artists"],
    "album": ["wm/albumtitle"],
    "album_artist": ["wm/albumartist"],
    "track": ["wm/tracknumber", "wm/track"],
    "disc": ["wm/partofset"],
    "date": ["wm/originalreleasetime", "wm/originalreleaseyear", "wm/year"],
    "genre": ["wm/genre"],
    "isrc": ["wm/isrc"],
    "mbid": ["musicbrainz/track id"],
    "compilation": ["wm/iscompilation"],
    "artist_mbid": ["musicbrainz/artist id"],
    "cuesheet": ["wm/cuesheet", "cuesheet"],
}
_RIFF_INFO = {
    b"INAM": "title",
    b"IART": "artist",
    b"IPRD": "album",
    b"ICRD": "date",
    b"IGNR": "genre",
    b"ITRK": "track",
    b"IPRT": "track",
}
_AIFF_TEXT = {b"NAME": "title", b"AUTH": "artist"}


def mp4_tags(file: BinaryIO) -> TagBlock:
    """The atoms of an MP4 file; where they are damaged, those that can be read."""
    file.seek(0)
    try:
        tags: Any = MP4Tags(Atoms(file), file)
    except DAMAGED:
        values, covers = damaged_tags.read_mp4(file)
        return with_pictures(named(values, _MP4_ATOMS), [(FRONT_COVER, data) for data in covers])
    pictures = [(FRONT_COVER, bytes(data)) for data in tags.get("covr", ())]
    return with_pictures(named(tags, _MP4_ATOMS), pictures)


def asf_tags(file: BinaryIO) -> TagBlock:
    """The attributes of an ASF file; where they are damaged, those that can be read."""
    file.seek(0)
    try:
        tags: Any = ASF(file).tags
    except DAMAGED:
        return TagBlock(named(damaged_tags.read_asf(file), _ASF_ATTRIBUTES))
    by_name: dict[str, list[Any]] = {}
    for name, value in tags:
        by_name.setdefault(name.casefold(), []).append(value)
    pictures = [
        picture
        for value in by_name.get("wm/picture", ())[:MOST_PICTURES]
        for picture in _asf_picture(bytes(value.value))
    ]
    return with_pictures(named(by_name, _ASF_ATTRIBUTES), pictures)


def _asf_picture(raw: bytes) -> list[tuple[int, bytes]]:
    """The picture in an attribute: its type, its length, type of contents and description in UTF-16, its bytes."""
    if len(raw) < 9:
        return []
    kind, length = struct.unpack_from("<BI", raw)
    offset, texts = 5, []
    for _ in range(2):
        end = offset
        while raw[end : end + 2] not in (b"\0\0", b""):
            end += 2
        texts.append(raw[offset:end].decode("utf-16-le", "replace"))
        offset = end + 2
    data = raw[offset : offset + length]
    return [] if texts[0] == LINK or not data else [(kind, data)]


def ape_at(file: BinaryIO, offset: int, length: int) -> TagBlock:
    """The APEv2 tag that lies at a place of a file."""
    return ape_tags(BytesIO(read_at(file, offset, min(length, LARGEST_BLOCK_BYTES))))


def ape_tags(file: BinaryIO) -> TagBlock:
    """The APEv2 tag of a whole file."""
    file.seek(0)
    tags: Any = APEv2(fileobj=file)
    pictures = [
        (FRONT_COVER if "front" in key.casefold() else 0, tags[key].value.partition(b"\0")[2])
        for key in list(tags)
        if key.casefold().startswith("cover art") and isinstance(tags[key].value, bytes)
    ]
    by_name = {key.casefold(): tags[key] for key in tags if not key.casefold().startswith("cover art")}
    return with_pictures(named(by_name, _APE_ITEMS), pictures)


def riff_info(file: BinaryIO, size: int, start: int) -> TagBlock:
    """The texts of the INFO chunks of a RIFF file."""
    told: dict[str, bytes] = {}
    for begin, stop in chunks(file, size, "<", {b"LIST"}, start):
        body = read_at(file, begin, min(stop - begin, LONGEST_TEXT_BYTES))
        if body[:4] != b"INFO":
            continue
        offset = 4
        while offset + 8 <= len(body):
            chunk, length = struct.unpack_from("<4sI", body, offset)
            if chunk in _RIFF_INFO:
                text = body[offset + 8 : offset + 8 + length].split(b"\0", 1)[0]
                told.setdefault(_RIFF_INFO[chunk], text)
            offset += 8 + length + length % 2
    return old_texts(told)


def aiff_texts(file: BinaryIO, size: int, start: int) -> TagBlock:
    """The text chunks of an AIFF file."""
    told: dict[str, bytes] = {}
    for chunk, name in _AIFF_TEXT.items():
        for begin, stop in chunks(file, size, ">", {chunk}, start):
            told.setdefault(name, read_at(file, begin, min(stop - begin, LONGEST_TEXT_BYTES)).split(b"\0", 1)[0])
    return old_texts(told)
