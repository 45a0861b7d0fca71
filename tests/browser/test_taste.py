"""From the first visit to the last: labels picked, the dial turned, the profile corrected, everything taken along."""

from __future__ import annotations

import json
import re
from itertools import count
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from .conftest import Visit, follow_tab
from .site import PASSWORD

pytestmark = pytest.mark.browser

_number = count(1)


def sign_up(visit: Visit, size: str = "desktop", **options: object) -> Page:
    """Somebody new, just after the form."""
    page = visit("/accounts/signup/", None, size, **options)
    page.get_by_label("Username").fill(f"guest-{next(_number)}")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password again").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("For you")
    # Before its scripts are there, a page sends forms by itself, and begins anew.
    page.wait_for_load_state()
    return page


def titles(page: Page) -> list[str]:
    return page.locator("#rows .song-card-title").all_text_contents()


def row(page: Page, title: str) -> Locator:
    return page.locator("#rows section").filter(has=page.get_by_role("heading", name=title))


def label(page: Page, name: str) -> Locator:
    return page.locator(".taste-label").filter(has=page.get_by_text(name, exact=True))


def test_on_a_phone_stars_stand_on_the_songs_to_try(visit: Visit) -> None:
    page = sign_up(visit, "phone", has_touch=True, is_mobile=True)
    songs = page.locator(".songs-to-try [data-song]")
    for at in range(songs.count()):
        stars = songs.nth(at).get_by_role("radio", name="4 stars")
        expect(stars).to_have_css("opacity", "1")
        assert stars.evaluate(
            """star => {
                star.scrollIntoView({ block: "center", behavior: "instant" });
                const { x, y, width, height } = star.getBoundingClientRect();
                return document.elementFromPoint(x + width / 2, y + height / 2) === star;
            }"""
        )
    with page.expect_response(lambda answer: answer.url.endswith("/rate/")):
        songs.first.get_by_role("radio", name="5 stars").tap()
    expect(page.get_by_role("heading", name="Close to your taste")).to_have_count(1)


def test_stars_given_in_the_menu_bring_the_first_recommendations_and_a_way_to_them(visit: Visit) -> None:
    page = sign_up(visit, "phone", has_touch=True, is_mobile=True)
    page.locator(".songs-to-try [data-more]").first.tap()
    page.locator("#song-menu").get_by_role("radio", name="5 stars").tap()
    expect(page.get_by_role("heading", name="Close to your taste")).to_have_count(1)
    page.keyboard.press("Escape")
    page.locator("#player-said").get_by_role("link", name="Show my recommendations").tap()
    expect(page.locator("#rows h2").first).to_be_in_viewport()
    # Where labels are picked too.
    expect(page.get_by_role("main").get_by_role("link", name="Show my recommendations")).to_be_visible()


def test_a_picked_label_shows_its_songs_beside_the_labels(visit: Visit) -> None:
    page = sign_up(visit, "phone")
    page.get_by_role("button", name="instrumental", exact=True).click()
    expect(page.get_by_role("button", name="instrumental", pressed=True)).to_be_in_viewport()
    expect(row(page, "From the labels you picked").locator(".song-card .cover").first).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_from_signing_up_to_the_first_recommendations(visit: Visit, size: str) -> None:
    page = sign_up(visit, size)
    expect(page.get_by_role("heading", name="What do you like?")).to_be_visible()
    pick = page.get_by_role("button", name="instrumental", exact=True)
    pick.click()
    expect(page.get_by_role("button", name="instrumental", pressed=True)).to_be_focused()
    # All of them have the label: a caption says what else.
    first = row(page, "From the labels you picked").locator(".song-card-why").first
    expect(first).to_have_text(re.compile("."))
    expect(first).not_to_contain_text("instrumental")
    page.get_by_role("link", name="Show my recommendations").click()
    expect(page.get_by_role("heading", name="From the labels you picked")).to_be_in_viewport()

    # A song to try gets its stars: the rows follow without a word.
    to_try = page.locator(".songs-to-try [data-song]").first
    to_try.get_by_role("radio", name="5 stars").check()
    expect(page.get_by_role("heading", name="Close to your taste")).to_have_count(1)
    title = to_try.locator(".song-row-title").text_content() or ""
    assert title not in titles(page)
    page.reload()
    expect(page.get_by_role("heading", name="What do you like?")).to_have_count(0)
    expect(page.get_by_label("From what you know to what is new")).to_be_visible()


def test_rating_a_song_changes_for_you(visit: Visit) -> None:
    page = sign_up(visit)
    expect(page.get_by_role("heading", name="Close to your taste")).to_have_count(0)
    page.goto("/library/?q=sinnerman")
    with page.expect_response("**/rate/"):
        page.get_by_role("radio", name="5 stars").first.check()
    page.get_by_role("link", name="For you").first.click()
    # So few songs are all in the first row, and no row repeats another.
    expect(page.get_by_role("heading", name="Close to your taste")).to_be_visible()
    assert "Feeling Good" in titles(page)
    assert "Sinnerman" not in titles(page)


def test_the_dial_turns_the_rows_by_keyboard_and_is_remembered(visit: Visit) -> None:
    page = sign_up(visit)
    page.goto("/library/")
    for number in range(3):
        with page.expect_response("**/rate/"):
            page.locator(".song-row").nth(number).get_by_role("radio", name="5 stars").check()
    page.goto("/")
    dial = page.get_by_label("From what you know to what is new")
    expect(dial).to_have_value("0")
    dial.focus()
    for word in ("more adventurous", "most adventurous"):
        with page.expect_response(lambda answer: "/dial/" in answer.url):
            page.keyboard.press("ArrowRight")
        expect(dial).to_have_attribute("aria-valuetext", word)
    expect(dial).to_be_focused()
    expect(page.locator(".dial.htmx-request")).to_have_count(0)
    page.reload()
    expect(dial).to_have_value("2")
    adventurous = titles(page)
    with page.expect_response(lambda answer: "/dial/" in answer.url):
        dial.fill("-2")
    expect(page.locator("output", has_text="most familiar")).to_be_visible()
    expect(page.locator(".dial.htmx-request")).to_have_count(0)
    page.reload()
    assert titles(page) != adventurous


def test_the_dial_works_without_scripts(visit: Visit) -> None:
    page = visit("/?label=Soul", "mira", java_script_enabled=False)
    page.get_by_label("From what you know to what is new").press("ArrowLeft")
    page.get_by_role("button", name="Set").click()
    expect(page).to_have_url(re.compile(r"/\?label=Soul$"))
    expect(page.get_by_label("From what you know to what is new")).to_have_value("-1")
    page.get_by_label("From what you know to what is new").press("ArrowRight")
    page.get_by_role("button", name="Set").click()


def test_a_row_is_played_as_a_whole(visit: Visit) -> None:
    # Somebody new: which rows mira has depends on what she played in other tests.
    page = sign_up(visit)
    page.get_by_role("button", name="instrumental", exact=True).click()
    page.get_by_role("button", name="Play all: From the labels you picked").click()
    page.wait_for_function("() => document.querySelector('audio').currentTime > 0.1")
    first = row(page, "From the labels you picked").locator(".song-card-title").first.text_content() or ""
    expect(page.get_by_role("region", name="Player").get_by_role("link").first).to_have_text(first)


def test_a_label_is_opened_pushed_forgotten_and_taken_back(visit: Visit) -> None:
    page = visit("/taste/", "mira")
    soul = label(page, "soul")
    soul.locator("summary").click()
    expect(soul.locator(".song-line-title").first).to_be_visible()
    soul.get_by_role("button", name="More Soul").click()
    expect(soul).to_contain_text("more by hand")
    expect(soul.get_by_role("button", name="More Soul")).to_be_focused()
    # What was opened stays open.
    expect(soul.locator(".song-line-title").first).to_be_visible()
    soul.get_by_role("button", name="Undo what was changed of Soul").click()
    expect(soul).not_to_contain_text("by hand")
    soul.get_by_role("button", name="Forget Soul").press("Enter")
    expect(soul).to_contain_text("forgotten")
    expect(page.locator("#announce")).to_have_text("Soul is forgotten")
    page.reload()
    expect(soul).to_contain_text("forgotten")
    soul.get_by_role("button", name="Undo what was changed of Soul").click()
    expect(soul).not_to_contain_text("forgotten")


def test_the_profile_is_corrected_without_scripts(visit: Visit) -> None:
    page = visit("/taste/", "mira", java_script_enabled=False)
    label(page, "soul").locator("summary").click()
    page.get_by_role("link", name="The songs behind Soul").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("soul in your taste")
    page.get_by_role("button", name="Less Soul").click()
    expect(label(page, "soul")).to_contain_text("less by hand")
    page.get_by_role("button", name="Undo what was changed of Soul").click()
    expect(label(page, "soul")).not_to_contain_text("by hand")


def test_history_has_the_hours_of_the_device(visit: Visit) -> None:
    page = visit("/library/?q=sinnerman", timezone_id="Pacific/Kiritimati")
    hour = page.evaluate(
        """async () => {
          const at = Date.now() - 3600 * 1000;
          const headers = JSON.parse(document.body.getAttribute("hx-headers"));
          const { song } = document.querySelector("#main [data-song]").dataset;
          await fetch(`${song}plays/`, { method: "POST", headers, body: new URLSearchParams({ started_at: at }) });
          return new Date(at).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
        }"""
    )
    page.goto("/taste/history/")
    expect(page.locator("#main .song-row").filter(has_text="Sinnerman").filter(has_text=hour).first).to_be_visible()


def test_history_and_refusals_are_a_tab_away(visit: Visit) -> None:
    page = visit("/taste/", "mira")
    page.get_by_role("link", name="History", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("History")
    expect(page.locator(".song-row").first).to_be_visible()
    page = sign_up(visit)
    page.goto("/library/?q=untagged")
    page.locator(".song-row-title").first.click()
    page.get_by_role("button", name="Not for me").click()
    expect(page.get_by_role("button", name="Not for me: undo")).to_be_visible()
    follow_tab(page, "Taste")
    page.get_by_role("link", name="Not for me", exact=True).click()
    expect(page.locator(".song-line")).to_have_count(1)
    page.get_by_role("button", name="Undo: ").click()
    expect(page.locator(".song-line")).to_have_count(0)
    page.reload()
    expect(page.get_by_role("heading", name="Nothing here")).to_be_visible()


def test_everything_is_taken_along_and_the_account_deleted(visit: Visit, tmp_path: Path) -> None:
    page = sign_up(visit)
    name = page.locator(".head-who").text_content()
    page.goto("/library/?q=xtal")
    with page.expect_response("**/rate/"):
        page.get_by_role("radio", name="4 stars").first.check()
    page.goto("/taste/")
    with page.expect_download() as told:
        page.get_by_role("link", name="Export everything (JSON)").click()
    told.value.save_as(tmp_path / "mine.json")
    mine = json.loads((tmp_path / "mine.json").read_text())
    assert mine["account"]["username"] == name
    assert [(song["title"], song["stars"]) for song in mine["ratings"]] == [("Xtal", 4)]

    page.get_by_role("main").get_by_role("link", name="Delete my account").click()
    page.get_by_label("Your password").fill("wrong")
    page.get_by_role("button", name="Delete my account for good").click()
    expect(page.get_by_text("That is not your password.")).to_be_visible()
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Delete my account for good").click()
    expect(page.get_by_text("Your account is deleted")).to_be_visible()
    page.get_by_label("Username").fill(name or "")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Log in").click()
    expect(page.get_by_text("Please enter a correct username and password")).to_be_visible()


@pytest.mark.parametrize("who", ["mira", "newcomer"])
def test_nothing_of_it_goes_sideways_on_a_narrow_phone(visit: Visit, who: str) -> None:
    page = visit("/", who, "narrow")
    for address in ("/", "/taste/", "/taste/history/", "/taste/not-this/", "/ratings/", "/accounts/delete/"):
        page.goto(address)
        page.wait_for_load_state("networkidle")
        wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wider == 0, address
