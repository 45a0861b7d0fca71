"""How many pictures a user may send; the page and the API count together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.throttling import SimpleRateThrottle

if TYPE_CHECKING:
    from django.http import HttpRequest
    from rest_framework.request import Request
    from rest_framework.views import APIView


class PictureThrottle(SimpleRateThrottle):
    """Pictures sent by one listener: each costs the server a core for a moment."""

    scope = "picture"

    def get_cache_key(self, request: HttpRequest | Request, view: APIView | None) -> str:
        """Count by user, pages and API together."""
        return self.cache_format % {"scope": self.scope, "ident": request.user.pk}

    def allow(self, request: HttpRequest) -> bool:
        """Whether a page may read one more picture now; if not, `wait` says how many seconds to wait."""
        return bool(self.allow_request(request, None))  # type: ignore[arg-type]
