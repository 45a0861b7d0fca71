"""What the names of a file and its folders say, for files without tags."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from pathlib import PurePosixPath

from ..file_parts import file_of
from ..names import artist_key, split_artists
from .tags import LONGEST_TEXT, Tags

_NUMBERED = re.compile(
    r"(?P<open>[(\[])?(?:(?P<disc>\d{1,2})[-.])?(?P<track>\d{1,3})"
    r"(?P<sign>(?(open)[)\]]\s*[-._]?\s*|(?:\s*[-._)]\s*|\s+)))(?P<rest>\S.*)"
)
# `Artist - Album - 03 - Title`, and the same without the album.
_NUMBER_WITHIN = re.compile(
    r"(?P<artist>.+?)\s+[-\u2013\u2014]\s+(?:(?P<album>.+?)\s+[-\u2013\u2014]\s+)?"
    r"(?P<track>\d{2})(?P<sign>\s+[-\u2013\u2014]|\.)?\s+(?P<title>\S.*)"
)
_RUN = 3
_VARIOUS = frozenset({"various artists", "various", "va", "v a", "compilations", "soundtracks"})
_DASH = re.compile(r"\s+[-\u2013\u2014]\s+")
_NUMBER_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_DISC_FOLDER = re.compile(
    rf"[(\[]?(?:cd|dis[ck])[\s._#-]*(\d{{1,2}}|{'|'.join(_NUMBER_WORDS)})(?!\w)[)\]]?(?:[\s:([-].*)?", re.IGNORECASE
)
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)+(?:_[a-z0-9-]+)+|[a-z0-9]+_[a-z0-9]+(?:-[a-z0-9]+)+(?:_[a-z0-9-]+)*")


def guess_tags(path: str, told: Tags | None = None, *, numbered: bool = False) -> Tags:
    """Title, artist, album and numbers from a path such as `Artist/Album/03 - Title.mp3` or `Artist - Title.mp3`.

    Parameters
    ----------
    path : str
        Relative to the library root, `/` between folders.
    told : Tags, optional
        What the file says of itself: where it names artist and album, no folder is an album artist, and where it names
        the artist, only one that is called so.
    numbered : bool
        Whether a number without a sign behind it is that of a track, see `numbers_in_a_row`.

    Returns
    -------
    Tags
        With a title always; the rest where the names tell.
    """
    *folders, name = PurePosixPath(path).parts
    stem = PurePosixPath(name).stem
    if is_slug := bool(_SLUG.fullmatch(stem)):
        stem = _unslugged(stem)
    disc = track = None
    if (match := _NUMBERED.fullmatch(stem)) and (_is_track(match) or numbered):
        disc, track, stem = match["disc"] and int(match["disc"]), int(match["track"]), match["rest"]
    if not is_slug and " " not in stem:
        stem = stem.replace("_", " ")
    if folders and (number := disc_folder(folders[-1])) is not None:
        disc = number
        folders.pop()
    album = folders[-1] if len(folders) > 1 or (folders and track) else ""
    album_artist = artist_folder = folders[-2] if len(folders) > 1 else ""
    if told is not None and told.artist and (told.album or not _is_by(album_artist, told)):
        album_artist = ""
    elif not album_artist and len(parts := _DASH.split(album, maxsplit=1)) == 2:
        album_artist, album = parts
    artist, title = artist_folder or album_artist, stem
    if (match := _NUMBER_WITHIN.fullmatch(stem)) and (match["sign"] or _is_in(match["album"], album)):
        artist, track, title = match["artist"], int(match["track"]), match["title"]
        album = album or match["album"] or ""
    elif len(parts := _DASH.split(stem, maxsplit=1)) == 2:
        artist, title = parts
    return Tags(
        title=_text(title) or _text(stem) or _text(name),
        artist=_text(artist),
        album=_text(album),
        album_artist=_text(album_artist),
        track_number=track or None,
        disc_number=disc or None,
    )


def _is_in(written: str | None, album: str) -> bool:
    """Whether a name's part before a number is what the folder is called: then the number is that of a track."""
    return bool(written) and bool(album) and _plain(written or "") in _plain(album)


def _is_by(folder: str, told: Tags) -> bool:
    """Whether the folder above an album is called as an artist that the file names, and not as a genre or a shelf."""
    named = {artist_key(name) for name in (told.artist, *told.artists, *split_artists(told.artist))}
    return artist_key(folder) in named | _VARIOUS


def leading_number(name: str) -> int | None:
    """The number that a file's name begins with, a gap behind it; None where there is none."""
    match = _NUMBERED.fullmatch(PurePosixPath(name).stem)
    return int(match["track"]) if match else None


def numbers_in_a_row(names: Iterable[str]) -> frozenset[int]:
    """The numbers that the names of a folder's files begin with, as far as they are those of tracks.

    One number alone may belong to a name (`50 Cent`, `3 Doors Down`), and so may two that happen to follow one another:
    numbers of tracks are three in a row, or two from 1 on.
    """
    numbers = {number for name in names if (number := leading_number(name)) is not None}
    in_a_row: set[int] = set()
    for number in numbers:
        run = {number}
        for step in (-1, 1):
            at = number + step
            while at in numbers and len(run) < _RUN:
                run.add(at)
                at += step
        if len(run) >= _RUN or (len(run) > 1 and 1 in run):
            in_a_row.add(number)
    return frozenset(in_a_row)


def _is_track(match: re.Match[str]) -> bool:
    """Whether the number of a name is that of a track by its own looks: `03 Title`, `3. Title`, `1-03 Title`."""
    return bool(match["disc"] or match["track"].startswith("0") or (match["sign"].strip() and not match["open"]))


def may_stand_in(path: str, value: str | int) -> bool:
    """Whether a value may have been guessed from a path, by whatever rules."""
    if isinstance(value, int):
        return value in map(int, re.findall(r"\d{1,9}", path))
    return _plain(value) in _plain(path)


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[\W_]+", " ", _text(text)).casefold().split())


def disc_folder(name: str) -> int | None:
    """Which disc of an album a folder holds by its name: 2 for `CD2`, `Disc Two` and `[CD 2] Live`; None for none."""
    match = _DISC_FOLDER.fullmatch(name.strip())
    if match is None:
        return None
    return int(match[1]) if match[1].isdecimal() else 1 + _NUMBER_WORDS.index(match[1].lower())


def album_folder(path: str) -> str:
    """The folder of the album that a file belongs to: its own, or the one above where that is a disc of it."""
    folder, _, _ = file_of(path).rpartition("/")
    above, _, name = folder.rpartition("/")
    return above if name and disc_folder(name) is not None else folder


def _unslugged(stem: str) -> str:
    """`kevin-macleod_vibe-ace` as `Kevin Macleod - Vibe Ace`: hyphens for spaces, the first underscore for a dash."""
    artist, title = stem.split("_", 1)
    return f"{artist.replace('-', ' ').title()} - {re.sub('[-_]', ' ', title).title()}"


def _text(name: str) -> str:
    printable = "".join(" " if unicodedata.category(char) == "Cc" else char for char in name)
    return unicodedata.normalize("NFC", " ".join(printable.split()))[:LONGEST_TEXT].strip()
