"""Listening without a network: the service worker, the page that it shows then, and forgetting at log-out.

Which songs are kept only the browser knows (`static/js/kept_songs.js`).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.signals import user_logged_out
from django.contrib.staticfiles import finders
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_safe

from accounts.http import ListenerRequest

FORGET = "forget_kept_songs"
"""The cookie that has a browser delete the songs that it keeps: static/js/offline.js, which takes it away again."""

_FORGET_WITHIN_S = 400 * 24 * 3600
_WORKER = "worker/service_worker.js"
_STATIC = re.compile(r'(?:src|href)="([^"#]+)')
_HASH = re.compile(r"\.[0-9a-f]{12}(?=\.js$)")
_IMPORT = re.compile(r'^(?:import|export)\b[^;"]*"\./([^"]+)";', re.MULTILINE)


@require_safe
@never_cache
def offline(request: ListenerRequest) -> HttpResponse:
    """The page Offline."""
    return render(request, "offline.html")


# Nothing in it is anybody's: it is made without the request.
@login_not_required
@require_safe
@cache_control(public=True, no_cache=True)
def offline_shell(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """The page Offline as the service worker keeps it."""
    return HttpResponse(_shell())


@login_not_required
@require_safe
@cache_control(public=True, no_cache=True)
def service_worker(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """The service worker, at an address from which it sees to the whole site."""
    return HttpResponse(_service_worker(), content_type="text/javascript")


def _shell() -> str:
    return render_to_string("offline.html", {"offline_shell": True})


@lru_cache(maxsize=1)
def _service_worker() -> str:
    """The script, with the files of the page before it; without files while developing, where names stay the same."""
    script, page = _source(_WORKER), _shell()
    files = [] if settings.DEBUG else sorted(_files_of(page))
    version = hashlib.blake2b("\n".join([script, page, *files]).encode(), digest_size=8).hexdigest()
    about = {"version": version, "page": reverse("offline_shell"), "files": files}
    return f"self.SHELL = {json.dumps(about)};\n{script}"


def _source(name: str) -> str:
    found = finders.find(name)
    if found is None:
        raise FileNotFoundError(f"there is no static file {name}")
    return Path(found).read_text()


def _files_of(page: str) -> set[str]:
    """The addresses of the static files that a page shows or runs, and those that its scripts import."""
    prefix = settings.STATIC_URL
    files = {found for found in _STATIC.findall(page) if found.startswith(prefix)}
    modules = {_HASH.sub("", file.removeprefix(prefix)) for file in files if file.startswith(f"{prefix}js/")}
    icons = (f"icons/{file.name}" for file in (settings.BASE_DIR / "static/icons").glob("*.svg"))
    return files | {static(name) for name in [*_with_imports(modules), *icons]}


def _with_imports(modules: Iterable[str]) -> set[str]:
    """Scripts of the site, and all that they import."""
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting += [f"js/{name}" for name in _IMPORT.findall(_source(module))]
    return found


@receiver(user_logged_out)
def _note_log_out(request: HttpRequest, **_: Any) -> None:
    request.has_logged_out = True  # type: ignore[attr-defined]


class ForgetKeptSongs:
    """Tells the browser of a user who logs out to delete the songs that it keeps."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Set the cookie, for a script to read."""
        response = self.get_response(request)
        if getattr(request, "has_logged_out", False):
            response.set_cookie(FORGET, "1", _FORGET_WITHIN_S, secure=settings.HTTPS, samesite="Lax")
        return response
