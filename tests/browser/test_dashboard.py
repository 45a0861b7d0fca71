"""The dashboard in a real Chromium: its panels come, say what is so, and are used by keyboard."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import expect

from .conftest import Visit

pytestmark = pytest.mark.browser

PANELS = ("Library", "Snapshots", "To curate", "Queue", "People", "Disk")
REASON = "cut off before its end"


@pytest.fixture
def failed_song(site_home: Path) -> Iterator[None]:
    """A song of the site that could not be listened to."""

    def state(tagging_state: str, error: str) -> None:
        with closing(sqlite3.connect(site_home / "db.sqlite3", timeout=30)) as database, database:
            change = "UPDATE catalog_song SET tagging_state = ?, tagging_error = ? WHERE title = 'Xtal'"
            database.execute(change, (tagging_state, error))

    state("failed", REASON)
    yield
    state("done", "")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["narrow", "phone", "desktop"])
def test_staff_sees_the_dashboard_with_all_its_panels(visit: Visit, size: str, scheme: str) -> None:
    page = visit("/admin/", "boss", size, color_scheme=scheme)
    expect(page.get_by_role("heading", level=1)).to_have_text("Dashboard")
    for title in PANELS:
        expect(page.get_by_role("region", name=title, exact=True)).to_be_visible()
    expect(page.locator(".dashboard-loading")).to_have_count(0)
    library = page.get_by_role("region", name="Library", exact=True)
    expect(library).to_contain_text("12 songs")
    expect(library.get_by_role("progressbar", name="Songs listened to")).to_be_visible()
    expect(page.get_by_role("region", name="Queue", exact=True)).to_contain_text("manage.py up")
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0


def test_what_failed_is_tried_again_by_keyboard(visit: Visit, failed_song: None) -> None:
    page = visit("/admin/", "boss")
    library = page.get_by_role("region", name="Library", exact=True)
    expect(library).to_contain_text("1 could not be listened to")
    button = library.get_by_role("button", name=f"Try again: {REASON}")
    for _ in range(60):
        page.keyboard.press("Tab")
        if button.evaluate("element => element === document.activeElement"):
            break
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    expect(library.get_by_role("status")).to_contain_text("1 song waits again.")
    expect(library).not_to_contain_text("could not be listened to")
    expect(library.get_by_role("heading", name="Library")).to_be_focused()


def test_the_songs_that_failed_are_one_click_away(visit: Visit, failed_song: None) -> None:
    page = visit("/admin/", "boss")
    page.get_by_role("region", name="Library", exact=True).get_by_role("link", name="1 song", exact=True).click()
    expect(page.get_by_role("link", name="Xtal")).to_be_visible()
    expect(page.get_by_text("1 song", exact=True)).to_be_visible()


def test_without_a_broker_recomputing_says_what_to_do(visit: Visit) -> None:
    page = visit("/admin/", "boss")
    snapshots = page.get_by_role("region", name="Snapshots", exact=True)
    snapshots.get_by_role("button", name="Recompute now").press("Enter")
    expect(snapshots.get_by_role("status")).to_contain_text("manage.py recompute")
    expect(snapshots.get_by_role("button", name="Recompute now")).to_be_focused()


def test_a_panel_that_cannot_be_loaded_says_so_and_is_asked_for_again(visit: Visit) -> None:
    page = visit("/accounts/password/", "boss", forgive="503")
    page.route("**/admin/desk/people/", lambda route: route.fulfill(status=503, body="Later."))
    page.goto("/admin/")
    people = page.locator("#dashboard-people")
    expect(people).to_contain_text("The server answered 503.")
    expect(page.get_by_role("region", name="Disk", exact=True)).to_be_visible()
    page.unroute("**/admin/desk/people/")
    people.get_by_role("button", name="Ask again").press("Enter")
    expect(page.get_by_role("region", name="People", exact=True)).to_contain_text("accounts")


def test_once_the_session_is_over_the_log_in_comes(visit: Visit) -> None:
    page = visit("/admin/", "boss")
    snapshots = page.get_by_role("region", name="Snapshots", exact=True)
    expect(snapshots).to_be_visible()
    page.context.clear_cookies(name="sessionid")
    page.evaluate("window.htmx.trigger('#dashboard-people', 'dashboard-refresh')")
    expect(page.get_by_label("Password")).to_be_visible()


def test_a_tab_that_nobody_sees_asks_for_nothing(visit: Visit) -> None:
    page = visit("/accounts/password/", "boss")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/admin/desk/library/" in request.url else None)
    hidden = "Object.defineProperty(document, 'hidden', { get: () => window.nobodyLooks ?? false })"
    page.add_init_script(hidden)
    page.goto("/admin/")
    library = page.get_by_role("region", name="Library", exact=True)
    expect(library).to_be_visible()
    library.evaluate("element => element.setAttribute('data-moving', '')")
    page.evaluate("window.nobodyLooks = true")
    page.evaluate("window.htmx.trigger('#dashboard-library', 'dashboard-refresh')")
    page.wait_for_timeout(300)
    assert len(asked) == 1
    with page.expect_response("**/admin/desk/library/"):
        page.evaluate("window.nobodyLooks = false; document.dispatchEvent(new Event('visibilitychange'))")
    assert len(asked) == 2
