"""Parts of the player and of its pages, for tests to look at and to press."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect


def row_of(page: Page, title: str) -> Locator:
    return page.locator("#main li[data-song]").filter(has=page.get_by_role("link", name=title, exact=True)).first


def player(page: Page) -> Locator:
    return page.get_by_role("region", name="Player")


def playing(page: Page) -> Locator:
    """The title of the song in the bar."""
    return player(page).locator(".player-row .player-title")


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


def queue(page: Page) -> list[str]:
    """The titles in the queue's panel, which is open."""
    return page.locator(".queue-song-title").all_text_contents()


def open_queue(page: Page) -> None:
    page.locator("[data-queue-toggle]:visible").last.click()
    expect(page.get_by_role("heading", name="Queue")).to_be_visible()


def volume_of(page: Page) -> float:
    return float(page.evaluate("document.querySelector('audio').volume"))


def wait_for_volume(page: Page, volume: float) -> None:
    page.wait_for_function(f"() => Math.abs(document.querySelector('audio').volume - {volume}) < 0.01")
