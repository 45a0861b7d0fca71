"""A small application behind the real gateway and worker, for tests of what connections can do to it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from dcmrs_site import web_worker
from dcmrs_site.gateway import Gateway

web_worker.HEADERS_S = 3.0


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
    if path == "/compute/":
        time.sleep(5)
    if environ["REQUEST_METHOD"] == "POST":
        read = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    start_response("200 OK", [("Content-Type", "text/plain"), ("X-Path", path)])
    return [b"%d bytes" % len(read)]


application = Gateway(site)
