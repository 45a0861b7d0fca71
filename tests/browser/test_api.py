"""The API's documentation and its browsable pages, under the content security policy of a real Chromium."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from .conftest import Visit

pytestmark = pytest.mark.browser


def answer_of(operation: Locator, **parameters: str) -> Locator:
    """The status that an operation of the documentation answers with, tried from the page."""
    if not operation.get_by_role("button", name="Try it out").is_visible():
        operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    for name, value in parameters.items():
        operation.get_by_placeholder(name, exact=True).fill(value)
    operation.get_by_role("button", name="Execute").click()
    return operation.locator(".live-responses-table .response-col_status").last


def some_song(page: Page) -> str:
    return str(page.request.get("/api/songs/").json()["results"][-1]["id"])


def test_the_documentation_reads_and_changes(visit: Visit) -> None:
    page = visit("/api/docs/", "newcomer")
    expect(page.get_by_role("heading", name="DCMRS")).to_be_visible()
    expect(answer_of(page.locator("#operations-songs-songs_list"), search="blue")).to_have_text("200")
    rating = page.locator("#operations-ratings-ratings_update")
    rating.locator(".opblock-summary-control").click()
    rating.get_by_role("button", name="Try it out").click()
    rating.locator("textarea").fill('{"stars": 4}')
    rating.get_by_placeholder("song", exact=True).fill(some_song(page))
    rating.get_by_role("button", name="Execute").click()
    expect(rating.locator(".live-responses-table .response-col_status").last).to_have_text("201")


def test_strangers_log_in_and_come_back_to_the_documentation(visit: Visit) -> None:
    page = visit("/api/docs/", None)
    expect(page).to_have_url("/accounts/login/?next=/api/docs/")


def test_the_api_can_be_walked_through(visit: Visit) -> None:
    page = visit("/api/")
    addresses = page.request.get("/api/", headers={"accept": "application/json"}).json()
    for name, address in addresses.items():
        asked = page.request.fetch(address, method="OPTIONS", headers={"accept": "application/json"})
        if name not in ("docs", "export", "schema", "upload") and "GET" in asked.headers["allow"]:
            answer = page.request.get(address, headers={"accept": "application/json"})
            if answer.status == 400:
                assert "This field is required" in answer.text(), name
                continue
            page.goto(address)
            expect(page.get_by_text("HTTP 200 OK")).to_be_visible()
    page.goto(f"/api/songs/{some_song(page)}/")
    page.get_by_role("link", name="API", exact=True).click()
    expect(page).to_have_url("/api/")


def test_a_rating_is_sent_from_its_browsable_page(visit: Visit) -> None:
    page = visit("/api/ratings/", "newcomer")
    page.locator("textarea[name=_content]").fill(f'{{"song": {some_song(page)}, "stars": 3}}')
    page.get_by_role("button", name="POST").click()
    expect(page.get_by_text('"stars": 3')).to_be_visible()
