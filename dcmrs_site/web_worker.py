"""The worker of the web server: of several, the one that computes least takes the next request.

Gunicorn's processes all wait for connections, and whichever comes first takes one, though it may have four pages to
compute and another none. With several requests at once that makes the slowest pages about a third slower
(`python -m benchmarks.pages`).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from socket import socket
from threading import Lock
from typing import Any

from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

MANNERS_S = 0.005
"""How long a process lets others go first for each page that it computes."""

_MOST = 8

SLICE_S = 0.03
"""How long a thread keeps Python's lock where others want it, 0.005 by default: pages that take turns more often than
that cost more, and all of them end late."""


class MannerlyWorker(ThreadWorker):  # type: ignore[misc]
    """Gunicorn's threaded worker, which comes the later to a connection the more it computes.

    A song that is being sent is not counted: that costs hardly any time, and lasts for minutes.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.computing = 0
        self._lock = Lock()

    def load_wsgi(self) -> None:
        """Have requests counted for as long as their answers are made."""
        super().load_wsgi()
        sys.setswitchinterval(SLICE_S)
        application: Any = self.wsgi

        def counted(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            with self._lock:
                self.computing += 1
            try:
                answer: Iterable[bytes] = application(environ, start_response)
                return answer
            finally:
                with self._lock:
                    self.computing -= 1

        self.wsgi: Any = counted

    def accept(self, listener: socket) -> None:
        """Take a connection, if none of the others has it by then."""
        if self.computing:
            time.sleep(MANNERS_S * min(self.computing, _MOST))
        super().accept(listener)
