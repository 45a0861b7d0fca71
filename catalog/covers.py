"""A cover for a song whose file has none, and a picture of an artist of whom there is none. Plain Python, no Django.

The artist decides the hue and the initials, so that one artist's songs are found at a glance and others look other;
what is heard in the song decides the form: its strongest label which one, the strength of each how much room it has.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Iterator, Mapping

from .names import artist_key

SIZE = 320
"""Width and height of a cover, in the units of the drawing."""

DRAWING = 2
"""Raised whenever covers are drawn in another way: browsers fetch them anew."""

_MOST_COLOURS = 5
_SPREAD = 70.0
"""Degrees between which the hues of one cover lie."""
_WORDS = re.compile(r"[^\W_]+")
_PASSED_OVER = frozenset({"the", "a", "an", "and"})


def draw_cover(title: str, artist: str, labels: Mapping[str, float]) -> str:
    """An SVG document: always the same one for the same song and labels.

    Parameters
    ----------
    title, artist : str
        A song of nobody's has the hue and the initials of its title.
    labels : mapping of name to strength
        Above 0, in any unit; empty for a song nobody has labelled yet.
    """
    chance = _chances(f"{title}\n{artist}")
    ranked = sorted(labels.items(), key=lambda item: (-item[1], item[0]))[:_MOST_COLOURS]
    names = [name for name, _ in ranked] or [f"{title} {n}" for n in range(3)]
    shares = [strength / ranked[0][1] for _, strength in ranked] or [1.0, 0.7, 0.45]
    own = hue_of(artist or title)
    hues = [own + _SPREAD * (_share(name) - 0.5) for name in names]
    form = _FORMS[_digest(names[0])[1] % len(_FORMS)]
    return _document(own, "".join(form(hues, shares, chance)), initials(artist or title))


def draw_artist(name: str) -> str:
    """An SVG document for an artist, always the same one for the same name: hue and initials as on the covers."""
    own, chance = hue_of(name), _chances(name)
    x, y = (SIZE * (0.25 + 0.5 * next(chance)) for _ in range(2))
    rings = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{SIZE * radius:.1f}" fill="{_colour(own + turn, place)}"/>'
        for place, (radius, turn) in enumerate([(0.62, 25.0), (0.42, -25.0), (0.22, 0.0)])
    )
    return _document(own, rings, initials(name))


def initials(name: str) -> str:
    """The first letters of the first and the last word that say something, of one word its first; empty for signs."""
    words = _WORDS.findall(name)
    words = [word for word in words if word.casefold() not in _PASSED_OVER] or words
    return "".join(word[0].upper()[:1] for word in dict.fromkeys([*words[:1], *words[-1:]]))


def hue_of(name: str) -> float:
    """A name's own hue, in degrees, however it is written."""
    return 360 * _share(artist_key(name) or name)


def _document(hue: float, shapes: str, letters: str) -> str:
    size = {0: 0, 1: 170}.get(len(letters), 132)
    text = (
        f'<text x="{SIZE / 2:g}" y="{SIZE / 2 + 0.36 * size:.1f}" font-size="{size}" font-weight="600"'
        f' font-family="system-ui, sans-serif" text-anchor="middle" fill="#ffffff">{letters}</text>'
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIZE} {SIZE}" width="{SIZE}" height="{SIZE}">'
        f'<rect width="{SIZE}" height="{SIZE}" fill="{oklch(0.36, 0.075, hue)}"/>'
        f"{shapes}{text if letters else ''}</svg>"
    )


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=32).digest()


def _share(name: str) -> float:
    """A number in [0, 1) of a name's own."""
    return int.from_bytes(_digest(name.casefold())[2:4]) / 65536


def _chances(seed: str) -> Iterator[float]:
    """Numbers in [0, 1), the same ones for the same seed, without end."""
    block = _digest(seed)
    while True:
        for place in range(0, len(block), 2):
            yield int.from_bytes(block[place : place + 2]) / 65536
        block = _digest(block.hex())


def _colour(hue: float, place: int) -> str:
    """The colour of the label of this place in the ranking: the first is the lightest, and white is read on all."""
    return oklch(0.60 - 0.04 * place, 0.12, hue)


def _rings(hues: list[float], shares: list[float], chance: Iterator[float]) -> Iterator[str]:
    x, y = (SIZE * (0.2 + 0.6 * next(chance)) for _ in range(2))
    radius = SIZE * (0.52 + 0.16 * next(chance))
    widths = [radius * share / (sum(shares) + 0.35) for share in shares]
    for place in reversed(range(len(hues))):
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{_colour(hues[place], place)}"/>'
        radius -= widths[place]
    yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{max(radius, 6):.1f}" fill="{oklch(0.32, 0.07, hues[0])}"/>'


def _hills(hues: list[float], shares: list[float], chance: Iterator[float]) -> Iterator[str]:
    sun_x, sun_y = SIZE * (0.2 + 0.6 * next(chance)), SIZE * (0.18 + 0.14 * next(chance))
    yield f'<circle cx="{sun_x:.1f}" cy="{sun_y:.1f}" r="{34 + 22 * next(chance):.1f}" fill="{_colour(hues[0], 0)}"/>'
    top = SIZE * 0.42
    for place in reversed(range(len(hues))):
        height = 26 + 34 * shares[place]
        phase, wave = math.tau * next(chance), 0.7 + 1.1 * next(chance)
        line = " ".join(
            f"{x},{top + height * (0.5 + 0.5 * math.sin(phase + wave * math.tau * x / SIZE)):.1f}"
            for x in range(0, SIZE + 1, 8)
        )
        colour = _colour(hues[place], place)
        yield f'<polygon points="0,{SIZE} {line} {SIZE},{SIZE}" fill="{colour}" fill-opacity="0.92"/>'
        top += SIZE * 0.5 / len(hues)


def _discs(hues: list[float], shares: list[float], chance: Iterator[float]) -> Iterator[str]:
    turn = math.tau * next(chance)
    for place, (hue, share) in enumerate(zip(hues, shares, strict=True)):
        radius = SIZE * (0.13 + 0.21 * share)
        away = SIZE * (0.10 + 0.16 * next(chance))
        angle = turn + math.tau * place / len(hues)
        x, y = SIZE / 2 + away * math.cos(angle), SIZE / 2 + away * math.sin(angle)
        colour = _colour(hue, place)
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{colour}" fill-opacity="0.86"/>'


def _bars(hues: list[float], shares: list[float], chance: Iterator[float]) -> Iterator[str]:
    bars, total, margin = 15, sum(shares), SIZE * 0.09
    step = (SIZE - 2 * margin) / bars
    phases = [(math.tau * next(chance), 0.5 + 2 * next(chance)) for _ in range(3)]
    for bar in range(bars):
        reached, place = (bar + 0.5) / bars * total, 0
        while place < len(shares) - 1 and reached > shares[place]:
            reached -= shares[place]
            place += 1
        swing = sum(math.sin(phase + wave * math.tau * bar / bars) for phase, wave in phases) / len(phases)
        height = SIZE * (0.38 + 0.30 * swing)
        yield (
            f'<rect x="{margin + bar * step + step * 0.18:.1f}" y="{(SIZE - height) / 2:.1f}" '
            f'width="{step * 0.64:.1f}" height="{height:.1f}" rx="{step * 0.32:.1f}" '
            f'fill="{_colour(hues[place], place)}"/>'
        )


_FORMS: list[Callable[[list[float], list[float], Iterator[float]], Iterator[str]]] = [_rings, _hills, _discs, _bars]


def oklch(lightness: float, chroma: float, hue: float) -> str:
    """A colour of the OKLCH space as `#rrggbb`, cut to what a screen shows.

    Parameters
    ----------
    lightness : float
        0 to 1, as the eye judges it: two hues of one lightness look equally light.
    chroma : float
        0 (grey) to about 0.37.
    hue : float
        Degrees.

    References
    ----------
    B. Ottosson, A perceptual color space for image processing, 2020.
    """
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
    return "#" + "".join(f"{round(255 * _gamma(min(max(channel, 0.0), 1.0))):02x}" for channel in linear)


def _gamma(linear: float) -> float:
    return 12.92 * linear if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055
