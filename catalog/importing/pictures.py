"""Cover pictures: found in a file's tags or beside it, brought to one size and format."""

from __future__ import annotations

import hashlib
import struct
import threading
import warnings
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import TypeVar

from PIL import Image, ImageOps

_V = TypeVar("_V")

COVER_PIXELS = 600
"""The longest side of a cover."""

_JPEG_QUALITY = 85
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
_MOST_PIXELS = 50_000_000
_LARGEST_FILE_BYTES = 20_000_000
_NAMES = ("cover", "folder", "front", "albumart", "album")
_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")

# Pillow warns of pictures that would fill the memory; here that is a refusal.
warnings.simplefilter("error", Image.DecompressionBombWarning)


@dataclass(frozen=True, slots=True)
class Cover:
    """A picture ready to be stored.

    Attributes
    ----------
    name : str
        Made from its contents, so that the same picture is stored once.
    jpeg : bytes
    """

    name: str
    jpeg: bytes = field(repr=False)


class Covers:
    """The covers of files that are read one after the other, by any thread: an album's picture is encoded once."""

    _KEPT = 32

    def __init__(self) -> None:
        self._by_source: dict[str, Cover | None] = {}
        self._beside: dict[str, bytes | None] = {}
        self._lock = threading.Lock()

    def of(self, path: Path, picture: bytes | None) -> Cover | None:
        """The cover of an audio file: the picture in its tags, or else one that lies beside it."""
        source = picture or self._picture_beside(path.parent)
        if source is None:
            return None
        key = hashlib.sha256(source).hexdigest()
        with self._lock:
            if key in self._by_source:
                return self._by_source[key]
        cover = make_cover(source)
        with self._lock:
            _remember(self._by_source, key, cover, self._KEPT)
        return cover

    def _picture_beside(self, folder: Path) -> bytes | None:
        with self._lock:
            if str(folder) in self._beside:
                return self._beside[str(folder)]
        picture = picture_beside(folder)
        with self._lock:
            _remember(self._beside, str(folder), picture, 2)
        return picture


def make_cover(source: bytes) -> Cover | None:
    """A picture as a JPEG of at most `COVER_PIXELS` a side; None where it is damaged, or too large to decode."""
    try:
        with Image.open(BytesIO(source), formats=_FORMATS) as image:
            if image.width * image.height > _MOST_PIXELS:
                return None
            image.draft("RGB", (COVER_PIXELS, COVER_PIXELS))
            ImageOps.exif_transpose(image, in_place=True)
            image.thumbnail((COVER_PIXELS, COVER_PIXELS))
            jpeg = BytesIO()
            _opaque(image).save(jpeg, "JPEG", quality=_JPEG_QUALITY, optimize=True)
    except (
        OSError,
        SyntaxError,
        ValueError,
        LookupError,
        TypeError,
        EOFError,
        ArithmeticError,
        struct.error,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ):  # what Pillow raises of damaged pictures
        return None
    return Cover(f"{hashlib.sha256(jpeg.getvalue()).hexdigest()[:32]}.jpg", jpeg.getvalue())


def picture_beside(folder: Path) -> bytes | None:
    """The picture in a folder whose name says that it is the cover, such as `cover.jpg`; None where there is none."""
    try:
        pictures = {file.name.lower(): file for file in folder.iterdir() if file.name.lower().endswith(_SUFFIXES)}
        for name in _NAMES:
            for suffix in _SUFFIXES:
                file = pictures.get(name + suffix)
                if file is not None and file.is_file() and file.stat().st_size <= _LARGEST_FILE_BYTES:
                    return file.read_bytes()
    except OSError:
        return None
    return None


def _opaque(image: Image.Image) -> Image.Image:
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")


def _remember(kept: dict[str, _V], key: str, value: _V, most: int) -> None:
    kept[key] = value
    while len(kept) > most:
        del kept[next(iter(kept))]
