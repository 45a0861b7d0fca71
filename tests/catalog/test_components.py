"""What pages repeat: every component, with names that try to break out of it."""

from __future__ import annotations

from html.parser import HTMLParser
from types import SimpleNamespace

import pytest
from django.template import engines
from jinja2 import TemplateNotFound, UndefinedError

from catalog.components import by, environment, render_component
from catalog.models import Song
from catalog.services.overviews import Entry
from catalog.services.rows import SongRow
from recommender.services.comparison import Entry as Compared
from recommender.services.profile import ProfileLabel
from recommender.services.reasons import LabelReason, SongReason

HOSTILE = "<script>alert(1)</script>\"'&"


def hostile_song(**fields: object) -> Song:
    about = {"title": HOSTILE, "artist": HOSTILE, "album": HOSTILE, "path": "a.ogg", "duration_s": 61.0, **fields}
    song = Song(**{"pk": 7, **about})
    song.set_keys()
    return song


SONG = hostile_song()
ROW = SongRow(SONG, [HOSTILE, "calm"], 3, 2, refused=True)
ALBUM = SimpleNamespace(first=SONG, title=HOSTILE, year=1999, song_ids=[7, 8])
ENTRY = Entry(HOSTILE, HOSTILE, HOSTILE, first=7, songs=1234, albums=1, year=1999, added=0.0, folded="")
LABEL = ProfileLabel(3, HOSTILE, "mood", weight=1.0, learned=0.5, nudge=0.5, liked=2, disliked=1, share=0.4)
COMPARED = Compared(
    1, SONG, 0.5, [LabelReason(HOSTILE, -0.2), SongReason(hostile_song(pk=8), 0.1)], listeners=3, other_rank=2
)
QUESTION = SimpleNamespace(left="content", right="latent")

CALLS: dict[str, tuple[tuple[object, ...], dict[str, object]]] = {
    "songs.data": ((SONG,), {}),
    "songs.play": ((SONG, "song-line"), {}),
    "songs.more": ((SONG,), {}),
    "songs.star_choices": ((3,), {}),
    "songs.stars": ((SONG, 3), {"large": True}),
    "songs.row": ((ROW,), {"score": HOSTILE, "number": 2, "removable": True}),
    "songs.rows": (([ROW, ROW],), {}),
    "songs.matches": (([SimpleNamespace(row=ROW, why=HOSTILE)],), {}),
    "songs.cards": (([SimpleNamespace(song=SONG, why=HOSTILE)],), {}),
    "songs.unseen": (([SONG],), {}),
    "songs.card": ((SONG,), {"why": HOSTILE}),
    "songs.album": ((ALBUM,), {}),
    "songs.artist_entry": ((ENTRY,), {}),
    "songs.album_entry": ((ENTRY, SONG), {}),
    "songs.line": ((SONG,), {"why": HOSTILE, "score": HOSTILE, "said": HOSTILE}),
    "songs.refused_note": ((SONG,), {}),
    "songs.refused": ((ROW,), {}),
    "songs.of_playlist": ((ROW, SimpleNamespace(pk=4)), {}),
    "songs.compared": ((COMPARED, "left", QUESTION), {}),
    "taste.said": ((LABEL,), {"oob": True}),
    "taste.keys": ((LABEL,), {"before": 0.5}),
    "taste.bar": ((LABEL,), {}),
}


class Seen(HTMLParser):
    """The elements and attributes that a browser sees."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def test_every_component_is_here() -> None:
    # `tile` is what the cards of albums and artists have in common: it is called with a body.
    there = {
        f"{file}.{name}"
        for file in ("songs", "taste")
        for name in environment.get_template(f"{file}.jinja").module.__dict__
        if callable(getattr(environment.get_template(f"{file}.jinja").module, name)) and not name.startswith("_")
    }
    assert there - {"songs.tile"} == set(CALLS)


@pytest.mark.parametrize("name", CALLS)
def test_nothing_breaks_out_of_a_component(name: str) -> None:
    arguments, named = CALLS[name]
    html = render_component(name, *arguments, csrf_token=HOSTILE, **named)
    # Attributes alone stand in an element.
    seen = Seen(f"<i{html}></i>" if name == "songs.data" else html)
    assert "script" not in seen.tags
    assert not any(attribute.startswith("on") for attribute, _ in seen.attributes)
    values = [value or "" for _, value in seen.attributes]
    assert HOSTILE in seen.text or any(HOSTILE in value for value in values) or name == "songs.star_choices"


def test_a_template_says_which_component_and_gives_it_the_token_of_its_page() -> None:
    page = engines["django"].from_string('{% load songs %}{% component "songs.stars" song 4 %}')
    html = page.render({"song": SONG, "csrf_token": "a-token"})
    assert ("value", "a-token") in Seen(html).attributes
    assert html.count(" checked") == 1
    assert 'value="4" aria-label="4 stars" checked' in html


@pytest.mark.parametrize(("stars", "chosen"), [(None, "No stars"), (1, "1 star"), (5, "5 stars")])
def test_the_stars_that_are_given_are_chosen(stars: int | None, chosen: str) -> None:
    html = render_component("songs.stars", SONG, stars)
    assert html.count(" checked") == 1
    assert f'aria-label="{chosen}"' in html.split(" checked")[0].rpartition("<input")[2]


def test_a_song_without_a_file_is_not_played_and_has_no_menu() -> None:
    silent = hostile_song(path="")
    html = render_component("songs.line", silent)
    assert "data-play" not in html
    assert "data-more" not in html
    assert "data-song" not in html
    assert "No file here" in html


def test_what_is_not_there_or_misspelt_is_an_error() -> None:
    with pytest.raises(TemplateNotFound):
        render_component("nothing.row", ROW)
    with pytest.raises(AttributeError):
        render_component("songs.nothing", ROW)
    with pytest.raises(TypeError):
        render_component("songs.row", ROW, whyy="x")
    with pytest.raises(UndefinedError):
        render_component("songs.line", SimpleNamespace(title="without the rest"))


@pytest.mark.parametrize(
    ("fields", "told", "said"),
    [
        ({}, {}, "Nina Simone · Pastel Blues"),
        ({}, {"album": "Pastel Blues"}, "Nina Simone"),
        ({}, {"artist_key": "nina simone"}, "Pastel Blues"),
        ({}, {"artist_key": "nina simone", "album": "Pastel Blues"}, ""),
        ({"album": ""}, {}, "Nina Simone"),
        ({"artist": ""}, {}, "Pastel Blues"),
        ({"artist": "", "album": ""}, {"artist_key": "", "album": ""}, "Unknown artist"),
        ({"artist": ""}, {"artist_key": "", "album": "Pastel Blues"}, ""),
    ],
)
def test_a_row_does_not_repeat_what_the_head_of_its_page_says(
    fields: dict[str, str], told: dict[str, str], said: str
) -> None:
    song = hostile_song(**{"artist": "Nina Simone", "album": "Pastel Blues", **fields})
    assert Seen(by(song, **told)).text == said


def test_a_row_names_those_who_play_with_the_artist_of_its_page() -> None:
    song = hostile_song(artist="Nina Simone & Miles Davis", artists=["Nina Simone", "Miles Davis"], album="")
    assert Seen(by(song, artist_key=song.artist_key)).text == "Nina Simone & Miles Davis"


@pytest.mark.parametrize(
    ("fields", "grounds"),
    [
        ({"liked": 1}, "1 song"),
        ({"liked": 2, "disliked": 1}, "2 songs, 1 not liked"),
        ({"liked": 2, "nudge": 0.5}, "2 songs, more by hand"),
        ({"nudge": -0.5, "weight": -0.5}, "less by hand"),
        ({}, "nothing any more"),
        ({"learned": 0.5, "nudge": -0.5, "liked": 3}, "forgotten"),
    ],
)
def test_a_label_says_what_it_comes_from(fields: dict[str, float], grounds: str) -> None:
    about = {"weight": 0.0, "learned": 0.0, "nudge": 0.0, "liked": 0, "disliked": 0, "share": 0.0, **fields}
    assert ProfileLabel(3, "calm", "mood", **about).grounds == grounds  # type: ignore[arg-type]
