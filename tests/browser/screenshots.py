"""A picture of every page, on a phone and on a desktop, in light and in dark: `python -m tests.browser.screenshots`.

They go to `screenshots/SIZE-SCHEME/PAGE.png`, from a small site of its own that is gone afterwards. The pages are those
of `tests/pages.py`, opened as `states.py` says. With names, only these; `--look phone-dark` only that one. With
`--docs`, the three pictures of the README are made anew instead: `docs/pictures/PAGE.webp`, small, of the window only,
of the demo library. That is composed and listened to first, which takes minutes, or copied from HOME, the `DCMRS_HOME`
of a demo.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright
from playwright.sync_api import Error as BrowserError
from tqdm import tqdm

from tests.pages import PAGES, SitePage
from tests.pages import fill as fill_address

from .commands import PROJECT, Run
from .conftest import SIZES, find_chromium, launch, log_in, turn_down_offers
from .site import fill, running_site
from .states import STATES, State, places

GOAL = PROJECT / "screenshots"
PICTURES = PROJECT / "docs" / "pictures"
PATIENCE_MS = 300_000
"""Nobody waits for a picture: on a machine that is busy with other work, pages take their time."""

IN_DOCS = ("for-you", "song", "compare")
IN_DOCS_PIXELS = (800, 500)
SONG_IN_DOCS = "rain check"
NOT_COPIED = ("static", "run", "redis")
LOOKS = [f"{size}-{scheme}" for size in SIZES for scheme in ("light", "dark")]

Taking = Callable[[Page, SitePage | State, str, Path], None]
ROWS: list[SitePage | State] = [*PAGES, *STATES]


def main() -> None:
    """Take them all, and name those that could not be taken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="PAGE", help="only these; all where none is named")
    parser.add_argument("--look", action="append", choices=LOOKS, help="only this size and scheme")
    parser.add_argument("--docs", nargs="?", const="", metavar="HOME", help="the pictures of the README, and no others")
    options = parser.parse_args()
    if unknown := set(options.names) - {row.name for row in ROWS}:
        sys.exit(f"There is no page named {', '.join(sorted(unknown))}.")
    executable = find_chromium()
    if executable is None:
        sys.exit("There is no Chromium on the PATH: install it, for example with apt-get install chromium.")
    for_docs = options.docs is not None
    names = IN_DOCS if for_docs else options.names
    rows = [row for row in ROWS if not names or row.name in names]
    looks = ["desktop-light"] if for_docs else options.look or LOOKS
    take_one = take_for_docs if for_docs else take
    failed = []
    filling = partial(fill_for_docs, demo=options.docs) if for_docs else fill
    with (
        tempfile.TemporaryDirectory() as home,
        running_site(Path(home), filling) as site,
        sync_playwright() as playwright,
    ):
        browser = launch(playwright, executable)
        with tqdm(total=len(rows) * len(looks), unit="picture") as progress:
            for look in looks:
                failed += [f"{look}/{name}" for name in take_all(browser, site, look, rows, progress, take_one)]
        browser.close()
    print(f"{len(rows) * len(looks) - len(failed)} pictures in {PICTURES if for_docs else GOAL}")
    if failed:
        sys.exit(f"No picture of {', '.join(failed)}")


def fill_for_docs(home: Path, run: Run, *, demo: str) -> None:
    """The demo library, made or copied from another home, and a listener."""
    if demo:
        shutil.copytree(demo, home, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*NOT_COPIED))
        run("migrate", "-v0")
    else:
        run("make_demo")
        run("tag_songs", "--inline")
        run("recompute")
    run("tests.browser.pictured.main")


def take_all(
    browser: Browser, site: str, look: str, rows: list[SitePage | State], progress: tqdm[Any], take: Taking
) -> list[str]:
    """The pictures of one look; those that failed, by name."""
    size, _, scheme = look.partition("-")
    width, height = SIZES[size]
    failed = []
    for who in dict.fromkeys(row.who for row in rows):
        context = browser.new_context(
            base_url=site,
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
            reduced_motion="reduce",
        )
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        turn_down_offers(page)
        if who:
            log_in(page, who)
        where = (places(page, SONG_IN_DOCS) if take is take_for_docs else places(page)) if who else {}
        for row in rows:
            if row.who == who:
                try:
                    take(page, row, fill_address(row.address, where), GOAL / look / f"{row.name}.png")
                except BrowserError as error:
                    progress.write(f"{look}/{row.name}: {error.message}", file=sys.stderr)
                    failed.append(row.name)
                progress.update()
        context.close()
    return failed


def take(page: Page, row: SitePage | State, address: str, file: Path) -> None:
    """One picture: of the whole page, or of the window where something lies over the page."""
    page.goto(address)
    page.wait_for_load_state("networkidle")
    if isinstance(row, State):
        row.reach(page)
        page.wait_for_load_state("networkidle")
    if isinstance(row, SitePage) or row.whole:
        whole_page(page, file)
    else:
        page.screenshot(path=file)


def take_for_docs(page: Page, row: SitePage | State, address: str, file: Path) -> None:
    """One small picture of the window, for the README, in place of `file`.

    Raises
    ------
    playwright.sync_api.Error
        If the page is an error's.
    """
    answer = page.goto(address)
    if answer is None or not answer.ok:
        raise BrowserError(f"{address} did not answer as it should")
    page.wait_for_load_state("networkidle")
    # What is drawn meanwhile, a song's sound, comes by itself.
    page.wait_for_function("() => !document.querySelector('.loading')")
    page.wait_for_load_state("networkidle")
    with Image.open(BytesIO(page.screenshot())) as picture:
        small = picture.convert("RGB").resize(IN_DOCS_PIXELS, Image.Resampling.LANCZOS)
    PICTURES.mkdir(parents=True, exist_ok=True)
    small.save(PICTURES / f"{file.stem}.webp", quality=80, method=6)


def whole_page(page: Page, file: Path) -> None:
    """A picture as if the window were as high as the page: what stays at its foot is at the foot of the picture."""
    window = page.viewport_size or {"width": 1280, "height": 800}
    height = int(page.evaluate("document.documentElement.scrollHeight"))
    page.set_viewport_size({"width": window["width"], "height": max(height, window["height"])})
    page.wait_for_load_state("networkidle")
    page.screenshot(path=file)
    page.set_viewport_size(window)


if __name__ == "__main__":
    main()
