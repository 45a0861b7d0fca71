"""How often somebody may ask, as the settings say (`DEFAULT_THROTTLE_RATES`)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from redis.exceptions import RedisError
from rest_framework import throttling

if TYPE_CHECKING:  # the views read the settings that name these throttles
    from rest_framework.request import Request
    from rest_framework.views import APIView

logger = logging.getLogger(__name__)


class _OutlivesTheCache(throttling.SimpleRateThrottle):
    """Lets everybody through while the cache that holds the counts is gone: better no limit than no answer."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        try:
            return super().allow_request(request, view)
        except (RedisError, OSError) as error:
            logger.warning("No throttling, the cache is gone: %s", error)
            return True


class AnonymousThrottle(_OutlivesTheCache, throttling.AnonRateThrottle):
    pass


class UserThrottle(_OutlivesTheCache, throttling.UserRateThrottle):
    pass


class LogInThrottle(_OutlivesTheCache):
    """Attempts to log in, by where they come from: passwords are not to be found by trying."""

    scope = "login"

    def get_cache_key(self, request: Request, view: APIView) -> str:
        return self.cache_format % {"scope": self.scope, "ident": self.get_ident(request)}
