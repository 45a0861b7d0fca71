"""What has room on a page, in a real Chromium: names, titles, buttons and tabs, on a wide screen and on a phone."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, ViewportSize, expect

from .conftest import Visit
from .test_site import sideways

pytestmark = pytest.mark.browser

WIDE: ViewportSize = {"width": 1440, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}


def edges(part: Locator) -> tuple[float, float]:
    """Where something begins and ends, from the left."""
    box = part.bounding_box()
    assert box is not None
    return box["x"], box["x"] + box["width"]


def longer_name(page: Page, name: str) -> None:
    page.evaluate("name => { document.querySelector('.head-who').textContent = name; }", name)


@pytest.mark.parametrize("width", [1440, 1280, 800])
def test_a_long_name_in_the_head_gives_way_and_nothing_sticks_out(visit: Visit, width: int) -> None:
    page = visit("/taste/")
    page.set_viewport_size({"width": width, "height": 900})
    longer_name(page, "elevenchars_and_very_many_more")
    text: Any = page.evaluate(
        """() => {
            const row = document.querySelector(".head-row");
            const { paddingRight } = getComputedStyle(row);
            const inside = row.getBoundingClientRect().right - parseFloat(paddingRight);
            const who = document.querySelector(".head-who");
            return { over: who.getBoundingClientRect().right - inside, cut: who.scrollWidth > who.clientWidth };
        }"""
    )
    assert text["over"] <= 1
    assert text["cut"]
    assert sideways(page) == 0


def test_titles_have_the_room_of_a_wide_screen(visit: Visit) -> None:
    page = visit("/library/")
    page.set_viewport_size(WIDE)
    left, right = edges(page.get_by_role("main").locator(".library-body"))
    assert left < 140
    assert 1440 - right < 140
    start, end = edges(page.locator("#songs .song-row-text").first)
    assert end - start > 280
    assert sideways(page) == 0


def test_the_columns_of_both_lists_of_find_stand_under_each_other(visit: Visit) -> None:
    page = visit("/find/?q=blue")
    page.set_viewport_size(WIDE)
    lists = page.locator(".find-page .song-list")
    expect(lists).to_have_count(2)
    # A column in which one of the lists has nothing.
    page.evaluate(
        """() => {
            const [first, second] = document.querySelectorAll(".find-page .song-list");
            for (const plays of first.querySelectorAll(".song-row-plays")) plays.textContent = "";
            for (const plays of second.querySelectorAll(".song-row-plays")) plays.textContent = "4 plays";
        }"""
    )
    for part in (".song-row-title", ".song-row-labels", ".stars", ".song-row-length"):
        starts = [edges(lists.nth(number).locator(part).first)[0] for number in (0, 1)]
        assert abs(starts[0] - starts[1]) < 1.5, part


@pytest.mark.parametrize("size", ["narrow", "phone", "desktop"])
def test_play_all_and_shuffle_are_in_the_head_of_the_library_in_one_line(visit: Visit, size: str) -> None:
    page = visit("/library/", size=size)
    head = page.locator(".found-head")
    for name in ("Play all", "Shuffle all"):
        expect(head.get_by_role("button", name=name, exact=True)).to_be_visible()
    box = head.bounding_box()
    assert box is not None
    assert box["height"] < 60
    assert sideways(page) == 0


def test_shuffle_plays_all_songs_in_another_order_and_is_on_from_then(visit: Visit) -> None:
    page = visit("/library/?sort=title")
    songs = page.locator("#songs [data-song]")
    count = songs.count()
    page.get_by_role("button", name="Shuffle all", exact=True).click()
    expect(page.get_by_role("button", name="Shuffle", exact=True)).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Queue", exact=True).click()
    expect(page.locator(".queue-song")).to_have_count(count)
    titles = sorted(page.locator(".queue-song-title").all_text_contents())
    assert titles == sorted(song.get_attribute("data-title") or "" for song in songs.all())


def test_a_playlists_titles_have_two_lines_on_a_phone(visit: Visit) -> None:
    page = visit("/playlists/")
    page.set_viewport_size(PHONE)
    # Other tests make playlists without songs.
    page.get_by_role("link", name="Late evening").click()
    row = page.locator(".playlist-row").first
    expect(row).to_be_visible()
    page.evaluate(
        """() => {
            const title = document.querySelector(".playlist-row .song-row-title");
            title.textContent = "Jonathan Coulton That Spells DNA";
        }"""
    )
    title = row.locator(".song-row-title")
    assert title.evaluate("title => title.scrollHeight <= title.clientHeight + 1")
    assert title.evaluate("title => title.clientHeight >= 2 * parseFloat(getComputedStyle(title).fontSize)")
    expect(page.get_by_role("button", name="Shuffle", exact=True).first).to_be_visible()
    assert sideways(page) == 0


def test_all_tabs_of_taste_are_in_sight_on_a_phone(visit: Visit) -> None:
    page = visit("/taste/", letters="narrow")
    page.set_viewport_size(PHONE)
    tabs = page.get_by_role("navigation", name="Your taste")
    assert edges(tabs.get_by_role("link").last)[1] <= PHONE["width"]
    assert tabs.evaluate("tabs => tabs.scrollWidth <= tabs.clientWidth")


def test_tabs_that_have_no_room_have_a_shadow_at_the_edge(visit: Visit) -> None:
    page = visit("/taste/", size="narrow")
    tabs = page.get_by_role("navigation", name="Your taste")
    assert tabs.evaluate("tabs => getComputedStyle(tabs).backgroundAttachment").split(", ")[-1] == "scroll"


def test_no_column_of_the_table_of_users_is_cut(visit: Visit) -> None:
    page = visit("/admin/auth/user/", "boss")
    page.set_viewport_size(WIDE)
    page.evaluate(
        """() => {
            const [row] = document.querySelectorAll("#result_list tbody tr");
            row.querySelector(".field-email").textContent = "somebody.with.a.long.name@mail.example.org";
            row.querySelector(".field-last_login").textContent = "30 Nov 2026, 12:31";
        }"""
    )
    assert page.locator(".results").evaluate("table => table.scrollWidth - table.clientWidth") <= 0
    assert page.locator("#result_list thead .column-email").is_visible()
