"""The site as people meet it: in a real Chromium, on a phone and on a desktop, in light and in dark."""

from __future__ import annotations

import re
from itertools import count

import pytest
from playwright.sync_api import Locator, Page, expect

from .conftest import Visit, follow_tab
from .site import PASSWORD, SECONDS

pytestmark = pytest.mark.browser

PAGES = [
    "/",
    "/library/",
    "/library/?q=blue&label=jazz&artist=miles+davis",
    "/library/?q=zzz",
    "/compare/?title=xtal",
    "/compare/?listener=lastfm-0&left=popular&silent=1",
    "/how-it-works/",
    "/taste/",
    "/taste/history/",
    "/taste/not-this/",
    "/ratings/",
    "/accounts/delete/",
    "/upload/",
    "/accounts/password/",
]
OPEN_PAGES = ["/accounts/login/", "/accounts/signup/", "/accounts/reset/", "/accounts/reset/sent/"]

_number = count(1)


def songs(page: Page) -> Locator:
    return page.locator("#songs [data-song]")


def row_of(page: Page, title: str) -> Locator:
    return page.locator("li[data-song]").filter(has=page.get_by_role("link", name=title, exact=True)).first


def is_ahead(page: Page, seconds: float) -> None:
    """Wait until the player is past so many seconds."""
    page.wait_for_function("seconds => document.querySelector('audio').currentTime > seconds", arg=seconds)


def sideways(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_from_signing_up_to_logging_out(visit: Visit, size: str, scheme: str) -> None:
    page = visit("/accounts/login/", None, size, color_scheme=scheme)
    page.get_by_role("link", name="Sign up").click()
    name = f"new-{next(_number)}"
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password again").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("For you")

    page.get_by_role("link", name="Library").click()
    expect(songs(page)).to_have_count(12)
    page.get_by_label("Title, artist or album").press_sequentially("miles")
    expect(songs(page)).to_have_count(2)
    expect(page).to_have_url(re.compile(r"/library/\?q=miles$"))

    row = row_of(page, "Blue in Green")
    row.get_by_role("button", name="Play").click()
    is_ahead(page, 0.3)
    expect(row.get_by_role("button", name="Pause Blue in Green")).to_be_visible()
    expect(page.get_by_role("region", name="Player").locator(".player-row .player-title")).to_have_text("Blue in Green")
    row.get_by_role("button", name="Pause").click()
    assert page.evaluate("document.querySelector('audio').paused")

    # Where space is short stars show once a row is pointed at.
    row.locator(".song-row-end").hover()
    with page.expect_response("**/rate/"):
        row.get_by_role("radio", name="4 stars").check()
    expect(page.get_by_role("status").filter(has_text="Blue in Green: 4 stars")).to_have_count(1)
    follow_tab(page, "Taste")
    page.get_by_role("link", name="My ratings").click()
    expect(row_of(page, "Blue in Green").get_by_role("radio", name="4 stars")).to_be_checked()
    row_of(page, "Blue in Green").get_by_role("button", name="Remove the rating").click()
    expect(page.locator("li[data-song]")).to_have_count(0)

    page.get_by_role("button", name=name).click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Log in")


def test_a_song_played_to_its_half_counts_once(visit: Visit) -> None:
    page = visit("/library/?q=windowlicker")
    said = re.search(r"(\d+) plays?\b", row_of(page, "Windowlicker").inner_text())
    before = int(said[1]) if said else 0
    with page.expect_response("**/plays/") as told:
        row_of(page, "Windowlicker").get_by_role("button", name="Play").click()
    assert told.value.status == 204
    page.wait_for_function("() => document.querySelector('audio').ended")
    page.reload()
    expect(row_of(page, "Windowlicker")).to_contain_text(re.compile(rf"\b{before + 1} plays?\b"))


def test_a_song_left_early_is_told_as_skipped_and_not_counted(visit: Visit) -> None:
    page = visit("/library/?artist=nina+simone&sort=title")
    row_of(page, "Feeling Good").get_by_role("button", name="Play").click()
    is_ahead(page, 0.2)
    with page.expect_request("**/plays/") as told:
        page.get_by_role("button", name="Next song").click()
    assert "skipped=1" in (told.value.post_data or "")
    expect(page.get_by_role("region", name="Player").locator(".player-row .player-title")).to_have_text("Sinnerman")


def test_the_next_song_of_the_list_follows(visit: Visit) -> None:
    page = visit("/library/?artist=miles+davis&sort=title")
    row_of(page, "Blue in Green").get_by_role("button", name="Play").click()
    is_ahead(page, 0.1)
    expect(page.get_by_role("region", name="Player").locator(".player-row .player-title")).to_have_text(
        "So What", timeout=1000 * (SECONDS + 60)
    )


def test_the_music_goes_on_on_the_next_page(visit: Visit) -> None:
    page = visit("/library/?q=xtal")
    row_of(page, "Xtal").get_by_role("button", name="Play").click()
    is_ahead(page, 0.8)
    follow_tab(page, "Taste")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your taste")
    is_ahead(page, 0.9)
    expect(page.get_by_role("region", name="Player").locator(".player-row .player-title")).to_have_text("Xtal")


def test_the_keyboard_alone_is_enough(visit: Visit) -> None:
    page = visit("/library/")
    page.keyboard.press("/")
    expect(page.get_by_label("Title, artist or album")).to_be_focused()
    page.keyboard.type("xtal")
    expect(songs(page)).to_have_count(1)
    row = row_of(page, "Xtal")
    row.get_by_role("button", name="Play").focus()
    page.keyboard.press("Enter")
    is_ahead(page, 0.1)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press(" ")
    assert page.evaluate("document.querySelector('audio').paused")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.querySelector('audio').currentTime") == 0
    with page.expect_response("**/rate/"):
        row.get_by_role("radio", name="1 star").focus()
        page.keyboard.press("ArrowRight")
    expect(row.get_by_role("radio", name="2 stars")).to_be_checked()


def test_seeking_by_hand(visit: Visit) -> None:
    page = visit("/library/?q=xtal")
    row_of(page, "Xtal").get_by_role("button", name="Play").click()
    is_ahead(page, 0.1)
    page.get_by_role("button", name="Pause", exact=True).click()
    page.get_by_label("Position in the song").fill("2")
    page.wait_for_function("() => document.querySelector('audio').currentTime === 2")


def test_labels_and_artists_become_chips_that_can_be_removed(visit: Visit) -> None:
    page = visit("/library/")
    page.get_by_label("Label", exact=True).fill("soul")
    page.get_by_label("Label", exact=True).press("Tab")
    expect(songs(page)).to_have_count(2)
    expect(page.get_by_label("Label", exact=True)).to_have_value("")
    page.get_by_label("Title, artist or album").fill("sinner")
    expect(songs(page)).to_have_count(1)
    expect(page).to_have_url(re.compile(r"q=sinner&label=soul$"))
    page.get_by_role("link", name=re.compile("soul.*remove this label")).click()
    expect(page).to_have_url(re.compile(r"/library/\?q=sinner$"))
    assert page.locator("#label-names option").count() == 0
    page.get_by_label("Label", exact=True).focus()
    expect(page.locator("#label-names option").first).to_be_attached()


def test_a_song_page_tells_fetches_and_plays(visit: Visit) -> None:
    page = visit("/library/?q=blue+in+green")
    page.get_by_role("link", name="Blue in Green").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Blue in Green")
    expect(page.get_by_role("main")).to_contain_text("imported, 12 people")
    expect(page.get_by_role("main")).to_contain_text("curated by an admin")
    expect(page.locator(".loading")).to_have_count(0)
    page.get_by_role("button", name="Play Blue in Green").first.click()
    is_ahead(page, 0.2)
    page.get_by_role("main").get_by_role("button", name="Not for me").click()
    expect(page.get_by_role("button", name="Not for me: undo")).to_be_visible()
    page.get_by_role("button", name="Not for me: undo").click()
    expect(page.get_by_role("button", name="Not for me: undo")).to_have_count(0)


def test_without_scripts_everything_but_the_player_works(visit: Visit) -> None:
    page = visit("/library/", java_script_enabled=False)
    page.get_by_label("Title, artist or album").fill("gymnop")
    page.get_by_role("button", name="Find").click()
    row = row_of(page, "Gymnopédie No. 1")
    row.get_by_role("radio", name="5 stars").check()
    row.get_by_role("button", name="Rate").click()
    expect(page).to_have_url(re.compile(r"/library/\?q=gymnop"))
    expect(row_of(page, "Gymnopédie No. 1").get_by_role("radio", name="5 stars")).to_be_checked()
    page.get_by_role("link", name="Gymnopédie No. 1").click()
    expect(page.locator("noscript audio, main audio")).to_have_count(1)


def test_a_server_that_is_gone_is_said_and_the_stars_go_back(visit: Visit) -> None:
    page = visit("/library/?q=so+what", forgive="503")
    page.route("**/rate/", lambda route: route.fulfill(status=503, body="Later.", content_type="text/plain"))
    row = row_of(page, "So What")
    row.get_by_role("radio", name="3 stars").click()
    expect(page.get_by_role("status").filter(has_text="Later.")).to_be_visible()
    expect(row.get_by_role("radio", name="3 stars")).not_to_be_checked()


def test_a_part_that_cannot_be_loaded_says_so(visit: Visit) -> None:
    page = visit("/library/?q=so+what", forgive="503")
    page.route("**/similar/", lambda route: route.fulfill(status=503, body="Later."))
    page.get_by_role("link", name="So What").click()
    expect(page.get_by_text("This part of the page could not be loaded.")).to_be_visible()
    expect(page.locator(".loading")).to_have_count(0)


def test_once_the_session_is_over_the_log_in_comes_and_leads_back(visit: Visit) -> None:
    page = visit("/library/?q=so+what")
    page.context.clear_cookies(name="sessionid")
    row_of(page, "So What").get_by_role("radio", name="3 stars").click()
    expect(page).to_have_url(re.compile(r"/accounts/login/\?next=%2Flibrary%2F%3Fq%3Dso%2Bwhat"))
    page.get_by_label("Username").fill("mira")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Log in").click()
    expect(row_of(page, "So What")).to_be_visible()


def test_a_song_played_again_is_another_play(visit: Visit) -> None:
    page = visit("/library/?q=gymnop")
    row = row_of(page, "Gymnopédie No. 1")
    for _ in range(2):
        with page.expect_response("**/plays/"):
            row.get_by_role("button", name="Play").click()
        page.wait_for_function("() => document.querySelector('audio').ended")
    page.reload()
    expect(row).to_contain_text("2 plays")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_dashboard_breaks_no_rule_of_the_site(visit: Visit, scheme: str) -> None:
    page = visit("/admin/", "boss", color_scheme=scheme)
    for address in ("/admin/catalog/song/", "/admin/catalog/label/", "/admin/catalog/rating/", "/admin/auth/user/"):
        page.goto(address)
        page.wait_for_load_state("networkidle")
    page.goto("/admin/catalog/song/?q=blue+in+green")
    page.get_by_role("link", name="Blue in Green").click()
    page.get_by_label("jazz").select_option("no")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was changed successfully")).to_be_visible()


@pytest.mark.parametrize(("who", "pages"), [("boss", PAGES), (None, OPEN_PAGES)])
def test_nothing_goes_sideways_on_a_narrow_phone(visit: Visit, who: str | None, pages: list[str]) -> None:
    page = visit("/accounts/login/", who, "narrow")
    for address in pages:
        page.goto(address)
        page.wait_for_load_state("networkidle")
        assert sideways(page) == 0, address


@pytest.mark.parametrize("title", ["Blue in Green", "Donaudampfschiff", "untagged"])
def test_no_song_goes_sideways_on_a_narrow_phone(visit: Visit, title: str) -> None:
    page = visit(f"/library/?q={title}", "mira", "narrow")
    assert sideways(page) == 0
    page.locator(".song-row-title").first.click()
    page.wait_for_load_state("networkidle")
    assert sideways(page) == 0
    page.get_by_role("button", name="Play").first.click()
    is_ahead(page, 0.1)
    assert sideways(page) == 0
