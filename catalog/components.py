"""What pages repeat a hundred times over, in Jinja2: `templates/components/*.jinja`, which macros share.

Pages themselves are Django's templates. A row of a list costs those three to four times as much, and long lists are
most of what the site shows.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from zlib import crc32

from django.conf import settings
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.runtime import Macro

from .models import Song


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
    drawn_from = f"{song.cover.name}\n{song.title}\n{song.artist}\n{song.tagging_changed_at}"
    return f"{song.get_absolute_url()}cover?v={crc32(drawn_from.encode(errors='replace')):08x}"


def by(song: Song) -> SafeString:
    """Artist and album, each leading to its page."""
    artist = _artist(song.artist, song.artist_key)
    if not song.album:
        return artist or format_html("Unknown artist")
    album = format_html('<a href="{}album/">{}</a>', song.get_absolute_url(), song.album)
    return format_html("{} · {}", artist, album) if artist else album


# A list names the same few artists again and again.
@lru_cache(maxsize=2048)
def _artist(name: str, key: str) -> SafeString:
    return format_html('<a href="{}">{}</a>', reverse("artist", args=[key]), name) if key else format_html("{}", name)


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
environment.globals.update({"icon": icon, "cover_url": cover_url, "by": by, "url": url, "kept": kept})
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
