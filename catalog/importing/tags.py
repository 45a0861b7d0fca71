"""What an audio file says of itself: the tags of every block in it, brought to one form."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..names import distinct_artists, split_artists, split_guests
from .cue import CueTrack
from .tag_blocks import read_blocks
from .tag_fields import TagBlock

LONGEST_TEXT = 300
_LONGEST_GENRE = 100
_MOST_PICTURES = 8
_MOST_ARTISTS = 50
_NULS = re.compile("\0")
_PEOPLE = re.compile("[\0;]")
_IDS = re.compile("[\0;,/ ]")

_MBID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_ISRC = re.compile(r"[A-Z]{2}[A-Z0-9]{3}[0-9]{7}")
_YEAR = re.compile(r"(?<!\d)(1\d|20)\d\d(?!\d)")
# A date without signs between its parts, with a time behind it or without: year first, or last. Month and day may be 0.
_MONTH, _DAY = r"(?:0\d|1[0-2])", r"(?:[012]\d|3[01])"
_YEAR_FIRST = re.compile(rf"(?<!\d)((?:1\d|20)\d\d){_MONTH}(?:{_DAY}(?:\d{{6}}|\d{{4}})?)?(?!\d)")
_YEAR_LAST = re.compile(rf"(?<!\d)(?:{_DAY}{_MONTH}|{_MONTH}{_DAY})((?:1\d|20)\d\d)(?!\d)")

# The one genre that holds a sign which parts genres elsewhere.
_WHOLE_GENRE = "singer/songwriter"
_GENRE_SEPARATORS = re.compile(r"\s*[;|\\\0/,]\s*")
_LETTER = re.compile(r"[^\W\d_]")
_YES = frozenset({"1", "true", "yes"})
_NO_GENRES = frozenset({"other", "unknown", "genre", "none", "misc", "miscellaneous", "default", "undefined", "n a"})


@dataclass(frozen=True, slots=True)
class Tags:
    """What a file's tags say; empty or None where they say nothing.

    Attributes
    ----------
    title, artist, album, album_artist : str
        At most `LONGEST_TEXT` characters; several artists as one text, `A, B`.
    artists : tuple of str
        The artists one by one, guests included, where they are several.
    track_number, disc_number : int or None
        From 1.
    year : int or None
        1000 to 2099; of the first publication, where that is told.
    genres : tuple of str
        In the tags' own spelling, each once.
    identifiers : tuple of str
        `mbid:` with the MusicBrainz recording id, `isrc:` with the ISRC.
    compilation : bool
        Whether the file says that its album is by various artists.
    pictures : tuple of bytes
        Still encoded: what may be the cover, the likeliest first.
    artist_pictures : tuple of bytes
        Still encoded: those that show the artist.
    tracks : tuple of CueTrack
        The songs that the file is parted into by a CUE sheet in it; empty for one song.
    """

    title: str = ""
    artist: str = ""
    artists: tuple[str, ...] = ()
    album: str = ""
    album_artist: str = ""
    track_number: int | None = None
    disc_number: int | None = None
    year: int | None = None
    genres: tuple[str, ...] = ()
    identifiers: tuple[str, ...] = ()
    compilation: bool = False
    pictures: tuple[bytes, ...] = field(default=(), repr=False)
    artist_pictures: tuple[bytes, ...] = field(default=(), repr=False)
    tracks: tuple[CueTrack, ...] = ()


def read_tags(path: Path) -> Tags:
    """The tags of an audio file, each field from the first of its blocks that tells it; empty where none does."""
    blocks = list(read_blocks(path))
    fields = _merged(blocks)
    return Tags(
        title=_joined(fields, "title"),
        artist=_joined(fields, "artist", _PEOPLE) or _joined(fields, "artists", _PEOPLE),
        artists=_artists(fields),
        album=_joined(fields, "album"),
        album_artist=_joined(fields, "album_artist", _PEOPLE),
        track_number=_number(_first(fields, "track")),
        disc_number=_number(_first(fields, "disc")),
        year=next((year for text in fields.get("date", ()) if (year := _year(text))), None),
        genres=split_genres(fields.get("genre", ())),
        identifiers=tuple(_identifiers(fields)),
        compilation=_first(fields, "compilation").casefold() in _YES,
        pictures=tuple(dict.fromkeys(picture for block in blocks for picture in block.pictures))[:_MOST_PICTURES],
        artist_pictures=tuple(dict.fromkeys(picture for block in blocks for picture in block.artist_pictures)),
        tracks=next((tuple(block.tracks) for block in blocks if block.tracks), ()),
    )


def tags_of_track(track: CueTrack, of_file: Tags) -> Tags:
    """What a CUE sheet says of a track; what it leaves open of the album, the file's own tags say."""
    said = {
        name: [_clean(value)]
        for name, value in (
            ("title", track.title),
            ("artist", track.artist),
            ("album", track.album),
            ("album_artist", track.album_artist),
            ("genre", track.genre),
            ("isrc", track.isrc),
        )
    }
    return replace(
        of_file,
        title=_joined(said, "title") or f"Track {track.number}",
        artist=_joined(said, "artist", _PEOPLE) or of_file.artist,
        artists=_artists(said) or (() if track.artist else of_file.artists),
        album=_joined(said, "album") or of_file.album,
        album_artist=_joined(said, "album_artist", _PEOPLE) or of_file.album_artist,
        track_number=track.number or None,
        disc_number=_number(track.disc) or of_file.disc_number,
        year=_year(track.date) or of_file.year,
        genres=split_genres(said["genre"]) or of_file.genres,
        identifiers=tuple(_identifiers(said)),
        tracks=(),
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


def _merged(blocks: Iterable[TagBlock]) -> dict[str, list[str]]:
    """The fields of all blocks, clean; of each field those of the first block that has one."""
    fields: dict[str, list[str]] = {}
    for block in blocks:
        for name, values in block.fields.items():
            if name not in fields and any(clean := [_clean(value) for value in values]):
                fields[name] = clean
    return fields


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


def _artists(fields: dict[str, list[str]]) -> tuple[str, ...]:
    """The artists one by one; empty where there is one alone."""
    told = _parts(fields, "artist", _PEOPLE)
    listed = _parts(fields, "artists", _PEOPLE)
    slashed = listed[0].split("/") if len(listed) == 1 else []
    # As ID3v2.3 writes a list; a name with such a sign stands with it in the artist's.
    if told and slashed and listed[0] not in told[0] and all(name in told[0] for name in slashed):
        listed = slashed
    if len(listed) > 1:
        names = listed
    elif len(told) == 1 and len(together := split_artists(told[0])) == len(_parts(fields, "artist_mbid", _IDS)):
        # As many as MusicBrainz knows them to be.
        names = together
    else:
        names = [one for name in told for one in split_guests(name)]
    names = [name[:LONGEST_TEXT].strip() for name in distinct_artists(names)][:_MOST_ARTISTS]
    return tuple(names) if len(names) > 1 else ()


def _parts(fields: dict[str, list[str]], name: str, separators: re.Pattern[str]) -> list[str]:
    """The values of a field, each once, also those that share one text."""
    parts = (part.strip() for value in fields.get(name, ()) for part in separators.split(value))
    return list(dict.fromkeys(part for part in parts if part))


def _joined(fields: dict[str, list[str]], name: str, separators: re.Pattern[str] | None = None) -> str:
    """Several values as one text, each once: `A, B`."""
    return ", ".join(_parts(fields, name, separators or _NULS))[:LONGEST_TEXT].strip()


def _number(text: str) -> int | None:
    """The 3 of `3`, `03`, `3/12` and `3 of 12`; None for what is no such number."""
    match = re.fullmatch(r"\s*(\d{1,4})\s*((/|of\b).*)?", text)
    return int(match[1]) or None if match else None


def _year(text: str) -> int | None:
    text = unicodedata.normalize("NFKC", text)
    match = _YEAR_FIRST.search(text) or _YEAR_LAST.search(text)
    if match is not None:
        return int(match[1])
    match = _YEAR.search(text)
    return int(match[0]) if match else None
