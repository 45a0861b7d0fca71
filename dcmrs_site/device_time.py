"""Days and hours as the listener's device has them: its time zone comes in a cookie that `static/js/page.js` sets."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from urllib.parse import unquote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

COOKIE = "timezone"


class DeviceTime:
    """Renders a page in the time zone of the device that asks; without a valid one, in the server's."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Activate the device's time zone for the view, and the one from before afterwards."""
        with timezone.override(_zone(unquote(request.COOKIES.get(COOKIE, "")))):
            return self.get_response(request)


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo | None:
    """The zone of that name, or None: anybody can send anything."""
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
