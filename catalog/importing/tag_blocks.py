"""The blocks of tags in an audio file, found by what the file holds and not by how it is called.

A file may carry several: ID3v2 in front, its format's own block, APEv2 and ID3v1 behind. Each is read by itself, so
that a broken one costs nothing but what it says.
"""

from __future__ import annotations

import base64
import binascii
import enum
import os
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias, cast

import mutagen
from mutagen._constants import GENRES
from mutagen.apev2 import APEv2
from mutagen.asf import ASF
from mutagen.flac import Picture as FlacPicture
from mutagen.id3 import ID3, TextFrame
from mutagen.mp4 import MP4Tags
from mutagen.mp4._atom import AtomError, Atoms
from mutagen.ogg import OggPage

from ..bare_sound import SplicedFile
from ..trailing_tags import TrailingKind, syncsafe, trailing_tags
from . import damaged_tags
from .cue import CueTrack, tracks_of_cuesheet_block, tracks_of_sheet
from .fingerprint import chunks
from .old_encodings import decode_all

LARGEST_PICTURE_BYTES = 20_000_000
"""A larger picture is left where it is."""

FRONT_COVER = 3
"""The number that ID3 has for the picture of the front; FLAC and ASF took it over."""

_LARGEST_BLOCK_BYTES = 48_000_000
_LARGEST_CUESHEET_BYTES = 1 << 20
_MOST_PICTURES = 16
_LONGEST_TEXT_BYTES = 1 << 16
_MOST_COMMENTS = 2000
# ID3v2 may stand in front more than once, where one program did not see what another wrote.
_MOST_ID3 = 4
_MOST_OGG_PAGES = 1000
_ICONS = (1, 2)
_ARTISTS = (7, 8, 10)
"""Lead artist, artist, band: the types of ID3v2 that the other formats took over."""
_MOST_OF_ARTISTS = 4
_LINK = "-->"
_LATIN_1 = 0

# What mutagen lets through of blocks that are damaged, besides its own errors.
_DAMAGED = (
    mutagen.MutagenError,
    AtomError,
    NotImplementedError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    TypeError,
    ValueError,
    OSError,
    RecursionError,
    struct.error,
    binascii.Error,
    zlib.error,
)

_ORIGINAL_DATES = ["originaldate", "original date", "original_date", "originalyear", "original year", "original_year"]

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
_VORBIS_COMMENTS = {
    "title": ["title"],
    "artist": ["artist"],
    "artists": ["artists"],
    "album": ["album"],
    "album_artist": ["albumartist", "album artist", "album_artist"],
    "track": ["tracknumber", "track"],
    "disc": ["discnumber", "disc"],
    "date": [*_ORIGINAL_DATES, "date", "year", "releasedate", "release date"],
    "genre": ["genre"],
    "isrc": ["isrc"],
    "mbid": ["musicbrainz_trackid"],
    "compilation": ["compilation"],
    "artist_mbid": ["musicbrainz_artistid"],
    "cuesheet": ["cuesheet"],
}
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
_APE_ITEMS = _VORBIS_COMMENTS | {"date": [*_ORIGINAL_DATES, "year", "date"]}
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

_Fields = dict[str, list[str]]
_Reader: TypeAlias = "Callable[[], TagBlock | None]"


class Family(enum.Enum):
    """Kinds of files by what they hold, as far as their tags lie differently."""

    FLAC = enum.auto()
    OGG = enum.auto()
    MP4 = enum.auto()
    ASF = enum.auto()
    RIFF = enum.auto()
    AIFF = enum.auto()
    APE = enum.auto()
    MPEG = enum.auto()


@dataclass(frozen=True, slots=True)
class TagBlock:
    """What one block says.

    Attributes
    ----------
    fields : dict of str to list of str
        Raw values by the name of the field: `title`, `artist`, `artists`, `album`, `album_artist`, `track`, `disc`,
        `date`, `genre`, `isrc`, `mbid`, `artist_mbid`, `compilation`. A value may hold several, parted by NUL.
    pictures : list of bytes
        Encoded, the front cover first, then others; those of artists and icons last.
    artist_pictures : list of bytes
        Those of them that show the artist, encoded.
    tracks : list of CueTrack
        Those of a CUE sheet in it; empty for none.
    """

    fields: _Fields
    pictures: list[bytes] = field(default_factory=list, repr=False)
    artist_pictures: list[bytes] = field(default_factory=list, repr=False)
    tracks: list[CueTrack] = field(default_factory=list)


def read_blocks(path: Path) -> Iterator[TagBlock]:
    """Every block of tags of an audio file, in the order in which they are believed.

    The format's own block comes first, then ID3v2, APEv2 and ID3v1. What cannot be read is left out.
    """
    try:
        with path.open("rb") as file:
            yield from _blocks(file, os.fstat(file.fileno()).st_size)
    except OSError:
        return


def family(file: BinaryIO, start: int) -> Family:
    """What kind of file begins at an offset; `MPEG` for whatever shows no other sign."""
    head = _at(file, start, 16)
    if head[:4] == b"fLaC":
        return Family.FLAC
    if head[:4] == b"OggS":
        return Family.OGG
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
        return Family.MP4
    if head == bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"):
        return Family.ASF
    if head[:4] in (b"RIFF", b"RF64", b"BW64") and head[8:12] == b"WAVE":
        return Family.RIFF
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return Family.AIFF
    if head[:4] in (b"MAC ", b"wvpk", b"MPCK", b"TTA1") or head[:3] == b"MP+":
        return Family.APE
    return Family.MPEG


def _blocks(file: BinaryIO, size: int) -> Iterator[TagBlock]:
    id3, start = _leading_id3(file, size)
    kind = family(file, start)
    front = [partial(_id3_at, file, at, length) for at, length in (*id3, *_sought(file, id3, size))]
    behind = _behind(file, start, size)
    own: Iterable[_Reader]
    match kind:
        case Family.FLAC:
            own = [lambda: _flac(file, start + 4, size)]
        case Family.OGG:
            own = [lambda: _ogg(file, start)]
        case Family.MP4:
            own = [lambda: _behind_id3(_mp4, file, start)]
        case Family.ASF:
            own = [lambda: _behind_id3(_asf, file, start)]
        case Family.RIFF:
            own = [*_chunks_id3(file, size, start, "<"), lambda: _riff_info(file, size, start)]
        case Family.AIFF:
            own = [*_chunks_id3(file, size, start, ">"), lambda: _aiff_texts(file, size, start)]
        case Family.APE:
            own = [lambda: _ape(file)]
        case Family.MPEG:
            own = []
    readers: list[_Reader] = [*own, *front, *behind]
    for read in readers:
        if (block := _unless_damaged(read)) is not None:
            told = next(filter(None, block.fields.pop("cuesheet", ())), "")
            yield replace(block, tracks=tracks_of_sheet(told)) if told else block


def _behind(file: BinaryIO, start: int, size: int) -> list[_Reader]:
    """What reads the tags behind the sound: appended ID3v2, then APEv2, then ID3v1."""
    tags = list(trailing_tags(file, start, size))
    readers = {TrailingKind.ID3V2: _id3_at, TrailingKind.APE: _ape_at, TrailingKind.ID3V1: _id3v1_at}
    found: list[_Reader] = [
        partial(read, file, tag.start, tag.stop - tag.start)
        for kind, read in readers.items()
        for tag in tags
        if tag.kind is kind
    ]
    # One that was written in front by mistake.
    return found if any(tag.kind is TrailingKind.APE for tag in tags) else [*found, partial(_ape, file)]


def _unless_damaged(read: _Reader) -> TagBlock | None:
    try:
        return read()
    except _DAMAGED:
        return None


# --- ID3 ------------------------------------------------------------------------------------------


def _leading_id3(file: BinaryIO, size: int) -> tuple[list[tuple[int, int]], int]:
    """Where the ID3v2 tags in front lie, with their headers, and where what follows them begins."""
    found: list[tuple[int, int]] = []
    offset = 0
    while offset < size and len(header := _at(file, offset, 10)) == 10 and header[:3] == b"ID3":
        length = 10 + syncsafe(header[6:]) + (10 if header[5] & 0x10 else 0)
        if len(found) < _MOST_ID3:
            found.append((offset, length))
        offset += length
    # Some writers pad behind the tag; MP4 begins with zeros of its own.
    gap = _at(file, offset, 4096)
    if found and gap[:1] == b"\0" and family(file, offset) is Family.MPEG:
        offset += len(gap) - len(gap.lstrip(b"\0"))
    return found, min(offset, size)


def _id3_at(file: BinaryIO, offset: int, length: int) -> TagBlock | None:
    return _id3(_at(file, offset, min(length, _LARGEST_BLOCK_BYTES)))


def _chunks_id3(file: BinaryIO, size: int, start: int, byte_order: str) -> list[_Reader]:
    found = chunks(file, size, byte_order, {b"ID3 ", b"id3 "}, start)
    return [partial(_id3_at, file, begin, stop - begin) for begin, stop in islice(found, _MOST_ID3)]


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
    fields: _Fields = {}
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
    pictures = [(int(frame.type), frame.data) for frame in tags.getall("APIC") if frame.mime != _LINK]
    return _with_pictures(fields, pictures)


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


def _sought(file: BinaryIO, front: list[tuple[int, int]], size: int) -> list[tuple[int, int]]:
    """Where the tags lie that those in front tell of: a `SEEK` frame says how far behind its own the next begins."""
    found: list[tuple[int, int]] = []
    for offset, length in front:
        raw = _at(file, offset, min(length, _LARGEST_BLOCK_BYTES))
        if (at := raw.find(b"SEEK\0\0\0\4")) < 0:
            continue
        begin = offset + length + int.from_bytes(raw[at + 10 : at + 14])
        header = _at(file, begin, 10) if begin < size else b""
        if header[:3] == b"ID3" and len(header) == 10:
            found.append((begin, 10 + syncsafe(header[6:]) + (10 if header[5] & 0x10 else 0)))
    return found


def _id3v1_at(file: BinaryIO, offset: int, length: int) -> TagBlock:
    raw = _at(file, offset, length)
    columns = {"title": raw[3:33], "artist": raw[33:63], "album": raw[63:93], "date": raw[93:97]}
    texts = [column.split(b"\0", 1)[0].rstrip() for column in columns.values()]
    fields: _Fields = {name: [text] for name, text in zip(columns, decode_all(texts), strict=True)}
    # Version 1.1: the comment ends with a zero and the track's number.
    if raw[125] == 0 and raw[126]:
        fields["track"] = [str(raw[126])]
    if raw[127] < len(GENRES):
        fields["genre"] = [GENRES[raw[127]]]
    return TagBlock(fields)


# --- FLAC and Ogg ---------------------------------------------------------------------------------


def _flac(file: BinaryIO, offset: int, size: int) -> TagBlock:
    fields: _Fields = {}
    pictures: list[tuple[int, bytes]] = []
    tracks: list[CueTrack] = []
    rate = 0
    while len(header := _at(file, offset, 4)) == 4:
        kind = header[0] & 0x7F
        length = _flac_block_length(file, offset, size, is_last=bool(header[0] & 0x80))
        if kind in (4, 6) and offset + 4 + length <= size:
            _add_flac_block(kind, _at(file, offset + 4, length), fields, pictures)
        elif kind == 0 and length >= 18:
            rate = int.from_bytes(_at(file, offset + 14, 3)) >> 4
        elif kind == 5 and rate:
            tracks = tracks_of_cuesheet_block(_at(file, offset + 4, min(length, _LARGEST_CUESHEET_BYTES)), rate)
        offset += 4 + length
        if header[0] & 0x80:
            break
    return _with_pictures(fields, pictures, tracks)


def _flac_block_length(file: BinaryIO, offset: int, size: int, *, is_last: bool) -> int:
    """How long a block is: as its header says, but where a picture that knows its own length says otherwise.

    A picture of more than 16 MB has a length that its header cannot hold.
    """
    header = _at(file, offset, 4)
    told = int.from_bytes(header[1:])
    if is_last or header[0] & 0x7F != 6 or _is_flac_block(file, offset + 4 + told, size):
        return told
    length = 4
    # The type of contents, the description, and, behind width, height, depth and colours, the picture.
    for in_front in (0, 0, 16):
        length += in_front
        length += 4 + int.from_bytes(_at(file, offset + 4 + length, 4))
    return length if _is_flac_block(file, offset + 4 + length, size) else told


def _is_flac_block(file: BinaryIO, offset: int, size: int) -> bool:
    header = _at(file, offset, 4) if offset < size else b""
    return len(header) == 4 and 1 <= header[0] & 0x7F <= 6 and offset + 4 + int.from_bytes(header[1:]) <= size


def _add_flac_block(kind: int, body: bytes, fields: _Fields, pictures: list[tuple[int, bytes]]) -> None:
    if kind == 4:
        comments, embedded = _vorbis_comments(body)
        pictures += embedded
        for name, values in comments.items():
            if not any(fields.get(name, ())):
                fields[name] = values
    elif kind == 6 and len(pictures) < _MOST_PICTURES:
        pictures += _flac_picture(body)


def _flac_picture(body: bytes) -> list[tuple[int, bytes]]:
    try:
        picture = FlacPicture(body)
    except _DAMAGED:
        return []
    return [] if picture.mime == _LINK else [(int(picture.type), picture.data)]


def _vorbis_comments(body: bytes) -> tuple[_Fields, list[tuple[int, bytes]]]:
    """The comments of a block as far as they go, and the pictures in them."""
    comments: dict[str, list[str]] = {}
    pictures: list[tuple[int, bytes]] = []
    for raw in _length_prefixed(body):
        key, equals, value = raw.partition(b"=")
        if not equals:
            continue
        name = key.decode("ascii", "replace").casefold().strip()
        if name in ("metadata_block_picture", "coverart"):
            if len(pictures) < _MOST_PICTURES:
                pictures += _picture_in_comment(name, value)
        else:
            comments.setdefault(name, []).append(_utf8_or_old(value[:_LONGEST_TEXT_BYTES]))
    return _named(comments, _VORBIS_COMMENTS), pictures


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
    try:
        raw = base64.b64decode(value)
    except (binascii.Error, ValueError):
        return []
    return _flac_picture(raw) if name == "metadata_block_picture" else [(FRONT_COVER, raw)]


def _ogg(file: BinaryIO, start: int) -> TagBlock | None:
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
        if len(begun) > _LARGEST_BLOCK_BYTES:
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
        fields: _Fields = {}
        pictures: list[tuple[int, bytes]] = []
        for packet in packets[1 : None if last is None else last + 1]:
            if packet:
                _add_flac_block(packet[0] & 0x7F, packet[4:], fields, pictures)
        return _with_pictures(fields, pictures)
    prefix = {b"\x01": b"\x03vorbis", b"O": b"OpusTags", b"S": b""}[packets[0][:1]]
    comments, pictures = _vorbis_comments(packets[1].removeprefix(prefix))
    return _with_pictures(comments, pictures)


# --- MP4, ASF, APE --------------------------------------------------------------------------------


def _behind_id3(read: Callable[[BinaryIO], TagBlock], file: BinaryIO, start: int) -> TagBlock:
    """What a reader of whole files finds in one that has something else in front."""
    if not start:
        return read(file)
    with SplicedFile(Path(file.name), b"", start) as own:
        return read(cast(BinaryIO, own))


def _mp4(file: BinaryIO) -> TagBlock:
    file.seek(0)
    try:
        tags: Any = MP4Tags(Atoms(file), file)
    except _DAMAGED:
        values, covers = damaged_tags.read_mp4(file)
        return _with_pictures(_named(values, _MP4_ATOMS), [(FRONT_COVER, data) for data in covers])
    pictures = [(FRONT_COVER, bytes(data)) for data in tags.get("covr", ())]
    return _with_pictures(_named(tags, _MP4_ATOMS), pictures)


def _asf(file: BinaryIO) -> TagBlock:
    file.seek(0)
    try:
        tags: Any = ASF(file).tags
    except _DAMAGED:
        return TagBlock(_named(damaged_tags.read_asf(file), _ASF_ATTRIBUTES))
    by_name: dict[str, list[Any]] = {}
    for name, value in tags:
        by_name.setdefault(name.casefold(), []).append(value)
    pictures = [
        picture
        for value in by_name.get("wm/picture", ())[:_MOST_PICTURES]
        for picture in _asf_picture(bytes(value.value))
    ]
    return _with_pictures(_named(by_name, _ASF_ATTRIBUTES), pictures)


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
    return [] if texts[0] == _LINK or not data else [(kind, data)]


def _ape_at(file: BinaryIO, offset: int, length: int) -> TagBlock:
    return _ape(BytesIO(_at(file, offset, min(length, _LARGEST_BLOCK_BYTES))))


def _ape(file: BinaryIO) -> TagBlock:
    file.seek(0)
    tags: Any = APEv2(fileobj=file)
    pictures = [
        (FRONT_COVER if "front" in key.casefold() else 0, tags[key].value.partition(b"\0")[2])
        for key in list(tags)
        if key.casefold().startswith("cover art") and isinstance(tags[key].value, bytes)
    ]
    by_name = {key.casefold(): tags[key] for key in tags if not key.casefold().startswith("cover art")}
    return _with_pictures(_named(by_name, _APE_ITEMS), pictures)


# --- RIFF and AIFF --------------------------------------------------------------------------------


def _riff_info(file: BinaryIO, size: int, start: int) -> TagBlock:
    told: dict[str, bytes] = {}
    for begin, stop in chunks(file, size, "<", {b"LIST"}, start):
        body = _at(file, begin, min(stop - begin, _LONGEST_TEXT_BYTES))
        if body[:4] != b"INFO":
            continue
        offset = 4
        while offset + 8 <= len(body):
            chunk, length = struct.unpack_from("<4sI", body, offset)
            if chunk in _RIFF_INFO:
                text = body[offset + 8 : offset + 8 + length].split(b"\0", 1)[0]
                told.setdefault(_RIFF_INFO[chunk], text)
            offset += 8 + length + length % 2
    return _old_texts(told)


def _aiff_texts(file: BinaryIO, size: int, start: int) -> TagBlock:
    told: dict[str, bytes] = {}
    for chunk, name in _AIFF_TEXT.items():
        for begin, stop in chunks(file, size, ">", {chunk}, start):
            told.setdefault(name, _at(file, begin, min(stop - begin, _LONGEST_TEXT_BYTES)).split(b"\0", 1)[0])
    return _old_texts(told)


def _old_texts(told: dict[str, bytes]) -> TagBlock:
    return TagBlock({name: [text] for name, text in zip(told, decode_all(list(told.values())), strict=True)})


# --- All of them ----------------------------------------------------------------------------------


def _named(tags: Any, names: dict[str, list[str]]) -> _Fields:
    """The values by the field's own name, from tags whose names differ in case from program to program."""
    by_name = {key.casefold(): key for key in reversed(list(tags.keys()))}
    return {
        name: [text for key in keys if key in by_name for text in _texts(tags[by_name[key]])]
        for name, keys in names.items()
    }


def _texts(values: object) -> Iterator[str]:
    if isinstance(values, str | bytes | int | tuple) or not isinstance(values, Iterable):
        values = [values]
    for value in values:
        if isinstance(value, bytes):
            yield _utf8_or_old(value)
        else:
            yield str(value[0] if isinstance(value, tuple) else value)


def _utf8_or_old(raw: bytes) -> str:
    """A text that is UTF-8 by its format; where it is not, what it is."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return decode_all([raw])[0]


def _with_pictures(
    fields: _Fields, pictures: list[tuple[int, bytes]], tracks: list[CueTrack] | None = None
) -> TagBlock:
    """A block with its pictures by type, without what is empty or too large."""
    fit = [picture for picture in pictures if 0 < len(picture[1]) <= LARGEST_PICTURE_BYTES]
    fit.sort(key=lambda picture: (picture[0] != FRONT_COVER, picture[0] in _ARTISTS, picture[0] in _ICONS))
    return TagBlock(
        fields,
        pictures=[data for _, data in fit[:_MOST_PICTURES]],
        artist_pictures=[data for kind, data in fit if kind in _ARTISTS][:_MOST_OF_ARTISTS],
        tracks=tracks or [],
    )


def _at(file: BinaryIO, offset: int, length: int) -> bytes:
    file.seek(max(offset, 0))
    return file.read(length)
