"""Whether database, broker and worker are there, for monitoring."""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Lock

from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from catalog.services import signs

from . import stalls
from .celery import app
from .processes import run_folder

logger = logging.getLogger(__name__)

DEADLINE_S = 0.8
"""Seconds in which health answers, whatever hangs."""

_PATIENCE_S = 0.4
_GOOD_FOR_S = 3.0


def look_at_database() -> None:
    """Raises what the database raises."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    finally:
        connection.close()


def look_at_broker() -> None:
    """Raises what the broker's client raises."""
    with app.connection_for_write(transport_options=_impatient()) as broker:
        broker.ensure_connection(max_retries=1, interval_start=0)


def look_at_worker() -> None:
    """Raises TimeoutError where no worker answers."""
    with app.connection_for_write(transport_options=_impatient()) as broker:
        broker.ensure_connection(max_retries=1, interval_start=0)
        if not app.control.broadcast("ping", reply=True, limit=1, timeout=_PATIENCE_S, connection=broker):
            raise TimeoutError("no worker answers")
    try:
        last = signs.last(signs.Kind.POOL)
        if last is not None and timezone.now() - last > signs.SILENT_AFTER:
            raise TimeoutError("the worker answers, but no process of it gives a sign of life")
    finally:
        connection.close()


def look_at_beat() -> None:
    """Raises TimeoutError where beat gives no sign of life."""
    try:
        if not signs.living(signs.Kind.BEAT):
            raise TimeoutError("beat gives no sign of life")
    finally:
        connection.close()


def look_at_disk() -> None:
    """Write where DCMRS writes, database and files; raises what the system or the database raises."""
    try:
        signs.give(signs.Kind.WEB)
    finally:
        connection.close()
    with tempfile.NamedTemporaryFile(dir=run_folder(), prefix="health.") as file:
        file.write(bytes(4096))
        file.flush()


def look_at_work() -> None:
    """Raises TimeoutError where something stands still, see `stalls`."""
    try:
        found = stalls.latest.look()
    finally:
        connection.close()
    if found:
        raise TimeoutError("; ".join(stall.sentence for stall in found))


def _impatient() -> dict[str, float]:
    return {"socket_connect_timeout": _PATIENCE_S, "socket_timeout": _PATIENCE_S}


class Checks:
    """One look at a time, good for a moment: a crowd that asks costs the broker no more than one who does."""

    def __init__(self, **checks: Callable[[], None]) -> None:
        self._checks = checks
        self._threads = ThreadPoolExecutor(len(checks), thread_name_prefix="health")
        self._running: dict[str, Future[None]] = {}
        self._lock = Lock()
        self._seen: dict[str, str] = {}
        self.forget()

    def forget(self) -> None:
        """Look again when next asked."""
        self._seen_at = float("-inf")

    def look(self) -> dict[str, str]:
        """What is `ok` and what is `down`, by name."""
        with self._lock:
            if time.monotonic() - self._seen_at > _GOOD_FOR_S:
                self._seen = self._look()
                self._seen_at = time.monotonic()
            return self._seen

    def _look(self) -> dict[str, str]:
        for name, check in self._checks.items():
            # A thread that hangs is left alone, and no second one is started.
            if name not in self._running or self._running[name].done():
                self._running[name] = self._threads.submit(check)
        wait(self._running.values(), timeout=DEADLINE_S)
        return {name: "ok" if self._well(name, look) else "down" for name, look in self._running.items()}

    def _well(self, name: str, look: Future[None]) -> bool:
        if not look.done():
            logger.warning("Health: the %s does not answer", name)
            return False
        if (error := look.exception()) is not None:
            logger.warning("Health: the %s is down: %s", name, error)
        return error is None


checks = Checks(
    database=look_at_database,
    broker=look_at_broker,
    worker=look_at_worker,
    beat=look_at_beat,
    disk=look_at_disk,
    work=look_at_work,
)


@login_not_required
@never_cache
@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """What is there and what is down; 503 where no page would work."""
    seen = checks.look()
    if seen["database"] != "ok":
        return JsonResponse({"status": "down", **seen}, status=503)
    return JsonResponse({"status": "ok" if set(seen.values()) == {"ok"} else "degraded", **seen})
