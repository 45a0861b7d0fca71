"""A web server on localhost that gives out weights, well or badly."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def serving(content: bytes, *, promised: int | None = None, status: int = 200, to: str = "") -> Iterator[str]:
    """A server for as long as it is needed; its address.

    Parameters
    ----------
    content : bytes
        What it sends.
    promised : int, optional
        How many bytes it says that it sends, where that is not the truth.
    status : int
        What it answers with.
    to : str
        Where it sends on to, with a status that does so.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            if to:
                self.send_header("Location", to)
            self.send_header("Content-Length", str(len(content) if promised is None else promised))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/weights.pth"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
