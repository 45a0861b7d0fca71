"""How often somebody may ask, besides what REST framework's own throttles limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.throttling import SimpleRateThrottle

if TYPE_CHECKING:
    from rest_framework.request import Request
    from rest_framework.views import APIView


class LogInThrottle(SimpleRateThrottle):
    """Attempts to log in, by where they come from: passwords are not to be found by trying."""

    scope = "login"

    def get_cache_key(self, request: Request, view: APIView) -> str:
        return self.cache_format % {"scope": self.scope, "ident": self.get_ident(request)}
