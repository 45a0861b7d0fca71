"""The page Mood in a real Chromium: a photograph, a fake camera, a word; what is sent, what is drawn, what is said."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, FilePayload, Page, Request, expect

from tests.mood.pictures import portrait

from .conftest import Visit, Watch, find_chromium, launch_like, log_in
from .test_site import is_ahead, sideways

pytestmark = pytest.mark.browser

FAKE_CAMERA = "--use-fake-device-for-media-stream"
ALLOWED = "--use-fake-ui-for-media-stream"
# The first picture of a web process loads the network; a busy machine takes its time over that.
READING_MS = 60_000
READ = re.compile(r"You look|Hard to tell")


def as_file(image: Image.Image, name: str = "me.jpg", **options: object) -> FilePayload:
    data = BytesIO()
    image.convert("RGB").save(data, "JPEG", **options)
    return {"name": name, "mimeType": "image/jpeg", "buffer": data.getvalue()}


def choose(page: Page, file: FilePayload | Path) -> None:
    page.get_by_label("Choose a file").set_input_files(file)


def read(page: Page) -> None:
    page.get_by_role("button", name="Read my mood").click()
    expect(page.get_by_role("heading", name=READ)).to_be_visible(timeout=READING_MS)


def sent_pictures(page: Page) -> list[int]:
    """Fills with the length of every picture that the page sends."""
    lengths: list[int] = []

    def note(request: Request) -> None:
        if request.url.endswith("/mood/picture/"):
            lengths.append(len(request.post_data_buffer or b""))

    page.on("request", note)
    return lengths


def place_on_page(page: Page, selector: str) -> dict[str, float]:
    """Where something stands, wherever the page is scrolled to."""
    script = "box => ({ left: box.offsetLeft, top: box.offsetTop, width: box.offsetWidth, height: box.offsetHeight })"
    place: dict[str, float] = page.locator(selector).evaluate(script)
    return place


def shows_songs(page: Page) -> None:
    expect(page.locator("#mood-songs [data-song]").first).to_be_visible()


@pytest.fixture
def camera_film(tmp_path: Path) -> Path:
    """Two frames of a portrait, as raw video: what the fake camera shows."""
    frame = np.full((480, 640), 120, np.uint8)
    frame[30:450, 110:530] = np.asarray(portrait(420))
    film = tmp_path / "face.y4m"
    colour = np.full(2 * 240 * 320, 128, np.uint8).tobytes()
    film.write_bytes(b"YUV4MPEG2 W640 H480 F10:1 Ip A1:1 C420jpeg\n" + 2 * (b"FRAME\n" + frame.tobytes() + colour))
    return film


@pytest.fixture
def visit_with(chromium: Browser, site: str) -> Iterator[Callable[..., Page]]:
    """Open the page Mood in a Chromium of its own, started with more arguments."""
    browsers: list[Browser] = []
    watches: list[Watch] = []

    def open_page(*arguments: str) -> Page:
        browsers.append(launch_like(chromium, str(find_chromium()), *arguments))
        context = browsers[-1].new_context(base_url=site, viewport={"width": 1280, "height": 800})
        context.set_default_timeout(60_000)
        watches.append(Watch(context, site, None))
        page = context.new_page()
        log_in(page, "mira")
        page.goto("/mood/")
        return page

    yield open_page
    # What the browser still loads when it is closed has not failed.
    for watch in watches:
        watch.end()
    for browser in browsers:
        browser.close()
    assert [problem for watch in watches for problem in watch.unforgiven()] == []


# --- A photograph -------------------------------------------------------------------------------


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_a_photograph_is_shown_framed_and_read_and_brings_songs(visit: Visit, size: str) -> None:
    page = visit("/", size=size)
    page.get_by_role("link", name="Mood", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Mood")
    place, before = place_on_page(page, ".mood-stage"), page.evaluate("history.length")
    choose(page, as_file(portrait(600)))
    expect(page.get_by_role("img", name="Your picture")).to_be_visible()
    assert page.locator(".mood-image").evaluate("image => image.src").startswith("blob:")
    expect(page.get_by_role("button", name="Read my mood")).to_be_focused()
    read(page)
    expect(page.locator(".mood-face-read")).to_have_count(1)
    expect(page.locator(".mood-bars li")).to_have_count(7)
    expect(page.get_by_role("status").filter(has_text=READ)).to_have_count(1)
    shows_songs(page)
    assert place_on_page(page, ".mood-stage") == place
    assert sideways(page) == 0
    # Neither the address nor the history knows of any mood.
    expect(page).to_have_url(re.compile(r"/mood/$"))
    assert page.evaluate("history.length") == before


def test_the_frame_lies_on_the_face(visit: Visit) -> None:
    page = visit("/mood/")
    wide = Image.new("L", (1200, 500), 120)
    wide.paste(portrait(420), (700, 40))
    choose(page, as_file(wide))
    read(page)
    # Where the face is in the picture, its letterboxing on the stage considered.
    # Both at one moment: the page may still be scrolling.
    expect(page.locator(".mood-face-read .mood-face-line")).to_be_visible()
    stage, frame = page.evaluate(
        "() => ['.mood-stage', '.mood-face-read .mood-face-line']"
        ".map((part) => document.querySelector(part).getBoundingClientRect().toJSON())"
    )
    scale = stage["width"] / 1200
    top = stage["y"] + (stage["height"] - 500 * scale) / 2
    assert frame["x"] + frame["width"] / 2 == pytest.approx(stage["x"] + (700 + 210) * scale, abs=40 * scale)
    assert frame["y"] + frame["height"] / 2 == pytest.approx(top + (40 + 230) * scale, abs=50 * scale)


def test_a_phones_photograph_is_shrunken_and_upright_before_it_is_sent(visit: Visit) -> None:
    page = visit("/mood/")
    sent = sent_pictures(page)
    random = np.random.default_rng(1)
    noise = random.integers(0, 40, (3000, 4000), dtype=np.uint8)
    lying = Image.fromarray(noise + 60)
    lying.paste(portrait(2400).rotate(90), (800, 300))
    exif = Image.Exif()
    exif[0x0112] = 6
    photograph = as_file(lying, exif=exif, quality=95)
    assert len(photograph["buffer"]) > 3_000_000
    choose(page, photograph)
    read(page)
    assert sent[0] < 1_500_000
    expect(page.locator("#mood-faces svg")).to_have_attribute("viewBox", "0 0 1200 1600")
    expect(page.locator(".mood-face-read")).to_have_count(1)


def test_a_picture_without_a_face_stays_and_says_what_to_do(visit: Visit) -> None:
    page = visit("/mood/")
    choose(page, as_file(Image.new("L", (400, 300), 120)))
    page.get_by_role("button", name="Read my mood").click()
    expect(page.get_by_role("alert").filter(has_text="No face was found")).to_be_visible(timeout=READING_MS)
    expect(page.get_by_role("img", name="Your picture")).to_be_visible()
    page.get_by_role("button", name="Remove the picture").click()
    expect(page.get_by_role("img", name="Your picture")).to_be_hidden()


def test_what_is_no_picture_is_said_beside_the_stage(visit: Visit) -> None:
    page = visit("/mood/", forgive="400")
    choose(page, {"name": "me.jpg", "mimeType": "image/jpeg", "buffer": b"no picture at all"})
    expect(page.get_by_text("This browser cannot show “me.jpg”")).to_be_visible()
    page.get_by_role("button", name="Read my mood").click()
    expect(page.get_by_role("alert").filter(has_text="not a picture that can be read")).to_be_visible(
        timeout=READING_MS
    )
    choose_again = page.get_by_role("button", name="Remove the picture")
    choose_again.click()
    choose(page, as_file(portrait()))
    read(page)


def test_what_is_too_large_and_cannot_be_shrunken_is_never_sent(visit: Visit, tmp_path: Path) -> None:
    page = visit("/mood/")
    sent = sent_pictures(page)
    large = tmp_path / "me.heic"
    large.write_bytes(bytes(20_500_000))
    choose(page, large)
    expect(page.get_by_role("alert").filter(has_text="“me.heic” is too large")).to_be_visible()
    assert sent == []


def test_a_server_out_of_reach_is_said_and_the_picture_stays(visit: Visit) -> None:
    page = visit("/mood/", forgive=("ERR_INTERNET_DISCONNECTED", "htmx:"))
    choose(page, as_file(portrait()))
    page.context.set_offline(True)
    page.get_by_role("button", name="Read my mood").click()
    expect(page.get_by_role("alert").filter(has_text="The server cannot be reached")).to_be_visible()
    page.context.set_offline(False)
    read(page)


# --- The camera ---------------------------------------------------------------------------------


def test_the_camera_takes_the_picture(visit_with: Callable[..., Page], camera_film: Path) -> None:
    page = visit_with(FAKE_CAMERA, ALLOWED, f"--use-file-for-fake-video-capture={camera_film}")
    page.get_by_role("button", name="Take a picture").click()
    expect(page.get_by_role("button", name="Take the picture")).to_be_focused()
    # The first frames of a camera that is just switched on are not yet of what is before it.
    page.wait_for_function("() => document.querySelector('video').currentTime > 1")
    page.keyboard.press("Enter")
    expect(page.get_by_role("img", name="Your picture")).to_be_visible()
    assert page.evaluate("document.querySelector('video').srcObject") is None
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=READ)).to_be_visible(timeout=READING_MS)
    expect(page.locator(".mood-face-read")).to_have_count(1)
    shows_songs(page)


def test_the_camera_is_closed_when_the_page_is_left(visit_with: Callable[..., Page]) -> None:
    page = visit_with(FAKE_CAMERA, ALLOWED)
    page.get_by_role("button", name="Take a picture").click()
    page.wait_for_function("() => document.querySelector('video').videoWidth > 0")
    track = page.evaluate_handle("document.querySelector('video').srcObject.getTracks()[0]")
    page.get_by_role("link", name="Library").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Library")
    assert track.evaluate("track => track.readyState") == "ended"


def test_a_camera_that_is_refused_is_said(visit_with: Callable[..., Page]) -> None:
    page = visit_with(FAKE_CAMERA, f"{ALLOWED}=deny")
    page.get_by_role("button", name="Take a picture").click()
    expect(page.get_by_role("alert").filter(has_text="The camera was not allowed")).to_be_visible()
    choose(page, as_file(portrait()))
    expect(page.get_by_role("alert").filter(has_text="not allowed")).to_be_hidden()
    read(page)


def test_where_the_browser_has_no_camera_for_the_page_it_says_why(visit: Visit) -> None:
    page = visit("/library/")
    # As over plain HTTP from another machine.
    page.add_init_script(
        "delete Navigator.prototype.mediaDevices;Object.defineProperty(window, 'isSecureContext', { value: false });"
    )
    page.goto("/mood/")
    expect(page.get_by_role("alert").filter(has_text="over HTTPS or from localhost")).to_be_visible()
    expect(page.get_by_role("button", name="Take a picture")).to_be_hidden()
    choose(page, as_file(portrait()))
    read(page)


# --- A word, the way, the songs -----------------------------------------------------------------


def test_on_a_phone_the_songs_for_a_word_come_into_sight(visit: Visit) -> None:
    page = visit("/mood/", size="phone")
    page.set_viewport_size({"width": 390, "height": 560})
    page.get_by_role("radio", name="match my mood").check()
    page.get_by_role("button", name="sad", exact=True).click()
    shows_songs(page)
    expect(page.locator("#mood-songs [data-song]").first).to_be_in_viewport()


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_the_songs_for_a_picture_come_into_sight(visit: Visit, size: str) -> None:
    page = visit("/mood/", size=size)
    choose(page, as_file(portrait(600)))
    read(page)
    shows_songs(page)
    expect(page.locator("#mood-songs [data-song]").first).to_be_in_viewport()
    expect(page.locator(".mood-bars")).to_have_count(1)


def test_a_mood_by_hand_the_way_and_all_its_songs_by_keyboard(visit: Visit) -> None:
    page = visit("/mood/")
    words = place_on_page(page, "#mood-answer .chips")
    page.get_by_role("button", name="sad", exact=True).press("Enter")
    expect(page.get_by_role("heading", name="You feel sad")).to_be_visible()
    assert place_on_page(page, "#mood-answer .chips") == words
    expect(page.get_by_role("button", name="sad", exact=True)).to_be_focused()
    expect(page.get_by_role("button", name="sad", exact=True)).to_have_attribute("aria-pressed", "true")
    page.get_by_role("radio", name="lift my mood").check()
    expect(page.locator("#mood-songs .chip").first).to_have_text("hopeful")
    page.get_by_role("radio", name="lift my mood").press("ArrowLeft")
    expect(page.locator("#mood-songs .chip").first).to_have_text("melancholic")
    expect(page.get_by_role("radio", name="match my mood")).to_be_focused()
    shows_songs(page)
    first = page.locator("#mood-songs [data-song]").first
    title = str(first.get_attribute("data-title"))
    page.get_by_role("button", name="Play all").press("Enter")
    is_ahead(page, 0.1)
    expect(page.get_by_role("region", name="Player").get_by_role("link", name=title).first).to_be_visible()
    page.reload()
    expect(page.get_by_role("radio", name="match my mood")).to_be_checked()
    expect(page.locator("#mood-songs [data-song]")).to_have_count(0)


def test_readings_are_kept_on_demand_and_deleted(visit: Visit) -> None:
    page = visit("/mood/", "newcomer")
    kept = page.get_by_role("region", name="Your readings")
    expect(kept).to_contain_text("You have kept none yet.")
    with page.expect_response("**/mood/keep/"):
        kept.get_by_role("checkbox").check()
    for mood in ("calm", "tired"):
        page.get_by_role("button", name=mood, exact=True).click()
        expect(kept).to_contain_text(f"{mood}, in your own word")
    kept.get_by_role("button", name="Delete the reading").first.click()
    expect(kept).not_to_contain_text("tired, in your own word")
    page.once("dialog", lambda dialog: dialog.accept())
    kept.get_by_role("button", name="Delete all").click()
    expect(kept).to_contain_text("You have kept none yet.")
    page.reload()
    expect(kept.get_by_role("checkbox")).to_be_checked()


def test_without_scripts_plain_forms_do_it(visit: Visit) -> None:
    page = visit("/mood/", java_script_enabled=False)
    expect(page.get_by_role("button", name="Take a picture")).to_be_hidden()
    choose(page, as_file(portrait()))
    read(page)
    expect(page.locator(".mood-stage")).to_be_hidden()
    page.get_by_role("radio", name="match my mood").check()
    page.get_by_role("button", name="Use this").click()
    expect(page.get_by_role("heading", name=READ)).to_be_visible()
    page.get_by_role("button", name="angry", exact=True).click()
    expect(page.get_by_role("heading", name="You feel angry")).to_be_visible()
    page.get_by_role("radio", name="lift my mood").check()
    page.get_by_role("button", name="Use this").click()
    page.get_by_role("button", name="Show the songs").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("For this mood, from your taste")
    expect(page.locator("[data-song]").first).to_be_visible()


@pytest.mark.parametrize("who", ["mira", "newcomer"])
def test_no_state_goes_sideways_on_a_narrow_phone(visit: Visit, who: str) -> None:
    page = visit("/mood/", who, "narrow")
    assert sideways(page) == 0
    choose(page, as_file(portrait(400)))
    expect(page.get_by_role("img", name="Your picture")).to_be_visible()
    assert sideways(page) == 0
    read(page)
    page.get_by_role("button", name="angry", exact=True).click()
    expect(page.get_by_role("heading", name="You feel angry")).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert sideways(page) == 0
