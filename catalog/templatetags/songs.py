"""What templates need to show songs."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from urllib.parse import urlencode
from zlib import crc32

from django import template
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from ..models import Song

register = template.Library()

_STAR_WORDS = [(1, "1 star"), (2, "2 stars"), (3, "3 stars"), (4, "4 stars"), (5, "5 stars")]


# The same on every page, and looking up a static file's address takes longer than all the rest of it.
@register.simple_tag
@lru_cache(maxsize=128)
def icon(name: str, extra_class: str = "") -> SafeString:
    """A symbol of `static/icons/icons.svg`, to be passed over by screen readers."""
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="{}#{}"/></svg>',
        f"icon {extra_class}".rstrip(),
        static("icons/icons.svg"),
        name,
    )


@register.simple_tag
def cover_url(song: Song) -> str:
    """The address of a song's cover; it changes when the cover does, so that browsers may keep it."""
    drawn_from = f"{song.cover.name}\n{song.title}\n{song.artist}\n{song.tagging_changed_at}"
    return f"{song.get_absolute_url()}cover?v={crc32(drawn_from.encode(errors='replace')):08x}"


@register.simple_tag
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


@register.simple_tag
def label_url(name: str) -> str:
    """The address of the songs with a label."""
    return f"{reverse('library')}?{urlencode({'label': name})}"


@register.simple_tag
def player_data(song: Song) -> SafeString:
    """What `static/js/player.js` must know of a song, as attributes of the element that stands for it."""
    return format_html(
        'data-song="{}" data-title="{}" data-artist="{}" data-cover="{}" data-seconds="{}"',
        song.get_absolute_url(),
        song.title,
        song.artist,
        cover_url(song),
        f"{song.duration_s:.3f}" if song.duration_s else "",
    )


@register.inclusion_tag("components/stars.html", takes_context=True)
def stars(context: template.Context, song: Song, value: int | None = None, large: bool = False) -> dict[str, Any]:
    """The control that shows and changes a listener's stars for a song."""
    return {
        "song": song,
        "large": large,
        "choices": _star_choices(value or 0),
        "csrf_token": context.get("csrf_token", ""),
    }


# The same for every song: a list of songs renders it once.
@lru_cache(maxsize=6)
def _star_choices(value: int) -> SafeString:
    return render_to_string("components/stars_choices.html", {"stars": value, "values": _STAR_WORDS})


@register.filter
def clock(seconds: float | None) -> str:
    """Seconds as minutes and seconds, and hours where there are any: `3:40`, `1:02:05`; empty where unknown."""
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
