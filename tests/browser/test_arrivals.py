"""A folder that is imported into an empty library, as somebody sees it on the page For you while it is listened to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Locator, Page, expect

from tests.audio import tag, write_tone

from .commands import Run, commands
from .conftest import Contexts, Visit
from .site import running_site

pytestmark = [pytest.mark.browser, pytest.mark.long]

REFRESH = "recommender.tasks.refresh_content"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("arriving")


@pytest.fixture(scope="module")
def site(chromium: Browser, home: Path) -> Iterator[str]:
    """The address of a site without music."""
    with running_site(home, lambda _, run: run("tests.browser.people.make_listener", "mira")) as address:
        yield address


@pytest.fixture(scope="module")
def contexts(site: str) -> Contexts:
    return Contexts(site)


@pytest.fixture
def run(home: Path) -> Iterator[Run]:
    """Runs commands on the home of the site."""
    with commands(home) as run:
        yield run


def add(home: Path, run: Run, title: str) -> None:
    """One more file, found by an import."""
    path = write_tone(home / "music" / f"{title}.ogg", 3.0, hz=200.0 + 30 * len(title))
    tag(path, title=title, artist="Ada")
    run("import_music", str(home / "music"))


def do_what_beat_does_each_minute(run: Run) -> None:
    (every,) = [entry["schedule"] for entry in settings.CELERY_BEAT_SCHEDULE.values() if entry["task"] == REFRESH]
    assert isinstance(every, timedelta)
    assert every <= timedelta(minutes=1)
    run(REFRESH)


def cards(page: Page) -> Locator:
    return page.locator("#arriving .song-card-title")


def test_songs_are_shown_as_they_come_with_how_many_are_heard_and_how_long_the_rest_takes(
    visit: Visit, home: Path, run: Run
) -> None:
    page = visit("/")
    expect(page.get_by_text("Nothing to recommend yet")).to_be_visible()

    # The page that is open shows the first file by itself, and that it waits.
    add(home, run, "First")
    expect(cards(page)).to_have_text(["First"])
    expect(page.get_by_text("Nothing to recommend yet")).to_have_count(0)
    listening = page.locator(".listening")
    expect(listening).to_contain_text("0 of 1 song heard")
    expect(page.locator("#arriving")).to_contain_text("not heard yet")
    add(home, run, "Second")
    expect(listening).to_contain_text("0 of 2 songs heard")
    expect(cards(page)).to_have_text(["Second", "First"])

    # A tagger hears both; a third one comes meanwhile.
    run("tag_songs", "--inline")
    expect(page.get_by_role("heading", name="Just heard")).to_be_visible()
    expect(page.locator("#arriving")).not_to_contain_text("not heard yet")
    add(home, run, "Third")
    page.reload()
    expect(listening).to_contain_text("2 of 3 songs heard")
    expect(listening).to_contain_text(" left")
    expect(page.get_by_role("progressbar", name="Songs heard")).to_have_attribute("value", "2")
    run("tag_songs", "--inline")

    # Within a minute of the last one all are in the recommendations, and the page that is open follows.
    do_what_beat_does_each_minute(run)
    expect(cards(page)).to_have_count(0)
    expect(listening).to_have_count(0)
    for title in ("First", "Second", "Third"):
        expect(page.get_by_role("main").get_by_role("link", name=title).first).to_be_visible()
