"""Playlists, made and played in a real Chromium."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from .conftest import Visit
from .player import heading, is_same_document, mark, open_queue, playing, queue, row_of

pytestmark = pytest.mark.browser


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
    expect(page.locator("#playlist-count")).to_contain_text("2 songs")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#playlist-songs .song-row-title")).to_have_count(3)
    assert entries(page) == ["Sinnerman", "Xtal", "So What"]

    page.get_by_role("button", name="Play all").click()
    expect(playing(page)).to_have_text("Sinnerman")
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
