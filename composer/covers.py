"""Pictures for a few of the albums: flat shapes, few colours, no lettering."""

from collections.abc import Callable, Mapping
from io import BytesIO

import numpy as np
from PIL import Image, ImageColor, ImageDraw

PICTURE_PIXELS = 600
_SCALE = 2  # drawn larger and reduced, for smooth edges
_SIZE = PICTURE_PIXELS * _SCALE

Colour = tuple[int, int, int]
Motif = Callable[[Image.Image, list[Colour], np.random.Generator], None]


def draw(motif: str, colours: str, seed: int) -> bytes:
    """A square cover as JPEG.

    Parameters
    ----------
    motif : str
        A name in `MOTIFS`.
    colours : str
        Three or more, as HTML writes them, with blanks between; the first is the ground.
    seed : int
    """
    palette = [ImageColor.getrgb(colour)[:3] for colour in colours.split()]
    image = Image.new("RGB", (_SIZE, _SIZE), palette[0])
    MOTIFS[motif](image, palette, np.random.default_rng(seed))
    file = BytesIO()
    image.resize((PICTURE_PIXELS, PICTURE_PIXELS), Image.Resampling.LANCZOS).save(file, "JPEG", quality=88)
    return file.getvalue()


def _between(first: Colour, second: Colour, share: float) -> Colour:
    return tuple(round(a + (b - a) * share) for a, b in zip(first, second, strict=True))  # type: ignore[return-value]


def _fade(image: Image.Image, top: Colour, bottom: Colour) -> None:
    pen = ImageDraw.Draw(image)
    for row in range(0, _SIZE, _SCALE):
        pen.rectangle((0, row, _SIZE, row + _SCALE), fill=_between(top, bottom, row / _SIZE))


def _hills(image: Image.Image, palette: list[Colour], rng: np.random.Generator) -> None:
    """Ranges of hills, paler the further off, under a sun."""
    _fade(image, palette[0], palette[1])
    pen = ImageDraw.Draw(image)
    x, y, r = rng.uniform(0.25, 0.75) * _SIZE, rng.uniform(0.22, 0.34) * _SIZE, 0.11 * _SIZE
    pen.ellipse((x - r, y - r, x + r, y + r), fill=palette[3])
    places = np.arange(0, _SIZE + 1, 8)
    for layer in range(5):
        base = _SIZE * (0.45 + 0.12 * layer)
        ridge = np.full(places.size, base)
        for k in range(4):
            ridge += _SIZE * 0.07 / (k + 1) * np.sin(places / _SIZE * np.pi * 2 * (k + 0.7) + rng.uniform(0, 6.28))
        shape = [(0, _SIZE), *zip(places.tolist(), ridge.tolist(), strict=True), (_SIZE, _SIZE)]
        pen.polygon(shape, fill=_between(palette[1], palette[2], (layer + 1) / 5))


def _waves(image: Image.Image, palette: list[Colour], rng: np.random.Generator) -> None:
    """Lines of water, closer together towards the horizon."""
    _fade(image, palette[0], palette[1])
    pen = ImageDraw.Draw(image)
    places = np.arange(0, _SIZE + 1, 8)
    for line in range(26):
        depth = line / 25
        level = _SIZE * (0.36 + 0.6 * depth**1.5)
        swing = _SIZE * 0.004 * (1 + 6 * depth)
        wave = level + swing * np.sin(places / _SIZE * np.pi * (14 - 9 * depth) + rng.uniform(0, 6.28))
        points = list(zip(places.tolist(), wave.tolist(), strict=True))
        pen.line(points, fill=_between(palette[2], palette[3], depth), width=round(_SCALE * (1 + 4 * depth)))


def _rings(image: Image.Image, palette: list[Colour], rng: np.random.Generator) -> None:
    """Circles in circles, a little out of the middle."""
    pen = ImageDraw.Draw(image)
    x = y = _SIZE / 2
    radius = _SIZE * 0.46
    step = 0
    while radius > _SIZE * 0.02:
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=palette[1 + step % (len(palette) - 1)])
        shrunk = radius * rng.uniform(0.72, 0.9)
        angle = rng.uniform(0, 6.28)
        x += (radius - shrunk) * 0.6 * np.cos(angle)
        y += (radius - shrunk) * 0.6 * np.sin(angle)
        radius, step = shrunk, step + 1


def _tiles(image: Image.Image, palette: list[Colour], rng: np.random.Generator) -> None:
    """Quarter circles, half circles and squares on a grid."""
    pen = ImageDraw.Draw(image)
    side = _SIZE // 6
    for row in range(6):
        for column in range(6):
            x, y = column * side, row * side
            colour, other = rng.permutation(len(palette))[:2]
            pen.rectangle((x, y, x + side, y + side), fill=palette[colour])
            start = 90 * int(rng.integers(4))
            corner_x, corner_y = x - side * (start in (0, 270)), y - side * (start in (0, 90))
            if rng.random() < 0.7:
                pen.pieslice(
                    (corner_x, corner_y, corner_x + 2 * side, corner_y + 2 * side),
                    start,
                    start + 90,
                    fill=palette[other],
                )
            else:
                pen.pieslice((x, y, x + side, y + side), start, start + 180, fill=palette[other])


def _bars(image: Image.Image, palette: list[Colour], rng: np.random.Generator) -> None:
    """A spectrum at rest."""
    pen = ImageDraw.Draw(image)
    count = 24
    width = _SIZE / (count + 2)
    middle = np.exp(-(((np.arange(count) - rng.uniform(8, 16)) / 7.0) ** 2))
    for bar in range(count):
        height = _SIZE * (0.06 + 0.5 * middle[bar] * rng.uniform(0.6, 1.0))
        x = width * (1 + bar)
        fill = _between(palette[1], palette[2], bar / (count - 1))
        pen.rounded_rectangle(
            (x + width * 0.18, _SIZE * 0.76 - height, x + width * 0.82, _SIZE * 0.76), width * 0.3, fill
        )
    pen.rectangle((width, _SIZE * 0.79, _SIZE - width, _SIZE * 0.79 + 3 * _SCALE), fill=palette[3])


def _pixels(image: Image.Image, palette: list[Colour], rng: np.random.Generator) -> None:
    """A creature of squares, the same on both sides."""
    pen = ImageDraw.Draw(image)
    cells, margin = 11, _SIZE * 0.14
    side = (_SIZE - 2 * margin) / cells
    for row in range(cells):
        for column in range(cells // 2 + 1):
            share = 0.75 - 0.05 * abs(row - 5) - 0.06 * (5 - column)
            if rng.random() > share:
                continue
            fill = palette[1 + int(rng.integers(len(palette) - 1))]
            for place in {column, cells - 1 - column}:
                x, y = margin + place * side, margin + row * side
                pen.rectangle((x, y, x + side - 2, y + side - 2), fill=fill)


def _horizon(image: Image.Image, palette: list[Colour], _rng: np.random.Generator) -> None:
    """A striped sun over a grid that runs to the horizon."""
    _fade(image, palette[0], palette[1])
    pen = ImageDraw.Draw(image)
    level, r = _SIZE * 0.62, _SIZE * 0.27
    pen.ellipse((_SIZE / 2 - r, level - r * 1.35, _SIZE / 2 + r, level + r * 0.65), fill=palette[2])
    for stripe in range(6):
        y = level - r * (0.75 - 0.16 * stripe)
        pen.rectangle((0, y, _SIZE, y + 3 * _SCALE * (1 + stripe)), fill=_between(palette[0], palette[1], y / _SIZE))
    pen.rectangle((0, level, _SIZE, _SIZE), fill=palette[0])
    for line in range(-14, 15):
        pen.line(
            (_SIZE / 2 + line * _SIZE * 0.03, level, _SIZE / 2 + line * _SIZE * 0.22, _SIZE), palette[3], _SCALE * 2
        )
    for line in range(9):
        y = level + (_SIZE - level) * (line / 8) ** 2
        pen.line((0, y, _SIZE, y), palette[3], _SCALE * 2)


def _leaves(image: Image.Image, palette: list[Colour], rng: np.random.Generator) -> None:
    """Stalks with leaves, swaying."""
    pen = ImageDraw.Draw(image)
    for stalk in range(5):
        x = _SIZE * (0.14 + 0.18 * stalk)
        lean = rng.uniform(-0.06, 0.06) * _SIZE
        height = rng.uniform(0.55, 0.8) * _SIZE
        colour = palette[1 + stalk % (len(palette) - 1)]
        points = [(x + lean * s**2, _SIZE - height * s) for s in np.linspace(0.0, 1.0, 24)]
        pen.line(points, fill=colour, width=5 * _SCALE)
        for index, (px, py) in enumerate(points[5:], 5):
            if index % 2:
                continue
            size = _SIZE * 0.085 * (1.15 - index / 24)
            side = -1 if index % 4 else 1
            leaf = [
                (px + side * size * u, py - size * 0.45 * u + side * w * size * 0.28 * np.sin(np.pi * u))
                for w, line in ((1, np.linspace(0, 1, 12)), (-1, np.linspace(1, 0, 12)))
                for u in line
            ]
            pen.polygon(leaf, fill=colour)


MOTIFS: Mapping[str, Motif] = {
    "hills": _hills,
    "waves": _waves,
    "rings": _rings,
    "tiles": _tiles,
    "bars": _bars,
    "pixels": _pixels,
    "horizon": _horizon,
    "leaves": _leaves,
}
"""What a cover can show, by name."""
