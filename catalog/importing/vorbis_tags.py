"""Tags in Vorbis comments: those of FLAC's blocks and of Ogg's first packets, each with its pictures."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import BinaryIO

from mutagen.flac import Picture as FlacPicture
from mutagen.ogg import OggPage

from .cue import CueTrack, tracks_of_cuesheet_block
from .tag_fields import (
    DAMAGED,
    FRONT_COVER,
    LARGEST_BLOCK_BYTES,
    LINK,
    LONGEST_TEXT_BYTES,
    MOST_PICTURES,
    ORIGINAL_DATES,
    Fields,
    TagBlock,
    named,
    read_at,
    utf8_or_old,
    with_pictures,
)

_LARGEST_CUESHEET_BYTES = 1 << 20
_MOST_COMMENTS = 2000
_MOST_OGG_PAGES = 1000

VORBIS_COMMENTS = {
    "title": ["title"],
    "artist": ["artist"],
    "artists": ["artists"],
    "album": ["album"],
    "album_artist": ["albumartist", "album artist", "album_artist"],
    "track": ["tracknumber", "track"],
    "disc": ["discnumber", "disc"],
    "date": [*ORIGINAL_DATES, "date", "year", "releasedate", "release date"],
    "genre": ["genre"],
    "isrc": ["isrc"],
    "mbid": ["musicbrainz_trackid"],
    "compilation": ["compilation", "itunescompilation"],
    "artist_mbid": ["musicbrainz_artistid"],
    "cuesheet": ["cuesheet"],
}


def flac_tags(file: BinaryIO, offset: int, size: int) -> TagBlock:
    """The comments, pictures and CUE sheet in the blocks of a FLAC file, which begin at an offset."""
    fields: Fields = {}
    pictures: list[tuple[int, bytes]] = []
    tracks: list[CueTrack] = []
    rate = 0
    while len(header := read_at(file, offset, 4)) == 4:
        kind = header[0] & 0x7F
        length = _flac_block_length(file, offset, size, is_last=bool(header[0] & 0x80))
        if kind in (4, 6) and offset + 4 + length <= size:
            _add_flac_block(kind, read_at(file, offset + 4, length), fields, pictures)
        elif kind == 0 and length >= 18:
            rate = int.from_bytes(read_at(file, offset + 14, 3)) >> 4
        elif kind == 5 and rate:
            tracks = tracks_of_cuesheet_block(read_at(file, offset + 4, min(length, _LARGEST_CUESHEET_BYTES)), rate)
        offset += 4 + length
        if header[0] & 0x80:
            break
    return with_pictures(fields, pictures, tracks)


def _flac_block_length(file: BinaryIO, offset: int, size: int, *, is_last: bool) -> int:
    """How long a block is: as its header says, but where a picture that knows its own length says otherwise.

    A picture of more than 16 MB has a length that its header cannot hold.
    """
    header = read_at(file, offset, 4)
    told = int.from_bytes(header[1:])
    if is_last or header[0] & 0x7F != 6 or _is_flac_block(file, offset + 4 + told, size):
        return told
    length = 4
    # The type of contents, the description, and, behind width, height, depth and colours, the picture.
    for in_front in (0, 0, 16):
        length += in_front
        length += 4 + int.from_bytes(read_at(file, offset + 4 + length, 4))
    return length if _is_flac_block(file, offset + 4 + length, size) else told


def _is_flac_block(file: BinaryIO, offset: int, size: int) -> bool:
    header = read_at(file, offset, 4) if offset < size else b""
    return len(header) == 4 and 1 <= header[0] & 0x7F <= 6 and offset + 4 + int.from_bytes(header[1:]) <= size


def _add_flac_block(kind: int, body: bytes, fields: Fields, pictures: list[tuple[int, bytes]]) -> None:
    if kind == 4:
        comments, embedded = _vorbis_comments(body)
        pictures += embedded
        for name, values in comments.items():
            if not any(fields.get(name, ())):
                fields[name] = values
    elif kind == 6 and len(pictures) < MOST_PICTURES:
        pictures += _flac_picture(body)


def _flac_picture(body: bytes) -> list[tuple[int, bytes]]:
    try:
        picture = FlacPicture(body)
    except DAMAGED:
        return []
    return [] if picture.mime == LINK else [(int(picture.type), picture.data)]


def _vorbis_comments(body: bytes) -> tuple[Fields, list[tuple[int, bytes]]]:
    """The comments of a block as far as they go, and the pictures in them."""
    comments: dict[str, list[str]] = {}
    pictures: list[tuple[int, bytes]] = []
    for raw in _length_prefixed(body):
        key, equals, value = raw.partition(b"=")
        if not equals:
            continue
        name = key.decode("ascii", "replace").casefold().strip()
        if name in ("metadata_block_picture", "coverart"):
            if len(pictures) < MOST_PICTURES:
                pictures += _picture_in_comment(name, value)
        else:
            comments.setdefault(name, []).append(utf8_or_old(value[:LONGEST_TEXT_BYTES]))
    return named(comments, VORBIS_COMMENTS), pictures


def _length_prefixed(body: bytes) -> Iterator[bytes]:
    if len(body) < 8:
        return
    offset = 4 + int.from_bytes(body[:4], "little")
    if offset + 4 > len(body):
        return
    count = int.from_bytes(body[offset : offset + 4], "little")
    offset += 4
    for _ in range(min(count, _MOST_COMMENTS)):
        length = int.from_bytes(body[offset : offset + 4], "little")
        if offset + 4 + length > len(body) or len(body) < offset + 4:
            return
        yield body[offset + 4 : offset + 4 + length]
        offset += 4 + length


def _picture_in_comment(name: str, value: bytes) -> list[tuple[int, bytes]]:
    # Some programs leave out the signs that fill up the last group.
    encoded = b"".join(value.split()).rstrip(b"=")
    try:
        raw = base64.b64decode(encoded + b"=" * (-len(encoded) % 4))
    except (binascii.Error, ValueError):
        return []
    return _flac_picture(raw) if name == "metadata_block_picture" else [(FRONT_COVER, raw)]


def ogg_tags(file: BinaryIO, start: int) -> TagBlock | None:
    """The comments of the first stream of sound; those of a chain's later links are other songs'."""
    file.seek(start)
    packets: list[bytes] = []
    begun, serial = b"", None
    for _ in range(_MOST_OGG_PAGES):
        page = OggPage(file)
        if serial is None and page.packets and _is_sound(page.packets[0]):
            serial = page.serial
        if page.serial != serial:
            continue
        for place, packet in enumerate(page.packets):
            begun += packet
            if place < len(page.packets) - 1 or page.complete:
                packets.append(begun)
                begun = b""
        if len(begun) > LARGEST_BLOCK_BYTES:
            return None
        if (block := _ogg_headers(packets)) is not None:
            return block
    return None


def _is_sound(packet: bytes) -> bool:
    return packet.startswith((b"\x01vorbis", b"OpusHead", b"\x7fFLAC", b"Speex   "))


def _ogg_headers(packets: list[bytes]) -> TagBlock | None:
    """What the header packets say, once they are there."""
    if len(packets) < 2:
        return None
    if packets[0].startswith(b"\x7fFLAC"):
        last = next((place for place, packet in enumerate(packets) if place and packet[:1] >= b"\x80"), None)
        if last is None and len(packets) < 64:
            return None
        fields: Fields = {}
        pictures: list[tuple[int, bytes]] = []
        for packet in packets[1 : None if last is None else last + 1]:
            if packet:
                _add_flac_block(packet[0] & 0x7F, packet[4:], fields, pictures)
        return with_pictures(fields, pictures)
    prefix = {b"\x01": b"\x03vorbis", b"O": b"OpusTags", b"S": b""}[packets[0][:1]]
    comments, pictures = _vorbis_comments(packets[1].removeprefix(prefix))
    return with_pictures(comments, pictures)
