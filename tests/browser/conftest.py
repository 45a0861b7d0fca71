"""A real Chromium, and a site of its own for it to visit."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
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
    WebError,
    expect,
    sync_playwright,
)

from .fonts import LETTERS, configuration
from .site import PASSWORD, copy_of_one, make, serving

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SIZES = {"phone": (390, 844), "desktop": (1280, 800)}
# A page begins in the process of the one that stays open in its context (see `Contexts`).
_ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage", "--process-per-site"]
# A machine that is busy with other tests, or reads a picture, answers late.
expect.set_options(timeout=60_000)
# What htmx logs of a request that was given up: the page was left, or more was typed. The second comes with every
# request that went wrong, and the fault's own name after it. The last one is Playwright's own (see `Contexts`).
_NO_FAULTS = ("htmx:sendAbort", "htmx:afterRequest", "Service Worker registration blocked by Playwright")
LEFT_OUT = "no Chromium on the PATH: signing up, searching, playing and rating in a browser were not tried"


def find_chromium() -> str | None:
    """The Chromium of this machine, or None."""
    return next((found for name in CHROMIUMS if (found := shutil.which(name))), None)


def launch(playwright: Playwright, executable: str, fonts: Path | None = None) -> Browser:
    """A Chromium without a window, with the fonts of the machine or those of a fontconfig file."""
    return playwright.chromium.launch(executable_path=executable, args=_ARGUMENTS, env=_environment(fonts))


def launch_like(browser: Browser, executable: str, *arguments: str, fonts: Path | None = None) -> Browser:
    """One more Chromium beside another, with more arguments."""
    return browser.browser_type.launch(
        executable_path=executable, args=[*_ARGUMENTS, *arguments], env=_environment(fonts)
    )


def _environment(fonts: Path | None) -> dict[str, str | float | bool]:
    return {**os.environ, **({"FONTCONFIG_FILE": str(fonts)} if fonts else {})}


def fonts_for_tests(letters: str, folder: Path) -> Path | None:
    """The fontconfig file of one font; None without the font, but a failure where `CI` says that it must be there."""
    file = configuration(letters, folder)
    if file is None and os.environ.get("CI") == "true":
        pytest.fail(f"{LETTERS[letters].family} is missing: install {LETTERS[letters].package}")
    return file


@pytest.fixture(scope="package")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """The browser, with wide letters; without one its tests are left out, but fail where `CI` says it must be there.

    It ends with the tests of this folder: while Playwright has its event loop, Django lets no test have the database.
    """
    if os.environ.get("TEST_DATABASE_URL"):
        pytest.skip("the browser visits a site of its own, on SQLite: once is enough")
    executable = find_chromium()
    if executable is None:
        if os.environ.get("CI") == "true":
            pytest.fail(LEFT_OUT)
        pytest.skip(LEFT_OUT)
    with sync_playwright() as playwright:
        browser = launch(playwright, executable, fonts_for_tests("wide", tmp_path_factory.mktemp("wide")))
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def narrow_lettered(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """The browser with narrow letters."""
    fonts = fonts_for_tests("narrow", tmp_path_factory.mktemp("narrow"))
    if fonts is None:
        pytest.skip(f"{LETTERS['narrow'].family} is not installed: pages were not laid out with narrow letters")
    browser = launch_like(chromium, str(find_chromium()), fonts=fonts)
    yield browser
    browser.close()


@pytest.fixture(scope="package")
def site_home(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a filled site; of the processes of pytest-xdist that need one, the first fills it for all."""
    home = tmp_path_factory.mktemp("sites") / "site"
    if "PYTEST_XDIST_WORKER" in os.environ:
        copy_of_one(tmp_path_factory.getbasetemp().parent / "site", home)
    else:
        home.mkdir()
        make(home)
    return home


@pytest.fixture(scope="package")
def site(site_home: Path) -> Iterator[str]:
    """The address of a running site."""
    with serving(site_home) as address:
        yield address


class Watch:
    """Notes down all that went wrong in a browser's context."""

    def __init__(self, context: BrowserContext, site: str, forgive: str | tuple[str, ...] | None) -> None:
        self.host = urlsplit(site).netloc
        self.forgive = (forgive,) if isinstance(forgive, str) else forgive or ()
        self.problems: list[str] = []
        self._context = context
        self._listeners: dict[Any, Callable[[Any], None]] = {
            "console": self._console,
            "weberror": self._error,
            "request": self._request,
            "requestfailed": self._failed,
            "response": self._response,
        }
        for event, listener in self._listeners.items():
            context.on(event, listener)

    def end(self) -> None:
        """Note nothing more."""
        for event, listener in self._listeners.items():
            self._context.remove_listener(event, listener)

    def unforgiven(self) -> list[str]:
        """All but what the test itself brings about."""
        return [problem for problem in self.problems if not any(said in problem for said in self.forgive)]

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(_NO_FAULTS):
            self.problems.append(f"console: {message.text} ({message.location})")

    def _error(self, error: WebError) -> None:
        self.problems.append(f"script: {error.error}")

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


class Contexts:
    """Contexts of the browser that tests take in turn, each as clean as a new one.

    A new context costs five times the processor time of a page in one that is there: it starts processes of its own.
    Service workers are only where a test asks for them (`service_workers="allow"`): each visit would install one anew.
    """

    def __init__(self, site: str) -> None:
        self.site = site
        self._idle: dict[object, list[_Context]] = {}

    def take(self, browser: Browser, options: dict[str, Any]) -> _Context:
        """A context with these options that no visit of the test at hand uses."""
        options = {"service_workers": "block"} | options
        key = browser, *sorted(options.items())
        idle = self._idle.setdefault(key, [])
        return idle.pop() if idle else _Context(key, browser.new_context(base_url=self.site, **options), self.site)

    def give_back(self, taken: _Context) -> None:
        """Close its pages, and forget all that a site can leave in a browser."""
        taken.clean()
        self._idle[taken.key].append(taken)


class _Context:
    """A context, with a page that stays: it keeps the site's process, and clears what the site has stored."""

    def __init__(self, key: object, context: BrowserContext, site: str) -> None:
        self.key, self.context, self._site = key, context, site
        context.set_default_timeout(60_000)
        self._stays = context.new_page()
        self._stays.goto("/accounts/login/")
        self._session = context.new_cdp_session(self._stays)

    def clean(self) -> None:
        for page in self.context.pages:
            if page is not self._stays:
                page.close()
        self.context.clear_cookies()
        self.context.clear_permissions()
        self.context.set_offline(False)
        # By the page itself: what the browser clears, the pages' process may hold and write again.
        self._stays.evaluate("localStorage.clear()")
        others = {"origin": self._site, "storageTypes": "indexeddb,cache_storage,service_workers,file_systems"}
        self._session.send("Storage.clearDataForOrigin", others)


Visit = Callable[..., Page]


@pytest.fixture(scope="package")
def contexts(site: str) -> Contexts:
    """The contexts of the browser; they end with it."""
    return Contexts(site)


@pytest.fixture
def visit(chromium: Browser, contexts: Contexts, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """Open a page of the site, as somebody or as a stranger; whatever goes wrong in it fails the test."""
    taken: list[_Context] = []
    watches: list[Watch] = []

    def open_page(
        address: str = "/",
        who: str | None = "mira",
        size: str = "desktop",
        forgive: str | tuple[str, ...] | None = None,
        letters: str = "wide",
        offers: bool = False,
        **options: Any,
    ) -> Page:
        width, height = SIZES.get(size, (360, 740))
        browser: Browser = chromium if letters == "wide" else request.getfixturevalue("narrow_lettered")
        taken.append(contexts.take(browser, options))
        context = taken[-1].context
        watches.append(Watch(context, contexts.site, forgive))
        page = context.new_page()
        page.set_viewport_size({"width": width, "height": height})
        wait_for_pages(page)
        if not offers:
            turn_down_offers(page)
        if who:
            log_in(page, who)
        page.goto(address)
        return page

    yield open_page
    for watch in watches:
        watch.end()
    for one in taken:
        contexts.give_back(one)
    assert [problem for watch in watches for problem in watch.unforgiven()] == []


def turn_down_offers(page: Page) -> None:
    """Have nothing offered that another visit of the same person has left to go on with."""
    page.add_init_script("if (origin !== 'null') localStorage['dcmrs.player.left'] ??= String(2 ** 40);")


def wait_for_pages(page: Page) -> None:
    """Have nothing done to a page, or expected of it, while another one comes in its place.

    A browser that loads a page waits by itself; where a script fetches it (`navigation.js`), the old one stays to be
    clicked until then.
    """
    page.add_locator_handler(page.locator("html[data-loading]"), lambda _: None)


def log_in(page: Page, username: str) -> None:
    """Log in as the form does, without showing it: `test_site.py` does that."""
    requests = page.context.request
    requests.get("/accounts/login/")
    token = next(cookie["value"] for cookie in page.context.cookies() if cookie["name"] == "csrftoken")
    form: dict[str, str | float | bool] = {"username": username, "password": PASSWORD, "csrfmiddlewaretoken": token}
    answer = requests.post("/accounts/login/", form=form, max_redirects=0)
    assert answer.status == 302, answer.text()


def follow_tab(page: Page, name: str) -> None:
    """Go to a page of the head, on a phone by More where it has no tab."""
    link, more = page.locator("nav.tabs").get_by_role("link", name=name, exact=True), page.locator(".tabs-open")
    if more.is_visible() and not link.is_visible():
        more.click()
    link.click()
