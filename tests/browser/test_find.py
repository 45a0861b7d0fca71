"""Finding music in one's own words: typed, spoken, corrected by chips, kept under a name."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from .conftest import Visit

pytestmark = pytest.mark.browser

# What browsers have to recognise speech with; Chromium without a window has no microphone and no model.
SPEECH = """
window.asked = [];
class Recognition extends EventTarget {
  static async available(options) { window.asked.push(options); return AVAILABLE; }
  constructor() { super(); window.recognition = this; this.local = false; }
  get processLocally() { return this.local; }
  set processLocally(value) { this.local = value; }
  start() { this.started = true; }
  stop() { this.onend?.(); }
  abort() { this.onerror?.({ error: "aborted" }); this.onend?.(); }
  hear(...heard) {
    this.onresult?.({ results: heard.map((transcript) => [{ transcript }]) });
  }
  finish(...heard) { this.hear(...heard); this.onend?.(); }
  fail(error) { this.onerror?.({ error }); this.onend?.(); }
}
window.SpeechRecognition = window.webkitSpeechRecognition = Recognition;
"""
ONLY_REMOTE = "window.SpeechRecognition = window.webkitSpeechRecognition = class { start() { window.sent = true; } };"
NONE = "delete window.SpeechRecognition; delete window.webkitSpeechRecognition;"


def box(page: Page) -> Locator:
    return page.get_by_role("main").get_by_role("searchbox")


def chips(page: Page) -> Locator:
    return page.get_by_role("list", name="Understood as").get_by_role("link")


def songs(page: Page) -> Locator:
    return page.get_by_role("region", name="Music that fits").locator("[data-song]")


def microphone(page: Page) -> Locator:
    return page.get_by_role("main").get_by_role("button", name="Say it")


def sideways(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def test_words_typed_in_the_head_of_any_page_find_music_and_chips_take_words_away(visit: Visit) -> None:
    page = visit("/library/")
    head = page.get_by_role("banner").get_by_role("searchbox")
    head.fill("calm pinao, but not energetic")
    head.press("Enter")
    expect(page).to_have_url(re.compile(r"/find/\?q=calm"))
    expect(box(page)).to_have_value("calm pinao, but not energetic")
    expect(head).to_be_hidden()
    expect(chips(page)).to_have_count(3)
    expect(chips(page).nth(1)).to_contain_text("piano for “pinao”")
    expect(chips(page).nth(2)).to_contain_text("not energetic")
    assert songs(page).count() > 0
    chips(page).nth(1).click()
    expect(chips(page)).to_have_count(2)
    expect(box(page)).to_have_value("calm, not energetic")
    page.go_back()
    expect(chips(page)).to_have_count(3)
    expect(box(page)).to_have_value("calm pinao, but not energetic")


def test_a_title_is_found_in_the_same_box_and_played(visit: Visit) -> None:
    page = visit("/find/?q=sinnerman")
    called = page.get_by_role("region", name="Called “sinnerman”")
    called.get_by_role("button", name="Play Sinnerman").click()
    page.wait_for_function("() => document.querySelector('audio').currentTime > 0.1")
    box(page).fill("aphex")
    box(page).press("Enter")
    expect(page.get_by_role("list", name="Artists").get_by_role("link", name="Aphex Twin")).to_be_visible()
    assert page.evaluate("document.querySelector('audio').paused") is False


def test_a_name_with_a_typing_error_is_the_name_and_likeness_finds_others(visit: Visit) -> None:
    page = visit("/find/?q=apfex+twinn")
    expect(page.get_by_role("list", name="Artists").get_by_role("link", name="Aphex Twin")).to_be_visible()
    expect(chips(page)).to_have_count(0)
    box(page).fill("songs like Sinnerman but calmer")
    box(page).press("Enter")
    expect(chips(page)).to_have_count(2)
    expect(chips(page).first).to_contain_text("like Sinnerman")
    expect(songs(page).first).to_be_visible()
    expect(songs(page).get_by_role("button", name="Play Sinnerman")).to_have_count(0)
    chips(page).first.click()
    expect(chips(page)).to_have_count(1)
    expect(box(page)).to_have_value("calmer")


def test_a_decade_and_a_title_are_found_beside_labels_and_what_is_not_understood_is_said(visit: Visit) -> None:
    page = visit("/find/?q=ruhige+Musik+ohne+Metal")
    expect(chips(page).first).to_contain_text("ruhige")
    box(page).fill("calm songs for zorbing")
    box(page).press("Enter")
    expect(page.get_by_text("Not understood: “zorbing”")).to_be_visible()
    expect(songs(page).first).to_be_visible()


def test_what_was_found_is_played_as_a_whole(visit: Visit) -> None:
    page = visit("/find/?q=calm")
    page.get_by_role("button", name="Play all: music that fits").click()
    page.wait_for_function("() => document.querySelector('audio').currentTime > 0.1")


def test_words_are_kept_tapped_renamed_and_deleted(visit: Visit) -> None:
    page = visit("/find/?q=calm+piano")
    page.get_by_text("Save this search").click()
    page.get_by_label("One tap away from then on").fill("late evening")
    page.get_by_role("button", name="Keep", exact=True).click()
    expect(page.get_by_text("Kept as late evening")).to_be_visible()
    page.get_by_role("link", name="For you", exact=True).click()
    page.get_by_role("list", name="Your contexts").get_by_role("link", name="late evening").click()
    expect(page).to_have_url(re.compile(r"/find/\?q=calm\+piano"))
    expect(chips(page)).to_have_count(2)
    expect(page.get_by_role("link", name="late evening")).to_have_attribute("aria-current", "true")
    page.get_by_text("Rename or delete contexts").click()
    page.get_by_label("Name of late evening").fill("night")
    page.get_by_role("button", name="Rename late evening").click()
    expect(page.get_by_role("link", name="night")).to_be_visible()
    page.get_by_text("Rename or delete contexts").click()
    page.get_by_role("button", name="Delete night").click()
    expect(page.get_by_text("night is deleted.")).to_be_visible()
    expect(page.get_by_role("list", name="Your contexts")).to_have_count(0)


def test_everything_is_done_by_keyboard(visit: Visit) -> None:
    page = visit("/find/")
    page.keyboard.press("/")
    expect(box(page)).to_be_focused()
    page.keyboard.type("calm, not jazz")
    page.keyboard.press("Enter")
    expect(chips(page)).to_have_count(2)
    expect(box(page)).to_be_focused()
    while not page.evaluate("document.activeElement.textContent.includes('not jazz')"):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(chips(page)).to_have_count(1)
    expect(box(page)).to_have_value("calm")


def test_the_slash_key_leads_to_the_box_in_the_head_of_other_pages(visit: Visit) -> None:
    page = visit("/")
    page.keyboard.press("/")
    expect(page.get_by_role("banner").get_by_role("searchbox")).to_be_focused()


def test_on_a_phone_a_sign_in_the_head_leads_to_the_box(visit: Visit) -> None:
    page = visit("/", size="phone")
    expect(page.get_by_role("banner").get_by_role("searchbox")).to_be_hidden()
    page.get_by_role("banner").get_by_role("link", name="Find music").click()
    expect(box(page)).to_be_focused()
    box(page).fill("calm")
    box(page).press("Enter")
    expect(chips(page)).to_have_count(1)


@pytest.mark.parametrize("size", ["narrow", "phone", "desktop"])
def test_nothing_goes_sideways(visit: Visit, size: str) -> None:
    page = visit("/find/", size=size)
    for words in ("", "calm piano for a rainy evening, not too loud, without female vocals", "zzyzx" * 40, "sinnerman"):
        page.goto(f"/find/?q={words}")
        assert sideways(page) == 0, words


def test_without_scripts_everything_is_there_but_the_microphone(visit: Visit) -> None:
    page = visit("/find/", java_script_enabled=False)
    box(page).fill("calm, not jazz")
    page.get_by_role("main").get_by_role("button", name="Find").click()
    expect(chips(page)).to_have_count(2)
    chips(page).nth(1).click()
    expect(chips(page)).to_have_count(1)
    expect(microphone(page)).to_be_hidden()


# --- Speaking


def with_speech(visit: Visit, script: str) -> Page:
    page = visit("/library/")
    page.add_init_script(script)
    page.goto("/find/")
    return page


def test_where_speech_is_recognised_on_the_device_words_can_be_said(visit: Visit) -> None:
    page = with_speech(visit, SPEECH.replace("AVAILABLE", '"available"'))
    microphone(page).click()
    expect(page.get_by_text("Listening. Your voice stays on this device.")).to_be_visible()
    expect(microphone(page)).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("[window.recognition.processLocally, window.recognition.started]") == [True, True]
    assert all(asked["processLocally"] for asked in page.evaluate("window.asked"))
    page.evaluate("window.recognition.hear('calm piano')")
    expect(box(page)).to_have_value("calm piano")
    page.evaluate("window.recognition.finish('calm piano', 'not jazz')")
    expect(chips(page)).to_have_count(3)
    expect(page).to_have_url(re.compile(r"/find/\?q=calm"))
    expect(microphone(page)).to_have_attribute("aria-pressed", "false")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("not-allowed", "does not let this page use the microphone"),
        ("no-speech", "Nothing was heard."),
        ("network", "Try again"),
    ],
)
def test_what_goes_wrong_while_listening_is_said(visit: Visit, error: str, said: str) -> None:
    page = with_speech(visit, SPEECH.replace("AVAILABLE", '"available"'))
    microphone(page).click()
    page.evaluate(f"window.recognition.fail('{error}')")
    expect(page.get_by_text(said)).to_be_visible()
    expect(microphone(page)).to_have_attribute("aria-pressed", "false")


def test_leaving_the_page_ends_the_listening(visit: Visit) -> None:
    page = with_speech(visit, SPEECH.replace("AVAILABLE", '"available"'))
    microphone(page).click()
    page.evaluate("window.ended = 0; window.recognition.abort = () => { window.ended += 1; }")
    page.get_by_role("link", name="Library", exact=True).click()
    expect(page.get_by_role("heading", level=1, name="Library")).to_be_visible()
    assert page.evaluate("window.ended") > 0


@pytest.mark.parametrize(
    "script",
    [
        SPEECH.replace("AVAILABLE", '"downloadable"'),
        SPEECH.replace("AVAILABLE", '"unavailable"'),
        SPEECH.replace("return AVAILABLE", "throw new Error('no')"),
        ONLY_REMOTE,
        NONE,
    ],
    ids=["to download", "not for this language", "refused", "only remote", "none"],
)
def test_where_the_sound_would_be_sent_away_there_is_no_microphone(visit: Visit, script: str) -> None:
    page = with_speech(visit, script)
    expect(box(page)).to_be_visible()
    page.wait_for_timeout(300)
    expect(page.get_by_role("button", name="Say it", include_hidden=True)).to_have_count(2)
    for button in page.get_by_role("button", name="Say it", include_hidden=True).all():
        expect(button).to_be_hidden()
    assert not page.evaluate("window.sent")
