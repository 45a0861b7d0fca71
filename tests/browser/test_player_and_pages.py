"""The music goes on while pages come and go around the player."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Route, expect

from .conftest import Visit, follow_tab
from .player import heading, is_same_document, mark, play, player, row_of

pytestmark = pytest.mark.browser


def test_the_sound_goes_on_without_a_gap_from_page_to_page(visit: Visit) -> None:
    page = visit("/library/?q=xtal")
    mark(page)
    page.evaluate(
        """() => {
            const audio = document.querySelector("audio");
            window.stops = [];
            for (const name of ["pause", "emptied", "seeking", "waiting"])
                audio.addEventListener(name, () => audio.ended || window.stops.push(name));
        }"""
    )
    play(page, "Xtal")
    page.evaluate("() => { window.stops = []; document.querySelector('audio').playbackRate = 0.1; }")
    before = page.evaluate("document.querySelector('audio').currentTime")
    page.get_by_role("link", name="For you").click()
    heading(page, "For you")
    follow_tab(page, "Compare")
    heading(page, "Compare")
    assert page.evaluate("document.querySelector('audio').currentTime") > before
    assert not page.evaluate("document.querySelector('audio').paused")
    assert page.evaluate("window.stops") == []
    assert is_same_document(page)


def test_who_plays_leads_to_a_page_of_theirs_from_the_bar_and_from_the_queue(visit: Visit) -> None:
    page = visit("/library/?q=xtal")
    mark(page)
    play(page, "Xtal")
    artist = row_of(page, "Xtal").locator(".song-row-by a").first.text_content() or ""
    player(page).locator(".player-row .player-artist").get_by_role("link", name=artist).click()
    heading(page, artist)
    page.get_by_role("link", name="For you").click()
    heading(page, "For you")
    player(page).get_by_role("button", name="Queue", exact=True).click()
    page.locator(".queue-song").first.get_by_role("link", name=artist).click()
    heading(page, artist)
    assert is_same_document(page)


def test_a_page_that_comes_has_its_title_its_tab_and_the_focus_on_its_heading(visit: Visit) -> None:
    page = visit("/library/")
    mark(page)
    page.get_by_role("link", name="For you").click()
    heading(page, "For you")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    expect(page).to_have_title("For you · DCMRS")
    expect(page.get_by_role("link", name="For you")).to_have_attribute("aria-current", "page")
    expect(page.get_by_role("link", name="Library")).not_to_have_attribute("aria-current", "page")
    assert is_same_document(page)


def test_back_and_forward_show_the_page_where_it_was_left(visit: Visit) -> None:
    page = visit("/library/", size="phone")
    # The library of the tests fits on a whole phone's screen.
    page.set_viewport_size({"width": 390, "height": 420})
    mark(page)
    page.evaluate("window.scrollTo(0, 300)")
    page.wait_for_function("() => window.scrollY > 100")
    left = page.evaluate("window.scrollY")
    page.locator(".song-row-title").nth(6).dispatch_event("click")
    expect(page).to_have_url(re.compile(r"/songs/\d+/$"))
    page.wait_for_function("() => window.scrollY === 0")
    page.go_back()
    heading(page, "Library")
    page.wait_for_function("left => Math.abs(window.scrollY - left) < 2", arg=left)
    expect(page.get_by_role("link", name="Library")).to_have_attribute("aria-current", "page")
    page.go_forward()
    expect(page).to_have_url(re.compile(r"/songs/\d+/$"))
    expect(page.locator(".song-head")).to_be_visible()
    assert is_same_document(page)


def test_a_page_that_is_not_there_is_said_in_its_place_and_the_music_plays_on(visit: Visit) -> None:
    page = visit("/library/?q=xtal", forgive="404")
    play(page, "Xtal")
    mark(page)
    page.evaluate("() => { document.querySelector('.song-row-title').setAttribute('href', '/songs/999999/'); }")
    page.evaluate("() => htmx.process(document.querySelector('.song-row-title').parentElement)")
    page.evaluate(
        """() => {
            const link = document.createElement("a");
            link.href = "/songs/999999/";
            link.textContent = "Gone";
            document.getElementById("main").append(link);
            htmx.process(link);
        }"""
    )
    page.get_by_role("link", name="Gone").click()
    heading(page, "There is nothing here")
    expect(player(page)).to_be_visible()
    assert is_same_document(page)


def test_the_last_of_two_links_counts(visit: Visit) -> None:
    page = visit("/library/")
    late: list[Route] = []
    page.route("**/compare/", lambda route: late.append(route))
    follow_tab(page, "Compare")
    page.evaluate("document.querySelector('.head nav a[href=\"/\"]').click()")
    heading(page, "For you")
    with page.expect_event("requestfinished", lambda request: request.url.endswith("/compare/")):
        late[0].continue_()
    page.wait_for_timeout(200)
    heading(page, "For you")
    expect(page).to_have_url(re.compile(r"/$"))


def test_a_form_that_is_sent_by_a_page_shows_its_answer_without_stopping_the_music(visit: Visit) -> None:
    page = visit("/accounts/password/")
    mark(page)
    page.get_by_label("Old password").fill("wrong")
    page.get_by_label("New password", exact=True).fill("correct horse battery")
    page.get_by_label("New password again").fill("correct horse battery")
    page.get_by_role("main").get_by_role("button").click()
    expect(page.get_by_text("entered incorrectly")).to_be_visible()
    assert is_same_document(page)


def test_logging_out_takes_the_player_and_what_it_kept_away(visit: Visit) -> None:
    page = visit("/library/?q=xtal")
    play(page, "Xtal")
    page.get_by_role("button", name="mira").click()
    page.get_by_role("button", name="Log out").click()
    heading(page, "Log in")
    expect(page.locator("#player")).to_have_count(0)
    assert page.evaluate("[localStorage.getItem('dcmrs.player'), sessionStorage.getItem('dcmrs.player')]") == [None] * 2
