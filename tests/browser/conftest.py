"""A real Chromium, and a site of its own for it to visit."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    Request,
    Response,
    expect,
    sync_playwright,
)

from .site import PASSWORD, running_site

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SIZES = {"phone": (390, 844), "desktop": (1280, 800)}
_ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage"]
# A machine that is busy with other tests, or reads a picture, answers late.
expect.set_options(timeout=20_000)
# What htmx logs of a request that was given up: the page was left, or more was typed. The second comes with every
# request that went wrong, and the fault's own name after it.
_GIVEN_UP = ("htmx:sendAbort", "htmx:afterRequest")
LEFT_OUT = "no Chromium on the PATH: signing up, searching, playing and rating in a browser were not tried"


def find_chromium() -> str | None:
    """The Chromium of this machine, or None."""
    return next((found for name in CHROMIUMS if (found := shutil.which(name))), None)


def launch(playwright: Playwright, executable: str) -> Browser:
    """A Chromium without a window."""
    return playwright.chromium.launch(executable_path=executable, args=_ARGUMENTS)


def launch_like(browser: Browser, executable: str, *arguments: str) -> Browser:
    """One more Chromium beside another, with more arguments."""
    return browser.browser_type.launch(executable_path=executable, args=[*_ARGUMENTS, *arguments])


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser; without one its tests are left out, but fail where `CI` says that one must be there."""
    if os.environ.get("TEST_DATABASE_URL"):
        pytest.skip("the browser visits a site of its own, on SQLite: once is enough")
    executable = find_chromium()
    if executable is None:
        if os.environ.get("CI") == "true":
            pytest.fail(LEFT_OUT)
        pytest.skip(LEFT_OUT)
    with sync_playwright() as playwright:
        browser = launch(playwright, executable)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running site."""
    with running_site(tmp_path_factory.mktemp("site")) as address:
        yield address


class Watch:
    """Notes down all that went wrong in a browser's context."""

    def __init__(self, context: BrowserContext, site: str, forgive: str | tuple[str, ...] | None) -> None:
        self.host = urlsplit(site).netloc
        self.forgive = (forgive,) if isinstance(forgive, str) else forgive or ()
        self.problems: list[str] = []
        context.on("console", self._console)
        context.on("weberror", lambda error: self.problems.append(f"script: {error.error}"))
        context.on("request", self._request)
        context.on("requestfailed", self._failed)
        context.on("response", self._response)

    def unforgiven(self) -> list[str]:
        """All but what the test itself brings about."""
        return [problem for problem in self.problems if not any(said in problem for said in self.forgive)]

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(_GIVEN_UP):
            self.problems.append(f"console: {message.text} ({message.location})")

    def _request(self, request: Request) -> None:
        if urlsplit(request.url).scheme not in ("data", "blob") and urlsplit(request.url).netloc != self.host:
            self.problems.append(f"another host: {request.url}")

    def _failed(self, request: Request) -> None:
        # What the browser itself gave up, because the page was left, has not failed.
        if request.failure != "net::ERR_ABORTED":
            self.problems.append(f"failed: {request.url}: {request.failure}")

    def _response(self, response: Response) -> None:
        if response.status >= 400:
            self.problems.append(f"{response.status}: {response.url}")


Visit = Callable[..., Page]


@pytest.fixture
def visit(chromium: Browser, site: str) -> Iterator[Visit]:
    """Open a page of the site, as somebody or as a stranger; whatever goes wrong in it fails the test."""
    contexts: list[BrowserContext] = []
    watches: list[Watch] = []

    def open_page(
        address: str = "/",
        who: str | None = "mira",
        size: str = "desktop",
        forgive: str | tuple[str, ...] | None = None,
        **options: Any,
    ) -> Page:
        width, height = SIZES.get(size, (360, 740))
        context = chromium.new_context(base_url=site, viewport={"width": width, "height": height}, **options)
        context.set_default_timeout(30_000)
        contexts.append(context)
        watches.append(Watch(context, site, forgive))
        page = context.new_page()
        wait_for_pages(page)
        if who:
            log_in(page, who)
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [problem for watch in watches for problem in watch.unforgiven()] == []


def wait_for_pages(page: Page) -> None:
    """Have nothing done to a page, or expected of it, while another one comes in its place.

    A browser that loads a page waits by itself; where a script fetches it (`navigation.js`), the old one stays to be
    clicked until then.
    """
    page.add_locator_handler(page.locator("html[data-loading]"), lambda _: None)


def log_in(page: Page, username: str) -> None:
    """Log in by the form."""
    page.goto("/accounts/login/")
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(lambda address: "/accounts/login/" not in address)
