"""Back closes the player that fills the window, and no way of closing it leaves an entry in the history."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from .conftest import Visit
from .player import heading, is_same_document, mark, play, player, row_of

pytestmark = pytest.mark.browser


def open_full(page: Page) -> None:
    player(page).get_by_role("button", name="Stars, wishes and queue").click()
    expect(page.locator("#player[data-full]")).to_be_visible()
    page.wait_for_function("() => history.state?.layer === 'player'")


def expect_closed(page: Page) -> None:
    """The page shows, and the history stands at it."""
    expect(page.locator("#player[data-full]")).to_have_count(0)
    page.wait_for_function("() => !history.state?.layer")


def begin(visit: Visit, size: str = "phone") -> Page:
    """For you, then the library, with a song that plays for long."""
    page = visit("/", size=size)
    mark(page)
    page.get_by_role("link", name="Library").click()
    heading(page, "Library")
    play(page, "Xtal")
    page.evaluate("() => { document.querySelector('audio').playbackRate = 0.1; }")
    page.evaluate("() => { document.querySelector('#main').dataset.same = ''; }")
    return page


def expect_same_page(page: Page) -> None:
    """Neither the document nor its <main> was fetched again, and the music plays."""
    heading(page, "Library")
    assert is_same_document(page)
    assert page.locator("#main").get_attribute("data-same") == ""
    assert not page.evaluate("document.querySelector('audio').paused")


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_back_closes_the_player_over_the_window_and_the_page_stays(visit: Visit, size: str) -> None:
    page = begin(visit, size)
    for _ in range(2):
        open_full(page)
        page.evaluate("history.back()")
        expect_closed(page)
        expect_same_page(page)
    # The next one leads to the page before.
    page.go_back()
    heading(page, "For you")
    assert is_same_document(page)


def test_forward_and_back_again_open_and_close_it(visit: Visit) -> None:
    page = begin(visit)
    open_full(page)
    for _ in range(2):
        page.evaluate("history.back()")
        expect_closed(page)
        page.evaluate("history.forward()")
        expect(page.locator("#player[data-full]")).to_be_visible()
        page.wait_for_function("() => history.state?.layer === 'player'")
    page.evaluate("history.back()")
    expect_closed(page)
    expect_same_page(page)


@pytest.mark.parametrize("key", ["Escape", "button"])
def test_closing_it_leaves_no_entry_in_the_history(visit: Visit, key: str) -> None:
    page = begin(visit)
    for _ in range(2):
        open_full(page)
        if key == "Escape":
            page.keyboard.press("Escape")
        else:
            page.get_by_role("button", name="Close the queue").click()
        expect_closed(page)
        expect_same_page(page)
    page.go_back()
    heading(page, "For you")
    assert is_same_document(page)


def test_closed_and_opened_at_once_it_still_has_one_entry(visit: Visit) -> None:
    page = begin(visit)
    open_full(page)
    page.evaluate(
        """() => {
            document.querySelector("[data-queue-close]").click();
            document.querySelector("[data-queue-toggle=full]").click();
        }"""
    )
    expect(page.locator("#player[data-full]")).to_be_visible()
    page.wait_for_function("() => history.state?.layer === 'player'")
    page.evaluate("history.back()")
    expect_closed(page)
    expect_same_page(page)
    page.go_back()
    heading(page, "For you")


def test_a_link_in_it_leads_to_its_page_and_back_to_the_page_under_it(visit: Visit) -> None:
    page = begin(visit)
    address = page.url
    open_full(page)
    page.locator("#queue .player-title").click()
    expect(page).to_have_url(re.compile(r"/songs/\d+/$"))
    expect_closed(page)
    page.go_back()
    expect(page).to_have_url(address)
    heading(page, "Library")
    expect_closed(page)
    assert is_same_document(page)
    page.go_back()
    heading(page, "For you")


def test_a_reload_shows_it_again_and_back_closes_it(visit: Visit) -> None:
    page = begin(visit)
    open_full(page)
    page.reload()
    expect(page.locator("#player[data-full]")).to_be_visible()
    page.evaluate("history.back()")
    expect_closed(page)
    expect(row_of(page, "Xtal")).to_be_visible()


def test_no_menu_or_dialog_of_a_song_lies_over_the_page_that_back_leads_to(visit: Visit) -> None:
    page = visit("/taste/")
    page.get_by_role("link", name="Library", exact=True).first.click()
    heading(page, "Library")
    page.locator("[data-more]:visible").first.click()
    expect(page.locator("#song-menu")).to_be_visible()
    page.go_back()
    heading(page, "Your taste")
    expect(page.locator("#song-menu")).to_be_hidden()
    page.go_forward()
    heading(page, "Library")
    page.locator("[data-more]:visible").first.click()
    page.locator("#song-menu").get_by_role("button", name="Add to a playlist").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.go_back()
    heading(page, "Your taste")
    expect(page.get_by_role("dialog")).to_be_hidden()
