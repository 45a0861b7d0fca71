"""Covers drawn from labels."""

import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.covers import draw_cover, oklch

NAMES = st.text(max_size=40)
LABELS = st.dictionaries(st.text(min_size=1, max_size=20), st.floats(0.001, 1000), max_size=9)


@given(title=NAMES, artist=NAMES, labels=LABELS)
def test_every_cover_is_a_drawing_without_scripts_styles_or_names(
    title: str, artist: str, labels: dict[str, float]
) -> None:
    drawing = draw_cover(title, artist, labels)
    shapes = ET.fromstring(drawing)  # noqa: S314
    assert len(shapes) > 1
    assert re.fullmatch(r"[\w\s\"'#<>/.:,=-]*", drawing)
    assert "style" not in drawing
    assert "nan" not in drawing
    assert len(drawing) < 4000


def test_the_same_song_has_the_same_cover() -> None:
    assert draw_cover("Song", "Nina", {"jazz": 0.9, "calm": 0.2}) == draw_cover(
        "Song", "Nina", {"calm": 0.2, "jazz": 0.9}
    )


def test_songs_of_the_same_labels_look_related_but_not_the_same() -> None:
    one, other = draw_cover("One", "Nina", {"jazz": 0.9}), draw_cover("Other", "Miles", {"jazz": 0.9})
    assert one != other
    assert one.split("<rect")[1].split("/>")[0] == other.split("<rect")[1].split("/>")[0]


@pytest.mark.parametrize(
    ("colour", "expected"),
    [((1.0, 0.0, 0.0), "#ffffff"), ((0.0, 0.0, 0.0), "#000000"), ((0.62796, 0.25768, 29.234), "#ff0000")],
)
def test_oklch_against_known_colours(colour: tuple[float, float, float], expected: str) -> None:
    assert oklch(*colour) == expected
