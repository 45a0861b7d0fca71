"""Light or dark by choice, in a real Chromium: at once, on every page after, without a flash."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from .conftest import Visit, follow_tab

pytestmark = pytest.mark.browser

DARK, LIGHT = "rgb(19, 21, 20)", "rgb(250, 249, 246)"


def ground(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.documentElement).backgroundColor"))


def around(page: Page) -> list[str]:
    """The colours of the browser's own frame, for a light and for a dark device."""
    colours = page.locator("meta[name=theme-color]").evaluate_all("metas => metas.map((meta) => meta.content)")
    return [str(colour) for colour in colours]


def choose(page: Page, theme: str) -> None:
    page.locator("[popovertarget=account-menu]").click()
    with page.expect_response("**/theme/"):
        page.locator("#account-menu").get_by_role("button", name=theme, exact=True).click()
    page.keyboard.press("Escape")


def test_a_chosen_theme_shows_at_once_and_from_the_first_byte_of_every_page(visit: Visit) -> None:
    page = visit("/library/", color_scheme="light")
    page.evaluate("() => { window.marked = true; }")
    assert ground(page) == LIGHT
    choose(page, "Dark")
    assert ground(page) == DARK
    assert around(page) == ["#131514", "#131514"]
    expect(page.locator(".theme-choice [aria-pressed=true]")).to_have_text("Dark")
    follow_tab(page, "Taste")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your taste")
    assert ground(page) == DARK
    assert page.evaluate("window.marked")
    response = page.reload()
    assert response
    assert '<html lang="en" data-theme="dark">' in response.text()
    choose(page, "As the device")
    assert ground(page) == LIGHT
    assert around(page) == ["#faf9f6", "#131514"]


def test_what_another_tab_chose_comes_with_the_next_page(visit: Visit) -> None:
    page = visit("/library/", color_scheme="dark")
    other = page.context.new_page()
    other.goto("/")
    choose(other, "Light")
    assert ground(page) == DARK
    follow_tab(page, "Taste")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your taste")
    assert ground(page) == LIGHT


def test_the_dashboard_follows_and_has_the_choice_too(visit: Visit) -> None:
    page = visit("/library/", "boss", color_scheme="light")
    choose(page, "Dark")
    page.goto("/admin/")
    body = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(body) == DARK
    with page.expect_navigation():
        page.get_by_role("button", name="Light", exact=True).click()
    assert page.evaluate(body) == LIGHT


def test_it_is_chosen_without_scripts(visit: Visit) -> None:
    page = visit("/library/?q=blue", java_script_enabled=False, color_scheme="light")
    page.locator("[popovertarget=account-menu]").click()
    page.locator("#account-menu").get_by_role("button", name="Dark", exact=True).click()
    expect(page).to_have_url("/library/?q=blue")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
