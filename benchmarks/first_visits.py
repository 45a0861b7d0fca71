"""A first visit to pages in a real Chromium: what is sent, and when it is painted."""

from __future__ import annotations

from typing import Any, NamedTuple

from .made_library import PASSWORD

LIMIT_KB = 200
PICTURES = ("image", "media")


class Visit(NamedTuple):
    """A first visit to a page, in kilobytes as sent and in milliseconds."""

    page: str
    html: float
    css: float
    js: float
    icons: float
    total: float
    requests: int
    first_paint: float
    largest_paint: float


def first_visits(address: str, pages: dict[str, str]) -> list[Visit]:
    """What a browser that was never here gets and shows, for each page; the middle of three visits by first paint.

    Raises
    ------
    playwright.sync_api.Error
        If the browser fails.
    """
    from playwright.sync_api import sync_playwright

    from tests.browser.conftest import find_chromium, launch

    with sync_playwright() as playwright:
        browser = launch(playwright, find_chromium() or "chromium")
        context = browser.new_context(base_url=address)
        page = context.new_page()
        page.goto("/accounts/login/")
        page.get_by_label("Username").fill("listener-0")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url(lambda where: "/accounts/login/" not in where)
        cookies = context.cookies()
        context.close()
        # The first page of a browser that has just started waits for the browser.
        _visit(browser, address, cookies, "", "/")
        visits = []
        for name, path in pages.items():
            three = sorted(
                (_visit(browser, address, cookies, name, path) for _ in range(3)), key=lambda v: v.first_paint
            )
            visits.append(three[1])
        browser.close()
    return visits


def _visit(browser: Any, address: str, cookies: Any, name: str, path: str) -> Visit:
    """One visit, in a context of its own: nothing is in its cache."""
    context = browser.new_context(base_url=address, viewport={"width": 1280, "height": 800})
    context.add_cookies(cookies)
    page = context.new_page()
    protocol = context.new_cdp_session(page)
    protocol.send("Network.enable")
    kinds: dict[str, str] = {}
    sent: dict[str, float] = {}
    protocol.on("Network.responseReceived", lambda event: kinds.setdefault(event["requestId"], _kind(event)))
    protocol.on(
        "Network.loadingFinished", lambda event: sent.setdefault(event["requestId"], event["encodedDataLength"] / 1000)
    )
    page.goto(path)
    page.wait_for_load_state("networkidle")
    if "/accounts/login/" in page.url:
        raise SystemExit(f"{path} asks to log in")
    paint = page.evaluate(_PAINTS)
    context.close()
    by_kind = {"document": 0.0, "stylesheet": 0.0, "script": 0.0, "icon": 0.0, "picture": 0.0}
    for request, kilobytes in sent.items():
        by_kind[kinds.get(request, "document")] += kilobytes
    counted = [kind for kind in kinds.values() if kind != "picture"]
    return Visit(
        page=name,
        html=by_kind["document"],
        css=by_kind["stylesheet"],
        js=by_kind["script"],
        icons=by_kind["icon"],
        total=sum(by_kind.values()) - by_kind["picture"],
        requests=len(counted),
        first_paint=paint["first"],
        largest_paint=paint["largest"],
    )


def _kind(event: Any) -> str:
    """What was sent: covers and sound are pictures, everything that a page fetches for itself belongs to it."""
    kind = event["type"].lower()
    if kind in PICTURES:
        return "icon" if "/static/" in event["response"]["url"] else "picture"
    if "/static/icons/" in event["response"]["url"]:
        return "icon"
    return kind if kind in ("stylesheet", "script") else "document"


_PAINTS = """() => new Promise((resolve) => {
    const first = performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? NaN;
    let largest = first;
    new PerformanceObserver((list) => { for (const one of list.getEntries()) largest = one.startTime; })
        .observe({ type: "largest-contentful-paint", buffered: true });
    setTimeout(() => resolve({ first, largest }), 50);
})"""


def visits_table(visits: list[Visit]) -> list[str]:
    """What first visits sent and showed, as lines of text."""
    heads = [f"{head:>6}" for head in ("HTML", "CSS", "JS", "icons", "all", "asked")]
    lines = ["", "A first visit, in kB as sent, without covers and sound"]
    lines += [" ".join([f"{'':<34}", *heads, f"{'painted':>9}", f"{'largest':>9}"])]
    for visit in visits:
        over = f"  over {LIMIT_KB} kB" if visit.total > LIMIT_KB else ""
        lines.append(
            f"{visit.page:<34} {visit.html:>6.1f} {visit.css:>6.1f} {visit.js:>6.1f} {visit.icons:>6.1f} "
            f"{visit.total:>6.1f} {visit.requests:>6} {visit.first_paint:>6.0f} ms {visit.largest_paint:>6.0f} ms{over}"
        )
    return lines
