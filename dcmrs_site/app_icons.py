"""The pictures that the site has as an app of a phone or desktop: `python -m dcmrs_site.app_icons` makes them anew.

They are drawn from the site's own drawing, `static/icons/favicon.svg`, of which this reads what is in it: a ground with
round corners, and upright lines with round ends.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from PIL import Image, ImageDraw

FOLDER = Path(__file__).resolve().parent.parent / "static" / "icons"
DRAWING = FOLDER / "favicon.svg"

_SVG = "{http://www.w3.org/2000/svg}"
_LINE = re.compile(r"M(\d+) (\d+)v(\d+)")
# Edges are smooth by being drawn larger.
_FINER = 8


@dataclass(frozen=True, slots=True)
class Icon:
    """One picture.

    Attributes
    ----------
    name : str
        Of its file in `static/icons`.
    size : int
        Pixels on each side.
    purpose : str
        "any" as it is drawn; "maskable" where the device cuts its own shape out of it, and "opaque" where it rounds
        the corners itself.
    scale : float
        How large the lines are, of what they are in the drawing.
    """

    name: str
    size: int
    purpose: str
    scale: float = 1.0


ICONS = [
    Icon("app-192.png", 192, "any"),
    Icon("app-512.png", 512, "any"),
    # Only a circle of 80 % is sure to be seen: https://www.w3.org/TR/appmanifest/#icon-masks
    Icon("app-maskable-512.png", 512, "maskable", 0.75),
    Icon("app-touch-180.png", 180, "opaque", 0.9),
]


def draw(icon: Icon) -> Image.Image:
    """The picture of an icon, size x size pixels with transparency.

    Raises
    ------
    ValueError
        If the drawing has become one that this cannot read.
    """
    root = ElementTree.parse(DRAWING).getroot()  # noqa: S314 (a file of the site's own)
    ground, lines, path = root.find(f"{_SVG}rect"), root.find(f"{_SVG}g"), root.find(f"{_SVG}g/{_SVG}path")
    if ground is None or lines is None or path is None or _LINE.sub("", path.attrib["d"]):
        raise ValueError(f"{DRAWING.name} is no longer a ground with upright lines: teach app_icons.draw to read it")
    width = float(root.attrib["viewBox"].split()[2])
    unit = icon.size * _FINER / width
    canvas = Image.new("RGBA", (icon.size * _FINER, icon.size * _FINER))
    pen = ImageDraw.Draw(canvas)
    corner = float(ground.attrib["rx"]) if icon.purpose == "any" else 0.0
    side = icon.size * _FINER - 1
    pen.rounded_rectangle((0, 0, side, side), corner * unit, fill=ground.attrib["fill"])
    half = float(lines.attrib["stroke-width"]) / 2

    def at(place: float) -> float:
        return (width / 2 + (place - width / 2) * icon.scale) * unit

    for x, top, height in (map(float, found) for found in _LINE.findall(path.attrib["d"])):
        box = (at(x - half), at(top - half), at(x + half), at(top + height + half))
        pen.rounded_rectangle(box, half * icon.scale * unit, fill=lines.attrib["stroke"])
    return canvas.resize((icon.size, icon.size), Image.Resampling.BOX)


def main() -> None:
    """Write all of them."""
    for icon in ICONS:
        draw(icon).save(FOLDER / icon.name, optimize=True)


if __name__ == "__main__":
    main()
