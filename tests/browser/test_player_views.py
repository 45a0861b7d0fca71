"""The player over the window on a phone's side, the list of keys, and offers that do not stay in the way."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from .conftest import Visit
from .player import heading, play, player
from .states import keep_a_queue_elsewhere
from .test_looks import box

pytestmark = pytest.mark.browser


def open_full(page: Page) -> None:
    play(page, "Xtal")
    page.evaluate("() => { document.querySelector('audio').playbackRate = 0.1; }")
    player(page).get_by_role("button", name="Stars, wishes and queue").click()
    expect(page.locator("#player[data-full]")).to_be_visible()


@pytest.mark.parametrize("name", ["shuffle", "repeat"])
def test_the_sign_of_a_key_stands_in_the_middle_of_its_circle(visit: Visit, name: str) -> None:
    page = visit("/library/", size="phone")
    open_full(page)
    key = page.locator(f".player-{name}")
    key.click()
    circle, sign = box(key), box(key.locator(".icon:visible"))
    for start, length in (("x", "width"), ("y", "height")):
        middle = circle[start] + circle[length] / 2
        assert abs(middle - (sign[start] + sign[length] / 2)) < 1.5


@pytest.mark.parametrize(("width", "height"), [(844, 390), (667, 375)])
def test_on_a_phones_side_cover_wishes_queue_and_keys_are_in_sight(visit: Visit, width: int, height: int) -> None:
    page = visit("/library/", size="phone")
    page.set_viewport_size({"width": width, "height": height})
    open_full(page)
    cover = page.locator(".queue-cover")
    for part in (
        cover,
        page.locator(".queue-now [data-wish=favourite]"),
        page.locator(".queue-song").first,
        page.locator(".player-toggle"),
        page.locator(".player-seek"),
        page.get_by_role("button", name="Close the queue"),
    ):
        expect(part).to_be_in_viewport(ratio=1)
    assert box(cover)["height"] >= 100
    # Beside each other.
    songs = box(page.locator(".queue-songs"))
    assert songs["x"] >= box(page.locator(".queue-now"))["x"] + box(page.locator(".queue-now"))["width"]
    assert page.locator("#queue").evaluate("queue => queue.scrollWidth <= queue.clientWidth")


def test_what_another_player_left_goes_with_the_first_page_that_is_followed(visit: Visit) -> None:
    page = visit("/library/", offers=True)
    keep_a_queue_elsewhere(page)
    page.reload()
    offer = page.get_by_role("region", name="Go on where you stopped")
    expect(offer).to_contain_text("Go on from Pocket?")
    page.get_by_role("link", name="For you").click()
    heading(page, "For you")
    expect(offer).to_be_hidden()
    # It is not turned down: the next visit has it.
    page.reload()
    expect(offer).to_contain_text("Go on from Pocket?")


def test_a_question_mark_lists_the_keys(visit: Visit) -> None:
    page = visit("/library/")
    keys = page.get_by_role("dialog", name="Keys")
    page.keyboard.press("?")
    expect(keys).to_contain_text("previous song, next song")
    page.keyboard.press("Escape")
    expect(keys).to_be_hidden()
    # Where somebody types it is a letter.
    search = page.get_by_role("main").get_by_role("searchbox").first
    search.fill("")
    search.press("?")
    expect(search).to_have_value("?")
    expect(keys).to_be_hidden()


def test_the_menu_of_the_account_leads_to_the_keys(visit: Visit) -> None:
    page = visit("/library/")
    page.locator(".head [popovertarget=account-menu]").click()
    page.get_by_role("button", name="Keys").click()
    keys = page.get_by_role("dialog", name="Keys")
    expect(keys).to_be_visible()
    keys.get_by_role("button", name="Close").click()
    expect(keys).to_be_hidden()


def test_the_dial_on_a_phone_says_what_is_at_its_ends(visit: Visit) -> None:
    page = visit("/", size="phone")
    dial = page.locator(".dial")
    ends = [dial.get_by_text(word, exact=True) for word in ("familiar", "adventurous")]
    for end in ends:
        expect(end).to_be_in_viewport(ratio=1)
    first, second = (box(end) for end in ends)
    assert first["x"] + first["width"] < second["x"]
    assert abs(first["y"] - second["y"]) < 1
    assert box(dial)["x"] <= first["x"]
    assert second["x"] + second["width"] <= box(dial)["x"] + box(dial)["width"] + 1
    # The ring around what is moved by keyboard does not run through the word that then shows.
    page.keyboard.press("Tab")
    dial.get_by_role("slider").focus()
    said = dial.locator(".dial-said")
    expect(said).to_be_visible()
    expect(ends[0]).to_be_hidden()
    ring = dial.get_by_role("slider").evaluate(
        """dial => {
            const { outlineOffset, outlineWidth } = getComputedStyle(dial);
            return dial.getBoundingClientRect().bottom + parseFloat(outlineOffset) + parseFloat(outlineWidth);
        }"""
    )
    assert ring <= box(said)["y"] + 1
