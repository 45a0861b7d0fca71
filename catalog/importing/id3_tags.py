"""Tags in ID3: version 2 as far as it goes, and version 1."""

from __future__ import annotations

from io import BytesIO
from typing import Any, BinaryIO

from mutagen._constants import GENRES
from mutagen.id3 import ID3, TextFrame

from ..trailing_tags import syncsafe
from .old_encodings import decode_all
from .tag_fields import LARGEST_BLOCK_BYTES, LINK, Fields, TagBlock, read_at, with_pictures

_LATIN_1 = 0

# The names of the same field in each family of tags; what comes first counts.
_ID3_FRAMES = {
    "title": ["TIT2"],
    "artist": ["TPE1"],
    "artists": ["TXXX:artists"],
    "album": ["TALB"],
    "album_artist": ["TPE2", "TXXX:album artist", "TXXX:albumartist"],
    "track": ["TRCK"],
    "disc": ["TPOS"],
    "date": ["TDOR", "TXXX:originaldate", "TXXX:originalyear", "TORY", "TDRC", "TYER", "TDRL"],
    "isrc": ["TSRC"],
    "compilation": ["TCMP", "TXXX:compilation"],
    "artist_mbid": ["TXXX:musicbrainz artist id"],
    "cuesheet": ["TXXX:cuesheet"],
}


def id3_at(file: BinaryIO, offset: int, length: int) -> TagBlock | None:
    """The ID3v2 tag that lies at a place of a file; where the end of it is missing, what is there counts."""
    return _id3(read_at(file, offset, min(length, LARGEST_BLOCK_BYTES)))


def _id3(raw: bytes) -> TagBlock:
    """One ID3v2 tag; where the end of it is missing, what is there counts."""
    if len(raw) < 10 + syncsafe(raw[6:10]):
        length = len(raw) - 10
        raw = raw[:6] + bytes(length >> shift & 0x7F for shift in (21, 14, 7, 0)) + raw[10:]
    tags: Any = ID3(fileobj=BytesIO(raw), load_v1=False, translate=False)
    years = _years_of_23(tags)
    tags.update_to_v24()
    _decode_frames(tags)
    by_description = {f"TXXX:{frame.desc.casefold()}": frame for frame in reversed(tags.getall("TXXX"))}
    fields: Fields = {}
    for name, keys in _ID3_FRAMES.items():
        fields[name] = [
            str(text)
            for key in keys
            for texts in ([frame.text for frame in _frames_of(tags, by_description, key)] or [years.get(key, ())])
            for text in texts
        ]
    fields["genre"] = [genre for frame in tags.getall("TCON") for genre in frame.genres]
    fields["mbid"] = [
        frame.data.decode("ascii", "replace")
        for frame in tags.getall("UFID")
        if frame.owner.endswith("musicbrainz.org")
    ]
    pictures = [(int(frame.type), frame.data) for frame in tags.getall("APIC") if frame.mime != LINK]
    return with_pictures(fields, pictures)


def _years_of_23(tags: Any) -> dict[str, list[str]]:
    """What the frames for years before ID3v2.4 say, which mutagen forgets where it is more than a year."""
    names = {"TYER": "TYER", "TYE": "TYER", "TORY": "TORY", "TOR": "TORY"}
    return {
        name: [str(text) for text in frame.text]
        for key, name in names.items()
        for frame in tags.getall(key)
        if frame.encoding is not None
    }


def _frames_of(tags: Any, by_description: dict[str, Any], key: str) -> list[Any]:
    if key.startswith("TXXX:"):
        return [by_description[key]] if key in by_description else []
    return list(tags.getall(key))


def _decode_frames(tags: Any) -> None:
    """Put right the texts that a frame calls Latin-1 and that are in another encoding, all of a tag together."""
    frames: list[Any] = [frame for frame in tags.values() if isinstance(frame, TextFrame)]
    told = [
        (frame, at, text.encode("latin-1"))
        for frame in frames
        if frame.encoding == _LATIN_1
        for at, text in enumerate(frame.text)
        if isinstance(text, str) and not text.isascii()
    ]
    for (frame, at, _), text in zip(told, decode_all([raw for _, _, raw in told]), strict=True):
        frame.text[at] = text


def id3v1_at(file: BinaryIO, offset: int, length: int) -> TagBlock:
    """The ID3v1 tag that lies at a place of a file."""
    raw = read_at(file, offset, length)
    columns = {"title": raw[3:33], "artist": raw[33:63], "album": raw[63:93], "date": raw[93:97]}
    texts = [column.split(b"\0", 1)[0].rstrip() for column in columns.values()]
    fields: Fields = {name: [text] for name, text in zip(columns, decode_all(texts), strict=True)}
    # Version 1.1: the comment ends with a zero and the track's number.
    if raw[125] == 0 and raw[126]:
        fields["track"] = [str(raw[126])]
    if raw[127] < len(GENRES):
        fields["genre"] = [GENRES[raw[127]]]
    return TagBlock(fields)
