"""How often somebody may ask, besides what REST framework's own throttles limit.

They count in the cache, so without a shared one (`REDIS_URL`) each web process counts its own.
"""

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


class SignUpThrottle(LogInThrottle):
    """Attempts to make an account, by where they come from: the site is not to be filled with accounts by a program."""

    scope = "signup"
