"""Curating by keyboard alone, in a real Chromium: keep, refuse, correct, the same for songs alike, undo."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from .conftest import SIZES, Visit

pytestmark = pytest.mark.browser

DESK = "/admin/curation/"


def asked(page: Page) -> tuple[str, str]:
    """The label in question and the song's title."""
    card = page.locator(".curation-card")
    return card.locator(".curation-label").inner_text(), card.locator(".curation-title").inner_text()


def to_go(page: Page) -> int:
    found = re.match(r"\d+", page.locator(".curation-left").inner_text())
    return int(found[0]) if found else 0


def press(page: Page, key: str) -> None:
    """Press a key, and wait until what it brings is there."""
    with page.expect_response(lambda answer: "/curationitem/" in answer.url and answer.request.method == "POST"):
        page.keyboard.press(key)
    expect(page.locator("#curation-question")).to_be_focused()


def sideways(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def test_curating_by_keyboard_alone(visit: Visit) -> None:
    page = visit(DESK, "boss")
    expect(page.locator("#curation-question")).to_be_focused()
    left = to_go(page)
    assert left > 3
    first = asked(page)

    # Space plays and pauses, as everywhere; where the browser lets it, the song plays already.
    for goes_on in ("p", "Space"):
        paused = bool(page.evaluate("document.querySelector('#curation-audio').paused"))
        page.keyboard.press(goes_on)
        page.wait_for_function("(paused) => document.querySelector('#curation-audio').paused !== paused", arg=paused)

    # Putting it off: another question comes, as many are left.
    press(page, "s")
    second = asked(page)
    assert second != first
    assert to_go(page) == left

    press(page, "y")
    expect(page.locator(".curation-said")).to_have_text(re.compile(f"^{second[0]} kept on {re.escape(second[1])}"))
    assert to_go(page) == left - 1
    third = asked(page)
    assert third != second
    # Of a label that is kept, nothing is offered.
    expect(page.locator("#curation-offer")).to_be_empty()

    press(page, "n")
    expect(page.locator(".curation-said")).to_have_text(re.compile(f"^{third[0]} refused on"))
    assert to_go(page) == left - 2

    press(page, "u")
    expect(page.locator(".curation-said")).to_have_text(re.compile(f"^Undone: {third[0]} refused on"))
    assert asked(page) == third
    assert to_go(page) == left - 1

    # Another label: typed with an error, found all the same, chosen by the return key.
    page.keyboard.press("e")
    expect(page.locator("#curation-name")).to_be_focused()
    page.keyboard.type("melancolic")
    expect(page.get_by_role("option", name="melancholic")).to_have_attribute("aria-selected", "true")
    press(page, "Enter")
    expect(page.locator(".curation-said")).to_have_text(re.compile(f"^{third[0]} corrected to melancholic on"))

    # Songs that sound alike are offered, heard, and get the same.
    offer = page.get_by_role("region", name="Songs that sound alike")
    boxes = offer.get_by_role("checkbox")
    expect(boxes.first).to_be_visible()
    for box in boxes.all():
        box.set_checked(False)
    boxes.first.focus()
    page.keyboard.press("Space")
    expect(boxes.first).to_be_checked()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(offer.get_by_role("button", name="Play").first).to_have_attribute("aria-pressed", "true")
    press(page, "a")
    expect(page.locator(".curation-said")).to_have_text(
        re.compile("^melancholic in place of .* on 1 song that sounds like")
    )
    expect(page.locator("#curation-offer")).to_be_empty()

    # Back through all of it.
    for said in ("Undone: melancholic in place of", "Undone: .* corrected to melancholic", "Undone: .* kept on"):
        press(page, "u")
        expect(page.locator(".curation-said")).to_have_text(re.compile(f"^{said}"))
    # What was asked is asked again; the song alike, if it waited too, comes when labels are looked for next.
    assert left - 1 <= to_go(page) <= left


def test_keys_leave_typing_alone_and_escape_leads_back(visit: Visit) -> None:
    page = visit(DESK, "boss")
    before, left = asked(page), to_go(page)
    page.keyboard.press("e")
    expect(page.locator("#curation-name")).to_be_focused()
    page.keyboard.type("y n s")
    expect(page.locator("#curation-name")).to_have_value("y n s")
    page.keyboard.press("Escape")
    expect(page.locator("#curation-question")).to_be_focused()
    expect(page.locator("#curation-name")).not_to_be_visible()
    assert (asked(page), to_go(page)) == (before, left)
    # On a button the space bar presses that button and nothing else.
    page.get_by_role("button", name="play or pause").focus()
    page.keyboard.press("Space")
    assert asked(page) == before


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_by_thumb_or_mouse_too_and_nothing_is_cut_off(visit: Visit, size: str) -> None:
    page = visit(DESK, "boss", size)
    assert sideways(page) <= 0
    left = to_go(page)
    page.get_by_role("button", name="keep", exact=True).click()
    expect(page.locator(".curation-left")).to_have_text(re.compile(f"^{left - 1} "))
    page.get_by_role("button", name="undo", exact=True).click()
    expect(page.locator(".curation-left")).to_have_text(re.compile(f"^{left} "))
    page.get_by_text("another label").click()
    expect(page.locator("#curation-name")).to_be_visible()
    assert sideways(page) <= 0


def test_on_a_phone_the_song_is_played_above_the_keys_without_scrolling(visit: Visit) -> None:
    page = visit(DESK, "boss", "phone")
    sound, keys = (page.locator(found).bounding_box() for found in ("#curation-audio", ".curation-choices"))
    assert sound
    assert keys
    assert sound["y"] + sound["height"] <= keys["y"]
    assert keys["y"] + keys["height"] <= SIZES["phone"][1]


def test_without_scripts_it_is_a_form(visit: Visit) -> None:
    page = visit(DESK, "boss", java_script_enabled=False)
    left = to_go(page)
    page.get_by_role("button", name="keep", exact=True).click()
    assert to_go(page) == left - 1
    assert "kept on" in page.locator(".messagelist").inner_text()
    page.get_by_role("button", name="undo", exact=True).click()
    assert to_go(page) == left


def test_many_are_seen_before_they_are_accepted(visit: Visit) -> None:
    page = visit("/admin/catalog/curationitem/bulk/?name=jazz&lowest=0.8", "boss")
    expect(page.get_by_role("heading", name="songs with jazz")).to_be_visible()
    page.get_by_role("button", name="Play").first.click()
    expect(page.get_by_role("button", name="Play").first).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Keep jazz on").click()
    expect(page.locator(".messagelist")).to_contain_text("kept on")
    page.goto("/admin/catalog/curationaction/")
    page.get_by_role("link", name="jazz kept on").first.click()
    page.get_by_role("button", name="Undo it").click()
    expect(page.locator(".messagelist")).to_contain_text("Undone: jazz kept on", ignore_case=True)


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_a_label_on_much_of_the_library_is_judged_as_a_whole(visit: Visit, size: str) -> None:
    page = visit(DESK, "boss", size)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.reload()
    wide = page.locator(".curation-wide")
    label = wide.locator(".curation-label").inner_text()
    expect(wide).to_contain_text("of your library")
    wide.get_by_role("link", name="Look at").click()
    expect(page.get_by_role("heading", name=f"{label} as a whole")).to_be_visible()
    assert sideways(page) <= 0

    # Space plays the first song, and pauses it.
    first = page.locator("[data-listen]").first
    for pressed in ("true", "false"):
        page.keyboard.press("Space")
        expect(first).to_have_attribute("aria-pressed", pressed)

    # The least sure one is wrong, the others are right: what that changes is seen before it is stored.
    songs = page.locator(".curation-alike > li")
    for place, song in enumerate(songs.all()):
        song.get_by_label("yes" if place else "no", exact=True).check()
    page.get_by_role("button", name="See what that changes").click()
    effect = page.locator("#effect")
    expect(effect.get_by_role("heading")).to_have_text(re.compile(f"^{re.escape(label)} goes from \\d+ song"))
    least = float(effect.get_by_label("counts where it is heard with at least").input_value())
    assert 0 < least < 1
    assert sideways(page) <= 0
    effect.get_by_role("button", name="Store it").click()
    expect(page.locator(".messagelist")).to_contain_text("judged as a whole: counts where it was heard with")
    assert page.locator(".curation-wide .curation-label", has_text=re.compile(f"^{re.escape(label)}$")).count() == 0

    # And back.
    press(page, "u")
    expect(page.locator(".curation-said")).to_have_text(re.compile(f"^Undone: {re.escape(label)} judged as a whole"))
    page.reload()
    expect(page.locator(".curation-wide .curation-label")).to_have_text(label)
    assert said == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_way_to_a_label_on_much_of_the_library_can_be_read(visit: Visit, scheme: Any) -> None:
    page = visit(DESK, "boss", color_scheme=scheme)
    way = page.locator(".curation-wide a")
    expect(way).to_contain_text("Look at")
    # A text of its ground's colour is none for axe either.
    colour, ground = way.evaluate(
        "element => { const is = getComputedStyle(element); return [is.color, is.backgroundColor]; }"
    )
    assert colour != ground
