"""The map, in a real Chromium: it is drawn, told, played, moved and looped by mouse, finger and keyboard."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, Route, expect

from recommender.services.song_map import LABELS, WIDTH, Shown

from .conftest import Visit, follow_tab
from .test_site import is_ahead, sideways

pytestmark = pytest.mark.browser

ON_MAP = 11
MANY = 20_000


def song_map(page: Page) -> Locator:
    """The map, once it is drawn and its list is there."""
    page.locator("song-map[data-ready]").wait_for()
    page.locator("[data-map-list] li").first.wait_for()
    return page.locator("song-map")


def canvas(page: Page) -> Locator:
    return page.get_by_role("application", name="Map of songs")


def count_of(page: Page) -> Locator:
    return page.locator("[data-map-count]")


def ask(page: Page, expression: str, arg: Any = None) -> Any:
    """The value of an expression over `map`, the element of the map, and `arg`."""
    return page.evaluate(f"arg => {{ const map = document.querySelector('song-map'); return {expression}; }}", arg)


def all_lit(page: Page) -> int:
    """How many songs are not pale."""
    return int(ask(page, "[...map.legend.tone].filter(tone => tone < 255).length"))


def place_of(page: Page, number: int) -> tuple[float, float]:
    """Where in the window the dot of a song lies."""
    canvas(page).scroll_into_view_if_needed()
    box = canvas(page).bounding_box()
    assert box is not None
    x, y = ask(page, "map.onCanvas(arg)", number)
    return box["x"] + x, box["y"] + y


def title_of(page: Page, number: int) -> str:
    return str(ask(page, "map.named([arg]).then(songs => songs[0].dataset.title)", number))


def colour_at(page: Page, number: int) -> list[int]:
    """Of which colour the canvas is where a song lies."""
    at = "...map.onCanvas(arg).map(value => Math.round(value * map.drawing.ratio))"
    found: list[int] = ask(page, f"[...map.drawing.context.getImageData({at}, 1, 1).data].slice(0, 3)", number)
    return found


def draw_around(page: Page, numbers: list[int], margin: float = 24) -> None:
    """Press the mouse, and lead it around some songs."""
    places = [place_of(page, number) for number in numbers]
    xs, ys = [x for x, _ in places], [y for _, y in places]
    middle = (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2
    radius = max(math.dist(middle, place) for place in places) + margin
    for step in range(33):
        turn = 2 * math.pi * step / 32
        page.mouse.move(middle[0] + radius * math.cos(turn), middle[1] + radius * math.sin(turn))
        if step == 0:
            page.mouse.down()
    page.mouse.up()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["narrow", "phone", "desktop"])
def test_the_map_is_drawn_with_its_legend_and_its_list(visit: Visit, size: str, scheme: str) -> None:
    page = visit("/", size=size, color_scheme=scheme)
    follow_tab(page, "Map")
    expect(page.get_by_role("heading", level=1)).to_have_text("Map")
    song_map(page)
    assert ask(page, "[map.points.length, map.drawing.dots]") == [ON_MAP, ON_MAP]
    expect(page.get_by_role("main")).to_contain_text(f"{ON_MAP} songs · 1 more is not on it yet")
    expect(page.get_by_role("list", name="What the colours mean").get_by_role("button").first).to_be_visible()
    lit = ask(page, "[...map.legend.tone].findIndex(tone => tone > 0 && tone < 255)")
    ground = ask(page, "map.drawing.rgb.ground")
    assert colour_at(page, lit) == ask(page, "map.drawing.rgb.dots[map.legend.tone[arg]]", lit)
    assert colour_at(page, lit) != ground
    assert sideways(page) == 0


def test_pointing_at_a_song_says_what_it_is_and_a_click_plays_it(visit: Visit) -> None:
    page = visit("/map/")
    song_map(page)
    title = title_of(page, 2)
    page.mouse.move(*place_of(page, 2))
    card = page.locator("[data-map-card]")
    expect(card).to_contain_text(title)
    expect(card).to_contain_text(str(ask(page, "map.points.namesOf(2, 1)[0]")))
    page.mouse.click(*place_of(page, 2))
    expect(page.get_by_role("region", name="Player").get_by_role("link").first).to_have_text(title)
    is_ahead(page, 0.1)
    assert ask(page, "map.playing") == 2
    box = canvas(page).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 4, box["y"] + box["height"] - 4)
    expect(card).to_be_hidden()


def test_the_artists_in_a_card_lead_to_their_pages(visit: Visit) -> None:
    page = visit("/map/")
    song_map(page)
    title = title_of(page, 2)
    page.mouse.move(*place_of(page, 2))
    card = page.locator("[data-map-card]")
    expect(card).to_contain_text(title)
    link = card.locator(".map-card-by").get_by_role("link").first
    name = link.inner_text()
    box = link.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=8)
    expect(card).to_contain_text(title)
    link.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def test_a_finger_is_told_first_and_plays_with_the_second_tap(visit: Visit) -> None:
    page = visit("/map/", size="phone", has_touch=True)
    song_map(page)
    title = title_of(page, 5)
    page.touchscreen.tap(*place_of(page, 5))
    expect(page.locator("[data-map-card]")).to_contain_text("Tap again to play it")
    expect(page.locator("[data-map-card]")).to_contain_text(title)
    expect(page.get_by_role("region", name="Player")).to_be_hidden()
    page.touchscreen.tap(*place_of(page, 5))
    expect(page.get_by_role("region", name="Player").get_by_role("link").first).to_have_text(title)


def test_a_loop_takes_the_songs_inside_to_play_to_queue_and_to_keep(visit: Visit) -> None:
    page = visit("/map/")
    song_map(page)
    near = ask(page, "map.points.around(map.points.x[0], map.points.y[0], 3, map.legend.counts)")
    button = page.get_by_role("button", name="Draw a loop")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    draw_around(page, near)
    expect(count_of(page)).to_contain_text("inside the loop")
    inside = ask(page, "map.list.songs.length")
    assert inside >= 3
    assert set(near) <= set(ask(page, "map.list.songs"))
    expect(page.locator("[data-map-list] li")).to_have_count(inside)
    page.get_by_role("button", name="Play these").click()
    queue = page.get_by_role("button", name="Queue", exact=True)
    queue.click()
    expect(page.locator(".queue-song")).to_have_count(inside)
    # The open queue lies over the list of the map.
    queue.click()
    page.get_by_role("button", name="Add to the queue").click()
    queue.click()
    expect(page.locator(".queue-song")).to_have_count(2 * inside)
    page.get_by_role("button", name="Queue", exact=True).click()
    page.get_by_role("button", name="Save as a playlist").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("New playlist")).to_have_value("From the map")
    dialog.get_by_role("button", name="Make it").click()
    expect(dialog).to_contain_text(re.compile(rf"{inside} songs?"))
    # What closes the dialog leaves the loop.
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert ask(page, "map.closed")
    page.get_by_role("button", name="Remove the loop").click()
    expect(count_of(page)).to_contain_text("in sight")


def test_the_keyboard_moves_zooms_and_plays(visit: Visit) -> None:
    page = visit("/map/")
    song_map(page)
    canvas(page).focus()
    before = ask(page, "map.view")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("+")
    now = ask(page, "map.view")
    assert now["x"] > before["x"]
    assert now["y"] > before["y"]
    assert now["scale"] > before["scale"]
    page.keyboard.press("-")
    page.keyboard.press("Home")
    assert ask(page, "map.view") == before
    card = page.locator("[data-map-card]")
    expect(card).to_contain_text("Enter plays it")
    title = card.locator(".map-card-title").inner_text()
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Player").get_by_role("link").first).to_have_text(title)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Draw a loop")).to_be_focused()


def test_the_list_has_what_is_in_sight_and_plays_like_any_other(visit: Visit) -> None:
    page = visit("/map/")
    song_map(page)
    in_sight = int(count_of(page).inner_text().split()[0])
    assert in_sight == all_lit(page)
    x, y = place_of(page, 0)
    page.mouse.move(x, y)
    for _ in range(12):
        page.mouse.wheel(0, -240)
    expect(count_of(page)).not_to_have_text(f"{in_sight} songs in sight")
    assert int(count_of(page).inner_text().split()[0]) < in_sight
    first = page.locator("[data-map-list] li").first
    title = first.locator(".song-line-title").inner_text()
    first.get_by_role("button", name=f"Play {title}").click()
    expect(page.get_by_role("region", name="Player").get_by_role("link").first).to_have_text(title)
    expect(first).to_have_attribute("data-current", "")
    first.get_by_role("button", name=f"More for {title}").click()
    expect(page.locator("#song-menu")).to_be_visible()


def test_a_label_lights_up_its_songs(visit: Visit) -> None:
    page = visit("/map/")
    song_map(page)
    key = page.get_by_role("list", name="What the colours mean").get_by_role("button").first
    key.click()
    expect(key).to_have_attribute("aria-pressed", "true")
    name = key.locator(".map-key-name").inner_text()
    expect(count_of(page)).to_contain_text(f"in sight, {name}")
    lit = all_lit(page)
    assert 0 < lit < ON_MAP
    assert int(count_of(page).inner_text().split()[0]) == lit
    page.get_by_label("Light up").select_option("all songs")
    expect(key).to_have_attribute("aria-pressed", "false")
    page.get_by_label("Colour by").select_option("mood")
    legend = page.get_by_role("list", name="What the colours mean")
    expect(legend).not_to_contain_text("jazz")
    expect(legend).to_contain_text("calm")


def test_songs_that_were_refused_are_pale_and_taken_by_nothing(visit: Visit) -> None:
    page = visit("/map/")
    song_map(page)
    refused = ask(page, "[...map.pale].findIndex(pale => pale)")
    assert refused >= 0
    assert ask(page, "map.legend.tone[arg]", refused) == 255
    assert refused not in ask(page, "map.list.songs")
    page.mouse.move(*place_of(page, refused))
    expect(page.locator("[data-map-card]")).to_contain_text("not for you")


def test_two_fingers_zoom(visit: Visit) -> None:
    page = visit("/map/", size="phone", has_touch=True)
    song_map(page)
    before = ask(page, "map.view.scale")
    box = canvas(page).bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch = page.context.new_cdp_session(page)

    def fingers(kind: str, apart: float) -> None:
        points = [{"x": x - apart, "y": y, "id": 0}, {"x": x + apart, "y": y, "id": 1}] if apart else []
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    fingers("touchStart", 30)
    for apart in (40, 50, 60, 70, 80):
        fingers("touchMove", apart)
    fingers("touchEnd", 0)
    assert ask(page, "map.view.scale") > 1.5 * before


def test_another_page_and_back_begins_the_map_again(visit: Visit) -> None:
    page = visit("/map/")
    song_map(page)
    page.get_by_role("link", name="Library", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Library")
    page.go_back()
    song_map(page)
    assert ask(page, "map.drawing.dots") == ON_MAP


def test_a_server_that_is_gone_is_said(visit: Visit) -> None:
    page = visit("/library/", forgive=("503", "Failed to load"))
    page.route("**/map/places", lambda route: route.fulfill(status=503, body="Later."))
    page.goto("/map/")
    expect(page.get_by_text("The map could not be loaded. Reload the page to try again.")).to_be_visible()


def test_a_song_that_is_gone_by_now_leaves_the_map(visit: Visit) -> None:
    page = visit("/library/")
    page.route("**/map/songs/**", without_the_first)
    page.goto("/map/")
    song_map(page)
    ask(page, "map.named([...map.points.ids.keys()])")
    assert ask(page, "[...map.points.gone].reduce((sum, gone) => sum + gone, 0)") >= 1
    ask(page, "map.draw()")
    page.wait_for_function(f"() => document.querySelector('song-map').drawing.dots < {ON_MAP}")


def without_the_first(route: Route) -> None:
    answer = route.fetch()
    route.fulfill(response=answer, body=json.dumps({"songs": answer.json()["songs"][1:]}))


def many_points() -> bytes:
    """Twenty thousand songs in forty heaps."""
    rng = np.random.default_rng(1)
    heaps = rng.integers(4000, WIDTH - 4000, (40, 2))
    places = heaps[rng.integers(0, 40, MANY)] + rng.normal(scale=1500, size=(MANY, 2))
    return Shown(
        song_ids=np.arange(1, MANY + 1),
        places=places.clip(0, WIDTH).astype(np.uint16),
        labels=rng.integers(0, 40, (MANY, LABELS)).astype(np.uint8),
        label_names=[f"label {number}" for number in range(40)],
        label_kinds=["genre"] * 40,
        left_out=0,
        not_drawn=0,
    ).packed


def open_many(page: Page) -> None:
    """The map with twenty thousand songs, of which none is there when it is asked for."""
    page.route("**/map/places", lambda route: route.fulfill(body=many_points()))
    page.route("**/map/songs/**", answer_all)
    page.goto("/map/")
    song_map(page)


def answer_all(route: Route) -> None:
    ids = re.findall(r"\d+", route.request.url.partition("songs=")[2])
    named = {"title": "A song", "artist": "Somebody", "cover": "/static/icons/favicon.svg", "seconds": 60}
    route.fulfill(json={"songs": [{"id": int(pk), "song": f"/songs/{pk}/", **named} for pk in ids]})


def test_twenty_thousand_songs_are_drawn_once_a_frame_and_nothing_else_is_done_while_they_move(visit: Visit) -> None:
    page = visit("/library/")
    open_many(page)
    expect(count_of(page)).to_have_text(f"{all_lit(page):,} songs in sight")
    assert ask(page, "map.drawing.dots") == MANY
    done = ask(
        page,
        """(async () => {
            const watch = new MutationObserver(() => {});
            watch.observe(map, { childList: true, subtree: true, characterData: true });
            const frame = () => new Promise(requestAnimationFrame);
            await frame();
            await frame();
            const [frames, fetches] = [map.drawing.frames, map.names.fetches];
            for (let move = 0; move < 300; move += 1) map.pan(1, 1);
            const [changed, asked] = [watch.takeRecords().length, map.names.fetches - fetches];
            await frame();
            await frame();
            const burst = map.drawing.frames - frames;
            for (let shown = 0; shown < 20; shown += 1) {
                for (let move = 0; move < 15; move += 1) map.pan(-1, -1);
                await frame();
            }
            watch.disconnect();
            return { burst, changed, asked, drawn: map.drawing.frames - frames - burst };
        })()""",
    )
    # Three hundred moves before a frame are one drawing, and ask and change nothing but the picture.
    assert (done["burst"], done["changed"], done["asked"]) == (1, 0, 0)
    assert done["drawn"] <= 21


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_no_name_lies_under_a_button_nor_over_another_one(visit: Visit, size: str) -> None:
    page = visit("/library/", size=size)
    page.route("**/map/places", lambda route: route.fulfill(body=heaps_in_the_corners()))
    page.route("**/map/songs/**", answer_all)
    page.goto("/map/")
    song_map(page)
    page.wait_for_function("() => document.querySelector('song-map').drawing.written.length >= 3")
    names, buttons = ask(page, "[map.drawing.written, map.drawing.covering]")
    for name in names:
        assert not any(over_one_another(name, other) for other in [*buttons, *names] if other is not name), name
    # Where they belong there is a button.
    belongs = ask(
        page,
        """map.captions.shown.map(({ x, y, size }) => {
            const { canvas, ratio } = map.drawing;
            const from = (at, middle, across) => ((at - middle) * map.view.scale + across / 2) * ratio;
            const place = { x: from(x, map.view.x, canvas.clientWidth), y: from(y, map.view.y, canvas.clientHeight) };
            return { ...place, y: Math.max(place.y, size), half: 9, tall: 9 };
        })""",
    )
    assert any(over_one_another(place, button) for place in belongs for button in buttons)


def over_one_another(one: dict[str, float], other: dict[str, float]) -> bool:
    """Whether two boxes, by their middles and half sides, share more than an edge."""
    return all(abs(one[at] - other[at]) < one[half] + other[half] - 0.02 for at, half in (("x", "half"), ("y", "tall")))


def heaps_in_the_corners() -> bytes:
    """Forty songs in each corner, of a label that nothing else has."""
    rng = np.random.default_rng(2)
    corners = np.repeat([[0, 0], [WIDTH, 0], [0, WIDTH], [WIDTH, WIDTH]], 40, axis=0)
    places = corners + rng.normal(scale=600, size=(160, 2))
    return Shown(
        song_ids=np.arange(1, 161),
        places=places.clip(0, WIDTH).astype(np.uint16),
        labels=np.repeat(np.arange(4, dtype=np.uint8), 40)[:, np.newaxis].repeat(LABELS, axis=1),
        label_names=["a long name in the corner", "another one", "a third", "a fourth"],
        label_kinds=["genre"] * 4,
        left_out=0,
        not_drawn=0,
    ).packed


def test_of_twenty_thousand_songs_only_those_in_sight_are_drawn(visit: Visit) -> None:
    page = visit("/library/")
    open_many(page)
    ask(page, "map.zoom(20, ...map.onCanvas(0))")
    page.wait_for_function("() => document.querySelector('song-map').drawing.dots < 8000")
    assert ask(page, "map.drawing.dots") >= 1
    expect(page.locator("[data-map-list] li")).to_have_count(12)
    page.get_by_role("button", name="The whole map").click()
    expect(count_of(page)).to_have_text(f"{all_lit(page):,} songs in sight")
    expect(page.locator("[data-map-more]")).to_contain_text("At most 500 are taken at once")
