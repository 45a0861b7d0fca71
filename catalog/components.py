"""What pages repeat a hundred times over, in Jinja2: `templates/components/*.jinja`, which macros share.

Pages themselves are Django's templates. A row of a list costs those three to four times as much, and long lists are
most of what the site shows.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any
from zlib import crc32

from django.conf import settings
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.runtime import Macro

from .covers import DRAWING
from .importing.names import album_folder
from .models import Song
from .names import artist_key


# The same on every page, and looking up a static file's address takes longer than all the rest of it.
@lru_cache(maxsize=128)
def icon(name: str, extra_class: str = "") -> SafeString:
    """A symbol of `static/icons/icons.svg`, to be passed over by screen readers."""
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="{}#{}"/></svg>',
        f"icon {extra_class}".rstrip(),
        static("icons/icons.svg"),
        name,
    )


def cover_url(song: Song) -> str:
    """The address of a song's cover; it changes when the cover does, so that browsers may keep it."""
    drawn_from = f"{DRAWING}\n{song.cover.name}\n{song.title}\n{song.artist}\n{song.tagging_changed_at}"
    return f"{song.get_absolute_url()}cover?v={crc32(drawn_from.encode(errors='replace')):08x}"


def artist_picture_url(key: str) -> str:
    """The address of an artist's picture; `key` by `names.artist_key`."""
    return reverse("artist_picture", args=[key])


def by(song: Song, *, artist_key: str = "", album: str = "") -> SafeString:
    """Artist and album, each leading to its page; without those that the head of a page names."""
    alone = len(song.artists) < 2
    parts = [artists(song)] if song.artist and not (alone and song.artist_key == artist_key) else []
    if song.album and song.album != album:
        parts += [format_html('<a href="{}album/">{}</a>', song.get_absolute_url(), song.album)]
    if not (song.artist or song.album):
        return artists(song)
    return format_html_join(" · ", "{}", ((part,) for part in parts))


def artists(song: Song) -> SafeString:
    """Who made a song, each of them leading to a page of theirs; of nobody's the folder that it lies in."""
    if song.artist:
        return _linked(song.artist, song.artist_key, tuple(song.artists))
    return format_html("{}", folder_of(song) or "Unknown artist")


def artists_data(song: Song) -> str:
    """The same for scripts: a JSON list of pairs of a text and, where it leads anywhere, an address."""
    return _as_json(song.artist or folder_of(song), song.artist_key, tuple(song.artists))


def folder_of(song: Song) -> str:
    """The name of the folder that a song's file lies in; empty at the top of a library, and for uploads."""
    return "" if song.uploaded_by_id else album_folder(song.path).rpartition("/")[2]


# A list names the same few artists again and again.
@lru_cache(maxsize=2048)
def _linked(written: str, key: str, names: tuple[str, ...]) -> SafeString:
    parts = _artist_parts(written, key, names)
    return format_html_join("", "{}", ((_link(text, address),) for text, address in parts))


def _link(text: str, address: str) -> SafeString:
    return format_html('<a href="{}">{}</a>', address, text) if address else format_html("{}", text)


@lru_cache(maxsize=2048)
def _as_json(written: str, key: str, names: tuple[str, ...]) -> str:
    return json.dumps(_artist_parts(written, key, names), ensure_ascii=False, separators=(",", ":"))


def _artist_parts(written: str, key: str, names: tuple[str, ...]) -> list[tuple[str, str]]:
    """An artist, or several as they are written: texts, with the addresses of the pages that they lead to."""
    if not names:
        return [(written, _artist_address(key))] if written else []
    parts, rest = list[tuple[str, str]](), written
    for name in names:
        before, there, after = rest.partition(name)
        if not there or after[:1].isalnum():
            # Written in another way than they are listed: the list has them all.
            listed = [[(", ", ""), (one, _artist_address(artist_key(one)))] for one in names]
            return [part for one in listed for part in one][1:]
        parts += [(before, ""), (name, _artist_address(artist_key(name)))]
        rest = after
    return [(text, address) for text, address in (*parts, (rest, "")) if text]


def _artist_address(key: str) -> str:
    return reverse("artist", args=[key]) if key else ""


def clock(seconds: float | None) -> str:
    """Seconds as minutes and seconds, and hours where there are any: `3:40`, `1:02:05`; empty where unknown."""
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def url(name: str, *arguments: object) -> str:
    """The address of a view."""
    return reverse(name, args=arguments)


@lru_cache(maxsize=64)
def kept(macro: Macro, *arguments: object) -> str:
    """What a macro gives for some arguments, made once."""
    return macro(*arguments)


environment = Environment(
    loader=FileSystemLoader(settings.BASE_DIR / "templates" / "components"),
    autoescape=True,
    auto_reload=settings.DEBUG,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
environment.globals.update({"icon": icon, "cover_url": cover_url, "url": url, "kept": kept})
environment.globals.update(
    {"artist_picture_url": artist_picture_url, "by": by, "artists": artists, "artists_data": artists_data}
)
environment.filters["clock"] = clock


def render_component(name: str, *arguments: object, csrf_token: object = "", **named: object) -> SafeString:
    """A component as HTML.

    Parameters
    ----------
    name : str
        File and macro: `songs.row` is the macro `row` of `songs.jinja`.
    csrf_token : str or lazy str
        Given to macros that have a form.

    Raises
    ------
    jinja2.TemplateNotFound, AttributeError
        If there is no such file or macro.
    """
    file, _, macro_name = name.partition(".")
    macro: Any = getattr(environment.get_template(f"{file}.jinja").module, macro_name)
    if "csrf_token" in macro.arguments:
        named["csrf_token"] = csrf_token
    return SafeString(macro(*arguments, **named))
