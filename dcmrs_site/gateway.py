"""From the event loop to the WSGI application and back: no thread waits for a socket. No Django here.

A thread is had by what computes, and by nothing else. The event loop reads a request until it is whole and only then
gives it to a thread; what the thread answers, the loop sends at the pace at which the other side reads. So players that
do not read, headers and bodies that come by drops, and thousands of connections that say nothing cost some memory each,
and no page waits for them.

There are lanes of threads: pages, large uploads (which are written to the disk while they come, and only take one
another's threads), the pieces of streams, and health with metrics, which are answered however busy the others are.
"""

from __future__ import annotations

import asyncio
import io
import json
import logging
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import IO, Any
from urllib.parse import unquote_to_bytes

from .turns import Turns

logger = logging.getLogger(__name__)

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

SMALL_BODY_BYTES = 2_600_000
"""Bodies up to this length are read whole, in memory, before a thread begins: forms and the API, of which Django takes
no more. Longer ones, songs and pictures, have a thread from their beginning, of those that there are for uploads."""

BUFFERED_BYTES = 200_000_000
"""Small bodies that are held in memory at once, in one process; who sends more is told to come back."""

BODY_S = 60.0
"""Seconds in which a small body has to be there; longer ones are given so long for each piece."""

THREADS = {"page": 16, "upload": 12, "stream": 8, "health": 2}

PAGES_AT_ONCE = 2
"""Pages that a process computes at once, so that one may wait for the database meanwhile. The others come in turn: all
together, each would take as long as all of them (`python -m benchmarks.pages`)."""

TURN_S = 0.25
"""How long a page waits for its turn: those before it may be waiting themselves, and for longer."""

_READS = ("GET", "HEAD")
_HEALTH = ("/health/", "/metrics")
_PIECE_BYTES = 1 << 18


class FileWrapper:
    """A file that the application answers with, as PEP 3333 has it: it is read piece by piece, by any thread."""

    any_thread = True

    def __init__(self, file: IO[bytes], block_size: int = _PIECE_BYTES) -> None:
        self._file, self._block_size = file, max(block_size, _PIECE_BYTES)
        if hasattr(file, "close"):
            self.close = file.close

    def __iter__(self) -> Iterator[bytes]:
        """The pieces of the file."""
        while piece := self._file.read(self._block_size):
            yield piece


@dataclass(slots=True)
class Answer:
    """What the application answers.

    Attributes
    ----------
    status : int
    headers : list of (bytes, bytes)
    body : bytes
        The beginning; all of it where `rest` is None.
    rest : iterator of bytes, optional
        What follows, to be asked for piece by piece, by any thread.
    close : callable
        To be called by a thread once all is sent, or nobody reads any more.
    """

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    rest: Iterator[bytes] | None
    close: Callable[[], object]


class _TooLargeError(Exception):
    """A body of unknown length is longer than is read before the application knows of it."""


class _BusyError(Exception):
    """As many bodies are held in memory as may be."""


class _GoneError(OSError):
    """The client is gone, or does not send the rest of its request."""


class Gateway:
    """An ASGI application around a WSGI application.

    Attributes
    ----------
    computing : int
        How many answers are being computed at this moment, in this process. Uploads are not counted: mostly they wait
        for more of them to come, however many there are.
    """

    def __init__(self, application: Application) -> None:
        self.computing = 0
        self._buffered = 0
        self._application = application
        self._lock = Lock()
        self._turns = Turns(PAGES_AT_ONCE, TURN_S)
        self._lanes = {name: ThreadPoolExecutor(size, thread_name_prefix=name) for name, size in THREADS.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        length = _length(scope)
        if length is not None and length > SMALL_BODY_BYTES:
            incoming = _Incoming(receive, asyncio.get_running_loop())
            await self._compute("upload", scope, io.BufferedReader(incoming, 1 << 16), receive, send)
            return
        body = _Body()
        try:
            await asyncio.wait_for(self._fill(body, receive), BODY_S)
        except _TooLargeError:
            await _refuse(scope, send, 413, "Say how long it is: only short bodies are taken without their length.")
        except _BusyError:
            await _refuse(scope, send, 503, "Many requests are being sent just now: try again in a moment.")
        except (TimeoutError, _GoneError):
            await _refuse(scope, send, 408, "The request did not come to its end in time.")
        else:
            await self._compute("health" if scope["path"] in _HEALTH else "page", scope, body, receive, send)
        finally:
            self._buffered -= body.held

    async def _fill(self, body: _Body, receive: Receive) -> None:
        """Read the body of a request, until all of it is there."""
        more = True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                raise _GoneError
            piece = message.get("body", b"")
            body.write(piece)
            body.held += len(piece)
            self._buffered += len(piece)
            if body.tell() > SMALL_BODY_BYTES:
                raise _TooLargeError
            if self._buffered > BUFFERED_BYTES:
                raise _BusyError
            more = message.get("more_body", False)
        body.seek(0)

    async def _compute(self, lane: str, scope: Scope, body: io.BufferedIOBase, receive: Receive, send: Send) -> None:
        """Have a thread of a lane answer, and send what it answers."""
        loop = asyncio.get_running_loop()
        try:
            run = self._receive if lane == "upload" else partial(self._run, lane)
            answer = await loop.run_in_executor(self._lanes[lane], run, environment(scope, body))
        except _GoneError as error:
            logger.info("An upload was broken off: %s", error)
            return
        try:
            await self._send(answer, receive, send)
        finally:
            if answer.close is not _nothing:
                # Also where this task is cancelled, and in a thread: the application may look at its database then.
                loop.run_in_executor(self._lanes["stream"], answer.close)

    async def _send(self, answer: Answer, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        if answer.rest is None:
            await send({"type": "http.response.body", "body": answer.body})
            return
        await send({"type": "http.response.body", "body": answer.body, "more_body": True})
        loop = asyncio.get_running_loop()
        gone = asyncio.ensure_future(_gone(receive))
        try:
            while not gone.done():
                piece = await loop.run_in_executor(self._lanes["stream"], next, answer.rest, None)
                if piece is None:
                    await send({"type": "http.response.body", "body": b""})
                    return
                # Comes back once the other side has room for more.
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        finally:
            gone.cancel()

    def _receive(self, environ: dict[str, Any]) -> Answer:
        """Have the application read an upload and answer, in a thread."""
        return answer_of(self._application, environ)

    def _run(self, lane: str, environ: dict[str, Any]) -> Answer:
        """Have the application answer, in a thread."""
        with self._lock:
            self.computing += 1
        try:
            # What sends something may wait for the database's lock, or for a picture to be read.
            in_turn = lane == "page" and environ["REQUEST_METHOD"] in _READS
            with self._turns.turn() if in_turn else nullcontext():
                return answer_of(self._application, environ)
        finally:
            with self._lock:
                self.computing -= 1


def answer_of(application: Application, environ: dict[str, Any]) -> Answer:
    """The answer of a WSGI application, as far as it has to be computed by the thread that calls this.

    What can go on in any thread is left for later; what cannot, such as rows that a database connection of this thread
    reads, is read to its end now, into a file where it is long.
    """
    started: list[tuple[int, list[tuple[bytes, bytes]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], _exc_info: Any = None) -> None:
        pairs = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        started[:] = [(int(status.split(" ", 1)[0]), pairs)]

    found = application(environ, start_response)
    close: Callable[[], object] = getattr(found, "close", lambda: None)
    try:
        pieces = iter(found)
        if getattr(found, "any_thread", False):
            first = next(pieces, b"")
            second = next(pieces, None) if first else None
            ((status, headers),) = started
            if second is None:
                return Answer(status, headers, first, None, close)
            return Answer(status, headers, first, _chained(second, pieces), close)
        if not getattr(found, "streaming", False):
            body = b"".join(pieces)
            ((status, headers),) = started
            close()
            return Answer(status, headers, body, None, _nothing)
        spool = tempfile.SpooledTemporaryFile(max_size=_PIECE_BYTES * 4)  # noqa: SIM115 (closed with the answer)
        for piece in pieces:
            spool.write(piece)
        spool.seek(0)
        ((status, headers),) = started
        return Answer(status, headers, b"", iter(FileWrapper(spool)), partial(_close_both, spool, close))
    except BaseException:
        close()
        raise


def _nothing() -> None:
    pass


def _chained(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _close_both(spool: IO[bytes], close: Callable[[], object]) -> None:
    spool.close()
    close()


def environment(scope: Scope, body: io.BufferedIOBase) -> dict[str, Any]:
    """The environment of PEP 3333 for a request.

    Parameters
    ----------
    scope : dict
        Of ASGI.
    body : file
    """
    raw = bytes(scope.get("raw_path") or scope["path"].encode()).partition(b"?")[0]
    host, port = (scope.get("server") or ("localhost", None))[:2]
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": scope.get("root_path", ""),
        "PATH_INFO": unquote_to_bytes(raw).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": str(host),
        "SERVER_PORT": str(port or ""),
        "REMOTE_ADDR": str((scope.get("client") or ("",))[0] or ""),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": FileWrapper,
    }
    for name, value in scope["headers"]:
        key = name.decode("latin-1").upper().replace("-", "_")
        text = value.decode("latin-1")
        if key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            environ[key] = text
        elif key == "TRANSFER_ENCODING":
            continue
        elif (before := environ.get(f"HTTP_{key}")) is not None:
            environ[f"HTTP_{key}"] = f"{before}{'; ' if key == 'COOKIE' else ','}{text}"
        else:
            environ[f"HTTP_{key}"] = text
    if isinstance(body, io.BytesIO):
        # What came in chunks had no length until now.
        environ["CONTENT_LENGTH"] = str(body.getbuffer().nbytes)
    return environ


class _Body(io.BytesIO):
    """A small body, and how many bytes of it count as held: also after the application has closed it."""

    held = 0


class _Incoming(io.RawIOBase):
    """The body of a large upload, read by a thread while it comes."""

    def __init__(self, receive: Receive, loop: asyncio.AbstractEventLoop) -> None:
        self._receive, self._loop = receive, loop
        self._left, self._over = b"", False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Wait for more of it.

        Raises
        ------
        OSError
            If nothing comes for `BODY_S`, or the client is gone.
        """
        while not self._left and not self._over:
            coming = asyncio.run_coroutine_threadsafe(_message(self._receive), self._loop)
            try:
                message = coming.result(BODY_S)
            except TimeoutError as error:
                coming.cancel()
                raise _GoneError("the request did not come to its end in time") from error
            if message["type"] != "http.request":
                raise _GoneError("the client is gone")
            self._left, self._over = message.get("body", b""), not message.get("more_body", False)
        taken = self._left[: len(buffer)]
        self._left = self._left[len(taken) :]
        buffer[: len(taken)] = taken
        return len(taken)


async def _message(receive: Receive) -> Message:
    return await receive()


async def _gone(receive: Receive) -> None:
    """Until the client is gone."""
    with suppress(Exception):
        while (await receive())["type"] == "http.request":
            pass


def refusal(path: bytes, sentence: str) -> tuple[str, bytes]:
    """The type and the body of an answer that refuses what never reached the application: the API's are JSON."""
    if path.startswith(b"/api/"):
        return "application/json", json.dumps({"detail": sentence}).encode()
    return "text/plain; charset=utf-8", sentence.encode()


async def _refuse(scope: Scope, send: Send, status: int, sentence: str) -> None:
    content_type, body = refusal(scope["path"].encode(errors="replace"), sentence)
    headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, (b"connection", b"close")]})
    await send({"type": "http.response.body", "body": body})


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


def _length(scope: Scope) -> int | None:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and len(value) < 19:
            return int(value)
    return None
