"""Songs' covers as pictures of a size, kept once they were made: the last ones in this process, more on the disk."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import lru_cache

from django.conf import settings

from ..cover_pictures import drawn, resized
from ..covers import draw_cover
from ..disk_cache import DiskCache
from ..home import home
from ..models import Song
from .rows import label_strengths

_KEPT_BYTES = 32_000_000


@dataclass(frozen=True, slots=True)
class Picture:
    """A cover.

    Attributes
    ----------
    content : bytes
    content_type : str
    etag : str
        Strong: the same picture has the same one.
    """

    content: bytes = field(repr=False)
    content_type: str
    etag: str


class _Kept:
    """Pictures by what they are made of, the last ones that were asked for."""

    def __init__(self) -> None:
        self._pictures: OrderedDict[tuple[str, int], Picture] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: tuple[str, int]) -> Picture | None:
        with self._lock:
            if key in self._pictures:
                self._pictures.move_to_end(key)
            return self._pictures.get(key)

    def keep(self, key: tuple[str, int], picture: Picture) -> Picture:
        with self._lock:
            if key not in self._pictures:
                self._pictures[key] = picture
                self._bytes += len(picture.content)
            while self._bytes > _KEPT_BYTES:
                _, old = self._pictures.popitem(last=False)
                self._bytes -= len(old.content)
        return picture


_kept = _Kept()


def _on_disk() -> DiskCache:
    return _disk_cache(home() / "cache" / "covers", settings.COVER_CACHE_BYTES)


# One for each folder, which knows how much it has put there.
_disk_cache = lru_cache(maxsize=4)(DiskCache)


def cover_picture(song: Song, size: int) -> Picture:
    """The cover of a song: the picture of its file, or one drawn from its labels.

    Parameters
    ----------
    song : Song
    size : int
        Pixels a side, one of `cover_pictures.SIZES`.
    """
    name = song.cover.name or ""
    if name:
        if (picture := _kept.get((name, size))) is not None:
            return picture
        try:
            return _kept.keep((name, size), Picture(_made(song, name, size), "image/jpeg", _etag(name, size)))
        except OSError:
            # Gone, or no picture: one is drawn in its place.
            pass
    svg = draw_cover(song.title, song.artist, label_strengths([song.pk])[song.pk])
    if (picture := _kept.get((svg, size))) is not None:
        return picture
    etag = _etag(svg, size)
    if (content := _on_disk().get(etag)) is None:
        content = drawn(svg, size)
        _on_disk().keep(etag, content)
    return _kept.keep((svg, size), Picture(content, "image/png", etag))


def _made(song: Song, name: str, size: int) -> bytes:
    """The picture of a song's file, made smaller."""
    etag = _etag(name, size)
    if (content := _on_disk().get(etag)) is not None:
        return content
    with song.cover.open("rb") as file:
        whole = file.read()
    content = resized(whole, size)
    if content is not whole:
        _on_disk().keep(etag, content)
    return content


def _etag(seed: str, size: int) -> str:
    digest = hashlib.blake2b(f"{size} {seed}".encode(errors="replace"), digest_size=12).hexdigest()
    return f'"{digest}"'
