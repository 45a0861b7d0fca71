"""What a block of tags says: raw values by field, and pictures; and what every reader of blocks needs."""

from __future__ import annotations

import binascii
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import mutagen
from mutagen.mp4._atom import AtomError

from .cue import CueTrack
from .old_encodings import decode_all

LARGEST_PICTURE_BYTES = 20_000_000
"""A larger picture is left where it is."""

FRONT_COVER = 3
"""The number that ID3 has for the picture of the front; FLAC and ASF took it over."""

LARGEST_BLOCK_BYTES = 48_000_000
MOST_PICTURES = 16
LONGEST_TEXT_BYTES = 1 << 16
ICONS = (1, 2)
ARTISTS = (7, 8, 10)
"""Lead artist, artist, band: the types of ID3v2 that the other formats took over."""

MOST_OF_ARTISTS = 4
LINK = "-->"

# What mutagen lets through of blocks that are damaged, besides its own errors.
DAMAGED = (
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

ORIGINAL_DATES = ["originaldate", "original date", "original_date", "originalyear", "original year", "original_year"]

Fields = dict[str, list[str]]


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

    fields: Fields
    pictures: list[bytes] = field(default_factory=list, repr=False)
    artist_pictures: list[bytes] = field(default_factory=list, repr=False)
    tracks: list[CueTrack] = field(default_factory=list)


def named(tags: Any, names: dict[str, list[str]]) -> Fields:
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
            yield utf8_or_old(value)
        else:
            yield str(value[0] if isinstance(value, tuple) else value)


def utf8_or_old(raw: bytes) -> str:
    """A text that is UTF-8 by its format; where it is not, what it is."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return decode_all([raw])[0]


def old_texts(told: dict[str, bytes]) -> TagBlock:
    """The texts of a block that does not tell its encoding, by field."""
    return TagBlock({name: [text] for name, text in zip(told, decode_all(list(told.values())), strict=True)})


def with_pictures(fields: Fields, pictures: list[tuple[int, bytes]], tracks: list[CueTrack] | None = None) -> TagBlock:
    """A block with its pictures by type, without what is empty or too large."""
    fit = [picture for picture in pictures if 0 < len(picture[1]) <= LARGEST_PICTURE_BYTES]
    fit.sort(key=lambda picture: (picture[0] != FRONT_COVER, picture[0] in ARTISTS, picture[0] in ICONS))
    return TagBlock(
        fields,
        pictures=[data for _, data in fit[:MOST_PICTURES]],
        artist_pictures=[data for kind, data in fit if kind in ARTISTS][:MOST_OF_ARTISTS],
        tracks=tracks or [],
    )


def read_at(file: BinaryIO, offset: int, length: int) -> bytes:
    """So many bytes from a place of a file on, or as many as are there."""
    file.seek(max(offset, 0))
    return file.read(length)
