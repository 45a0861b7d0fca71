"""Loudness, the end of the evening, words, hearts, and what other players have left."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from .conftest import Visit
from .player import heading, open_queue, play, player, playing, row_of, volume_of, wait_for_volume
from .states import keep_a_queue_elsewhere

pytestmark = pytest.mark.browser


def test_songs_are_played_equally_loud_and_those_of_an_album_as_they_were_meant(visit: Visit) -> None:
    page = visit("/library/?q=blue+in+green")
    play(page, "Blue in Green")
    wait_for_volume(page, 0.5)
    page.get_by_role("button", name="Queue", exact=True).click()
    page.get_by_label("Play songs equally loud").uncheck()
    assert volume_of(page) == 1
    page.get_by_label("Play songs equally loud").check()
    wait_for_volume(page, 0.5)
    page.keyboard.press("Escape")
    row_of(page, "Blue in Green").get_by_role("link", name="Kind of Blue").click()
    heading(page, "Kind of Blue")
    row_of(page, "So What").get_by_role("button", name="Play").click()
    wait_for_volume(page, 0.25)
    player(page).locator(".player-row").get_by_label("Volume").fill("0.5")
    wait_for_volume(page, 0.125)


def test_the_music_stops_by_itself_and_has_a_speed(visit: Visit) -> None:
    page = visit("/library/?artist=miles+davis&sort=title")
    play(page, "Blue in Green")
    open_queue(page)
    page.get_by_role("combobox", name="Speed").select_option("0.5")
    assert page.evaluate("document.querySelector('audio').playbackRate") == 0.5
    page.get_by_role("combobox", name="Stop", exact=True).select_option("after this song")
    page.evaluate("() => { const audio = document.querySelector('audio'); audio.currentTime = audio.duration - 0.1; }")
    expect(playing(page)).to_have_text("So What")
    assert page.evaluate("document.querySelector('audio').paused")
    expect(page.get_by_role("combobox", name="Stop", exact=True)).to_have_value("off")
    page.reload()
    open_queue(page)
    expect(page.get_by_role("combobox", name="Speed")).to_have_value("0.5")
    page.get_by_role("combobox", name="Stop", exact=True).select_option("in 15 minutes")
    player(page).locator(".player-row").get_by_role("button", name="Play", exact=True).click()
    # A quarter of an hour later, of which this clock has heard nothing.
    page.evaluate("() => { const now = Date.now; Date.now = () => now() + 15 * 60_000; }")
    page.wait_for_function("() => document.querySelector('audio').paused")
    expect(page.get_by_role("combobox", name="Stop", exact=True)).to_have_value("off")


def test_a_song_that_has_hardly_begun_is_offered_without_a_time(visit: Visit) -> None:
    page = visit("/library/", offers=True)
    keep_a_queue_elsewhere(page, position_ms=400)
    page.reload()
    offer = page.get_by_role("region", name="Go on where you stopped")
    expect(offer).to_contain_text("Go on from Pocket?")
    expect(offer).not_to_contain_text(", at ")


def test_what_another_player_left_is_offered_and_gone_on_with(visit: Visit) -> None:
    page = visit("/library/", offers=True)
    keep_a_queue_elsewhere(page)
    page.reload()
    offer = page.get_by_role("region", name="Go on where you stopped")
    expect(offer).to_contain_text("Go on from Pocket?")
    expect(offer).to_contain_text("at 0:01")
    offer.get_by_role("button", name="Not now").click()
    expect(offer).to_be_hidden()
    page.reload()
    page.wait_for_load_state("networkidle")
    expect(offer).to_be_hidden()
    page.evaluate("localStorage.clear()")
    page.reload()
    offer.get_by_role("button", name="Go on").click()
    page.wait_for_function("() => document.querySelector('audio').currentTime > 1.2")
    page.evaluate("document.querySelector('audio').playbackRate = 0.1")
    expect(offer).to_be_hidden()
    # From here on the queue is this player's, and others are told what it plays.
    page.wait_for_function(
        "() => fetch('/queue/').then((answer) => answer.text()).then((text) => text.includes('data-by=\"\"'))"
    )
    now = "fetch('/taste/history/').then((answer) => answer.text())"
    page.wait_for_function(f"() => {now}.then((text) => text.includes('Playing on DCMRS in a browser'))")


def test_a_queue_that_another_player_kept_meanwhile_is_not_overwritten_by_leaving(visit: Visit) -> None:
    page = visit("/library/?q=xtal")
    play(page, "Xtal")
    page.evaluate("document.querySelector('audio').pause()")
    saved = "fetch('/queue/').then((answer) => answer.text()).then((text) => text.includes('data-by=\"\"'))"
    page.wait_for_function(f"() => {saved}")
    # Until it has nothing more to tell.
    page.wait_for_timeout(2000)
    keep_a_queue_elsewhere(page)
    page.goto("/taste/")
    page.wait_for_load_state("networkidle")
    assert not page.evaluate(f"() => {saved}")


def test_the_words_of_a_song_move_with_it(visit: Visit) -> None:
    page = visit("/library/?q=blue+in+green")
    page.get_by_role("link", name="Blue in Green").first.click()
    words = page.get_by_role("list", name="Lyrics")
    expect(words.get_by_role("listitem")).to_have_count(3)
    assert words.locator("[aria-current]").count() == 0
    page.get_by_role("button", name="Play").first.click()
    page.wait_for_function("() => document.querySelector('audio').currentTime > 0.3")
    page.evaluate("() => { const audio = document.querySelector('audio'); audio.pause(); audio.currentTime = 1.5; }")
    expect(words.locator("[aria-current]")).to_have_text("Green in the evening")
    page.evaluate("document.querySelector('audio').currentTime = 0.5")
    expect(words.locator("[aria-current]")).to_have_text("Blue in the morning")


def test_a_heart_is_given_and_taken_back_on_the_pages_of_song_album_and_artist(visit: Visit) -> None:
    page = visit("/library/?q=gymnop")
    page.get_by_role("link", name="Gymnopédie No. 1").first.click()
    for favourite in ("true", "false"):
        page.get_by_role("main").get_by_role("button", name="Favourite").click()
        expect(page.get_by_role("main").get_by_role("button", name="Favourite")).to_have_attribute(
            "aria-pressed", favourite
        )
        page.reload()
        expect(page.get_by_role("main").get_by_role("button", name="Favourite")).to_have_attribute(
            "aria-pressed", favourite
        )
    page.goto("/favourites/")
    expect(page.get_by_role("main").get_by_text("Nina Simone").first).to_be_visible()
