"""Files that somebody may send in the place of a picture of themselves, made here, byte by byte where need be."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

from PIL import Image

from tests.mood.pictures import portrait


def encoded(image: Image.Image, container: str = "PNG", **options: Any) -> bytes:
    """The picture as a file."""
    buffer = io.BytesIO()
    image.save(buffer, container, **options)
    return buffer.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG that says it is this large and holds almost nothing."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body + chunk(b"IEND", b"")


def archive() -> bytes:
    """A ZIP with a page in it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("index.html", "<script>alert(1)</script>")
    return buffer.getvalue()


def turned_by_the_camera() -> bytes:
    """A portrait that lies on its side, with the camera's note on how to turn it."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(portrait(300).transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif)


def taken_at_home() -> bytes:
    """A portrait with notes of the camera on whose it is and where it was taken."""
    exif = Image.Exif()
    exif[0x013B] = "Ada's own camera"
    exif.get_ifd(0x8825).update({1: "N", 2: (51.0, 30.0, 26.0), 3: "W", 4: (0.0, 7.0, 39.0)})
    return encoded(portrait(300), "JPEG", exif=exif)


def animation() -> bytes:
    frames = [portrait(200), Image.new("L", (200, 200))]
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])


def see_through() -> bytes:
    """A portrait before nothing."""
    image = portrait(300).convert("RGBA")
    image.putalpha(portrait(300).point(lambda shade: 0 if shade == 120 else 255))
    return encoded(image)


SVG = b"<svg xmlns='http://www.w3.org/2000/svg' width='99' height='99'><script>alert(1)</script></svg>"

READ: dict[str, Callable[[], bytes]] = {
    "jpeg": lambda: encoded(portrait(300), "JPEG"),
    "webp": lambda: encoded(portrait(300).convert("RGB"), "WEBP"),
    "animated-gif": animation,
    "cmyk": lambda: encoded(portrait(300).convert("CMYK"), "JPEG"),
    "transparent": see_through,
    "turned": turned_by_the_camera,
    "with-place": taken_at_home,
    "48-pixels": lambda: encoded(portrait(300).crop((60, 60, 240, 250)).resize((48, 48))),
    "50-megapixels": lambda: encoded(portrait(400).resize((7000, 7000)), "JPEG"),
    "4-megapixel-png": lambda: encoded(Image.effect_noise((2000, 2000), 60)),
}
"""Pictures that are read; the PNG is one of over 2.5 MB, which Django would write to the disk by itself."""

REFUSED: dict[str, tuple[Callable[[], bytes], int]] = {
    "empty": (lambda: b"", 400),
    "text": (lambda: b"hello, I am no picture", 400),
    "svg": (lambda: SVG, 400),
    "truncated-jpeg": (lambda: encoded(portrait(300), "JPEG")[:2000], 400),
    "truncated-png": (lambda: encoded(portrait(300))[:-60], 400),
    "one-pixel": (lambda: encoded(Image.new("L", (1, 1))), 400),
    "polyglot": (lambda: encoded(portrait(300), "JPEG") + archive(), 400),
    "strip": (lambda: encoded(Image.new("L", (30_000, 40))), 413),
    "bomb": (lambda: png_header(60_000, 60_000), 413),
    "huge-bomb": (lambda: png_header(2_000_000_000, 2_000_000_000), 413),
    "54-megapixels": (lambda: png_header(9000, 6000), 413),
    "21-megabytes": (lambda: encoded(portrait(300)) + bytes(21_000_000), 413),
    "20.05-megabytes": (lambda: encoded(portrait(300)) + bytes(20_050_000), 413),
}
"""Files that are refused, each with the status."""
