"""How one song gives way to the next: without a gap, or in a crossfade."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from .conftest import Visit
from .player import open_queue, play, playing

pytestmark = pytest.mark.browser

# How far the element has come that begins, and how many sound then.
NOTE_BEGINNINGS = """() => {
    window.beginnings = [];
    const player = document.getElementById("player");
    player.addEventListener("play", ({ target }) => window.beginnings.push({
        ready: target.readyState,
        first: target === player.querySelector("audio"),
    }), true);
}"""

NOTE_VOLUMES = """() => {
    window.volumes = { leaving: [], coming: [] };
    const player = document.getElementById("player");
    player.addEventListener("volumechange", ({ target }) => {
        if (player.querySelectorAll("audio").length === 2)
            window.volumes[target === player.querySelector("audio") ? "coming" : "leaving"].push(target.volume);
    }, true);
}"""

# As phones do that let an element play only where it was pressed.
LET_ONLY_THE_FIRST_PLAY = """() => {
    const first = document.querySelector("audio");
    const { play } = HTMLMediaElement.prototype;
    HTMLMediaElement.prototype.play = function () {
        return this === first ? play.call(this) : Promise.reject(new DOMException("", "NotAllowedError"));
    };
    window.first = first;
}"""


def play_slowly_until_the_next_is_fetched(page: Page) -> None:
    """Play the first of two songs, at a tenth of its speed, as long as the next one is on its way."""
    with page.expect_event("requestfinished", lambda request: request.url.endswith(next_audio(page))):
        play(page, "Blue in Green")
        page.evaluate("document.querySelector('audio').playbackRate = 0.1")


def next_audio(page: Page) -> str:
    address = page.locator("#main li[data-song]").nth(1).get_attribute("data-song")
    return f"{address}audio"


def near_the_end(page: Page, seconds: float = 0.2) -> None:
    page.evaluate(f"() => {{ const audio = document.querySelector('audio'); audio.currentTime = 3 - {seconds}; }}")


def test_the_next_song_is_there_before_this_one_ends(visit: Visit) -> None:
    page = visit("/library/?artist=miles+davis&sort=title")
    play_slowly_until_the_next_is_fetched(page)
    page.evaluate(NOTE_BEGINNINGS)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    near_the_end(page)
    expect(playing(page)).to_have_text("So What")
    page.wait_for_function("() => window.beginnings.length")
    begun = page.evaluate("window.beginnings[0]")
    assert begun["first"]
    # The browser has what follows the first moment too.
    assert begun["ready"] >= 3
    assert not [url for url in asked if url.endswith(next_audio(page))]
    page.wait_for_function("() => document.querySelector('audio').currentTime > 0.1")
    expect(page.locator("#player audio")).to_have_count(1)


def test_a_crossfade_is_chosen_and_remembered_and_both_songs_sound_in_it(visit: Visit) -> None:
    page = visit("/library/?q=xtal")
    play(page, "Xtal")
    open_queue(page)
    page.get_by_role("combobox", name="Crossfade").select_option("12 s")
    page.goto("/library/?artist=miles+davis&sort=title")
    page.evaluate(NOTE_VOLUMES)
    play_slowly_until_the_next_is_fetched(page)
    near_the_end(page, 1)
    expect(playing(page)).to_have_text("So What")
    expect(page.locator("#player audio")).to_have_count(2)
    page.wait_for_function("() => window.volumes.leaving.length > 3 && window.volumes.coming.length > 3")
    leaving, coming = page.evaluate("[window.volumes.leaving, window.volumes.coming]")
    assert leaving == sorted(leaving, reverse=True)
    assert coming[1:] == sorted(coming[1:])
    assert 0 < leaving[-1] < 1
    # Whoever stops it stops both.
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.locator("#player audio")).to_have_count(1)
    assert page.evaluate("document.querySelector('audio').paused")
    open_queue(page)
    expect(page.get_by_role("combobox", name="Crossfade")).to_have_value("12")


def test_where_only_the_pressed_element_may_play_it_goes_on_alone(visit: Visit) -> None:
    page = visit("/library/?artist=miles+davis&sort=title")
    page.evaluate(LET_ONLY_THE_FIRST_PLAY)
    play_slowly_until_the_next_is_fetched(page)
    near_the_end(page)
    expect(playing(page)).to_have_text("So What")
    page.wait_for_function("() => !window.first.paused && window.first.currentTime > 0.05")
    assert page.evaluate("document.querySelector('#player audio') === window.first")
    assert page.evaluate("new URL(window.first.src).pathname") == next_audio(page)
