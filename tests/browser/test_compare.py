"""Compare, in a real Chromium: two lists side by side, changed and asked about by hand and by keyboard."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from .conftest import Visit, follow_tab
from .test_site import is_ahead, sideways

pytestmark = pytest.mark.browser


def side(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name, exact=True)


def field(page: Page, name: str) -> Locator:
    return page.get_by_role("combobox", name=name)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["narrow", "phone", "desktop"])
def test_two_lists_stand_side_by_side_or_one_below_the_other(visit: Visit, size: str, scheme: str) -> None:
    page = visit("/", size=size, color_scheme=scheme)
    follow_tab(page, "Compare")
    expect(page.get_by_role("heading", level=1)).to_have_text("Compare")
    left, right = side(page, "Co-occurrence"), side(page, "Content")
    expect(left.get_by_role("listitem").first).to_contain_text("with ")
    expect(left).not_to_contain_text("nobody has played it")
    expect(right).to_contain_text("nobody has played it")
    boxes = left.bounding_box(), right.bounding_box()
    assert boxes[0] is not None
    assert boxes[1] is not None
    assert (boxes[0]["y"] == boxes[1]["y"]) == (size == "desktop")
    expect(page.get_by_role("img", name=re.compile("How many songs have so many listeners"))).to_be_visible()
    expect(page.get_by_role("region", name="At a glance")).to_contain_text("sitting")
    assert sideways(page) == 0


def test_another_method_and_another_listener_change_the_page_and_its_address(visit: Visit) -> None:
    page = visit("/compare/")
    field(page, "Left").focus()
    field(page, "Left").select_option("Popular")
    expect(side(page, "Popular").get_by_role("listitem").first).to_be_visible()
    expect(field(page, "Left")).to_be_focused()
    expect(page).to_have_url(re.compile("left=popular"))
    field(page, "Listener").fill("lastfm-1")
    field(page, "Listener").press("Enter")
    expect(page.locator("#comparison [role=status]")).to_contain_text("For lastfm-1")
    expect(page).to_have_url(re.compile("listener=lastfm-1"))
    page.reload()
    expect(page.locator("#comparison [role=status]")).to_contain_text("For lastfm-1")
    expect(field(page, "Left")).to_have_value("popular")


def test_a_newcomer_sees_the_lists_of_another_listener_and_how_to_get_their_own(visit: Visit) -> None:
    page = visit("/compare/", "newcomer")
    comparison = page.locator("#comparison")
    expect(comparison).to_contain_text("these are the lists of lastfm-0, who came with an import")
    expect(side(page, "Content").get_by_role("listitem").first).to_be_visible()
    first, second = comparison.get_by_role("heading", level=2).all_text_contents()[:2]
    assert [first, second] == ["Co-occurrence", "Content"]
    page.get_by_role("link", name="Rate three songs to see yours").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("For you")


def test_names_of_listeners_are_suggested(visit: Visit) -> None:
    page = visit("/compare/")
    field(page, "Listener").press_sequentially("lastfm")
    expect(page.locator("#listener-names option")).to_have_count(3)


def test_a_listener_who_is_not_to_be_seen_is_said_to_be_none(visit: Visit) -> None:
    page = visit("/compare/", forgive="404")
    field(page, "Listener").fill("newcomer")
    field(page, "Listener").press("Enter")
    expect(page.get_by_role("status").filter(has_text="No listener that you may see")).to_be_visible()
    page = visit("/compare/?listener=newcomer", "boss")
    expect(page.locator("#comparison [role=status]")).to_contain_text("For newcomer")


def test_why_a_song_is_missing_is_asked_by_keyboard(visit: Visit) -> None:
    page = visit("/compare/")
    page.get_by_label("Title of the song").focus()
    page.keyboard.type("untagged")
    page.keyboard.press("Enter")
    answer = page.locator("#why-answer")
    expect(answer).to_contain_text("Nobody has played it. Co-occurrence cannot see it.")
    expect(answer).to_contain_text("It has no label yet")
    expect(page.get_by_label("Title of the song")).to_be_focused()


def test_without_scripts_the_page_compares_and_explains(visit: Visit) -> None:
    page = visit("/compare/", java_script_enabled=False)
    field(page, "Right").select_option("Popular")
    page.get_by_role("button", name="Compare").click()
    expect(side(page, "Popular")).to_be_visible()
    page.get_by_label("Title of the song").fill("untagged")
    page.get_by_role("button", name="Say why").click()
    expect(page.locator("#why-answer")).to_contain_text("Nobody has played it")
    expect(side(page, "Popular")).to_be_visible()


def test_songs_play_from_a_list(visit: Visit) -> None:
    page = visit("/compare/")
    side(page, "Content").get_by_role("button", name="Play").first.click()
    is_ahead(page, 0.1)


def test_a_song_page_has_songs_like_it_by_sound_by_listeners_and_by_both(visit: Visit) -> None:
    page = visit("/library/?q=sinnerman")
    page.get_by_role("link", name="Sinnerman").click()
    for name in ("Sounds like it", "Played by the same people", "Both"):
        expect(side(page, name).get_by_role("listitem").first).to_be_visible()
    expect(side(page, "Played by the same people")).to_contain_text("in common")
    expect(side(page, "Both")).to_contain_text("by sound")
    assert sideways(page) == 0
