"""Log lines as text or JSON, each with the id of the request that it belongs to; and one line a request, if wanted.

No line has a query, a body or a token: of an address only its pattern is written, such as `songs/<int:pk>/`.
"""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

_request_id: ContextVar[str] = ContextVar("request_id", default="")
_access = logging.getLogger("dcmrs.access")

_LONGEST_ID = 64


class RequestIds(logging.Filter):
    """Adds `request_id` to every record: empty outside of a request."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass."""
        record.request_id = _request_id.get()
        return True


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Write time, level, logger, message, request and, where there is one, the traceback."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id := getattr(record, "request_id", ""):
            line["request_id"] = request_id
        line |= getattr(record, "about", {})
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class RequestLog:
    """Gives every request an id, and writes a line of it where `ACCESS_LOG` is on."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request."""
        token = _request_id.set(_given_id(request) or uuid.uuid4().hex[:16])
        begun = time.monotonic()
        try:
            response = self._get_response(request)
            response["X-Request-Id"] = _request_id.get()
            if settings.ACCESS_LOG:
                self._write(request, response, time.monotonic() - begun)
            return response
        finally:
            _request_id.reset(token)

    def _write(self, request: HttpRequest, response: HttpResponseBase, seconds: float) -> None:
        route = request.resolver_match.route if request.resolver_match is not None else "(none)"
        about = {
            "method": request.method,
            "route": f"/{route}",
            "status": response.status_code,
            "ms": round(1000 * seconds, 1),
            "user": getattr(getattr(request, "user", None), "pk", None),
        }
        _access.info("%(method)s %(route)s %(status)s %(ms)s ms", about, extra={"about": about})


def _given_id(request: HttpRequest) -> str:
    """The id that a proxy in front has given, where one is believed."""
    given = request.headers.get("X-Request-Id", "") if settings.BEHIND_PROXY else ""
    return given if given.isascii() and given.replace("-", "").isalnum() and len(given) <= _LONGEST_ID else ""
