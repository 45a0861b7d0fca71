"""How pages look, where it is a rule: sizes, places, weights of type, and what a phone has room for."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from .conftest import SIZES, Visit
from .states import keep_a_queue_elsewhere

pytestmark = pytest.mark.browser

ROW_PX = 48
BEGINS_WITHIN_PX = 250
STRIP_PX = 90
BOX_PX = 44 * 16
TOUCH_PX = 44
WEIGHTS = {"400", "600"}

_WEIGHTS = """() => {
    const found = new Set();
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const { parentElement, data } = texts.currentNode;
        if (data.trim() && parentElement.checkVisibility()) found.add(getComputedStyle(parentElement).fontWeight);
    }
    return [...found];
}"""
_FIGURES = """() => [...document.querySelectorAll("main *")]
    .filter((element) => getComputedStyle(element).fontVariantNumeric !== "tabular-nums").length"""


def box(found: Locator) -> dict[str, float]:
    """Where something is in the window."""
    there: Any = found.bounding_box()
    assert there is not None
    return there  # type: ignore[no-any-return]


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_the_library_begins_high_up_and_its_rows_are_48_pixels(visit: Visit, size: str) -> None:
    page = visit("/library/", size=size)
    page.wait_for_load_state("networkidle")
    rows = page.locator("#songs .song-row")
    expect(rows.first).to_be_visible()
    assert box(rows.first)["y"] <= BEGINS_WITHIN_PX
    assert {box(row)["height"] for row in rows.all()[:6]} == {ROW_PX}


@pytest.mark.parametrize("address", ["/ratings/", "/taste/history/", "/artists/nina%20simone/", "/songs/2/album/"])
def test_rows_of_other_lists_are_as_high(visit: Visit, address: str) -> None:
    page = visit(address, size="phone")
    rows = page.locator("main .song-row").filter(has_not=page.locator(".song-row-why"))
    assert {box(row)["height"] for row in rows.all()} == {ROW_PX}


def test_a_column_in_which_nothing_stands_is_not_there(visit: Visit) -> None:
    page = visit("/library/?q=gymnop")
    row = page.locator("#songs .song-row")
    expect(row).to_have_count(1)
    page.evaluate("document.querySelector('.song-row-plays').textContent = ''")
    expect(row.locator(".song-row-plays")).to_be_hidden()
    page.evaluate("document.querySelector('.song-row-plays').textContent = '2 plays'")
    expect(row.locator(".song-row-plays")).to_be_visible()


def test_where_space_is_short_stars_come_by_pointing_or_by_the_keyboard(visit: Visit) -> None:
    page = visit("/library/?q=sinnerman", size="phone")
    row = page.locator("#songs .song-row")
    star = row.get_by_role("radio", name="3 stars")
    opacity = "element => getComputedStyle(element).opacity"
    assert star.evaluate(opacity) == "0"
    assert row.locator(".stars").evaluate("element => getComputedStyle(element).pointerEvents") == "none"
    # How many they are is said all the same.
    said = "element => getComputedStyle(element, '::before').content"
    assert "4" in row.locator(".stars fieldset").evaluate(said)
    row.locator(".song-row-end").hover()
    assert star.evaluate(opacity) == "1"
    page.mouse.move(5, 5)
    assert star.evaluate(opacity) == "0"
    row.get_by_role("button", name="Play").focus()
    assert star.evaluate(opacity) == "1"
    assert row.bounding_box() == {**box(row), "height": ROW_PX}


def test_a_phone_has_five_tabs_and_more_opens_the_others(visit: Visit) -> None:
    page = visit("/library/", size="phone")
    tabs = page.get_by_role("navigation", name="Pages")
    shown = [tab for tab in tabs.locator("> *").all() if tab.is_visible()]
    assert [tab.inner_text() for tab in shown] == ["For you", "Library", "Mood", "Playlists", "More"]
    widths = [box(tab)["width"] for tab in shown]
    assert max(widths) - min(widths) < 1
    assert all(box(tab)["height"] >= 44 for tab in shown)
    tabs.get_by_role("button", name="More").click()
    further = page.locator("#further-pages")
    for name in ("Map", "Compare", "Taste"):
        expect(further.get_by_role("link", name=name)).to_be_visible()
    further.get_by_role("link", name="Taste").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your taste")
    expect(further).to_be_hidden()
    expect(tabs.get_by_role("button", name="More")).to_have_css("font-weight", "600")


def test_what_another_player_left_is_offered_in_a_strip_on_a_phone(visit: Visit) -> None:
    page = visit("/library/", size="phone", offers=True)
    keep_a_queue_elsewhere(page)
    page.reload()
    offer = page.get_by_role("region", name="Go on where you stopped")
    expect(offer).to_contain_text("Go on from Pocket?")
    assert box(offer)["height"] <= STRIP_PX


def test_a_box_that_says_that_nothing_is_there_is_no_wider_than_its_words_need(visit: Visit) -> None:
    page = visit("/taste/", "newcomer", size="desktop")
    assert box(page.locator(".empty"))["width"] <= BOX_PX
    assert box(page.locator(".taste-data"))["width"] <= BOX_PX


def test_a_desktop_has_all_pages_in_one_line(visit: Visit) -> None:
    page = visit("/library/")
    tabs = page.get_by_role("navigation", name="Pages").get_by_role("link")
    assert len({round(box(tab)["y"]) for tab in tabs.all()}) == 1
    assert tabs.count() == 7
    expect(page.get_by_role("button", name="More", exact=True)).to_be_hidden()


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_for_you_has_dial_and_mood_in_one_line_and_then_one_large_thing_to_play(visit: Visit, size: str) -> None:
    page = visit("/", size=size)
    dial, mood = box(page.locator(".dial-row")), box(page.locator(".wish-chips"))
    assert dial["y"] < mood["y"] + mood["height"] / 2 < dial["y"] + dial["height"]
    mix = page.locator("#rows > section").first
    expect(mix.get_by_role("heading", name="My mix")).to_be_visible()
    expect(mix).to_contain_text("Because you like")
    assert box(mix)["y"] + box(mix)["height"] <= SIZES[size][1]
    mix.get_by_role("button", name="Play my mix").click()
    page.wait_for_function("() => document.querySelector('audio').currentTime > 0.1")
    page.get_by_role("button", name="Queue" if size == "desktop" else "Stars, wishes and queue").first.click()
    expect(page.locator(".queue-song")).to_have_count(mix.locator("li").count())


@pytest.mark.parametrize(
    ("who", "addresses"),
    [
        ("mira", ["/", "/library/", "/taste/", "/compare/", "/mood/"]),
        ("boss", ["/admin/", "/admin/catalog/song/", "/admin/catalog/curationitem/"]),
    ],
)
def test_two_weights_of_type_and_figures_of_one_width(visit: Visit, who: str, addresses: list[str]) -> None:
    page = visit("/accounts/password/", who)
    for address in addresses:
        page.goto(address)
        page.wait_for_load_state("networkidle")
        assert set(page.evaluate(_WEIGHTS)) <= WEIGHTS, address
        if who == "mira":
            assert page.evaluate(_FIGURES) == 0, address


def test_the_dashboard_comes_first_and_djangos_tables_are_folded_below(visit: Visit) -> None:
    page = visit("/admin/", "boss")
    panels, tables = page.locator(".dashboard-grid"), page.locator("details.dashboard-tables").first
    expect(page.get_by_role("region", name="Disk", exact=True)).to_be_visible()
    songs = tables.get_by_role("link", name="Songs", exact=True)
    expect(songs).to_be_hidden()
    assert box(panels)["y"] < box(tables)["y"]
    tables.locator("summary").click()
    songs.click()
    expect(page).to_have_url(re.compile("/admin/catalog/song/$"))


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_the_offer_of_another_player_lies_on_what_the_player_says(visit: Visit, size: str) -> None:
    page = visit("/library/", size=size, offers=True)
    keep_a_queue_elsewhere(page)
    page.reload()
    expect(page.get_by_role("region", name="Go on where you stopped")).to_be_visible()
    page.evaluate(_SAY)
    page.wait_for_function(_GAP, arg=["#player-offer", "#player"])


_SAY = """() => {
    const player = document.getElementById("player");
    document.getElementById("player-said").textContent = "Said.";
    player.toggleAttribute("data-only-says", true);
    player.hidden = false;
}"""
_GAP = """([above, below]) => {
    const gap = document.querySelector(below).getBoundingClientRect().top
        - document.querySelector(above).getBoundingClientRect().bottom;
    return gap >= 0 && gap <= 16;
}"""


@pytest.mark.parametrize(
    ("address", "quiet"),
    [("/songs/2/album/", "Favourite"), ("/songs/2/", "Favourite"), ("/taste/", "Delete my account")],
)
def test_a_quiet_button_begins_where_its_row_begins(visit: Visit, address: str, quiet: str) -> None:
    page = visit(address, size="phone")
    button = page.locator("main .button").filter(has_text=quiet)
    above, below = box(page.locator("main .cluster .button:not(.button-quiet)").first), box(button)
    assert below["y"] > above["y"]
    assert below["x"] == above["x"]
    assert below["height"] >= TOUCH_PX
    # The words begin where the button does.
    assert button.evaluate("(button) => getComputedStyle(button).paddingLeft") == "0px"


def test_a_songs_menu_stays_in_the_window_when_it_grows(visit: Visit) -> None:
    page = visit("/library/", size="phone")
    page.locator("#songs [data-more]").first.click()
    menu = page.locator("#song-menu")
    expect(menu).to_be_visible()
    page.evaluate("document.getElementById('song-menu').append(document.createElement('button'))")
    page.wait_for_function(
        "() => document.getElementById('song-menu').getBoundingClientRect().bottom <= window.innerHeight - 8"
    )


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_asking_for_another_label_moves_no_other_choice_of_curation(visit: Visit, size: str) -> None:
    page = visit("/admin/catalog/curationitem/", "boss", size=size)
    choices = page.locator(".curation-keys .curation-button")
    before = [box(choice) for choice in choices.all()]
    page.locator(".curation-other > summary").click()
    named = page.locator(".curation-other input[type=text]")
    expect(named).to_be_visible()
    after = [box(choice) for choice in choices.all()]
    assert {choice["height"] for choice in after} == {after[0]["height"]}
    assert after[0]["height"] < 2 * TOUCH_PX
    if size == "desktop":
        assert [choice["x"] for choice in after] == [choice["x"] for choice in before]
    else:
        # All of the card, which has its padding.
        assert box(named)["width"] > SIZES["phone"][0] - 100


def test_the_head_of_the_dashboard_is_one_line_on_a_phone(visit: Visit) -> None:
    page = visit("/admin/", "boss", size="phone")
    assert box(page.locator("#header"))["height"] <= 60
    for name in ("View site", "Log out"):
        found = page.locator("#user-tools").get_by_text(name)
        assert box(found)["height"] >= TOUCH_PX
        assert box(found)["x"] + box(found)["width"] <= SIZES["phone"][0]


def test_the_dashboard_has_the_width_of_the_window(visit: Visit) -> None:
    page = visit("/admin/", "boss")
    grid = box(page.locator(".dashboard-grid"))
    assert grid["x"] + grid["width"] >= SIZES["desktop"][0] - 48


def test_a_long_title_hides_no_column_of_the_dashboards_songs(visit: Visit) -> None:
    page = visit("/admin/catalog/song/", "boss")
    for column in ("title", "artist", "album", "length"):
        head = box(page.locator(f"#result_list thead .column-{column}"))
        list_of = box(page.locator("#changelist-form .results"))
        assert head["x"] + head["width"] <= list_of["x"] + list_of["width"]


def test_artists_are_round(visit: Visit) -> None:
    page = visit("/artists/")
    for address, pictures in (("/artists/", ".artist-cards .cover"), ("/artists/miles%20davis/", ".person-picture")):
        page.goto(address)
        expect(page.locator(pictures).first).to_have_css("border-radius", "50%")
