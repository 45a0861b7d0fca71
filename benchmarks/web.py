"""The web server that benchmarks ask, and the memory of its processes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection

import psutil  # type: ignore[import-untyped]

from catalog.home import PROJECT_ROOT

from .page_clients import PATIENCE_S


@contextmanager
def web_server() -> Iterator[tuple[int, psutil.Process]]:
    """The web server of `up`, on a free port."""
    from dcmrs_site import processes

    with socket.create_server(("127.0.0.1", 0)) as listener:
        program = processes.web(listener, "warning")
        environment = {**os.environ, **program.environment}
        server = subprocess.Popen(program.command, env=environment, pass_fds=program.descriptors, cwd=PROJECT_ROOT)
        port = listener.getsockname()[1]
        try:
            # A connection older than the server has not its options, and waits 40 ms for each acknowledgement.
            _first_answer(port)
            yield port, psutil.Process(server.pid)
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(20)


def _first_answer(port: int) -> None:
    """Wait until the server answers, over a connection of its own."""
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    connection.request("GET", "/accounts/login/")
    connection.getresponse().read()
    connection.close()


def memory_mb(pid: int) -> dict[str, float]:
    """The memory of a process: `rss`, `pss`, and `uss`, which it has for itself; all 0 where it is gone."""
    try:
        memory = psutil.Process(pid).memory_full_info()
    except psutil.NoSuchProcess:
        return dict.fromkeys(("rss", "pss", "uss"), 0.0)
    return {name: getattr(memory, name) / 1e6 for name in ("rss", "pss", "uss")}
