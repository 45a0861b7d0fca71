"""What web servers bear: a small page alone and beside stalled connections, and health beside busy threads.

    python -m benchmarks.servers                    all that are installed
    python -m benchmarks.servers --only waitress    one of them
    python -m benchmarks.servers --stalled 200      so many connections of each kind

One process of each server, with sixteen threads where it has threads, answers the same small WSGI application; `dcmrs`
is this site's own gateway. Only what DCMRS requires is installed; the others are installed for this alone:

    pip install waitress granian hypercorn gevent
"""

from __future__ import annotations

import argparse
import http.client
import importlib.util
import math
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from catalog.home import PROJECT_ROOT
from dcmrs_site.gateway import Gateway
from tests.dcmrs_site.test_gateway import HALF_BODY, HALF_HEADERS, LARGE_BODY, NOT_READ

KINDS = {"headers": HALF_HEADERS, "bodies": HALF_BODY, "uploads": LARGE_BODY, "players": NOT_READ}
THREADS = 16
_SONG_BYTES = 30 << 20
_PATIENCE_S = 4.0
_ROUNDS = 3
_GUNICORN = [
    "gunicorn",
    "--no-control-socket",
    "--log-level",
    "error",
    "--keep-alive",
    "0",
    "--bind",
    "127.0.0.1:{port}",
]

SERVERS: dict[str, tuple[str, list[str]]] = {
    "dcmrs": (
        "gunicorn",
        [*_GUNICORN, "--worker-class", "dcmrs_site.web_worker.MannerlyWorker", "benchmarks.servers:application"],
    ),
    "gunicorn, threads": (
        "gunicorn",
        [*_GUNICORN, "--worker-class", "gthread", "--threads", str(THREADS), "benchmarks.servers:site"],
    ),
    "gunicorn, gevent": ("gevent", [*_GUNICORN, "--worker-class", "gevent", "benchmarks.servers:site"]),
    "waitress": (
        "waitress",
        [
            *("waitress", f"--threads={THREADS}", "--connection-limit=2000", "--asyncore-use-poll"),
            *("--listen=127.0.0.1:{port}", "benchmarks.servers:site"),
        ],
    ),
    "granian": (
        "granian",
        [
            *("granian", "--interface", "wsgi", "--blocking-threads", str(THREADS), "--backpressure", "2000"),
            *("--no-ws", "--log-level", "error", "--port", "{port}", "benchmarks.servers:site"),
        ],
    ),
    "hypercorn": (
        "hypercorn",
        ["hypercorn", "wsgi:benchmarks.servers:site", "--bind", "127.0.0.1:{port}", "--log-level", "ERROR"],
    ),
}


def site(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """A small page, a song as a file, and pages that compute or wait."""
    path = environ["PATH_INFO"]
    if path == "/song/":
        start_response("200 OK", [("Content-Type", "audio/flac"), ("Content-Length", str(_SONG_BYTES))])
        file = Path(os.environ["SONG"]).open("rb")  # noqa: SIM115 (closed by who sends it)
        wrapper = environ.get("wsgi.file_wrapper")
        wrapped: Iterable[bytes] = wrapper(file, 1 << 18) if wrapper else iter(lambda: file.read(1 << 18), b"")
        return wrapped
    if path == "/wait/":
        time.sleep(3)
    if path == "/compute/":
        end = time.monotonic() + 3
        while time.monotonic() < end:
            sum(range(1000))
    read = len(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
    body = b"%d bytes" % read
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


application = Gateway(site)


def main() -> None:
    """Print all of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stalled", type=int, default=200, metavar="N", help="connections of each kind (200)")
    parser.add_argument("--only", metavar="SERVER", choices=SERVERS, help="only this one")
    options = parser.parse_args()
    print(f"milliseconds, the 95th percentile; beside {options.stalled} stalled connections of a kind")
    with tempfile.NamedTemporaryFile() as song:
        song.write(os.urandom(1 << 20) * 30)
        song.flush()
        for name, (package, command) in SERVERS.items():
            if options.only not in (None, name):
                continue
            if importlib.util.find_spec(package) is None:
                print(f"{name}: not installed")
                continue
            with _running(command, song.name) as port:
                print(f"{name}: {', '.join(measure(port, options.stalled))}", flush=True)


def measure(port: int, stalled: int) -> Iterator[str]:
    """A server's figures, in words."""
    for name, what in KINDS.items():
        alone, beside = [], []
        for _ in range(_ROUNDS):
            alone += [ask(port) for _ in range(30)]
            with ExitStack() as stack:
                for _ in range(stalled):
                    connection = stack.enter_context(socket.socket())
                    connection.settimeout(_PATIENCE_S)
                    try:
                        connection.connect(("127.0.0.1", port))
                        connection.sendall(what)
                    except OSError:
                        break
                time.sleep(1.5)
                beside += [ask(port) for _ in range(3)]
                if math.isinf(min(beside)):
                    break
                beside += [ask(port) for _ in range(27)]
            time.sleep(0.5)
        yield f"{name} {_percentile(alone)} and {_percentile(beside)}"
    for path, many in (("/wait/", THREADS), ("/compute/", 1)):
        with ThreadPoolExecutor(many) as pool:
            for _ in range(many):
                pool.submit(ask, port, path, 60.0)
            time.sleep(0.7)
            yield f"health beside {many} at {path} {_percentile([ask(port, '/health/', 60.0)])}"


def ask(port: int, path: str = "/", patience_s: float = _PATIENCE_S) -> float:
    """Seconds that a request takes; infinite where there is no answer."""
    begun = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=patience_s)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return math.inf
    finally:
        connection.close()
    return time.monotonic() - begun


def _percentile(seconds: list[float]) -> str:
    if any(map(math.isinf, seconds)):
        return "no answer"
    return f"{1000 * (statistics.quantiles(seconds, n=20)[-1] if len(seconds) > 1 else seconds[0]):.1f}"


@contextmanager
def _running(command: list[str], song: str) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", *(part.format(port=port) for part in command)],
        cwd=PROJECT_ROOT,
        env={**os.environ, "SONG": song},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + 30
        while math.isinf(ask(port)) and time.monotonic() < end:
            time.sleep(0.2)
        yield port
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


if __name__ == "__main__":
    main()
