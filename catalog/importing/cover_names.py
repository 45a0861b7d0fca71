"""Which pictures beside audio files are covers, and which are of artists, by their names."""

from __future__ import annotations

import re

_PICTURE = re.compile(r"\.(?:jpe?g|jpe|jfif|png|webp|gif|bmp|tiff?|avif)", re.IGNORECASE)
_NAMES = ("cover", "folder", "front", "albumart", "album", "albumartlarge", "artwork")
_WORDS = re.compile(r"[^\W\d_]+")
_FRONT_WORDS = frozenset({"cover", "folder", "front", "albumart", "album"})
_OTHER_SIDES = frozenset({"back", "backside", "booklet", "cd", "disc", "disk", "inlay", "inside", "rear", "tray"})


def cover_rank(name: str) -> tuple[int, str] | None:
    """How likely a file's name says that it is the cover of what lies beside it: the lowest first; None for no cover.

    `cover`, `folder`, `front` and `album` go before longer names with such a word (`Front Cover`), and pictures of the
    other sides are none.
    """
    stem, dot, suffix = name.rpartition(".")
    if not _PICTURE.fullmatch(dot + suffix):
        return None
    plain = stem.casefold()
    if plain in _NAMES:
        return _NAMES.index(plain), plain + suffix.casefold()
    words = set(_WORDS.findall(plain))
    if words & _FRONT_WORDS and not words & _OTHER_SIDES:
        return len(_NAMES), plain + suffix.casefold()
    return None


def artist_rank(name: str, folder: str, *, alone: bool) -> tuple[int, str] | None:
    """How likely a file's name says that it is a picture of the artist whom its folder is named after; None for none.

    `artist` and the folder's own name go first. Where no song lies beside it (`alone`), what is elsewhere a cover is
    the artist's picture too.
    """
    stem, dot, suffix = name.rpartition(".")
    if not _PICTURE.fullmatch(dot + suffix):
        return None
    plain = stem.casefold()
    if plain == "artist":
        return 0, plain + suffix.casefold()
    if plain == folder.casefold():
        return 1, plain + suffix.casefold()
    rank = cover_rank(name)
    return (2 + rank[0], rank[1]) if alone and rank is not None else None
