"""The player in a real Chromium: what plays, what follows, and every way to change both."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect

from .conftest import Visit, follow_tab
from .player import heading, is_same_document, mark, open_queue, play, player, playing, queue, row_of, wait_for_volume

pytestmark = pytest.mark.browser


def test_a_play_is_counted_once_though_pages_come_and_go(visit: Visit) -> None:
    page = visit("/library/?q=windowlicker")
    told: list[str] = []
    page.on("request", lambda request: told.append(request.post_data or "") if "/plays/" in request.url else None)
    with page.expect_response("**/plays/"):
        play(page, "Windowlicker")
        follow_tab(page, "Compare")
    page.get_by_role("link", name="Library").click()
    page.wait_for_function("() => document.querySelector('audio').ended")
    page.reload()
    page.wait_for_load_state("networkidle")
    assert len(told) == 1
    assert "skipped" not in told[0]


def test_it_is_remembered_where_it_was_after_a_reload_and_in_a_new_visit(visit: Visit) -> None:
    page = visit("/library/?artist=miles+davis&sort=title")
    play(page, "Blue in Green")
    page.get_by_role("button", name="Pause", exact=True).click()
    at = page.evaluate("document.querySelector('audio').currentTime")
    page.reload()
    expect(playing(page)).to_have_text("Blue in Green")
    page.wait_for_function("at => Math.abs(document.querySelector('audio').currentTime - at) < 0.05", arg=at)
    other = page.context.new_page()
    other.goto("/")
    expect(playing(other)).to_have_text("Blue in Green")
    other.wait_for_function("at => Math.abs(document.querySelector('audio').currentTime - at) < 0.3", arg=at)
    assert other.evaluate("document.querySelector('audio').paused")
    open_queue(other)
    assert queue(other) == ["Blue in Green", "So What"]


def test_one_tab_plays_at_a_time(visit: Visit) -> None:
    page = visit("/library/?q=xtal")
    play(page, "Xtal")
    other = page.context.new_page()
    other.goto("/library/?q=windowlicker")
    play(other, "Windowlicker")
    page.wait_for_function("() => document.querySelector('audio').paused")


def test_the_system_knows_what_plays_and_can_pause_it(visit: Visit) -> None:
    page = visit("/library/?q=xtal")
    play(page, "Xtal")
    assert page.evaluate("navigator.mediaSession.metadata.title") == "Xtal"
    assert page.evaluate("navigator.mediaSession.metadata.artist") == "Aphex Twin"
    assert page.evaluate("navigator.mediaSession.playbackState") == "playing"


def test_keys_play_seek_and_step_but_not_in_fields(visit: Visit) -> None:
    page = visit("/library/?artist=nina+simone&sort=title")
    play(page, "Feeling Good")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press(" ")
    page.wait_for_function("() => document.querySelector('audio').paused")
    page.keyboard.press("Shift+ArrowRight")
    expect(playing(page)).to_have_text("Sinnerman")
    page.keyboard.press("ArrowLeft")
    page.get_by_role("searchbox").first.focus()
    paused = page.evaluate("document.querySelector('audio').paused")
    page.keyboard.type("a b")
    assert page.evaluate("document.querySelector('audio').paused") == paused


def test_space_plays_after_any_click_but_presses_a_button_that_was_come_to_by_keyboard(visit: Visit) -> None:
    page = visit("/library/?artist=nina+simone&sort=title")
    play(page, "Feeling Good")
    paused = "document.querySelector('audio').paused"
    page.evaluate("document.querySelector('audio').playbackRate = 0.1")
    expect(row_of(page, "Feeling Good").get_by_role("button", name="Pause")).to_be_focused()
    page.keyboard.press(" ")
    assert page.evaluate(paused)
    repeat = page.get_by_role("button", name=re.compile("^Repeat: "))
    repeat.click()
    page.keyboard.press(" ")
    assert not page.evaluate(paused)
    expect(repeat).to_have_accessible_name("Repeat: all songs")
    # Back to it by keyboard, the button is meant.
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    expect(repeat).to_be_focused()
    page.keyboard.press(" ")
    expect(repeat).to_have_accessible_name("Repeat: this song")
    assert not page.evaluate(paused)


def test_the_tab_is_named_after_what_plays_and_after_the_page_while_nothing_does(visit: Visit) -> None:
    page = visit("/library/?q=xtal")
    page.evaluate("document.querySelector('audio').playbackRate = 0.1")
    play(page, "Xtal")
    expect(page).to_have_title("Xtal · Aphex Twin")
    page.get_by_role("link", name="For you").click()
    heading(page, "For you")
    expect(page).to_have_title("Xtal · Aphex Twin")
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page).to_have_title("For you · DCMRS")


def test_songs_are_shuffled_and_repeated_and_both_are_remembered(visit: Visit) -> None:
    page = visit("/library/?artist=miles+davis&sort=title")
    play(page, "So What")
    expect(page.get_by_role("button", name="Next song")).to_be_disabled()
    repeat, shuffle = (
        page.get_by_role("button", name=re.compile("^Repeat: ")),
        page.get_by_role("button", name="Shuffle", exact=True),
    )
    shuffle.click()
    expect(shuffle).to_have_attribute("aria-pressed", "true")
    repeat.click()
    expect(repeat).to_have_accessible_name("Repeat: all songs")
    # From the last song to the first by itself.
    page.evaluate("() => { const audio = document.querySelector('audio'); audio.currentTime = audio.duration - 0.1; }")
    expect(playing(page)).to_have_text("Blue in Green")
    repeat.click()
    page.evaluate("() => { const audio = document.querySelector('audio'); audio.currentTime = audio.duration - 0.1; }")
    page.wait_for_function(
        "() => !document.querySelector('audio').ended && document.querySelector('audio').currentTime < 1"
    )
    expect(playing(page)).to_have_text("Blue in Green")
    page.get_by_role("button", name="Pause", exact=True).click()
    page.reload()
    expect(repeat).to_have_accessible_name("Repeat: this song")
    expect(shuffle).to_have_attribute("aria-pressed", "true")
    # A chosen song comes first, and none of its list is left out.
    row_of(page, "So What").get_by_role("button", name="Play").click()
    open_queue(page)
    assert queue(page) == ["So What", "Blue in Green"]


@pytest.mark.parametrize("size", ["narrow", "desktop"])
def test_the_place_in_the_song_is_sought_across_the_whole_width(visit: Visit, size: str) -> None:
    page = visit("/library/?artist=miles+davis&sort=title", size=size)
    play(page, "Blue in Green")
    seek = page.get_by_label("Position in the song").bounding_box()
    assert seek
    assert seek["width"] == page.evaluate("document.documentElement.clientWidth")
    page.get_by_role("button", name="Next song").click()
    expect(playing(page)).to_have_text("So What")
    page.get_by_role("button", name="Previous song").click()
    expect(playing(page)).to_have_text("Blue in Green")


def test_the_queue_is_seen_moved_emptied_and_filled_by_keyboard(visit: Visit) -> None:
    page = visit("/library/?artist=miles+davis&sort=title")
    play(page, "Blue in Green")
    page.evaluate("document.querySelector('audio').playbackRate = 0.1")
    page.get_by_role("link", name="Library").click()
    row_of(page, "Xtal").get_by_role("button", name="More for Xtal").click()
    page.get_by_role("button", name="Play next").click()
    row_of(page, "Windowlicker").get_by_role("button", name="More for Windowlicker").press("Enter")
    expect(page.get_by_role("button", name="Play next")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    open_queue(page)
    assert queue(page) == ["Blue in Green", "Xtal", "So What", "Windowlicker"]
    page.get_by_role("button", name="Move Windowlicker", exact=True).focus()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("button", name="Move Windowlicker", exact=True)).to_be_focused()
    page.keyboard.press("ArrowUp")
    assert queue(page) == ["Blue in Green", "Windowlicker", "Xtal", "So What"]
    page.get_by_role("button", name="Remove Xtal from the queue").press("Enter")
    assert queue(page) == ["Blue in Green", "Windowlicker", "So What"]
    page.get_by_role("button", name="Next song").click()
    expect(playing(page)).to_have_text("Windowlicker")
    page.get_by_role("button", name="Clear").click()
    assert queue(page) == ["Windowlicker"]
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Queue", exact=True)).to_be_focused()


def test_the_dots_lead_to_artist_and_album_keep_the_file_and_share_a_link(visit: Visit) -> None:
    page = visit("/library/?q=blue+in+green")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    mark(page)

    def open_menu() -> Locator:
        row_of(page, "Blue in Green").get_by_role("button", name="More for Blue in Green").click()
        return page.get_by_role("dialog", name="Blue in Green")

    with page.expect_download() as kept:
        open_menu().get_by_role("link", name="Download").click()
    assert kept.value.suggested_filename == "00.ogg"
    open_menu().get_by_role("button", name="Share a link").click()
    said = page.locator("#player-said")
    expect(said).to_contain_text(re.compile("link to Blue in Green"))
    # Though nothing plays yet, of which there would be something to show.
    expect(said).to_be_in_viewport()
    expect(page.locator(".player-row")).to_be_hidden()
    page.keyboard.press("Escape")
    open_menu().get_by_role("link", name="Go to Miles Davis").click()
    heading(page, "Miles Davis")
    open_menu().get_by_role("link", name="Go to the album").click()
    heading(page, "Kind of Blue")
    assert is_same_document(page)


@pytest.mark.parametrize("size", ["narrow", "desktop"])
def test_several_songs_are_chosen_for_the_queue_a_playlist_and_stars(visit: Visit, size: str) -> None:
    page = visit("/library/?sort=title", "newcomer", size=size)
    rows = page.locator("#songs .song-row")
    rows.first.locator("[data-more]").click()
    page.get_by_role("button", name="Choose several songs").click()
    choice = page.get_by_role("region", name="Chosen songs")
    expect(choice).to_contain_text("1 song chosen")
    expect(rows.first.get_by_role("checkbox")).to_be_focused()
    page.get_by_role("checkbox", name=re.compile("^Choose ")).nth(2).click(modifiers=["Shift"])
    expect(choice).to_contain_text("3 songs chosen")
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    with page.expect_response("**/rate/"):
        choice.get_by_label("Rate the chosen songs").select_option("4 stars")
    expect(choice).to_contain_text("3 songs rated.")
    for number in range(3):
        expect(rows.nth(number).locator(".stars input[value='4']")).to_be_checked()
    choice.get_by_role("button", name="Add to a playlist").click()
    page.get_by_role("dialog").get_by_role("button", name="Make it").wait_for()
    page.keyboard.press("Escape")
    # Nothing was put anywhere: they are chosen still.
    expect(choice).to_be_visible()
    choice.get_by_role("button", name="Add to the queue").click()
    expect(page.locator("#player-said")).to_contain_text("3 songs put into the queue.")
    expect(choice).to_be_hidden()
    expect(page.locator(".song-choose")).to_have_count(0)
    open_queue(page)
    assert len(queue(page)) == 3


def test_chosen_songs_are_played_or_put_into_a_playlist_and_then_the_choosing_is_over(visit: Visit) -> None:
    page = visit("/library/?sort=title", "newcomer")
    rows = page.locator("#songs .song-row")
    choice = page.get_by_role("region", name="Chosen songs")

    def choose_two() -> None:
        rows.first.locator("[data-more]").click()
        page.get_by_role("button", name="Choose several songs").click()
        rows.nth(2).get_by_role("checkbox").check()
        expect(choice).to_contain_text("2 songs chosen")

    choose_two()
    choice.get_by_role("button", name="Add to a playlist").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("New playlist").fill("Two chosen")
    dialog.get_by_role("button", name="Make it").click()
    expect(dialog).to_contain_text("2 songs added to Two chosen")
    page.keyboard.press("Escape")
    expect(choice).to_be_hidden()
    expect(page.locator(".song-choose")).to_have_count(0)
    choose_two()
    choice.get_by_role("button", name="Play", exact=True).click()
    expect(choice).to_be_hidden()
    expect(playing(page)).to_have_text(rows.first.get_attribute("data-title") or "")
    open_queue(page)
    assert queue(page) == [rows.nth(number).get_attribute("data-title") for number in (0, 2)]


def test_the_queue_is_moved_by_dragging(visit: Visit) -> None:
    page = visit("/library/?sort=title")
    page.locator("#songs [data-play]").first.click()
    open_queue(page)
    before = queue(page)
    first, third = (page.locator(".queue-handle").nth(number).bounding_box() for number in (0, 2))
    assert first
    assert third
    page.mouse.move(first["x"] + 10, first["y"] + 20)
    page.mouse.down()
    page.mouse.move(third["x"] + 10, third["y"] + 10, steps=8)
    page.mouse.move(third["x"] + 10, third["y"] + 24, steps=4)
    page.mouse.up()
    assert queue(page)[:3] == [before[1], before[2], before[0]]


def test_play_similar_goes_on_without_end(visit: Visit) -> None:
    page = visit("/library/?q=so+what")
    row_of(page, "So What").get_by_role("button", name="More for So What").click()
    page.get_by_role("button", name="Play similar").click()
    expect(playing(page)).to_have_text("So What")
    open_queue(page)
    expect(page.get_by_text("Goes on with songs that sound like So What, without end.")).to_be_visible()
    expect(page.locator(".queue-song").nth(5)).to_be_attached()
    heard = []
    for _ in range(14):
        title = player(page).locator(".player-row .player-title").text_content()
        page.get_by_role("button", name="Next song").click()
        expect(player(page).locator(".player-row .player-title")).not_to_have_text(title or "")
        heard.append(title)
    expect(page.get_by_role("button", name="Next song")).to_be_enabled()


def test_play_similar_is_a_switch_that_shows_that_it_is_on_and_bends_to_the_taste(visit: Visit) -> None:
    page = visit("/library/?q=so+what")
    page.get_by_role("link", name="So What", exact=True).click()
    main = page.get_by_role("main")
    main.get_by_role("button", name="Play similar", pressed=False).click()
    expect(main.get_by_role("button", name="Play similar", pressed=True)).to_be_visible()
    player(page).locator(".player-row").get_by_role("button", name="Pause").click()
    open_queue(page)
    expect(page.locator(".queue-song").nth(3)).to_be_attached()
    with page.expect_request(re.compile(r"/go-on/.*bend=1")):
        page.get_by_role("button", name="Bend to my taste", pressed=False).click()
    expect(page.get_by_role("button", name="Bend to my taste", pressed=True)).to_be_visible()
    expect(page.locator(".queue-song").nth(3)).to_be_attached()
    player(page).get_by_role("button", name="Play similar", pressed=True).click()
    expect(player(page).get_by_role("button", name="Next song")).to_be_disabled()
    expect(page.get_by_role("button", name="Bend to my taste")).to_have_count(0)
    expect(main.get_by_role("button", name="Play similar", pressed=False)).to_be_visible()


def test_a_song_becomes_a_favourite_from_its_dots_and_is_taken_back(visit: Visit) -> None:
    page = visit("/library/?q=xtal")
    page.get_by_role("button", name="More for Xtal").click()
    page.locator("#song-menu").get_by_role("button", name="Favourite").click()
    said = page.locator("#player-said")
    expect(said).to_contain_text("Xtal is a favourite of yours.")
    page.goto("/favourites/")
    expect(page.locator("#main").get_by_role("link", name="Xtal")).to_be_visible()
    page.goto("/library/?q=xtal")
    page.get_by_role("button", name="More for Xtal").click()
    page.locator("#song-menu").get_by_role("button", name="Favourite").click()
    said.get_by_role("button", name="Undo").click()
    expect(said).to_contain_text("Xtal is no longer a favourite.")
    page.goto("/favourites/")
    heading(page, "Favourites")
    expect(page.locator("#main").get_by_role("link", name="Xtal")).to_have_count(0)


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_the_player_says_whether_its_song_is_a_favourite_and_follows_the_page(visit: Visit, size: str) -> None:
    page = visit("/library/?q=sinnerman", size=size)
    play(page, "Sinnerman")
    if size == "phone":
        page.get_by_role("button", name="Stars, wishes and queue").click()
    heart = player(page).get_by_role("button", name="Favourite", exact=True)
    expect(heart).to_have_attribute("aria-pressed", "false")
    heart.click()
    expect(heart).to_have_attribute("aria-pressed", "true")
    player(page).get_by_role("link", name="Sinnerman").click()
    heading(page, "Sinnerman")
    on_page = page.locator("#main").get_by_role("button", name="Favourite")
    expect(on_page).to_have_attribute("aria-pressed", "true")
    on_page.click()
    if size == "phone":
        page.get_by_role("button", name="Stars, wishes and queue").click()
    expect(heart).to_have_attribute("aria-pressed", "false")
    heart.click()
    expect(heart).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#main form[action$='/favourite/'] button").first).to_have_attribute("aria-pressed", "true")
    # The view is there again then.
    page.reload()
    expect(heart).to_have_attribute("aria-pressed", "true")
    heart.click()
    expect(heart).to_have_attribute("aria-pressed", "false")


@pytest.mark.parametrize(
    ("address", "row"),
    [
        ("/library/?q=xtal", ".song-row"),
        ("/", ".song-card"),
        ("/find/?q=calm", ".song-row"),
    ],
)
def test_a_row_says_that_a_song_is_not_for_the_listener_and_takes_it_back(visit: Visit, address: str, row: str) -> None:
    page = visit(address)
    song = page.locator(f"#main {row}").first
    song.hover()
    song.locator("[data-more]").click()
    with page.expect_response("**/not-this/"):
        page.locator("#song-menu").get_by_role("button", name="Not for me").click()
    expect(song.locator(".song-refused")).to_contain_text("Not for me")
    if row == ".song-row" and "library" in address:
        page.reload()
        expect(song.locator(".song-refused")).to_contain_text("Not for me")
    song.locator(".song-refused").get_by_role("button", name="Undo").click()
    expect(song.locator(".song-refused")).to_have_count(0)
    page.reload()
    expect(page.locator("#main .song-refused")).to_have_count(0)


def test_wishes_of_the_player_count_at_once_and_are_taken_back(visit: Visit) -> None:
    page = visit("/library/?artist=miles+davis&sort=title")
    play(page, "Blue in Green")
    page.get_by_role("button", name="Pause", exact=True).click()
    page.get_by_role("button", name="More like this").first.click()
    said = page.locator("#player-said")
    expect(said).to_contain_text("from now on")
    said.get_by_role("button", name="Undo").click()
    expect(said).to_contain_text("your taste is as it was")
    page.get_by_role("button", name="Not for me").first.click()
    expect(said).to_contain_text("Blue in Green will not be recommended.")
    expect(playing(page)).to_have_text("So What")
    said.get_by_role("button", name="Undo").click()
    expect(said).to_contain_text("may be recommended again")


def test_stars_are_the_same_in_the_player_and_in_the_row(visit: Visit) -> None:
    page = visit("/library/?q=so+what")
    play(page, "So What")
    bar, row = page.locator(".player-row .player-stars"), row_of(page, "So What")
    with page.expect_response("**/rate/"):
        bar.get_by_role("radio", name="4 stars").check()
    expect(row.get_by_role("radio", name="4 stars")).to_be_checked()
    with page.expect_response("**/rate/"):
        row.get_by_role("radio", name="2 stars").check()
    expect(bar.get_by_role("radio", name="2 stars")).to_be_checked()
    page.reload()
    expect(bar.get_by_role("radio", name="2 stars")).to_be_checked()


def test_a_click_on_the_waveform_goes_there(visit: Visit) -> None:
    page = visit("/library/?q=sinnerman")
    play(page, "Sinnerman")
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.locator(".player-wave")).to_be_visible()
    wave = page.locator(".player-wave").bounding_box()
    assert wave
    page.mouse.click(wave["x"] + wave["width"] / 2, wave["y"] + wave["height"] / 2)
    page.wait_for_function("() => Math.abs(document.querySelector('audio').currentTime - 1.5) < 0.6")
    page.get_by_label("Position in the song").press("End")
    page.wait_for_function("() => document.querySelector('audio').currentTime > 2.9")


def test_on_a_phone_the_cover_opens_stars_wishes_volume_and_queue(visit: Visit) -> None:
    page = visit("/library/?artist=miles+davis&sort=title", size="narrow")
    play(page, "Blue in Green")
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(player(page).get_by_role("radio")).to_have_count(0)
    page.get_by_role("button", name="Stars, wishes and queue").click()
    panel = page.get_by_role("region", name="Queue")
    with page.expect_response("**/rate/"):
        panel.get_by_role("radio", name="5 stars").check()
    expect(row_of(page, "Blue in Green").get_by_role("radio", name="5 stars")).to_be_checked()
    panel.get_by_label("Volume").fill("0.25")
    # Its album is a loud one, and is played at a quarter of that.
    wait_for_volume(page, 0.0625)
    panel.get_by_role("button", name="More like this").click()
    expect(page.locator("#player-said")).to_contain_text("from now on")
    panel.get_by_role("button", name="Not for me").click()
    expect(panel.get_by_role("link", name="So What")).to_be_visible()
    page.locator("#player-said").get_by_role("button", name="Undo").click()
    panel.get_by_role("button", name="Close the queue").click()
    expect(page.get_by_role("button", name="Stars, wishes and queue")).to_be_focused()
    page.reload()
    # Without the other song of the album it is played as a song alone.
    wait_for_volume(page, 0.125)


def test_on_a_phone_the_view_of_what_plays_fills_the_screen_with_cover_words_queue_and_all_keys(visit: Visit) -> None:
    page = visit("/library/?artist=miles+davis&sort=title", size="phone")
    play(page, "Blue in Green")
    page.evaluate("document.querySelector('audio').playbackRate = 0.1")
    expect(page.get_by_role("button", name="Shuffle", exact=True)).to_be_hidden()
    page.get_by_role("button", name="Stars, wishes and queue").click()
    box = player(page).bounding_box()
    assert box == {"x": 0, "y": 0, "width": 390, "height": 844}
    assert page.evaluate("document.getElementById('main').inert")
    expect(page.locator(".queue-cover")).to_be_in_viewport()
    expect(page.locator(".queue-lyrics")).to_contain_text("Blue in the morning")
    expect(page.locator(".player-times")).to_be_in_viewport()
    assert queue(page) == ["Blue in Green", "So What"]
    for name in ("Shuffle", "Previous song", "Pause", "Next song", "Repeat: off"):
        expect(page.get_by_role("button", name=name, exact=True)).to_be_in_viewport(ratio=1)
    page.get_by_role("button", name="Next song").click()
    expect(page.locator(".queue-lyrics")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    player(page).locator(".queue-playing").get_by_role("link", name="Miles Davis").click()
    heading(page, "Miles Davis")
    expect(page.get_by_role("region", name="Queue")).to_be_hidden()
    assert not page.evaluate("document.getElementById('main').inert")


def test_on_a_desktop_the_cover_fills_the_window_with_what_plays_and_the_queues_button_does_not(visit: Visit) -> None:
    page = visit("/library/?artist=miles+davis&sort=title")
    play(page, "Blue in Green")
    page.evaluate("document.querySelector('audio').playbackRate = 0.1")
    panel = page.get_by_role("region", name="Queue")
    page.get_by_role("button", name="Queue", exact=True).click()
    expect(panel).to_be_visible()
    expect(page.locator(".queue-cover")).to_be_hidden()
    assert not page.evaluate("document.getElementById('main').inert")
    page.get_by_role("button", name="Stars, wishes and queue").click()
    assert player(page).bounding_box() == {"x": 0, "y": 0, "width": 1280, "height": 800}
    assert page.evaluate("document.getElementById('main').inert")
    cover = page.locator(".queue-cover").bounding_box()
    assert cover
    assert cover["width"] >= 300
    expect(panel.get_by_role("link", name="Blue in Green")).to_be_in_viewport(ratio=1)
    expect(panel.locator(".player-labels")).to_contain_text("jazz")
    expect(panel.locator(".queue-lyrics")).to_contain_text("Blue in the morning")
    expect(page.locator(".queue-song").last).to_be_in_viewport(ratio=1)
    expect(page.locator(".player-wave")).to_be_in_viewport()
    for name in ("Shuffle", "Previous song", "Pause", "Next song", "Repeat: off"):
        expect(page.get_by_role("button", name=name, exact=True)).to_be_in_viewport(ratio=1)
    times = page.locator(".player-times").bounding_box()
    assert times
    assert times["width"] > 900
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(page.get_by_role("button", name="Stars, wishes and queue")).to_be_focused()
    assert not page.evaluate("document.getElementById('main').inert")
