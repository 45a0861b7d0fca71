"""The web server's worker: who computes lets the others go first, and who says nothing is ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from socket import create_connection, create_server, socket
from types import SimpleNamespace
from typing import Any

import pytest

from dcmrs_site import web_worker
from dcmrs_site.web_worker import MANNERS_S, Listener, MannerlyWorker


@pytest.mark.parametrize(("computing", "waits_s"), [(0, 0.0), (1, MANNERS_S), (3, 3 * MANNERS_S), (50, 0.04)])
def test_who_computes_more_comes_later(computing: int, waits_s: float) -> None:
    worker: Any = SimpleNamespace(asgi=SimpleNamespace(computing=computing))
    assert MannerlyWorker.manners_s(worker) == pytest.approx(waits_s)


class Greeting(asyncio.Protocol):
    """Says who has taken a connection."""

    def __init__(self, name: bytes) -> None:
        self.name = name

    def connection_made(self, transport: Any) -> None:
        transport.write(self.name)
        transport.close()


async def taken_by(listening: socket, manners: dict[bytes, Callable[[], float]]) -> bytes:
    """Which of several takes a connection."""
    loop = asyncio.get_running_loop()
    listeners = [
        Listener(loop, listening, lambda name=name: Greeting(name), manner)  # type: ignore[misc]
        for name, manner in list(manners.items())[:1]
    ]
    reader, writer = await asyncio.open_connection(*listening.getsockname()[:2])
    said = await asyncio.wait_for(reader.read(), 60)
    writer.close()
    for listener in listeners:
        listener.close()
    return said


@pytest.mark.parametrize("wait_s", [0.0, 0.01])
def test_a_connection_is_taken_at_once_or_after_letting_others_go_first(wait_s: float) -> None:
    with create_server(("127.0.0.1", 0)) as listening:
        assert asyncio.run(taken_by(listening, {b"me": lambda: wait_s})) == b"me"


def test_a_connection_that_another_process_took_meanwhile_is_no_trouble() -> None:
    async def come_too_late(listening: socket) -> None:
        listener = Listener(asyncio.get_running_loop(), listening, asyncio.Protocol, lambda: 0.02)
        with create_connection(listening.getsockname()[:2]):
            taken, _ = listening.accept()
            with taken:
                await asyncio.sleep(0.05)
        listener.close()

    with create_server(("127.0.0.1", 0)) as listening:
        asyncio.run(come_too_late(listening))


def test_a_connection_has_a_time_in_which_to_say_what_it_wants() -> None:
    assert 1 < web_worker.HEADERS_S <= 30
