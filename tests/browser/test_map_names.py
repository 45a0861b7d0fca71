"""The map's names and colours, in a real Chromium: each where its songs lie thickest, for mouse and for fingers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Page, expect

from recommender.services.song_map import LABELS, NO_LABEL, WIDTH, Shown

from .conftest import Visit
from .test_map import answer_all, ask, place_of, song_map

pytestmark = pytest.mark.browser

# A crowd: how many songs, where its middle is, and its labels, the strongest first.
Crowd = tuple[int, tuple[int, int], list[int]]
NAMES = ["Jazz", "ambient", "techno", "folk", "polka", "waltz", "rock", "swing", "calm"]
JAZZ, AMBIENT, SWING, CALM = 0, 1, 7, 8


def crowds_of(*crowds: Crowd, spread: float = 900) -> Shown:
    """The map of some crowds of songs."""
    rng = np.random.default_rng(1)
    sizes = [songs for songs, _, _ in crowds]
    places = np.repeat([middle for _, middle, _ in crowds], sizes, axis=0)
    labels: NDArray[np.uint8] = np.full((sum(sizes), LABELS), NO_LABEL, np.uint8)
    for row, which in enumerate(np.repeat(np.arange(len(crowds)), sizes)):
        own = crowds[which][2]
        labels[row, : len(own)] = own
    return Shown(
        song_ids=np.arange(1, sum(sizes) + 1),
        places=(places + rng.normal(scale=spread, size=places.shape)).clip(0, WIDTH).astype(np.uint16),
        labels=labels,
        label_names=NAMES,
        label_kinds=["genre"] * CALM + ["mood"],
        left_out=0,
        not_drawn=0,
    )


def open_map(page: Page, shown: Shown) -> None:
    page.route("**/map/places", lambda route: route.fulfill(body=shown.packed))
    page.route("**/map/songs/**", answer_all)
    page.goto("/map/")
    song_map(page)


def captions(page: Page) -> dict[str, Any]:
    """What is written on the map, by text."""
    return {caption["text"]: caption for caption in ask(page, "map.captions.shown")}


def test_the_map_names_its_crowds_the_larger_ones_larger(visit: Visit) -> None:
    page = visit("/library/")
    open_map(page, crowds_of((300, (12_000, 30_000), [JAZZ]), (100, (52_000, 34_000), [AMBIENT])))
    named = captions(page)
    assert set(named) == {"jazz", "ambient"}
    assert abs(named["jazz"]["x"] - 12_000) < 3000
    assert abs(named["ambient"]["x"] - 52_000) < 3000
    assert named["jazz"]["size"] > named["ambient"]["size"]


def test_a_name_stands_in_its_crowd_and_not_between_it_and_stray_songs(visit: Visit) -> None:
    page = visit("/library/")
    strays = [(5, (60_000, 3000), [JAZZ]), (5, (3000, 3000), [JAZZ])]
    open_map(page, crowds_of((40, (8000, 60_000), [JAZZ]), *strays, (60, (40_000, 20_000), [AMBIENT])))
    jazz = captions(page)["jazz"]
    assert abs(jazz["x"] - 8000) < 3000
    assert abs(jazz["y"] - 60_000) < 3000


def test_every_colour_has_its_name_on_the_whole_map_and_other_labels_come_nearer(visit: Visit) -> None:
    page = visit("/library/")
    corners = [(x, y) for y in (5000, 30_000, 60_000) for x in (5000, 30_000, 60_000)]
    crowds = [(60 - 5 * label, corners[label], [label]) for label in range(7)]
    # A crowd of two that share a place, and one whose label has no colour.
    crowds += [(30, corners[0], [AMBIENT]), (12, corners[8], [SWING])]
    open_map(page, crowds_of(*crowds))
    coloured = set(page.get_by_role("list", name="What the colours mean").locator(".map-key-name").all_inner_texts())
    coloured.discard("")
    assert len(coloured) == 7
    assert set(captions(page)) == coloured
    ask(page, "map.zoom(1.8, ...map.onCanvas(map.points.length - 1))")
    page.wait_for_function(
        "() => document.querySelector('song-map').captions.shown.some(({ text }) => text === 'swing')"
    )


def test_a_song_whose_strongest_genre_has_no_colour_takes_that_of_its_next(visit: Visit) -> None:
    page = visit("/library/")
    crowds = [(20, (5000 + 9000 * label, 30_000), [label]) for label in range(7)]
    open_map(page, crowds_of(*crowds, (6, (60_000, 60_000), [SWING, CALM, JAZZ]), (6, (60_000, 5000), [SWING, CALM])))
    tones = ask(page, "[...map.legend.tone]")
    assert tones[140:146] == [tones[0]] * 6
    assert tones[146:] == [0] * 6
    legend = page.get_by_role("list", name="What the colours mean")
    expect(legend.get_by_role("button", name="jazz")).to_contain_text("26 songs")
    expect(legend.get_by_text("others")).to_be_visible()
    expect(legend.locator(".map-key-other")).to_contain_text("6 songs")


def test_where_few_songs_are_in_sight_each_has_its_title_beside_it(visit: Visit) -> None:
    page = visit("/map/")
    song_map(page)
    titles = ask(page, "map.named([...map.points.ids.keys()].filter(map.legend.counts))")
    page.wait_for_function(
        "n => document.querySelector('song-map').captions.shown.length === n", arg=len(titles), timeout=30_000
    )
    assert all(title["dataset"]["title"][:23] in " ".join(captions(page)) for title in titles)
    page.wait_for_function("() => document.querySelector('song-map').drawing.written.length > 2")
    for written in ask(page, "map.drawing.written"):
        assert written["half"] <= written["x"] <= ask(page, "map.drawing.width") - written["half"] + 1


def test_lighting_up_names_the_lit_songs_and_closes_the_card_of_an_earlier_tap(visit: Visit) -> None:
    page = visit("/library/", size="phone", has_touch=True)
    open_map(
        page,
        crowds_of((50, (8000, 60_000), [JAZZ, CALM]), (60, (34_000, 34_000), [AMBIENT]), (5, (60_000, 5000), [SWING])),
    )
    page.touchscreen.tap(*place_of(page, 55))
    card = page.locator("[data-map-card]")
    expect(card).to_be_visible()
    page.get_by_label("Light up").select_option("calm")
    expect(card).to_be_hidden()
    page.wait_for_function(
        "() => document.querySelector('song-map').captions.shown.map(({ text }) => text).join() === 'calm'"
    )
    assert abs(captions(page)["calm"]["y"] - 60_000) < 3000


@pytest.mark.parametrize(("options", "said"), [({}, "Point at a song"), ({"is_mobile": True}, "Tap a song")])
def test_the_page_says_how_it_is_used_by_mouse_or_by_finger(visit: Visit, options: dict[str, Any], said: str) -> None:
    page = visit("/map/", size="phone" if options else "desktop", **options, has_touch=bool(options))
    assert page.locator("#map-how").inner_text().count("a song to see what it is") == 1
    assert said in page.locator("#map-how").inner_text()


def test_coloured_by_genre_the_map_names_genres_alone_nearer_too(visit: Visit) -> None:
    page = visit("/library/")
    crowds = [(30, (5000 + 9000 * label, 30_000), [label]) for label in range(7)]
    open_map(page, crowds_of(*crowds, (60, (60_000, 60_000), [CALM, SWING])))
    ask(page, "map.zoom(1.8, ...map.onCanvas(map.points.length - 1))")
    page.wait_for_function(
        "() => document.querySelector('song-map').captions.shown.some(({ text }) => text === 'swing')"
    )
    assert "calm" not in captions(page)
    page.get_by_label("Colour by").select_option("strongest label")
    page.wait_for_function(
        "() => document.querySelector('song-map').captions.shown.some(({ text }) => text === 'calm')"
    )
