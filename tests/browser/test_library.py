"""The library, artists, albums and a song's page, as they are used: by typing, by keyboard, on a phone."""

from __future__ import annotations

import re
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from .conftest import Visit
from .player import playing

pytestmark = pytest.mark.browser

PAGES = ["/library/?q=davsi", "/library/?label=calm", "/artists/miles%20davis/", "/artists/aphex%20twin/"]


def songs(page: Page) -> Locator:
    return page.locator("#songs [data-song]")


def sideways(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


@pytest.mark.parametrize("size", ["narrow", "phone", "desktop"])
def test_nothing_goes_sideways(visit: Visit, size: str) -> None:
    page = visit("/library/", size=size)
    for address in PAGES:
        page.goto(address)
        assert sideways(page) == 0, address


def test_typing_with_errors_finds_the_song_while_the_field_keeps_the_focus(visit: Visit) -> None:
    page = visit("/library/")
    page.get_by_label("Title, artist or album").press_sequentially("sinerman")
    expect(songs(page)).to_have_count(1)
    expect(songs(page)).to_contain_text("Sinnerman")
    expect(page.get_by_text("These are the songs with sinnerman")).to_be_visible()
    expect(page.get_by_label("Title, artist or album")).to_be_focused()
    expect(page).to_have_url(re.compile(r"\?q=sinerman$"))


def test_labels_narrow_and_combine_and_the_way_back_leads_back(visit: Visit) -> None:
    page = visit("/library/")
    facets = page.get_by_role("complementary", name="Narrow by label")
    before = songs(page).count()
    facets.get_by_role("link", name="calm").click()
    expect(page).to_have_url(re.compile(r"label=calm"))
    expect(page.get_by_role("link", name=re.compile("calm.*remove this label"))).to_be_visible()
    with_one = songs(page).count()
    assert 0 < with_one < before
    facets.get_by_role("link").first.click()
    expect(page.locator(".chip-chosen")).to_have_count(2)
    assert songs(page).count() <= with_one
    page.go_back()
    page.go_back()
    expect(songs(page)).to_have_count(before)


def test_who_goes_back_twice_at_once_does_not_get_the_page_in_between(visit: Visit) -> None:
    page = visit("/library/")
    before = songs(page).count()
    facets = page.get_by_role("complementary", name="Narrow by label")
    for chosen in (1, 2):
        facets.get_by_role("link").first.click()
        expect(page.locator(".chip-chosen")).to_have_count(chosen)
    held: list[Route] = []
    page.route("**/library/?label=*", lambda route: held.append(route))
    page.evaluate(
        "document.addEventListener('htmx:historyCacheMiss', ({ detail }) =>"
        " detail.xhr.addEventListener('abort', () => (window.ended = detail.path)))"
    )
    page.evaluate("history.back()")
    expect(page).to_have_url(re.compile(r"label=[^&]*$"))
    page.evaluate("history.back()")
    expect(page).to_have_url(re.compile(r"/library/$"))
    expect(songs(page)).to_have_count(before)
    assert len(held) == 1
    assert "label=" in page.evaluate("window.ended")


def test_on_a_phone_the_labels_open_over_the_songs(visit: Visit) -> None:
    page = visit("/library/", size="phone")
    facets = page.get_by_role("complementary", name="Narrow by label")
    expect(facets).to_be_hidden()
    page.get_by_role("button", name="Labels").click()
    expect(facets).to_be_visible()
    facets.get_by_role("link", name="calm").click()
    expect(page.get_by_role("link", name=re.compile("calm.*remove this label"))).to_be_visible()
    expect(facets).to_be_hidden()


def test_another_order_is_one_choice_away(visit: Visit) -> None:
    page = visit("/library/")
    page.get_by_label("Sort").select_option(label="Title")
    expect(page).to_have_url(re.compile(r"\?sort=title$"))
    expect(songs(page).first).to_contain_text("Ágætis byrjun")


def test_what_was_found_is_played_from_the_first_song_on(visit: Visit) -> None:
    page = visit("/library/?artist=miles+davis&sort=title")
    first = page.locator("#songs .song-row-title").first.inner_text()
    page.get_by_role("button", name="Play all", exact=True).click()
    expect(playing(page)).to_have_text(first)


def test_rows_are_walked_and_rated_by_keyboard(visit: Visit) -> None:
    page = visit("/library/?sort=title")
    rows = songs(page)
    rows.nth(0).get_by_role("button", name="Play").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(rows.nth(2).get_by_role("button", name="Play")).to_be_focused()
    page.keyboard.press("ArrowUp")
    with page.expect_response("**/rate/"):
        page.keyboard.press("3")
    expect(rows.nth(1).get_by_role("radio", name="3 stars")).to_be_checked()
    with page.expect_response("**/rate/"):
        page.keyboard.press("0")
    expect(rows.nth(1).locator('.stars input[value="0"]')).to_be_checked()
    expect(rows.nth(1).get_by_role("button", name="Play")).to_be_focused()


def test_stars_changed_in_a_hurry_reach_the_server_one_after_the_other(visit: Visit) -> None:
    page = visit("/library/?sort=title")
    held: list[Route] = []
    sent: list[str] = []
    lost: list[str] = []

    def hold_the_first(route: Route) -> None:
        sent.append(parse_qs(route.request.post_data)["stars"][0])
        if len(sent) == 1:
            held.append(route)
        else:
            route.continue_()

    page.route("**/rate/", hold_the_first)
    page.on("requestfailed", lambda request: lost.append(request.url))
    songs(page).nth(2).get_by_role("button", name="Play").focus()
    with page.expect_request("**/rate/"):
        page.keyboard.press("3")
    page.keyboard.press("4")
    page.keyboard.press("5")
    page.wait_for_timeout(300)
    assert sent == ["3"]
    with page.expect_response(lambda answer: "stars=5" in (answer.request.post_data or "")):
        held[0].continue_()
    assert (sent, lost) == (["3", "5"], [])
    page.reload()
    expect(songs(page).nth(2).get_by_role("radio", name="5 stars")).to_be_checked()
    songs(page).nth(2).get_by_role("button", name="Play").focus()
    with page.expect_response("**/rate/"):
        page.keyboard.press("0")


def test_an_artists_page_leads_to_albums_and_plays_all(visit: Visit) -> None:
    page = visit("/library/?q=so+what")
    page.get_by_role("link", name="Miles Davis", exact=True).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Miles Davis")
    expect(page.locator(".loading")).to_have_count(0)
    page.get_by_role("link", name="Kind of Blue").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Kind of Blue")
    page.get_by_role("button", name="Play all").click()
    page.wait_for_function("() => document.querySelector('audio').currentTime > 0.1")


def test_a_songs_sound_is_drawn_while_one_waits(visit: Visit) -> None:
    page = visit("/library/?q=gymnopedie")
    page.get_by_role("link", name="Gymnopédie No. 1").first.click()
    expect(page.get_by_role("img", name=re.compile("^Waveform"))).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("^Mel spectrogram"))).to_be_visible()
    expect(page.locator("#sound")).to_contain_text("kHz")
    expect(page.locator("#sound .loading")).to_have_count(0)


def test_a_wrong_label_is_told_and_taken_back(visit: Visit) -> None:
    page = visit("/library/?q=xtal")
    page.get_by_role("link", name="Xtal", exact=True).first.click()
    page.get_by_text("Is a label wrong?").click()
    label = page.locator(".doubts button").first
    label.click()
    expect(label).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_text("You doubt 1.")).to_be_visible()
    label.click()
    expect(label).to_have_attribute("aria-pressed", "false")


def test_without_scripts_everything_is_still_there(visit: Visit) -> None:
    page = visit("/library/", java_script_enabled=False)
    page.get_by_label("Title, artist or album").fill("davsi")
    page.get_by_role("button", name="Find").click()
    expect(songs(page)).to_have_count(2)
    page.get_by_role("link", name="So What", exact=True).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("So What")
    page.get_by_text("Is a label wrong?").click()
    page.locator(".doubts button").first.click()
    expect(page.get_by_text("a curator will look at it")).to_be_visible()


def test_on_a_phone_an_artists_labels_have_the_whole_width_below_what_can_be_done(visit: Visit) -> None:
    page = visit("/artists/miles%20davis/", size="phone")
    label = page.get_by_role("list", name="Labels of their songs").locator(".chip").first.bounding_box()
    picture = page.locator(".person-picture").bounding_box()
    play = page.get_by_role("button", name="Play all", exact=True).bounding_box()
    assert label
    assert picture
    assert play
    assert label["x"] == picture["x"] == play["x"]
    assert picture["y"] + picture["height"] <= play["y"]
    assert play["y"] + play["height"] <= label["y"]
