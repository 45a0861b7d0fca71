"""What templates need to show songs."""

from __future__ import annotations

from urllib.parse import urlencode

from django import template
from django.urls import reverse
from django.utils.safestring import SafeString

from .. import components

register = template.Library()

icon = register.simple_tag(components.icon)
cover_url = register.simple_tag(components.cover_url)
artist_picture_url = register.simple_tag(components.artist_picture_url)
by = register.simple_tag(components.by)
artists = register.simple_tag(components.artists)
clock = register.filter(components.clock)


@register.simple_tag
def label_url(name: str) -> str:
    """The address of the songs with a label."""
    return f"{reverse('library')}?{urlencode({'label': name})}"


@register.simple_tag(takes_context=True)
def component(context: template.Context, name: str, *arguments: object, **named: object) -> SafeString:
    """A component of `templates/components/*.jinja`."""
    return components.render_component(name, *arguments, csrf_token=context.get("csrf_token", ""), **named)
