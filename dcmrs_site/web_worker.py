"""The worker of the web server: of several, the one that computes least takes the next request.

Gunicorn's processes all wait for connections, and whichever comes first takes one, though it may have four pages to
compute and another none. With several requests at once that makes the slowest pages about a third slower
(`python -m benchmarks.pages`).

Its sockets are an event loop's, see `gateway`: connections that say nothing, or do not read, keep no thread.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from socket import SO_SNDBUF, SOL_SOCKET, socket
from typing import Any

from gunicorn.asgi.protocol import ASGIProtocol  # type: ignore[import-untyped]
from gunicorn.workers.gasgi import ASGIWorker  # type: ignore[import-untyped]

from .gateway import refusal

MANNERS_S = 0.005
"""How long a process lets others go first for each page that it computes."""

_MOST = 8

SLICE_S = 0.03
"""How long a thread keeps Python's lock where others want it, 0.005 by default: pages that take turns more often than
that cost more, and all of them end late."""

HEADERS_S = 20.0
"""Seconds in which a connection has to say what it wants."""

SENT_AHEAD_BYTES = 1 << 18
"""What the system takes of an answer before the client reads it: left to itself it takes megabytes of a song for each
player at once, and two hundred players that begin have everybody else wait for a second."""

_WITHOUT_DESCRIPTORS_S = 0.5
_BEGINS_BYTES = 64
_REFUSALS = {
    414: "The address is too long: send less in it, or more by POST.",
    431: "The headers of the request are too long.",
    501: "The request is sent in a way that the server does not read.",
}


class MannerlyWorker(ASGIWorker):  # type: ignore[misc]
    """Gunicorn's worker of an event loop, which comes the later to a connection the more it computes.

    A song that is being sent is not counted: that costs hardly any time, and lasts for minutes.
    """

    def load_wsgi(self) -> None:
        """Load the application; its threads take longer turns."""
        super().load_wsgi()
        sys.setswitchinterval(SLICE_S)

    def manners_s(self) -> float:
        """How long this process lets others go first."""
        return MANNERS_S * min(int(getattr(self.asgi, "computing", 0)), _MOST)

    def _setup_event_loop(self) -> None:
        self.loop = _Loop(self)
        asyncio.set_event_loop(self.loop)


class _Loop(asyncio.SelectorEventLoop):
    """asyncio's, which takes one connection at a time, and not as many as there are."""

    def __init__(self, worker: MannerlyWorker) -> None:
        super().__init__()
        self._worker = worker

    async def create_server(self, *_: Any, sock: socket | None = None, **__: Any) -> Any:
        if sock is None:
            raise ValueError("a socket that listens is needed")
        return Listener(self, sock, lambda: Connection(self._worker), self._worker.manners_s)


class Listener:
    """A listening socket that several processes share.

    Parameters
    ----------
    loop : event loop
    sock : socket
        That listens.
    protocol : callable
        Makes what speaks on a connection.
    manners_s : callable
        How long to let other processes go first, in seconds.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        sock: socket,
        protocol: Callable[[], asyncio.Protocol],
        manners_s: Callable[[], float],
    ) -> None:
        self._loop, self._socket, self._protocol, self._manners_s = loop, sock, protocol, manners_s
        self._open = True
        sock.setblocking(False)
        self._listen()

    def _listen(self) -> None:
        if self._open:
            self._loop.add_reader(self._socket.fileno(), self._come)

    def _come(self) -> None:
        """A connection waits: take it, or let another process do so first."""
        if (wait_s := self._manners_s()) > 0:
            self._loop.remove_reader(self._socket.fileno())
            self._loop.call_later(wait_s, self._take_and_listen)
        else:
            self._take()

    def _take_and_listen(self) -> None:
        if self._open:
            self._listen()
            self._take()

    def _take(self) -> None:
        """Take a connection, if none of the others has it by then."""
        try:
            connection, _ = self._socket.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError:
            # No more descriptors: some are free again in a moment.
            self._loop.remove_reader(self._socket.fileno())
            self._loop.call_later(_WITHOUT_DESCRIPTORS_S, self._listen)
            return
        connection.setblocking(False)
        with suppress(OSError):
            connection.setsockopt(SOL_SOCKET, SO_SNDBUF, SENT_AHEAD_BYTES)
        task = self._loop.create_task(self._speak(connection))
        task.add_done_callback(lambda done: done.exception() if not done.cancelled() else None)

    async def _speak(self, connection: socket) -> None:
        await self._loop.connect_accepted_socket(self._protocol, connection)

    def close(self) -> None:
        """Take no more connections."""
        if self._open:
            self._open = False
            with suppress(ValueError, OSError):
                self._loop.remove_reader(self._socket.fileno())

    async def wait_closed(self) -> None:
        """Nothing is to be waited for."""


class Connection(ASGIProtocol):  # type: ignore[misc]
    """Gunicorn's, which is ended where it does not say in time what it wants, and refuses in the site's words."""

    _begins = b""

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._deadline = self.worker.loop.call_later(HEADERS_S, self._end_silent)

    def data_received(self, data: bytes) -> None:
        """Take what has come, and keep how the request begins."""
        if len(self._begins) < _BEGINS_BYTES:
            self._begins += data[: _BEGINS_BYTES - len(self._begins)]
        super().data_received(data)

    def _send_error_response(self, status: int, message: str, extra_headers: Any = ()) -> None:  # noqa: ARG002
        """Refuse what is no request: an address that is too long, headers without end, what is not HTTP."""
        path = [*self._begins.split(b" ", 2), b"", b""][1]
        content_type, body = refusal(path, _REFUSALS.get(status, "This is no request that the server reads."))
        head = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", f"Content-Type: {content_type}"]
        head += [f"Content-Length: {len(body)}", *(f"{name}: {value}" for name, value in extra_headers)]
        self._safe_write("\r\n".join([*head, "Connection: close", "", ""]).encode("latin-1") + body)

    def _end_silent(self) -> None:
        if self._body_receiver is None and self.transport is not None:
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline."""
        self._deadline.cancel()
        super().connection_lost(exc)
