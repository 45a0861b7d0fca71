"""The player and the pages around it, in a real Chromium: the music goes on while pages come and go."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from .conftest import Visit

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def row_of(page: Page, title: str) -> Locator:
    return page.locator("#main li[data-song]").filter(has=page.get_by_role("link", name=title, exact=True)).first


def player(page: Page) -> Locator:
    return page.get_by_role("region", name="Player")


def play(page: Page, title: str) -> None:
    row_of(page, title).get_by_role("button", name="Play").click()
    page.wait_for_function("() => document.querySelector('audio').currentTime > 0.1")


def is_same_document(page: Page) -> bool:
    """Whether the document that was marked is still the one that is shown."""
    return bool(page.evaluate("window.marked === true"))


def mark(page: Page) -> None:
    page.evaluate("() => { window.marked = true; }")


def heading(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(text)


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
    page.get_by_role("link", name="Compare", exact=True).click()
    heading(page, "Compare")
    assert page.evaluate("document.querySelector('audio').currentTime") > before
    assert not page.evaluate("document.querySelector('audio').paused")
    assert page.evaluate("window.stops") == []
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
    page.get_by_role("link", name="Compare", exact=True).click()
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
    page.get_by_label("New password confirmation").fill("correct horse battery")
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


# --- Playing ------------------------------------------------------------------------------------


def queue(page: Page) -> list[str]:
    """The titles in the queue's panel, which is open."""
    return page.locator(".queue-song-title").all_text_contents()


def open_queue(page: Page) -> None:
    page.get_by_role("button", name="Queue", exact=True).click()
    expect(page.get_by_role("heading", name="Queue")).to_be_visible()


def test_a_play_is_counted_once_though_pages_come_and_go(visit: Visit) -> None:
    page = visit("/library/?q=windowlicker")
    told: list[str] = []
    page.on("request", lambda request: told.append(request.post_data or "") if "/plays/" in request.url else None)
    with page.expect_response("**/plays/"):
        play(page, "Windowlicker")
        page.get_by_role("link", name="Compare", exact=True).click()
    page.get_by_role("link", name="Library").click()
    page.wait_for_function("() => document.querySelector('audio').ended")
    page.reload()
    page.wait_for_load_state("networkidle")
    assert len(told) == 1
    assert "skipped" not in told[0]


def test_it_is_remembered_where_it_was_after_a_reload_and_in_a_new_visit(visit: Visit) -> None:
    page = visit("/library/?artist=miles+davis&sort=title")
    play(page, "Blue in Green")
    page.get_by_role("button", name="Pause", exact=True).click()
    at = page.evaluate("document.querySelector('audio').currentTime")
    page.reload()
    expect(player(page).get_by_role("link")).to_have_text("Blue in Green")
    page.wait_for_function("at => Math.abs(document.querySelector('audio').currentTime - at) < 0.05", arg=at)
    other = page.context.new_page()
    other.goto("/")
    expect(player(other).get_by_role("link")).to_have_text("Blue in Green")
    other.wait_for_function("at => Math.abs(document.querySelector('audio').currentTime - at) < 0.3", arg=at)
    assert other.evaluate("document.querySelector('audio').paused")
    open_queue(other)
    assert queue(other) == ["Blue in Green", "So What"]


def test_one_tab_plays_at_a_time(visit: Visit) -> None:
    page = visit("/library/?q=xtal")
    play(page, "Xtal")
    other = page.context.new_page()
    other.goto("/library/?q=windowlicker")
    play(other, "Windowlicker")
    page.wait_for_function("() => document.querySelector('audio').paused")


def test_the_system_knows_what_plays_and_can_pause_it(visit: Visit) -> None:
    page = visit("/library/?q=xtal")
    play(page, "Xtal")
    assert page.evaluate("navigator.mediaSession.metadata.title") == "Xtal"
    assert page.evaluate("navigator.mediaSession.metadata.artist") == "Aphex Twin"
    assert page.evaluate("navigator.mediaSession.playbackState") == "playing"


def test_keys_play_seek_and_step_but_not_in_fields(visit: Visit) -> None:
    page = visit("/library/?artist=nina+simone&sort=title")
    play(page, "Feeling Good")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press(" ")
    page.wait_for_function("() => document.querySelector('audio').paused")
    page.keyboard.press("Shift+ArrowRight")
    expect(player(page).get_by_role("link")).to_have_text("Sinnerman")
    page.keyboard.press("ArrowLeft")
    page.get_by_role("searchbox").first.focus()
    paused = page.evaluate("document.querySelector('audio').paused")
    page.keyboard.type("a b")
    assert page.evaluate("document.querySelector('audio').paused") == paused


def test_the_queue_is_seen_moved_emptied_and_filled_by_keyboard(visit: Visit) -> None:
    page = visit("/library/?artist=miles+davis&sort=title")
    play(page, "Blue in Green")
    page.evaluate("document.querySelector('audio').loop = true")
    page.get_by_role("link", name="Library").click()
    row_of(page, "Xtal").get_by_role("button", name="More for Xtal").click()
    page.get_by_role("button", name="Play next").click()
    row_of(page, "Windowlicker").get_by_role("button", name="More for Windowlicker").press("Enter")
    expect(page.get_by_role("button", name="Play next")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    open_queue(page)
    assert queue(page) == ["Blue in Green", "Xtal", "So What", "Windowlicker"]
    page.get_by_role("button", name="Move Windowlicker", exact=True).focus()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("button", name="Move Windowlicker", exact=True)).to_be_focused()
    page.keyboard.press("ArrowUp")
    assert queue(page) == ["Blue in Green", "Windowlicker", "Xtal", "So What"]
    page.get_by_role("button", name="Remove Xtal from the queue").press("Enter")
    assert queue(page) == ["Blue in Green", "Windowlicker", "So What"]
    page.get_by_role("button", name="Next song").click()
    expect(player(page).get_by_role("link")).to_have_text("Windowlicker")
    page.get_by_role("button", name="Clear").click()
    assert queue(page) == ["Windowlicker"]
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Queue", exact=True)).to_be_focused()


def test_the_queue_is_moved_by_dragging(visit: Visit) -> None:
    page = visit("/library/?sort=title")
    page.locator("#songs [data-play]").first.click()
    open_queue(page)
    before = queue(page)
    first, third = (page.locator(".queue-handle").nth(number).bounding_box() for number in (0, 2))
    assert first
    assert third
    page.mouse.move(first["x"] + 10, first["y"] + 20)
    page.mouse.down()
    page.mouse.move(third["x"] + 10, third["y"] + 10, steps=8)
    page.mouse.move(third["x"] + 10, third["y"] + 24, steps=4)
    page.mouse.up()
    assert queue(page)[:3] == [before[1], before[2], before[0]]


def test_play_similar_goes_on_without_end(visit: Visit) -> None:
    page = visit("/library/?q=so+what")
    row_of(page, "So What").get_by_role("button", name="More for So What").click()
    page.get_by_role("button", name="Play similar").click()
    expect(player(page).get_by_role("link")).to_have_text("So What")
    open_queue(page)
    expect(page.get_by_text("Goes on with songs like So What, without end.")).to_be_visible()
    expect(page.locator(".queue-song").nth(5)).to_be_attached()
    heard = []
    for _ in range(14):
        title = player(page).locator(".player-row .player-title").text_content()
        page.get_by_role("button", name="Next song").click()
        expect(player(page).locator(".player-row .player-title")).not_to_have_text(title or "")
        heard.append(title)
    expect(page.get_by_role("button", name="Next song")).to_be_enabled()


def test_wishes_of_the_player_count_at_once_and_are_taken_back(visit: Visit) -> None:
    page = visit("/library/?artist=miles+davis&sort=title")
    play(page, "Blue in Green")
    page.get_by_role("button", name="Pause", exact=True).click()
    page.get_by_role("button", name="More like this").first.click()
    said = page.locator("#player-said")
    expect(said).to_contain_text("from now on")
    said.get_by_role("button", name="Undo").click()
    expect(said).to_contain_text("your taste is as it was")
    page.get_by_role("button", name="Not this").first.click()
    expect(said).to_contain_text("Blue in Green will not be recommended.")
    expect(player(page).get_by_role("link")).to_have_text("So What")
    said.get_by_role("button", name="Undo").click()
    expect(said).to_contain_text("may be recommended again")


def test_stars_are_the_same_in_the_player_and_in_the_row(visit: Visit) -> None:
    page = visit("/library/?q=so+what")
    play(page, "So What")
    bar, row = page.locator(".player-row .player-stars"), row_of(page, "So What")
    with page.expect_response("**/rate/"):
        bar.get_by_role("radio", name="4 stars").check()
    expect(row.get_by_role("radio", name="4 stars")).to_be_checked()
    with page.expect_response("**/rate/"):
        row.get_by_role("radio", name="2 stars").check()
    expect(bar.get_by_role("radio", name="2 stars")).to_be_checked()
    page.reload()
    expect(bar.get_by_role("radio", name="2 stars")).to_be_checked()


def test_a_click_on_the_waveform_goes_there(visit: Visit) -> None:
    page = visit("/library/?q=sinnerman")
    play(page, "Sinnerman")
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.locator(".player-wave")).to_be_visible(timeout=20_000)
    wave = page.locator(".player-wave").bounding_box()
    assert wave
    page.mouse.click(wave["x"] + wave["width"] / 2, wave["y"] + wave["height"] / 2)
    page.wait_for_function("() => Math.abs(document.querySelector('audio').currentTime - 1.5) < 0.6")
    page.get_by_label("Position in the song").press("End")
    page.wait_for_function("() => document.querySelector('audio').currentTime > 2.9")


def test_on_a_phone_the_cover_opens_stars_wishes_volume_and_queue(visit: Visit) -> None:
    page = visit("/library/?artist=miles+davis&sort=title", size="narrow")
    play(page, "Blue in Green")
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(player(page).get_by_role("radio")).to_have_count(0)
    page.get_by_role("button", name="Stars, wishes and queue").click()
    panel = page.get_by_role("region", name="Queue")
    with page.expect_response("**/rate/"):
        panel.get_by_role("radio", name="5 stars").check()
    expect(row_of(page, "Blue in Green").get_by_role("radio", name="5 stars")).to_be_checked()
    panel.get_by_label("Volume").fill("0.25")
    assert page.evaluate("document.querySelector('audio').volume") == 0.25
    panel.get_by_role("button", name="More like this").click()
    expect(page.locator("#player-said")).to_contain_text("from now on")
    panel.get_by_role("button", name="Not this").click()
    expect(panel.get_by_role("link", name="So What")).to_be_visible()
    page.locator("#player-said").get_by_role("button", name="Undo").click()
    panel.get_by_role("button", name="Close the queue").click()
    expect(page.get_by_role("button", name="Stars, wishes and queue")).to_be_focused()
    page.reload()
    assert page.evaluate("document.querySelector('audio').volume") == 0.25


# --- Playlists ----------------------------------------------------------------------------------


def entries(page: Page) -> list[str]:
    return page.locator("#playlist-songs .song-row-title").all_text_contents()


def test_a_playlist_from_making_it_to_deleting_it(visit: Visit) -> None:
    page = visit("/playlists/", "newcomer")
    mark(page)
    page.get_by_label("A new playlist").fill("Late evening")
    page.get_by_role("button", name="Make it").click()
    heading(page, "Late evening")
    page.get_by_role("link", name="Library").click()
    for title in ("Xtal", "So What", "Sinnerman"):
        row_of(page, title).get_by_role("button", name=f"More for {title}").click()
        page.get_by_role("button", name="Add to a playlist").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("button", name="Late evening").click()
        expect(dialog).to_contain_text("1 song added to Late evening")
        if title != "Sinnerman":
            page.keyboard.press("Escape")
    page.get_by_role("dialog").get_by_role("link", name="Late evening").click()
    heading(page, "Late evening")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert entries(page) == ["Xtal", "So What", "Sinnerman"]

    with page.expect_response("**/move/"):
        page.get_by_role("button", name="Move Sinnerman").press("ArrowUp")
    expect(page.get_by_role("button", name="Move Sinnerman")).to_be_focused()
    assert entries(page) == ["Xtal", "Sinnerman", "So What"]
    first, second = (page.locator("[data-handle]").nth(number).bounding_box() for number in (0, 1))
    assert first
    assert second
    with page.expect_response("**/move/"):
        page.mouse.move(first["x"] + 10, first["y"] + 20)
        page.mouse.down()
        page.mouse.move(second["x"] + 10, second["y"] + 20, steps=8)
        page.mouse.up()
    page.reload()
    assert entries(page) == ["Sinnerman", "Xtal", "So What"]
    mark(page)

    page.get_by_role("button", name="Take Xtal out of the playlist").click()
    expect(page.get_by_text("Xtal is taken out.").first).to_be_attached()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#playlist-songs .song-row-title")).to_have_count(3)
    assert entries(page) == ["Sinnerman", "Xtal", "So What"]

    page.get_by_role("button", name="Play all").click()
    expect(player(page).get_by_role("link")).to_have_text("Sinnerman")
    page.locator("summary", has_text="Export").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download M3U").click()
    assert download.value.suggested_filename == "Late evening.m3u8"
    page.locator("summary", has_text="Rename").click()
    page.get_by_label("Its new name").fill("Night")
    page.get_by_role("button", name="Rename").click()
    heading(page, "Night")
    page.get_by_role("link", name="Delete", exact=True).click()
    page.get_by_role("button", name="Delete the playlist").click()
    expect(page.locator("#messages")).to_contain_text("The playlist Night is deleted.")
    assert is_same_document(page)


def test_a_recommended_row_and_the_queue_are_saved_as_playlists(visit: Visit) -> None:
    page = visit("/", "newcomer")
    page.get_by_role("button", name="Save as playlist").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Make it").click()
    expect(dialog).to_contain_text("added to")
    page.keyboard.press("Escape")
    page.locator("#rows [data-play]").first.click()
    open_queue(page)
    songs = len(queue(page))
    page.get_by_role("region", name="Queue").get_by_role("button", name="Save as playlist").click()
    dialog.get_by_label("A new playlist").fill("From the queue")
    dialog.get_by_role("button", name="Make it").click()
    expect(dialog).to_contain_text(f"{songs} song")


@pytest.mark.parametrize("size", ["phone", "narrow"])
def test_nothing_goes_sideways_with_the_queue_open_or_on_a_playlist(visit: Visit, size: str) -> None:
    page = visit("/playlists/", size=size)
    sideways = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(sideways) == 0
    page.get_by_label("A new playlist").fill("W" * 100)
    page.get_by_role("button", name="Make it").click()
    expect(page.locator("h1")).to_contain_text("WWW")
    assert page.evaluate(sideways) == 0
    page.goto("/library/?sort=title")
    page.locator("#songs [data-play]").first.click()
    open_queue(page)
    assert page.evaluate(sideways) == 0
