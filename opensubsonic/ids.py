"""The names that players know things by: a kind in two letters, and a number or a hash. No Django.

Nothing of one kind can be taken for something of another: `so-7` is a song, `pl-7` a playlist.
"""

from __future__ import annotations

import re
from typing import NamedTuple

SONG, ALBUM, ARTIST, PLAYLIST, DAILY_LIST = "so", "al", "ar", "pl", "dl"

_ID = re.compile(r"(so|pl)-([1-9][0-9]{0,18})|(al|ar)-([0-9a-f]{20})|(dl)-([a-z0-9-]{1,40})", re.ASCII)
_LARGEST = 2**63 - 1


class Id(NamedTuple):
    """What an id names.

    Attributes
    ----------
    kind : str
    key : str
        Digits of a primary key, the hash of a key, or the slug of a daily list.
    """

    kind: str
    key: str

    @property
    def pk(self) -> int:
        """The primary key of a song or playlist."""
        return int(self.key)


def parse_id(text: str) -> Id | None:
    """What an id names; None for what is no id of this server."""
    match = _ID.fullmatch(text)
    if match is None:
        return None
    kind, key = (part for part in match.groups() if part is not None)
    return None if kind in (SONG, PLAYLIST) and int(key) > _LARGEST else Id(kind, key)


def song_id(pk: int) -> str:
    """The id of a song."""
    return f"{SONG}-{pk}"


def playlist_id(pk: int) -> str:
    """The id of a listener's own playlist."""
    return f"{PLAYLIST}-{pk}"


def daily_list_id(slug: str) -> str:
    """The id of a recommended list."""
    return f"{DAILY_LIST}-{slug}"


def album_id(key_hash: str) -> str:
    """The id of an album, by the hash of its key."""
    return f"{ALBUM}-{key_hash}"


def artist_id(key_hash: str) -> str:
    """The id of an artist, by the hash of their key."""
    return f"{ARTIST}-{key_hash}"
