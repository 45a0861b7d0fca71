"""The map's colours: each differs from every other one, for people with any kind of colour vision."""

from __future__ import annotations

import re
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from catalog.home import PROJECT_ROOT

Array = NDArray[np.float64]

LEAST_DISTANCE = 17
"""CIEDE2000, of any two, for normal and colour-deficient vision."""

LEAST_CONTRAST = 3
"""Of what is drawn, by WCAG 2.2."""

# G. M. Machado, M. M. Oliveira, L. A. F. Fernandes: A physiologically-based model for simulation of color vision
# deficiency, 2009; severity 1, of linear sRGB.
VISIONS = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
SCHEMES = ("light", "dark")
_WHITE = np.array([0.95047, 1.0, 1.08883])
_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def linear(colour: str) -> Array:
    """A colour such as #00ff00 as linear sRGB, 0 to 1."""
    parts = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def lab(rgb: Array) -> Array:
    """CIELAB of linear sRGB, of a white of D65."""
    ratio = _TO_XYZ @ rgb.clip(0, 1) / _WHITE
    x, y, z = np.where(ratio > 216 / 24389, np.cbrt(ratio), (24389 / 27 * ratio + 16) / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def distance(one: Array, other: Array) -> float:
    """CIEDE2000 of two CIELAB colours (G. Sharma, W. Wu, E. N. Dalal, 2005)."""
    (light, a, b), chroma = np.stack([one, other], axis=1), np.hypot(*np.stack([one[1:], other[1:]], axis=1))
    a = a * (1 + 0.5 * (1 - np.sqrt(_share(chroma.mean()))))
    chroma, hue = np.hypot(a, b), np.degrees(np.arctan2(b, a)) % 360
    turn = (hue[1] - hue[0] + 180) % 360 - 180 if chroma.prod() else 0.0
    middle = hue[0] + turn / 2 if chroma.prod() else hue.sum()
    height, colourful = light.mean(), chroma.mean()
    turns = [(-0.17, 1, -30), (0.24, 2, 0), (0.32, 3, 6), (-0.20, 4, -63)]
    hues = 1 + sum(weight * np.cos(np.radians(times * middle + by)) for weight, times, by in turns)
    steps = np.array(
        [
            (light[1] - light[0]) / (1 + 0.015 * (height - 50) ** 2 / np.sqrt(20 + (height - 50) ** 2)),
            (chroma[1] - chroma[0]) / (1 + 0.045 * colourful),
            2 * np.sqrt(chroma.prod()) * np.sin(np.radians(turn / 2)) / (1 + 0.015 * colourful * hues),
        ]
    )
    blue = 30 * np.exp(-((((middle % 360) - 275) / 25) ** 2))
    twist = -2 * np.sqrt(_share(colourful)) * np.sin(np.radians(2 * blue))
    return float(np.sqrt(steps @ steps + twist * steps[1] * steps[2]))


def _share(chroma: float) -> float:
    return chroma**7 / (chroma**7 + 25**7)


def colours(scheme: str) -> list[str]:
    """The map's colours, that of songs without one first."""
    css = (PROJECT_ROOT / "static" / "css" / "map.css").read_text()
    found = re.findall(r"\.map-colour-\d \{\s*color: light-dark\((#\w+), (#\w+)\)", css)
    return [pair[SCHEMES.index(scheme)] for pair in found]


def ground(scheme: str) -> str:
    css = (PROJECT_ROOT / "static" / "css" / "tokens.css").read_text()
    found = re.search(r"--surface: light-dark\((#\w+), (#\w+)\)", css)
    assert found is not None
    return found[1 + SCHEMES.index(scheme)]


def nearest(of: list[str], vision: str) -> float:
    """The least distance of two of some colours."""
    seen = [lab(VISIONS[vision] @ linear(colour)) for colour in of]
    return min(distance(one, other) for one, other in combinations(seen, 2))


@pytest.mark.parametrize(
    ("one", "other", "published"),
    [
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((50, -0.001, 2.49), (50, 0.0011, -2.49), 4.7461),
        ((22.7233, 20.0904, -46.694), (23.0331, 14.973, -42.5619), 2.0373),
        ((2.0776, 0.0795, -1.135), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_the_distance_is_that_of_its_authors(
    one: tuple[float, float, float], other: tuple[float, float, float], published: float
) -> None:
    assert distance(np.array(one), np.array(other)) == pytest.approx(published, abs=5e-5)


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_two_colours_of_the_map_differ(scheme: str, vision: str) -> None:
    of = colours(scheme)
    assert len(of) == 8
    assert nearest(of, vision) >= (23 if vision == "normal" else LEAST_DISTANCE)


def test_a_rose_and_a_grey_that_look_alike_without_red_are_told_to_be_too_near() -> None:
    # Two colours that the map had in the dark.
    assert nearest(["#757d79", "#c47689"], "normal") > LEAST_DISTANCE
    assert nearest(["#757d79", "#c47689"], "protanopia") < 6


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_colour_of_the_map_stands_out_from_its_ground(scheme: str) -> None:
    behind = float(_TO_XYZ[1] @ linear(ground(scheme)))
    for colour in colours(scheme):
        low, high = sorted([behind, float(_TO_XYZ[1] @ linear(colour))])
        assert (high + 0.05) / (low + 0.05) >= LEAST_CONTRAST, colour
