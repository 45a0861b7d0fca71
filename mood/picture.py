"""Reading pictures that strangers send: what is refused before decoding, and a grey picture of bounded size.

Nothing here touches a disk: a picture is bytes in memory, and is gone when they are.
"""

import re
import struct
import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

MAX_BYTES = 20_000_000
# A 50-megapixel camera's pictures have up to 8192 x 6144 pixels.
MAX_PIXELS = 8192 * 6144
# A WebP is decoded in four copies at once, and no camera makes one.
MAX_WEBP_PIXELS = MAX_PIXELS // 2
MAX_SIDE = 16_384
MIN_SIDE = 24
FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
# What Pillow calls a JPEG with further pictures behind the first, as phones take them.
_JPEG_FORMATS = ("JPEG", "MPO")

# A face a twelfth as wide as the picture, the smallest that is found, still has more than 48 pixels.
_WORKING_SIDE = 800
_ORIENTATION_TAG = 0x0112
_TURNS = {
    2: (Image.Transpose.FLIP_LEFT_RIGHT,),
    3: (Image.Transpose.ROTATE_180,),
    4: (Image.Transpose.FLIP_TOP_BOTTOM,),
    5: (Image.Transpose.TRANSPOSE,),
    6: (Image.Transpose.ROTATE_270,),
    7: (Image.Transpose.TRANSVERSE,),
    8: (Image.Transpose.ROTATE_90,),
}
# What Pillow's decoders raise on damaged or malicious files.
_DECODING_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    AttributeError,
    AssertionError,
    EOFError,
    LookupError,
    ArithmeticError,
    MemoryError,
    RecursionError,
    struct.error,
    zlib.error,
)
_DAMAGED = "The picture is damaged and cannot be read."


class PictureRefused(Exception):
    """A picture that is not read; the message says why and what to do, for its sender."""


class BadPicture(PictureRefused):
    """Not a picture, damaged, or of a size in which no face can be."""


class PictureTooLarge(PictureRefused):
    """More bytes or pixels than are read."""

    @classmethod
    def of_bytes(cls, size: int) -> Self:
        """For a file of `size` bytes."""
        return cls(f"The picture has {size / 1e6:.1f} MB; at most {MAX_BYTES // 1_000_000} are read.")


@dataclass(frozen=True)
class Picture:
    """A decoded picture, upright.

    Attributes
    ----------
    grey : uint8, shape (h, w)
        At most 800 pixels a side.
    width, height : int
        Of the whole picture, upright, in its own pixels.
    """

    grey: NDArray[np.uint8]
    width: int
    height: int


def read_picture(data: bytes) -> Picture:
    """Decodes a JPEG, PNG, WebP or GIF, the first picture where there are several, as it should be seen.

    Transparency is laid on white, the camera's orientation applied. Memory stays within a few bytes a pixel of the
    allowed size, whatever the file says of itself.

    Raises
    ------
    PictureTooLarge
        If it has over 20 MB, over 50 megapixels (25 as a WebP), or a side over 16,384 pixels.
    BadPicture
        If it is anything else than a whole picture of one of these formats, or has a side under 24 pixels.
    """
    if len(data) > MAX_BYTES:
        raise PictureTooLarge.of_bytes(len(data))
    if not data:
        raise BadPicture("The file is empty.")
    try:
        image = Image.open(BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureTooLarge("The picture has far more pixels than are read.") from error
    except UnidentifiedImageError as error:
        raise BadPicture("The file is not a picture that can be read: send a JPEG, PNG, WebP or GIF.") from error
    except _DECODING_ERRORS as error:
        raise BadPicture(_DAMAGED) from error
    with image:
        try:
            _check_size(image)
            if _carries_more(data, image.format or ""):
                raise BadPicture("The file carries something else behind its picture: save the picture anew.")
            return _upright_grey(image)
        except PictureRefused:
            raise
        except _DECODING_ERRORS as error:
            raise BadPicture(_DAMAGED) from error


def _check_size(image: Image.Image) -> None:
    width, height = image.size
    size = f"The picture has {width} x {height} pixels"
    most, of = (MAX_WEBP_PIXELS, " of a WebP") if image.format == "WEBP" else (MAX_PIXELS, "")
    if width * height > most:
        raise PictureTooLarge(f"{size}; at most {most // 1_000_000} million are read{of}.")
    if max(width, height) > MAX_SIDE:
        raise PictureTooLarge(f"{size}; at most {MAX_SIDE} a side are read.")
    if min(width, height) < MIN_SIDE:
        raise BadPicture(f"{size}; a face needs {MIN_SIDE} a side at least.")


def _upright_grey(image: Image.Image) -> Picture:
    width, height = image.size
    orientation = _orientation(image)
    if image.format in _JPEG_FORMATS:
        # The decoder itself can halve a JPEG up to three times, which needs neither the memory nor the time.
        image.draft("L" if image.mode in ("L", "RGB") else None, (_WORKING_SIDE, _WORKING_SIDE))
    image.load()
    if image.mode in ("P", "PA", "1"):
        image = image.convert("RGBA" if _transparent(image) else "L")
    factor = max(image.size) // _WORKING_SIDE
    if factor > 1 and image.mode in ("L", "RGB", "RGBA", "LA", "CMYK"):
        # At once to less than twice the wanted size: every later copy is a small one.
        image = image.reduce(factor)
    image = _grey(image)
    image.thumbnail((_WORKING_SIDE, _WORKING_SIDE), Image.Resampling.BILINEAR, reducing_gap=None)
    for turn in _TURNS.get(orientation, ()):
        image = image.transpose(turn)
    if orientation >= 5:
        width, height = height, width
    return Picture(np.asarray(image), width, height)


def _orientation(image: Image.Image) -> int:
    """The camera's note on how the picture is to be turned, 1 to 8; 1 where the note is unreadable."""
    try:
        value = image.getexif().get(_ORIENTATION_TAG, 1)
    except _DECODING_ERRORS:
        return 1
    return value if value in _TURNS else 1


def _grey(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        # Pillow would cut off what is above 255 instead of scaling it.
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if _transparent(image):
        image = image.convert("RGBA")
        opaque = Image.new("RGBA", image.size, "white")
        opaque.alpha_composite(image)
        image = opaque
    return image.convert("L")


def _transparent(image: Image.Image) -> bool:
    return image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info


def _carries_more(data: bytes, container: str) -> bool:
    """Whether something other than a picture follows the picture: the mark of a file that is two things at once.

    Cameras append previews, depth maps and short films, and editors some padding; those are let pass.
    """
    find_end = {"PNG": _png_end, "GIF": _gif_end, "WEBP": _webp_end}.get(container, _jpeg_end)
    end = find_end(data)
    rest = data[end:].lstrip(b"\0\r\n\t ") if end else b""
    appended_by_cameras = rest[:2] == b"\xff\xd8" or rest[4:8] == b"ftyp" or rest.endswith(b"SEFT")
    return bool(rest) and not appended_by_cameras


def _jpeg_end(data: bytes) -> int:
    """Where a JPEG's end marker stands, skipping the pictures inside its metadata; 0 where there is none."""
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return 0
        marker = data[at + 1]
        if marker == 0xD9:
            return at + 2
        if marker == 0xFF or 0xD0 <= marker <= 0xD7 or marker == 0x01:
            at += 1 if marker == 0xFF else 2
            continue
        at += 2 + int.from_bytes(data[at + 2 : at + 4])
        if marker == 0xDA:
            # Within a scan only stuffed zeros and restart markers follow an 0xFF.
            following = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]").search(data, at)
            if following is None:
                return 0
            at = following.start()
    return len(data) if data[at : at + 2] == b"\xff\xd9" else 0


def _png_end(data: bytes) -> int:
    at = 8
    while at + 12 <= len(data):
        following = at + 12 + int.from_bytes(data[at : at + 4])
        if data[at + 4 : at + 8] == b"IEND":
            return following
        at = following
    return 0


def _gif_end(data: bytes) -> int:
    def after_blocks(at: int) -> int:
        while at < len(data) and data[at]:
            at += 1 + data[at]
        return at + 1

    def table(flags: int) -> int:
        return 3 << ((flags & 7) + 1) if flags & 0x80 else 0

    at = 13 + table(data[10])
    while at < len(data):
        if data[at] == 0x3B:
            return at + 1
        if data[at] == 0x21:
            at = after_blocks(at + 2)
        elif data[at] == 0x2C and at + 9 < len(data):
            at = after_blocks(at + 11 + table(data[at + 9]))
        else:
            return 0
    return 0


def _webp_end(data: bytes) -> int:
    size = int.from_bytes(data[4:8], "little")
    return 8 + size + size % 2
