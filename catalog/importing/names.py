"""What the names of a file and its folders say, for files without tags."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath

from .tags import LONGEST_TEXT, Tags

_NUMBERED = re.compile(r"(?:(?P<disc>\d{1,2})[-.])?(?P<track>\d{1,3})(?:\s*[-._)]\s*|\s+)(?P<rest>\S.*)")
_DASH = re.compile(r"\s+[-\u2013\u2014]\s+")
_DISC_FOLDER = re.compile(r"(?:cd|dis[ck])\s*(\d{1,2})", re.IGNORECASE)
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)+(?:_[a-z0-9-]+)+|[a-z0-9]+_[a-z0-9]+(?:-[a-z0-9]+)+(?:_[a-z0-9-]+)*")


def guess_tags(path: str) -> Tags:
    """Title, artist, album and numbers from a path such as `Artist/Album/03 - Title.mp3` or `Artist - Title.mp3`.

    Parameters
    ----------
    path : str
        Relative to the library root, `/` between folders.

    Returns
    -------
    Tags
        With a title always; the rest where the names tell.
    """
    *folders, name = PurePosixPath(path).parts
    stem = PurePosixPath(name).stem
    if _SLUG.fullmatch(stem):
        stem = _unslugged(stem)
    elif " " not in stem:
        stem = stem.replace("_", " ")
    disc = track = None
    if match := _NUMBERED.fullmatch(stem):
        disc, track, stem = match["disc"] and int(match["disc"]), int(match["track"]), match["rest"]
    if folders and (match := _DISC_FOLDER.fullmatch(folders[-1].strip())):
        disc = int(match[1])
        folders.pop()
    album = folders[-1] if len(folders) > 1 or (folders and track) else ""
    album_artist = folders[-2] if len(folders) > 1 else ""
    if not album_artist and len(parts := _DASH.split(album, maxsplit=1)) == 2:
        album_artist, album = parts
    artist, title = album_artist, stem
    if len(parts := _DASH.split(stem, maxsplit=1)) == 2:
        artist, title = parts
    return Tags(
        title=_text(title) or _text(stem) or _text(name),
        artist=_text(artist),
        album=_text(album),
        album_artist=_text(album_artist),
        track_number=track or None,
        disc_number=disc or None,
    )


def _unslugged(stem: str) -> str:
    """`kevin-macleod_vibe-ace` as `Kevin Macleod - Vibe Ace`: hyphens for spaces, the first underscore for a dash."""
    artist, title = stem.split("_", 1)
    return f"{artist.replace('-', ' ').title()} - {re.sub('[-_]', ' ', title).title()}"


def _text(name: str) -> str:
    printable = "".join(" " if unicodedata.category(char) == "Cc" else char for char in name)
    return unicodedata.normalize("NFC", " ".join(printable.split()))[:LONGEST_TEXT].strip()
