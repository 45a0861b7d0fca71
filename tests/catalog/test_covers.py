"""Covers drawn from labels."""

import re
import xml.etree.ElementTree as ET
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from catalog.cover_pictures import drawn
from catalog.covers import draw_artist, draw_cover, initials, oklch

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


def ground_of(drawing: str) -> str:
    return drawing.split("<rect")[1].split("/>")[0]


def kinds_of(drawing: str) -> list[str]:
    return [shape.tag.rpartition("}")[2] for shape in ET.fromstring(drawing)]  # noqa: S314


def test_an_artists_songs_share_their_hue_and_initials_and_are_not_the_same() -> None:
    one, other = draw_cover("One", "Nina Simone", {"jazz": 0.9}), draw_cover("Other", "Nina Simone", {"soul": 0.9})
    assert one != other
    assert ground_of(one) == ground_of(other)
    assert ">NS</text>" in one
    assert ">NS</text>" in other


def test_songs_of_one_label_by_different_artists_are_told_apart_at_a_glance() -> None:
    drawings = [draw_cover("Song", artist, {"jazz": 0.9}) for artist in ("Nina Simone", "Miles Davis", "Enya", "Moby")]
    assert len({ground_of(drawing) for drawing in drawings}) == len(drawings)


def test_what_is_heard_decides_the_form() -> None:
    by_label = {label: kinds_of(draw_cover("Song", "Nina", {label: 1.0})) for label in ("jazz", "metal", "ambient")}
    assert len({str(kinds) for kinds in by_label.values()}) > 1
    assert kinds_of(draw_cover("Other", "Miles", {"jazz": 1.0})) == by_label["jazz"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Nina Simone", "NS"),
        ("The Beatles", "B"),
        ("Enya", "E"),
        ("a-ha", "H"),
        ("Crosby, Stills & Nash", "CN"),
        ("ヨアソビ", "ヨ"),
        ("Sigur Rós", "SR"),
        ("!!!", ""),
        ("", ""),
        ("The The", "T"),
    ],
)
def test_initials(name: str, expected: str) -> None:
    assert initials(name) == expected


@given(name=NAMES)
def test_every_picture_of_an_artist_is_a_drawing(name: str) -> None:
    assert len(ET.fromstring(draw_artist(name))) > 1  # noqa: S314
    assert draw_artist(name) == draw_artist(name)


def test_initials_are_in_the_pictures_that_players_get() -> None:
    def white(artist: str) -> int:
        with Image.open(BytesIO(drawn(draw_cover("Song", artist, {"jazz": 1.0}), 128))) as picture:
            return int((np.asarray(picture.convert("RGB")) == 255).all(axis=2).sum())

    assert white("Nina Simone") > 100
    assert white("!!!") == 0
    # There is no font for these: none is better than an empty box.
    assert white("ヨアソビ") == 0


@pytest.mark.parametrize(
    ("colour", "expected"),
    [((1.0, 0.0, 0.0), "#ffffff"), ((0.0, 0.0, 0.0), "#000000"), ((0.62796, 0.25768, 29.234), "#ff0000")],
)
def test_oklch_against_known_colours(colour: tuple[float, float, float], expected: str) -> None:
    assert oklch(*colour) == expected
