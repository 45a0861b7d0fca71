"""Songs that are kept on a device: heard without a network, in a real Chromium with the real service worker."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from .conftest import Visit, log_in
from .player import heading, mark, play, playing, row_of

pytestmark = pytest.mark.browser

# Requests of the service worker itself, without a network. No page may write anything of them to the console.
FAILED = "failed: http"


def said(page: Page) -> Locator:
    return page.locator("#player-said")


def rows(page: Page) -> Locator:
    return page.locator("#kept-songs .song-row-title")


def with_worker(visit: Visit, address: str = "/library/", forgive: tuple[str, ...] = (), **options: object) -> Page:
    """A page that the service worker sees to."""
    page = visit(address, service_workers="allow", forgive=(FAILED, *forgive), **options)
    page.evaluate("navigator.serviceWorker.ready.then(() => null)")
    # A page that came while the worker began is seen to from the next one on.
    page.reload()
    assert page.evaluate("navigator.serviceWorker.controller !== null")
    return page


def keep(page: Page, title: str) -> None:
    row_of(page, title).get_by_role("button", name=f"More for {title}").click()
    page.get_by_role("button", name="Keep offline", exact=True).click()
    expect(said(page)).to_contain_text(f"{title} is kept on this device.")


def log_out(page: Page, who: str) -> None:
    page.get_by_role("button", name=who).click()
    page.get_by_role("button", name="Log out").click()
    heading(page, "Log in")


def caches(page: Page) -> list[str]:
    return sorted(name.partition(":")[0] for name in page.evaluate("caches.keys()"))


def test_a_kept_song_is_played_and_sought_without_a_network(visit: Visit) -> None:
    page = with_worker(visit)
    keep(page, "Xtal")
    page.context.set_offline(True)
    page.goto("/library/")
    heading(page, "Offline")
    expect(page).to_have_title("Offline · DCMRS")
    expect(rows(page)).to_have_text(["Xtal"])
    expect(page.locator("kept-songs")).to_contain_text(re.compile(r"1 song takes \d+ kB"))
    expect(page.locator("#kept-songs img")).to_have_js_property("complete", True)
    assert page.evaluate("document.querySelector('#kept-songs img').naturalWidth") > 0
    page.get_by_role("button", name="Play Xtal").click()
    page.wait_for_function("() => document.querySelector('audio').currentTime > 0.1")
    expect(playing(page)).to_have_text("Xtal")
    page.evaluate("() => { const audio = document.querySelector('audio'); audio.pause(); audio.currentTime = 2; }")
    page.wait_for_function("() => document.querySelector('audio').currentTime === 2")
    assert page.evaluate("document.querySelector('audio').duration") == pytest.approx(3, abs=0.1)
    page.context.set_offline(False)
    heading(page, "Library")
    page.get_by_role("link", name="DCMRS").click()
    heading(page, "For you")
    expect(page.get_by_role("button", name="mira")).to_be_visible()


def test_the_page_that_was_wanted_comes_by_itself_once_the_network_is_back(visit: Visit) -> None:
    page = with_worker(visit)
    expect(page.get_by_role("button", name="Try again")).to_be_hidden()
    page.context.set_offline(True)
    page.goto("/playlists/")
    heading(page, "Offline")
    page.get_by_role("button", name="Try again").click()
    heading(page, "Offline")
    page.context.set_offline(False)
    heading(page, "Playlists")
    page.goto("/offline/")
    heading(page, "Offline")
    expect(page.get_by_role("button", name="Try again")).to_be_hidden()


def test_the_network_goes_away_and_comes_back_while_music_plays(visit: Visit) -> None:
    page = with_worker(visit, forgive=("ERR_INTERNET_DISCONNECTED",))
    keep(page, "Xtal")
    play(page, "Xtal")
    page.evaluate("document.querySelector('audio').playbackRate = 0.1")
    mark(page)
    page.context.set_offline(True)
    page.get_by_role("link", name="Compare", exact=True).click()
    heading(page, "Offline")
    expect(rows(page)).to_have_text(["Xtal"])
    assert page.evaluate("window.marked") is True
    assert page.evaluate("document.querySelector('audio').paused") is False
    page.context.set_offline(False)
    heading(page, "Compare")
    page.get_by_role("link", name="Library", exact=True).click()
    heading(page, "Library")
    assert page.evaluate("window.marked") is True
    # What is sent from here on is taken.
    with page.expect_response(
        lambda answer: answer.url.endswith("/queue/") and answer.request.method == "POST"
    ) as sent:
        page.get_by_role("button", name="Pause", exact=True).click()
    assert sent.value.ok


def test_a_server_that_went_away_says_so_and_the_page_wanted_comes_with_the_music_playing(visit: Visit) -> None:
    page = with_worker(visit, forgive=("ERR_INTERNET_DISCONNECTED",))
    play(page, "Xtal")
    page.evaluate("document.querySelector('audio').playbackRate = 0.1")
    mark(page)
    # A server that is started again: the device itself has a network.
    page.evaluate("Object.defineProperty(navigator, 'onLine', { get: () => true })")
    page.context.set_offline(True)
    page.get_by_role("link", name="Playlists", exact=True).click()
    heading(page, "Offline")
    expect(page).to_have_url(re.compile("/playlists/$"))
    expect(page.get_by_text("the server cannot be reached")).to_be_visible()
    page.get_by_role("button", name="Try again").click()
    heading(page, "Offline")
    page.context.set_offline(False)
    heading(page, "Playlists")
    assert page.evaluate("window.marked") is True
    assert page.evaluate("document.querySelector('audio').paused") is False


def test_a_playlist_is_kept_listed_with_its_size_and_removed_again(visit: Visit) -> None:
    page = with_worker(visit, "/playlists/")
    page.get_by_role("link", name="Late evening").click()
    heading(page, "Late evening")
    page.get_by_role("button", name="Keep offline").click()
    expect(said(page)).to_contain_text("5 songs are kept on this device.")
    said(page).get_by_role("link", name="What is kept").click()
    heading(page, "Offline")
    expect(rows(page)).to_have_count(5)
    expect(page.locator("kept-songs")).to_contain_text("5 songs take")
    page.get_by_role("button", name="Remove So What from this device").click()
    expect(rows(page)).to_have_count(4)
    page.reload()
    expect(rows(page)).to_have_count(4)
    page.get_by_role("button", name="Remove all").click()
    expect(page.locator("kept-songs")).to_contain_text("Nothing is kept on this device yet")
    assert caches(page) == ["dcmrs-shell"]


def test_the_dots_say_that_a_song_is_kept_and_keep_it_no_more(visit: Visit) -> None:
    page = with_worker(visit, "/library/?q=xtal")
    keep(page, "Xtal")
    page.reload()
    row_of(page, "Xtal").get_by_role("button", name="More for Xtal").click()
    page.get_by_role("button", name="Keep offline no more").click()
    expect(said(page)).to_contain_text("Xtal is no longer kept on this device.")
    page.goto("/offline/")
    expect(page.locator("kept-songs")).to_contain_text("Nothing is kept on this device yet")


def test_logging_out_takes_everything_away_that_was_kept(visit: Visit) -> None:
    page = with_worker(visit)
    keep(page, "Xtal")
    log_out(page, "mira")
    page.wait_for_function("() => caches.keys().then((names) => names.length === 1)")
    assert caches(page) == ["dcmrs-shell"]
    page.wait_for_function("() => !document.cookie.includes('forget') && !localStorage['dcmrs.kept']")
    page.context.set_offline(True)
    page.goto("/")
    heading(page, "Offline")
    expect(page.locator("kept-songs")).to_contain_text("Nothing is kept on this device yet")
    assert "mira" not in page.content()
    page.context.set_offline(False)
    log_in(page, "newcomer")
    page.goto("/offline/")
    expect(page.locator("kept-songs")).to_contain_text("Nothing is kept on this device yet")


def test_who_logs_in_after_somebody_who_did_not_log_out_finds_nothing_of_theirs(visit: Visit) -> None:
    page = with_worker(visit)
    keep(page, "Xtal")
    # As when a session is over: nobody has logged out.
    page.context.clear_cookies(name="sessionid")
    log_in(page, "newcomer")
    page.goto("/offline/")
    expect(page.locator("kept-songs")).to_contain_text("Nothing is kept on this device yet")
    page.wait_for_function("() => caches.keys().then((names) => names.length === 1)")
    page.context.set_offline(True)
    page.goto("/")
    expect(page.locator("kept-songs")).to_contain_text("Nothing is kept on this device yet")


def test_nothing_of_a_page_that_was_seen_is_kept(visit: Visit) -> None:
    page = with_worker(visit, "/taste/history/")
    for address in ("/", "/taste/", "/playlists/"):
        page.goto(address)
    kept = page.evaluate(
        """async () => {
            const found = [];
            for (const name of await caches.keys())
                for (const { url } of await (await caches.open(name)).keys()) found.push(new URL(url).pathname);
            return found;
        }"""
    )
    assert "/offline/shell/" in kept
    assert [address for address in kept if not address.startswith("/static/")] == ["/offline/shell/"]
    shell = page.evaluate("caches.match('/offline/shell/', { ignoreVary: true }).then((answer) => answer.text())")
    assert "mira" not in shell
    assert "csrf" not in shell.lower()


def test_what_cannot_be_kept_is_said_and_nothing_of_it_stays(visit: Visit) -> None:
    page = with_worker(visit, "/library/?q=xtal", forgive=("404",))
    page.evaluate("() => { document.querySelector('#main [data-song]').dataset.cover = '/songs/999999/cover'; }")
    row_of(page, "Xtal").get_by_role("button", name="More for Xtal").click()
    page.get_by_role("button", name="Keep offline", exact=True).click()
    expect(said(page)).to_contain_text("Xtal is not kept")
    said(page).get_by_role("link", name="What is kept").click()
    expect(page.locator("kept-songs")).to_contain_text("Nothing is kept on this device yet")


def test_without_scripts_the_page_says_what_it_needs(visit: Visit) -> None:
    page = visit("/offline/", java_script_enabled=False)
    expect(page.get_by_text("scripts are off in this browser")).to_be_visible()
    expect(page.get_by_text("Looking at what is kept here")).to_be_hidden()
