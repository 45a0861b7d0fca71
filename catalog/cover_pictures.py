"""Covers in the size that a player asks for, as JPEG or PNG. No Django.

A drawn cover is an SVG document of few kinds of shapes (`covers.draw_cover`) and its initials; players want pixels.
"""

from __future__ import annotations

import unicodedata
from io import BytesIO
from typing import Any
from xml.etree import ElementTree

from PIL import Image, ImageColor, ImageDraw, ImageFont

SIZES = (32, 64, 96, 128, 160, 200, 256, 300, 400, 512, 600)
"""Pixels a side that covers are made in: an asked size is rounded up to one of them, so that few are kept."""

_FINER = 2
"""Shapes are drawn so many times larger, and made smaller: that smooths their edges."""

_QUALITY = 85


def rounded_size(asked: int) -> int:
    """The size that a cover is made in for one that is asked for; the largest for 0."""
    return next((size for size in SIZES if size >= asked > 0), SIZES[-1])


def resized(jpeg: bytes, size: int) -> bytes:
    """A picture as a JPEG of at most `size` pixels a side; as it is where it is no larger.

    Raises
    ------
    OSError
        If it is no picture.
    """
    with Image.open(BytesIO(jpeg)) as image:
        if max(image.size) <= size:
            return jpeg
        image.draft("RGB", (size, size))
        image.thumbnail((size, size))
        made = BytesIO()
        image.convert("RGB").save(made, "JPEG", quality=_QUALITY)
    return made.getvalue()


def drawn(svg: str, size: int) -> bytes:
    """A drawn cover as a PNG of `size` pixels a side.

    Parameters
    ----------
    svg : str
        Of `covers.draw_cover`.
    size : int
    """
    document = ElementTree.fromstring(svg)  # noqa: S314 (made here)
    scale = size * _FINER / float(document.attrib["width"])
    picture = Image.new("RGBA", (size * _FINER, size * _FINER))
    for shape in document:
        _draw(picture, shape.tag.rpartition("}")[2], shape.attrib, scale, shape.text or "")
    made = BytesIO()
    picture.convert("RGB").resize((size, size), Image.Resampling.LANCZOS).save(made, "PNG", optimize=True)
    return made.getvalue()


def _draw(picture: Image.Image, kind: str, said: dict[str, str], scale: float, letters: str) -> None:
    def number(name: str) -> float:
        return float(said.get(name, "0")) * scale

    layer: Any = Image.new("RGBA", picture.size)
    colour = (*ImageColor.getrgb(said["fill"])[:3], round(255 * float(said.get("fill-opacity", "1"))))
    draw = ImageDraw.Draw(layer)
    if kind == "circle":
        x, y, radius = number("cx"), number("cy"), number("r")
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
    elif kind == "polygon":
        draw.polygon(
            [tuple(scale * float(n) for n in point.split(",")) for point in said["points"].split()], fill=colour
        )
    elif kind == "text":
        if _is_latin(letters):
            place = (number("x"), number("y"))
            draw.text(place, letters, fill=colour, font=ImageFont.load_default(number("font-size")), anchor="ms")
    else:
        x, y = number("x"), number("y")
        draw.rounded_rectangle((x, y, x + number("width"), y + number("height")), radius=number("rx"), fill=colour)
    picture.alpha_composite(layer)


def _is_latin(letters: str) -> bool:
    """Whether the font that Pillow brings has these letters."""
    return all(unicodedata.name(letter, "").startswith(("LATIN", "DIGIT")) for letter in letters)
