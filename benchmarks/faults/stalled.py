"""Connections that stall, to one process of the real web server: what the others notice of them."""

from __future__ import annotations

import socket
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack

import psutil  # type: ignore[import-untyped]

from catalog.home import PROJECT_ROOT
from tests.dcmrs_site.test_gateway import HALF_BODY, HALF_HEADERS, LARGE_BODY, NOT_READ, ask

KINDS = {"headers": HALF_HEADERS, "bodies": HALF_BODY, "uploads": LARGE_BODY, "players": NOT_READ}
_ROUNDS = 5
_ASKED = 40
_LOOKED_EVERY_S, _AT_REST_S, _SETTLED_WITHIN_S = 0.5, 0.015, 30.0


def stall_connections(number: int) -> None:
    """Ask for a small page, in turns alone and beside stalled connections, and for health beside all of them."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        port = listener.getsockname()[1]
        command = [sys.executable, "-m", "gunicorn", "tests.dcmrs_site.stalling_app", "--keep-alive", "0"]
        command += ["--bind", f"fd://{listener.fileno()}", "--no-control-socket", "--log-level", "error"]
        command += ["--worker-class", "dcmrs_site.web_worker.MannerlyWorker", "--graceful-timeout", "1"]
        server = subprocess.Popen(command, cwd=PROJECT_ROOT, pass_fds=[listener.fileno()])
    try:
        ask(port, "/")
        for name, what in KINDS.items():
            alone, beside = [], []
            for _ in range(_ROUNDS):
                alone += [ask(port, "/")[2] for _ in range(_ASKED)]
                with ExitStack() as stack:
                    for _ in range(number):
                        connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30))
                        connection.sendall(what)
                    settle(server.pid)
                    beside += [ask(port, "/")[2] for _ in range(_ASKED)]
                    healthy_s = ask(port, "/health/")[2]
            print(
                f"{number} stalled {name}: a small page takes {_percentile(beside):.1f} ms, alone "
                f"{_percentile(alone):.1f} (95th percentile), health {1000 * healthy_s:.1f}",
                flush=True,
            )
    finally:
        server.terminate()
        server.wait(20)


def settle(pid: int) -> None:
    """Wait until a server has done what new connections have it do, such as to fill the buffers of players."""
    processes = [psutil.Process(pid), *psutil.Process(pid).children()]
    before, until = -1.0, time.monotonic() + _SETTLED_WITHIN_S
    while time.monotonic() < until:
        spent = sum(sum(process.cpu_times()[:2]) for process in processes)
        if spent - before < _AT_REST_S:
            return
        before = spent
        time.sleep(_LOOKED_EVERY_S)


def _percentile(seconds: list[float]) -> float:
    return 1000 * statistics.quantiles(seconds, n=20)[-1]
