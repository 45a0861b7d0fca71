"""Parts of pages that are the same for everybody, rendered once per process."""

from __future__ import annotations

from functools import lru_cache

from django import template
from django.conf import settings
from django.template.loader import render_to_string
from django.urls import get_script_prefix
from django.utils.safestring import SafeString

register = template.Library()

_KEPT = 256


@register.simple_tag
def fixed(name: str, **arguments: str | bool | None) -> SafeString:
    """Include a template that is the same for everybody.

    It gets its arguments alone, neither request nor user, so that nothing of a person can come into what is kept.
    """
    render = _rendered.__wrapped__ if settings.DEBUG else _rendered
    return render(name, get_script_prefix(), tuple(sorted(arguments.items())))


@lru_cache(_KEPT)
def _rendered(name: str, prefix: str, arguments: tuple[tuple[str, str | bool | None], ...]) -> SafeString:  # noqa: ARG001
    return render_to_string(name, dict(arguments))
