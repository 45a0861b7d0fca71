"""What pages show once something is opened, played or typed: each state is reached by hand, as a person would."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import NamedTuple
from urllib.parse import urlencode

from playwright.sync_api import FilePayload, Page

from tests.mood.pictures import portrait

from .site import PASSWORD


class State(NamedTuple):
    """A page, and what is done on it.

    Attributes
    ----------
    name : str
        Of its picture.
    address : str
        As in `tests.pages.SitePage`.
    reach : callable
        Does it; what it waits for is there afterwards.
    whole : bool
        Whether the picture is of the whole page, not of the window.
    """

    name: str
    address: str
    reach: Callable[[Page], object]
    who: str | None = "mira"
    whole: bool = False


def play_a_song(page: Page) -> None:
    page.get_by_role("button", name="Play").first.click()
    page.wait_for_function("() => document.querySelector('audio').currentTime > 0.3")
    page.evaluate("document.querySelector('audio').pause()")


def play_similar(page: Page) -> None:
    """What an earlier state plays goes on, and pressing the switch again would end it."""
    switch = page.locator("[data-play-similar]")
    if switch.get_attribute("aria-pressed") != "true":
        switch.click()


def open_the_queue(page: Page) -> None:
    play_similar(page)
    page.locator("[data-queue-toggle]:visible").last.click()
    page.locator(".queue-song").nth(2).wait_for()


def open_what_plays(page: Page) -> None:
    play_similar(page)
    # It is there again after a page is loaded anew.
    if not page.locator(".player[data-full]").count():
        page.locator(".player-open").click()
    page.locator(".queue-song").nth(2).wait_for()


def keep_a_queue_elsewhere(page: Page, position_ms: int = 1200) -> None:
    """Another player of Mira's, called Pocket, keeps songs of a page as its queue, and plays the last."""
    songs = page.locator("#main [data-song]").evaluate_all("(rows) => rows.map((row) => row.dataset.song)")
    ids = [f"so-{song.strip('/').rpartition('/')[2]}" for song in songs[:3]]
    login = {"u": "mira", "p": PASSWORD, "v": "1.16.1", "c": "Pocket", "f": "json"}
    asked = urlencode({**login, "id": ids, "current": ids[-1], "position": position_ms}, doseq=True)
    assert '"ok"' in page.context.request.get(f"/rest/savePlayQueue?{asked}").text()


def see_an_offer(page: Page) -> None:
    keep_a_queue_elsewhere(page)
    # As in a browser in which nothing has been played yet: on leaving, a player that is nobody's keeps nothing.
    page.evaluate("() => { document.body.dataset.who = ''; sessionStorage.clear(); localStorage.clear(); }")
    page.evaluate("localStorage['dcmrs.player.left'] = '0'")
    page.reload()
    page.get_by_role("button", name="Go on").wait_for()


def keep_a_playlist(page: Page) -> None:
    page.get_by_role("button", name="Keep offline").click()
    page.get_by_role("link", name="What is kept").click()
    page.locator("#kept-songs li").nth(2).wait_for()


def choose_several_songs(page: Page) -> None:
    page.locator("[data-more]").first.dispatch_event("click")
    page.get_by_role("button", name="Choose several songs").click()
    page.get_by_role("region", name="Chosen songs").wait_for()


def choose_a_playlist(page: Page) -> None:
    page.locator("[data-more]").first.dispatch_event("click")
    page.get_by_role("button", name="Add to a playlist").last.click()
    page.get_by_role("dialog").get_by_role("button", name="Make it").wait_for()


def bring_a_playlist_in(page: Page) -> None:
    """A file of which one song is here, and two are not."""
    page.locator("summary").first.click()
    entries = b"#EXTM3U\n#EXTINF:-1,Nina Simone - Sinnerman\nsinnerman.mp3\nD:\\Music\\Nobody\\Nothing.mp3\nb/c.flac\n"
    page.locator("input[type=file]").set_input_files(
        FilePayload(name="From my phone.m3u8", mimeType="audio/x-mpegurl", buffer=entries)
    )
    page.get_by_role("button", name="Bring it in").click()
    page.get_by_text("Not in the library").first.wait_for()


def open_the_account(page: Page) -> None:
    page.locator("[popovertarget=account-menu]").click()
    page.locator("#account-menu").wait_for()


def open_further_pages(page: Page) -> None:
    button = page.locator(".tabs-open")
    if button.is_visible():
        button.click()
    page.locator("#further-pages a").first.wait_for()


def open_a_songs_menu(page: Page) -> None:
    page.locator("[data-more]").first.dispatch_event("click")
    page.locator("#song-menu").wait_for()


def open_the_labels(page: Page) -> None:
    button = page.locator("[popovertarget=facets]")
    if button.is_visible():
        button.click()
    page.locator("#facets").wait_for()


def unfold(page: Page) -> None:
    folded = page.locator("main details:not([open]) > summary:visible")
    while folded.count():
        folded.first.click()


def choose_a_picture(page: Page) -> None:
    picture = BytesIO()
    portrait(600).convert("RGB").save(picture, "PNG")
    file = FilePayload(name="me.png", mimeType="image/png", buffer=picture.getvalue())
    page.get_by_label("Choose a file").set_input_files(file)
    page.get_by_role("img", name="Your picture").wait_for()


def read_a_picture(page: Page) -> None:
    choose_a_picture(page)
    page.get_by_role("button", name="Read my mood").click()
    page.locator(".mood-face-read").wait_for()
    page.locator("#mood-songs [data-song]").first.wait_for()


def say_a_mood(page: Page) -> None:
    page.get_by_role("button", name="angry", exact=True).click()
    page.get_by_role("heading", name="You feel angry").wait_for()
    page.wait_for_load_state("networkidle")


def fail_to_log_in(page: Page) -> None:
    page.get_by_label("Username").fill("mira")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("main").get_by_role("button", name="Log in").click()
    page.get_by_role("alert").wait_for()


def fail_to_sign_up(page: Page) -> None:
    page.get_by_label("Username").fill("mira")
    page.get_by_label("Password", exact=True).fill("123")
    page.get_by_label("Password again").fill("124")
    page.get_by_role("main").get_by_role("button", name="Sign up").click()
    page.locator(".field-errors").first.wait_for()


def merge_labels(page: Page) -> None:
    for box in page.locator("input[name=_selected_action]").all()[:2]:
        box.check()
    page.locator("select[name=action]").select_option("merge")
    page.get_by_role("button", name="Go").click()
    page.locator(".merge-labels").wait_for()


def join_songs(page: Page) -> None:
    for box in page.locator("input[name=_selected_action]").all()[:2]:
        box.check()
    page.locator("select[name=action]").select_option("join")
    page.get_by_role("button", name="Go").click()
    page.wait_for_load_state("networkidle")


def name_another_label(page: Page) -> None:
    page.keyboard.press("e")
    page.keyboard.type("melancolic")
    page.get_by_role("option", name="melancholic").wait_for()


def places(page: Page, song: str = "blue in green") -> dict[str, object]:
    """What fills the places of addresses on the site of `running_site`, for the user that is logged in.

    `song` is the words that find the song of song pages.
    """

    def first(address: str, name: str = "") -> int:
        answer = page.request.get(address, headers={"accept": "application/json"})
        found = answer.json().get("results", []) if answer.ok else []
        return next((one["id"] for one in found if not name or one["name"] == name), 0)

    return {
        "song": first(f"/api/songs/?{urlencode({'search': song})}"),
        "label": first("/api/labels/?search=jazz"),
        "playlist": first("/api/playlists/", "Late evening"),
        "artist": "miles%20davis",
        "title": "blue",
        "label_name": "jazz",
    }


STATES = [
    State("account-menu", "/library/", open_the_account),
    State("further-pages", "/library/", open_further_pages),
    State("song-menu", "/library/", open_a_songs_menu),
    State("library-labels", "/library/", open_the_labels),
    State("song-playing", "/songs/{song}/", play_a_song),
    State("queue", "/songs/{song}/", open_the_queue),
    State("now-playing", "/songs/{song}/", open_what_plays),
    State("several-songs", "/library/", choose_several_songs),
    State("player-offer", "/library/", see_an_offer),
    State("playlist-dialog", "/library/", choose_a_playlist),
    State("offline-kept", "/playlists/{playlist}/", keep_a_playlist),
    State("playlist-unfolded", "/playlists/{playlist}/", unfold, whole=True),
    State("playlists-unfolded", "/playlists/", unfold, whole=True),
    State("playlist-brought-in", "/playlists/", bring_a_playlist_in, whole=True),
    State("compare-unfolded", "/compare/?title={title}", unfold, whole=True),
    State("taste-unfolded", "/taste/", unfold, whole=True),
    State("mood-picture", "/mood/", choose_a_picture, whole=True),
    State("mood-read", "/mood/", read_a_picture, whole=True),
    State("mood-said", "/mood/", say_a_mood, whole=True),
    State("log-in-failed", "/accounts/login/", fail_to_log_in, None),
    State("sign-up-failed", "/accounts/signup/", fail_to_sign_up, None, whole=True),
    *(State(f"broken-{name}", f"/static/bare/{name}.html", Page.title, None) for name in ("400", "403_csrf", "500")),
    State("admin-merge", "/admin/catalog/label/", merge_labels, "boss", whole=True),
    State("admin-curation-another-label", "/admin/catalog/curationitem/", name_another_label, "boss", whole=True),
    State("admin-join", "/admin/catalog/song/", join_songs, "boss", whole=True),
]
"""A new state is a new row."""
