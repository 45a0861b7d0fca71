"""A small application behind the real gateway and worker, for tests of what connections can do to it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from dcmrs_site import web_worker
from dcmrs_site.gateway import Gateway

web_worker.HEADERS_S = 3.0

_health_was_asked = threading.Event()


class Song:
    """An endless song."""

    any_thread = True

    def __iter__(self) -> Iterator[bytes]:
        while True:
            yield bytes(1 << 16)


def site(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    path, read = environ["PATH_INFO"], b""
    if path == "/song/":
        start_response("200 OK", [("Content-Type", "audio/flac")])
        return Song()
    if path == "/health/":
        _health_was_asked.set()
    if path == "/compute/":
        _health_was_asked.clear()
        if not _health_was_asked.wait(60):
            start_response("503 Service Unavailable", [])
            return []
    if environ["REQUEST_METHOD"] == "POST":
        read = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    start_response("200 OK", [("Content-Type", "text/plain"), ("X-Path", path)])
    return [b"%d bytes" % len(read)]


application = Gateway(site)
