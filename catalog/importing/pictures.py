"""Cover pictures: the first that can be decoded of those in a file's tags and beside it, in one size and format."""

from __future__ import annotations

import hashlib
import struct
import threading
import warnings
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image, ImageChops, ImageCms, ImageOps

from .. import limited
from .cover_names import cover_rank
from .names import disc_folder

_V = TypeVar("_V")

COVER_PIXELS = 600
"""The longest side of a cover."""

_JPEG_QUALITY = 85
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
_MOST_PIXELS = 50_000_000
LARGEST_FILE_BYTES = 20_000_000
"""A larger picture is not read."""

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
        self._beside: dict[str, Cover | None] = {}
        self._lock = threading.Lock()

    def of(self, path: Path, pictures: Sequence[bytes]) -> Cover | None:
        """The cover of an audio file.

        Parameters
        ----------
        path : Path
        pictures : sequence of bytes
            Those in its tags. Where none of them can be decoded, those beside the file follow, and then those beside
            its folder, where that is a disc of an album.
        """
        if (cover := self.first(pictures)) is not None:
            return cover
        cover = self._beside_files(path.parent)
        if cover is None and disc_folder(path.parent.name) is not None:
            cover = self._beside_files(path.parent.parent)
        return cover

    def first(self, pictures: Iterable[bytes]) -> Cover | None:
        """The first picture that can be decoded."""
        return next((cover for source in pictures if (cover := self._made(source)) is not None), None)

    def _made(self, source: bytes) -> Cover | None:
        key = hashlib.sha256(source).hexdigest()
        with self._lock:
            if key in self._by_source:
                return self._by_source[key]
        cover = make_cover_under_limits(source)
        with self._lock:
            _remember(self._by_source, key, cover, self._KEPT)
        return cover

    def _beside_files(self, folder: Path) -> Cover | None:
        with self._lock:
            if str(folder) in self._beside:
                return self._beside[str(folder)]
        cover = self.first(pictures_beside(folder))
        with self._lock:
            _remember(self._beside, str(folder), cover, 4)
        return cover


def make_cover(source: bytes) -> Cover | None:
    """A picture as a JPEG of at most `COVER_PIXELS` a side; None where it is damaged, or too large to decode."""
    try:
        with Image.open(BytesIO(source), formats=_FORMATS) as image:
            if image.width * image.height > _MOST_PIXELS:
                return None
            image.draft("RGB", (COVER_PIXELS, COVER_PIXELS))
            ImageOps.exif_transpose(image, in_place=True)
            small = _eight_bit(image)
            small.thumbnail((COVER_PIXELS, COVER_PIXELS))
            jpeg = BytesIO()
            _opaque(small, inverted=_is_inverted(image)).save(jpeg, "JPEG", quality=_JPEG_QUALITY, optimize=True)
    except (
        OSError,
        SyntaxError,
        ValueError,
        LookupError,
        TypeError,
        EOFError,
        ArithmeticError,
        struct.error,
        zlib.error,
        MemoryError,
        ImageCms.PyCMSError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ):  # what Pillow raises of damaged pictures
        return None
    return Cover(f"{hashlib.sha256(jpeg.getvalue()).hexdigest()[:32]}.jpg", jpeg.getvalue())


def make_cover_under_limits(source: bytes) -> Cover | None:
    """What `make_cover` makes, in a process that ends at the limits of a picture; None where it does."""
    try:
        return limited.call(limited.PICTURE, make_cover, source)
    except limited.LimitExceededError:
        return None


def pictures_beside(folder: Path) -> Iterator[bytes]:
    """The pictures in a folder whose names say that they are the cover, still encoded, the likeliest first."""
    try:
        names = [file.name for file in folder.iterdir() if cover_rank(file.name) is not None]
    except OSError:
        return
    for name in sorted(names, key=lambda name: cover_rank(name) or (0, name)):
        try:
            file = folder / name
            if file.is_file() and 0 < file.stat().st_size <= LARGEST_FILE_BYTES:
                yield file.read_bytes()
        except OSError:
            continue


def _eight_bit(image: Image.Image) -> Image.Image:
    """A picture of deeper grey as one of 8 bits: Pillow would cut off what is above 255 instead of scaling it."""
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        values = np.asarray(image, np.float64)
        # PNG and TIFF have 16 bits in such a picture; floating-point ones are 0 to 1.
        full = 1.0 if image.mode == "F" and values.max(initial=0.0) <= 1.0 else 65535.0
        return Image.fromarray(np.clip(values * (255.0 / full), 0, 255).astype(np.uint8))
    return image


def _is_inverted(image: Image.Image) -> bool:
    """Whether Pillow has turned a JPEG's inks round: it takes them for Adobe's, who write them so and say so."""
    return image.mode == "CMYK" and image.format in ("JPEG", "MPO") and "adobe" not in image.info


def _opaque(image: Image.Image, *, inverted: bool = False) -> Image.Image:
    if inverted:
        image = ImageChops.invert(image)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    if image.mode == "CMYK" and (profile := image.info.get("icc_profile")):
        return _printed(image, profile)
    return image.convert("RGB")


def _printed(image: Image.Image, profile: bytes) -> Image.Image:
    """A picture in inks as its profile says that they look."""
    try:
        inks = ImageCms.getOpenProfile(BytesIO(profile))
        seen = ImageCms.profileToProfile(image, inks, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image.convert("RGB")
    return seen or image.convert("RGB")


def _remember(kept: dict[str, _V], key: str, value: _V, most: int) -> None:
    kept[key] = value
    while len(kept) > most:
        del kept[next(iter(kept))]
