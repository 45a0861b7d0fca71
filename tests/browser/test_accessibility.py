"""What axe, the browser's own measure of shifts, and a narrow window say of every page and every opened state."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

from tests.pages import PAGES, SitePage, fill

from .conftest import SIZES, Visit
from .states import STATES, State, places

pytestmark = pytest.mark.browser

PEOPLE = [None, "newcomer", "mira", "boss"]
FORGIVEN = ("404", "403", "400")
MOST_SHIFT = 0.02

_COLOURS = ["color-contrast", "link-in-text-block"]


class Look(NamedTuple):
    """A size and a scheme in which a page is read; by all rules, or by those that colours decide."""

    size: str
    scheme: Any
    rules: list[str] | None


# Which elements there are does not depend on the scheme, and most of them not on the size.
LOOKS = [
    Look("phone", "light", None),
    Look("phone", "dark", _COLOURS),
    Look("desktop", "dark", _COLOURS),
    Look("desktop", "light", None),
]

_STILL = """() => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync("*, *::before, *::after { transition: none !important; animation: none !important; }");
    document.adoptedStyleSheets.push(sheet);
}"""
_READ = """async (rules) => {
    // Stylesheets are not fetched once more: what axe makes of them is inline, which these pages refuse.
    const options = { preload: false, resultTypes: ["violations"], ...(rules && { runOnly: rules }) };
    const { violations } = await axe.run(document, options);
    return violations.flatMap(({ id, impact, nodes }) =>
        nodes.map(({ target, failureSummary }) => ({ id, impact, target: target.join(" "), why: failureSummary })));
}"""
_SHIFT = """() => new Promise((resolve) => {
    let shift = 0;
    const add = (list) => { for (const one of list.getEntries()) if (!one.hadRecentInput) shift += one.value; };
    new PerformanceObserver(add).observe({ type: "layout-shift", buffered: true });
    setTimeout(() => resolve(shift), 50);
})"""


def faults(page: Page) -> list[str]:
    """What axe has against the page in each look; it says of each fault how grave it is: minor ones are let pass."""
    page.evaluate(_STILL)
    page.evaluate(AXE_SCRIPT)
    found = []
    for look in LOOKS:
        width, height = SIZES[look.size]
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=look.scheme, reduced_motion="reduce")
        for fault in page.evaluate(_READ, look.rules):
            if fault["impact"] != "minor":
                found.append(
                    f"{look.size}, {look.scheme}: {fault['impact']} {fault['id']}: {fault['target']}: {fault['why']}"
                )
    return found


def shape(page: Page, row: SitePage, where: dict[str, object]) -> list[str]:
    """Load a page in a narrow window; what goes sideways in it, and what shifted meanwhile."""
    page.set_viewport_size({"width": 360, "height": 740})
    page.emulate_media(color_scheme="light", reduced_motion="no-preference")
    page.goto(fill(row.address, where))
    page.wait_for_load_state("networkidle")
    wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    # The dashboard moves its own sidebar.
    shift = 0.0 if row.address.startswith("/admin/") else page.evaluate(_SHIFT)
    return [f"{wider} pixels too wide, shifted by {shift:.3f}"] if wider or shift >= MOST_SHIFT else []


def open_state(page: Page, row: State, where: dict[str, object]) -> None:
    width, height = SIZES["desktop"]
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.goto(fill(row.address, where))
    page.wait_for_load_state("networkidle")
    row.reach(page)


@pytest.mark.parametrize("who", PEOPLE)
def test_no_page_has_a_fault_for_axe_goes_sideways_or_shifts_while_it_loads(visit: Visit, who: str | None) -> None:
    """Each page is loaded once for all of it."""
    page = visit("/accounts/login/", who, forgive=FORGIVEN)
    where = places(page) if who else {}
    found = []
    for row in PAGES:
        if row.who == who:
            found += [f"{row.name}: {fault}" for fault in [*shape(page, row, where), *faults(page)]]
    assert found == []


@pytest.mark.parametrize("who", [who for who in PEOPLE if any(state.who == who for state in STATES)])
def test_axe_finds_no_fault_in_any_opened_state(visit: Visit, who: str | None) -> None:
    page = visit("/accounts/login/", who, forgive=FORGIVEN)
    where = places(page) if who else {}
    found = []
    for state in STATES:
        if state.who == who:
            open_state(page, state, where)
            found += [f"{state.name}: {fault}" for fault in faults(page)]
    assert found == []


@pytest.mark.parametrize("who", PEOPLE)
def test_no_page_goes_sideways_or_shifts_with_narrow_letters(visit: Visit, who: str | None) -> None:
    page = visit("/accounts/login/", who, forgive=FORGIVEN, letters="narrow")
    where = places(page) if who else {}
    found = []
    for row in PAGES:
        if row.who == who:
            found += [f"{row.name}: {fault}" for fault in shape(page, row, where)]
    assert found == []
