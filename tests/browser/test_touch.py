"""A phone as a finger has it: stars, the player over the whole screen, and rows with room for titles."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from .conftest import Visit
from .player import play, player, row_of
from .test_looks import box

pytestmark = pytest.mark.browser

TOUCH: dict[str, Any] = {"has_touch": True, "is_mobile": True}
TITLES_AT_LEAST = 0.6
"""Of a row's width, where nothing but a menu stands beside the title."""


def menu(page: Page) -> Locator:
    return page.locator("#song-menu")


def chosen(form: Locator) -> str:
    return str(form.evaluate("form => form.elements.stars.value"))


def open_menu(page: Page, title: str) -> None:
    row_of(page, title).get_by_role("button", name=f"More for {title}").tap()
    expect(menu(page).get_by_role("radio", name="4 stars")).to_be_visible()


def test_a_song_is_rated_from_its_menu(visit: Visit) -> None:
    page = visit("/library/?q=xtal", who="newcomer", size="phone", **TOUCH)
    open_menu(page, "Xtal")
    assert chosen(menu(page).locator("form.stars")) == "0"
    with page.expect_response(lambda answer: answer.url.endswith("/rate/")):
        menu(page).get_by_role("radio", name="4 stars").tap()
    expect(row_of(page, "Xtal").locator("input[value='4']")).to_be_checked()
    page.reload()
    open_menu(page, "Xtal")
    assert chosen(menu(page).locator("form.stars")) == "4"
    with page.expect_response(lambda answer: answer.url.endswith("/rate/")):
        menu(page).get_by_role("radio", name="No stars").tap()
    expect(row_of(page, "Xtal").locator("input[value='0']")).to_be_checked()


def test_among_the_stars_of_the_menu_arrow_keys_choose(visit: Visit) -> None:
    page = visit("/library/?q=gymnop", who="newcomer", size="phone")
    row_of(page, "Gymnopédie No. 1").get_by_role("button", name="More for Gymnopédie No. 1").click()
    menu(page).get_by_role("radio", name="5 stars").focus()
    with page.expect_response(lambda answer: answer.url.endswith("/rate/")):
        page.keyboard.press("ArrowLeft")
    expect(menu(page).get_by_role("radio", name="4 stars")).to_be_checked()
    with page.expect_response(lambda answer: answer.url.endswith("/rate/")):
        menu(page).get_by_role("radio", name="No stars").click()
    expect(row_of(page, "Gymnopédie No. 1").locator("input[value='0']")).to_be_checked()


def test_a_tap_on_a_row_brings_no_stars_under_the_finger(visit: Visit) -> None:
    page = visit("/library/?q=xtal", size="phone", **TOUCH)
    row = row_of(page, "Xtal")
    row.locator("[data-play]").tap()
    expect(page.locator("#player")).to_be_visible()
    assert row.get_by_role("radio", name="3 stars").evaluate("star => getComputedStyle(star).opacity") == "0"
    assert row.locator(".stars").evaluate("stars => getComputedStyle(stars).pointerEvents") == "none"


def test_titles_have_most_of_a_row(visit: Visit) -> None:
    page = visit("/library/", size="phone")
    row = page.locator("#songs .song-row").first
    assert box(row.locator(".song-row-text"))["width"] >= TITLES_AT_LEAST * box(row)["width"]


def test_the_player_over_the_whole_screen_shows_the_queue_and_says_one_thing_once(visit: Visit) -> None:
    page = visit("/library/", size="phone")
    play(page, "Xtal")
    player(page).get_by_role("button", name="Stars, wishes and queue").click()
    queue = page.locator("#queue")
    timer, title = queue.locator(".player-sleep"), queue.locator("#queue-title")
    expect(timer).to_be_hidden()
    queue.get_by_role("button", name="Timer, speed and crossfade").click()
    # The sleep timer is above a queue that may have no end.
    expect(timer).to_be_visible()
    assert box(timer)["y"] < box(title)["y"]
    queue.get_by_role("button", name="Timer, speed and crossfade").click()
    expect(timer).to_be_hidden()
    page.get_by_role("button", name="Play similar", exact=True).click()
    expect(queue.locator(".queue-on")).to_contain_text("without end")
    expect(page.locator("#player-said")).to_be_empty()


@pytest.mark.parametrize(("title", "words", "songs"), [("Xtal", False, 3), ("Blue in Green", True, 2)])
def test_the_player_over_the_whole_screen_has_songs_of_the_queue_in_sight(
    visit: Visit, title: str, words: bool, songs: int
) -> None:
    page = visit("/library/", size="phone")
    play(page, title)
    page.evaluate("document.querySelector('audio').playbackRate = 0.1")
    player(page).get_by_role("button", name="Stars, wishes and queue").click()
    expect(page.locator(".queue-cover")).to_be_in_viewport(ratio=1)
    assert box(page.locator(".queue-cover"))["width"] >= 200
    expect(page.locator(".queue-lyrics")).to_be_visible(visible=words)
    last, foot = page.locator(".queue-song").nth(songs - 1), page.locator(".player-place")
    assert box(last)["y"] + box(last)["height"] <= box(foot)["y"]


def test_the_queue_opens_at_its_top_and_what_is_scrolled_goes_under_one_bar(visit: Visit) -> None:
    page = visit("/library/", size="phone", **TOUCH)
    play(page, "Xtal")
    opener = player(page).get_by_role("button", name="Stars, wishes and queue")
    opener.tap()
    queue, close = page.locator("#queue"), page.get_by_role("button", name="Close the queue")
    expect(queue).to_contain_text("Now playing")
    for scrolled in range(0, 500, 20):
        queue.evaluate("(queue, to) => queue.scrollTo({ top: to, behavior: 'instant' })", scrolled)
        line = box(close)
        # Nothing but the bar from one edge to the other, where the button is.
        for x in (2, box(queue)["width"] / 2, box(queue)["width"] - 2):
            place = [x, line["y"] + line["height"] / 2]
            assert page.evaluate("place => document.elementFromPoint(...place).closest('.queue-bar') !== null", place)
    close.tap()
    opener.tap()
    expect(close).to_be_visible()
    assert queue.evaluate("queue => queue.scrollTop") == 0


def test_what_is_done_with_chosen_songs_lies_above_what_the_player_says(visit: Visit) -> None:
    page = visit("/library/", size="phone", **TOUCH)
    play(page, "Xtal")
    open_menu(page, "Xtal")
    menu(page).get_by_role("button", name="Play similar").tap()
    said = page.locator("#player-said")
    expect(said).to_contain_text("without end")
    open_menu(page, "Xtal")
    menu(page).get_by_role("button", name="Choose several songs").tap()
    choice = page.get_by_role("region", name="Chosen songs")
    expect(choice).to_be_visible()
    expect(said).not_to_be_empty()
    page.wait_for_function(
        """() => {
            const place = id => document.getElementById(id).getBoundingClientRect();
            const [choice, said] = [place("song-choice"), place("player-said")];
            return choice.bottom <= said.top || said.height === 0;
        }"""
    )
    assert box(choice)["y"] + box(choice)["height"] <= box(player(page))["y"]
