"""A picture of every page, on a phone and on a desktop, in light and in dark: `python -m tests.browser.screenshots`.

They go to `screenshots/SIZE-SCHEME/PAGE.png`, from a small site of its own that is gone afterwards.
"""

from __future__ import annotations

import sys
import tempfile
from io import BytesIO
from pathlib import Path

from playwright.sync_api import FilePayload, Page, sync_playwright
from tqdm import tqdm

from tests.mood.pictures import portrait

from .conftest import SIZES, find_chromium, launch, log_in
from .site import PROJECT, running_site

GOAL = PROJECT / "screenshots"

PAGES: dict[str | None, dict[str, str]] = {
    None: {
        "log-in": "/accounts/login/",
        "sign-up": "/accounts/signup/",
        "reset-password": "/accounts/reset/",
        "reset-password-sent": "/accounts/reset/sent/",
    },
    "newcomer": {"for-you-newcomer": "/", "taste-empty": "/taste/", "my-ratings-empty": "/ratings/"},
    "mira": {
        "for-you": "/",
        "library": "/library/",
        "library-filtered": "/library/?q=blue&label=jazz&artist=Miles+Davis",
        "library-typo": "/library/?q=davsi",
        "library-nothing": "/library/?q=zzz",
        "artist": "/artists/miles%20davis/",
        "compare": "/compare/?title=xtal",
        "how-it-works": "/how-it-works/",
        "taste": "/taste/",
        "history": "/taste/history/",
        "not-this": "/taste/not-this/",
        "my-ratings": "/ratings/",
        "playlists-empty": "/playlists/",
        "change-password": "/accounts/password/",
        "delete-account": "/accounts/delete/",
        "not-found": "/nowhere/",
    },
    "boss": {
        "upload": "/upload/",
        "admin": "/admin/",
        "admin-songs": "/admin/catalog/song/",
        "admin-labels": "/admin/catalog/label/",
        "admin-taggers": "/admin/tagging/lesson/",
    },
}


def main() -> None:
    """Take them all."""
    executable = find_chromium()
    if executable is None:
        sys.exit("There is no Chromium on the PATH: install it, for example with apt-get install chromium.")
    looks = [(size, scheme) for size in SIZES for scheme in ("light", "dark")]
    with tempfile.TemporaryDirectory() as home, running_site(Path(home)) as site, sync_playwright() as playwright:
        browser = launch(playwright, executable)
        for size, scheme in tqdm(looks, unit="look"):
            width, height = SIZES[size]
            folder = GOAL / f"{size}-{scheme}"
            folder.mkdir(parents=True, exist_ok=True)
            for who, pages in PAGES.items():
                context = browser.new_context(
                    base_url=site,
                    viewport={"width": width, "height": height},
                    color_scheme="dark" if scheme == "dark" else "light",
                )
                page = context.new_page()
                if who:
                    log_in(page, who)
                for name, address in pages.items():
                    take(page, address, folder / f"{name}.png")
                if who == "mira":
                    take_songs(page, folder)
                    take_mood(page, folder)
                if who == "boss":
                    take_desk(page, folder)
                context.close()
        browser.close()
    print(f"{sum(1 for _ in GOAL.rglob('*.png'))} pictures in {GOAL}")


def take(page: Page, address: str, file: Path) -> None:
    """One page, all of it."""
    page.goto(address)
    whole_page(page, file)


def whole_page(page: Page, file: Path) -> None:
    """A picture as if the window were as high as the page: what stays at its foot is at the foot of the picture."""
    page.wait_for_load_state("networkidle")
    window = page.viewport_size or {"width": 1280, "height": 800}
    height = int(page.evaluate("document.documentElement.scrollHeight"))
    page.set_viewport_size({"width": window["width"], "height": max(height, window["height"])})
    page.wait_for_load_state("networkidle")
    page.screenshot(path=file)
    page.set_viewport_size(window)


def take_songs(page: Page, folder: Path) -> None:
    """A song's page, then the same with the player at work."""
    page.goto("/library/?q=blue+in+green")
    page.locator(".song-row-title").first.click()
    page.locator(".sound-wave").wait_for()
    whole_page(page, folder / "song.png")
    page.get_by_role("button", name="Play").first.click()
    page.wait_for_function("() => document.querySelector('audio').currentTime > 0.5")
    page.screenshot(path=folder / "song-playing.png")
    page.locator("[data-play-similar]").click()
    page.get_by_role("button", name="Queue", exact=True).click()
    page.locator(".queue-song").nth(2).wait_for()
    page.screenshot(path=folder / "queue.png")
    page.get_by_role("region", name="Queue").get_by_role("button", name="Save as playlist").click()
    page.get_by_role("dialog").get_by_role("button", name="Make it").wait_for()
    page.screenshot(path=folder / "playlist-dialog.png")
    page.get_by_role("dialog").get_by_role("button", name="Make it").click()
    page.get_by_role("dialog").get_by_role("link").click()
    page.locator("#playlist-songs").wait_for()
    whole_page(page, folder / "playlist.png")


def take_mood(page: Page, folder: Path) -> None:
    """The page Mood before anything, with a picture, with what was read in it, and with a word of the listener's."""
    take(page, "/mood/", folder / "mood.png")
    picture = BytesIO()
    portrait(600).convert("RGB").save(picture, "PNG")
    file = FilePayload(name="me.png", mimeType="image/png", buffer=picture.getvalue())
    page.get_by_label("Choose a file").set_input_files(file)
    page.get_by_role("img", name="Your picture").wait_for()
    whole_page(page, folder / "mood-picture.png")
    page.get_by_role("button", name="Read my mood").click()
    page.locator(".mood-face-read").wait_for()
    page.locator("#mood-songs [data-song]").first.wait_for()
    whole_page(page, folder / "mood-read.png")
    page.get_by_role("button", name="angry", exact=True).click()
    page.get_by_role("heading", name="You feel angry").wait_for()
    whole_page(page, folder / "mood-said.png")


def take_desk(page: Page, folder: Path) -> None:
    """A song at the admin's desk, and a merge about to be made."""
    page.goto("/admin/catalog/song/?q=blue+in+green")
    page.get_by_role("link", name="Blue in Green").click()
    whole_page(page, folder / "admin-song.png")
    page.goto("/admin/catalog/label/")
    for box in page.locator("input[name=_selected_action]").all()[:2]:
        box.check()
    page.locator("select[name=action]").select_option("merge")
    page.get_by_role("button", name="Go").click()
    whole_page(page, folder / "admin-merge.png")


if __name__ == "__main__":
    main()
