"""Reading M3U and M3U8 playlists of other players: relative and absolute paths, whatever stands between folders."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from .old_encodings import decode_all

LARGEST_FILE_BYTES = 5_000_000
"""A larger file is no playlist."""

MOST_ENTRIES = 20_000
"""A list of more is none of a person's."""

_EXTINF = re.compile(r"""#EXTINF:\s*(-?\d+(?:\.\d+)?)(?:"[^"]*"|[^,"])*,(.*)""", re.IGNORECASE)
_NAME = re.compile(r"#(?:PLAYLIST|EXTPLAYLIST):(.*)", re.IGNORECASE)
# No sign of Unicode's: a name may hold it.
_LINE_END = re.compile(r"\r\n|\r|\n")
_DRIVE = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True, slots=True)
class PlaylistEntry:
    """A song as a playlist names it.

    Attributes
    ----------
    parts : tuple of str
        Its path's folders and name, as `path_parts` compares them.
    written : str
        Its path, for people.
    said : str
        What the player calls it, mostly `Artist - Title`; empty where it says nothing.
    seconds : float or None
    """

    parts: tuple[str, ...]
    written: str
    said: str = ""
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class PlaylistFile:
    """A playlist as its file has it; its name is empty where the file does not say it."""

    name: str = ""
    entries: list[PlaylistEntry] = field(default_factory=list)


def read_m3u(content: bytes) -> PlaylistFile:
    """The entries of a playlist: in UTF-8, or in the old encoding that its bytes speak for.

    Of more than `MOST_ENTRIES`, one more than so many.
    """
    name, said, seconds = "", "", None
    entries: list[PlaylistEntry] = []
    for line in _LINE_END.split(_decoded(content)):
        text = line.strip()
        if match := _EXTINF.match(text):
            seconds, said = float(match[1]), match[2].strip()
        elif match := _NAME.match(text):
            name = match[1].strip()
        elif text and not text.startswith("#"):
            length = seconds if seconds is not None and seconds > 0 else None
            entries.append(PlaylistEntry(path_parts(text), text, said, length))
            said, seconds = "", None
            if len(entries) > MOST_ENTRIES:
                break
    return PlaylistFile(name, entries)


def path_parts(path: str, *, folded: bool = True) -> tuple[str, ...]:
    r"""A path's folders and name as they are compared: without a drive, in one form of Unicode and, `folded`, one case.

    `file:///Music/A%20B.mp3`, `D:\Music\A B.mp3` and `./music/a b.mp3` end alike.
    """
    if path.lower().startswith("file:"):
        path = unquote(urlsplit(path).path)
    plain = unicodedata.normalize("NFC", _DRIVE.sub("", path, count=1) if _DRIVE.match(path) else path)
    parts: list[str] = []
    for part in (plain.casefold() if folded else plain).replace("\\", "/").split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part not in ("", ".", ".."):
            parts.append(part)
    return tuple(parts)


def unquoted(entry: PlaylistEntry) -> tuple[str, ...]:
    """The parts of an entry whose player writes spaces as `%20` without saying so."""
    return tuple(unquote(part) for part in entry.parts)


def _decoded(content: bytes) -> str:
    for encoding in ("utf-8-sig", "utf-16") if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig",):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return decode_all([content])[0]
