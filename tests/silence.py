"""A server that takes connections and never says a word, and how often it was tried."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager


class Silence:
    """Who connects to `port` waits until it has no more patience."""

    def __init__(self, listening: socket.socket) -> None:
        self._socket = listening
        self._taken: list[socket.socket] = []
        self.port: int = listening.getsockname()[1]

    def tries(self) -> int:
        """How many connections came until now: each costs one patience, whatever a clock says on a busy machine."""
        while True:
            try:
                self._taken.append(self._socket.accept()[0])
            except BlockingIOError:
                return len(self._taken)

    def close(self) -> None:
        """Hang up."""
        for connection in self._taken:
            connection.close()


@contextmanager
def silence() -> Iterator[Silence]:
    """Listen on a free port of this machine."""
    with socket.create_server(("127.0.0.1", 0), backlog=8) as listening:
        listening.setblocking(False)
        server = Silence(listening)
        try:
            yield server
        finally:
            server.close()
