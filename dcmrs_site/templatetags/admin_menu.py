"""The menu beside Django's own pages of admins, rendered once for all who may see the same in it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from urllib.parse import quote

from django import template
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

register = template.Library()

_KEPT = 256
_OF_APP = ("app_label", "name", "app_url")
_OF_MODEL = ("object_name", "name", "admin_url", "add_url")

_Shown = tuple[tuple[str | None, ...], tuple[tuple[str | None, ...], ...]]


@register.simple_tag(takes_context=True)
def admin_menu(context: template.Context) -> SafeString:
    """Include `admin/nav_sidebar.html`: of the page it shows the apps and models that its reader may see, and where.

    Its template gets these alone, neither request nor user, so that nothing of a person can come into what is kept.
    """
    apps = context["available_apps"]
    path = quote(context["request"].path)
    urls = [url for app in apps for url in (app["app_url"], *(model["admin_url"] for model in app["models"]))]
    here = max((str(url) for url in urls if url and str(url) in path), key=len, default="")
    shown = tuple((_texts(app, _OF_APP), tuple(_texts(model, _OF_MODEL) for model in app["models"])) for app in apps)
    return _rendered(shown, here)


def _texts(entry: dict[str, Any], names: tuple[str, ...]) -> tuple[str | None, ...]:
    return tuple(None if (value := entry.get(name)) is None else str(value) for name in names)


@lru_cache(_KEPT)
def _rendered(shown: tuple[_Shown, ...], here: str) -> SafeString:
    apps = [
        {**dict(zip(_OF_APP, app, strict=True)), "models": [dict(zip(_OF_MODEL, one, strict=True)) for one in models]}
        for app, models in shown
    ]
    return render_to_string("admin/nav_sidebar.html", {"available_apps": apps, "request": {"path": here}})
