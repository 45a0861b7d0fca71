"""The cache that several web processes share: a help, never a need."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from django.core.cache.backends import redis
from django.core.cache.backends.base import DEFAULT_TIMEOUT
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

_T = TypeVar("_T")
_LEFT_ALONE_S = 5.0


class RedisCache(redis.RedisCache):
    """Django's, but empty while its Redis is gone: pages take longer then, limits count nothing, nothing breaks."""

    gone_until = float("-inf")
    """By the monotonic clock, for every thread of the process: none waits for what another has found to be gone."""

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        """Return a value; the default where Redis is not there."""
        return self._try(lambda: super(RedisCache, self).get(key, default, version), default)

    def get_many(self, keys: Iterable[str], version: int | None = None) -> dict[str, Any]:
        """Return values; none where Redis is not there."""
        return self._try(lambda: super(RedisCache, self).get_many(keys, version), {})

    def set(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        """Store a value, if Redis is there."""
        self._try(lambda: super(RedisCache, self).set(key, value, timeout, version), None)

    def set_many(self, data: dict[str, Any], timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> list[str]:
        """Store values; return all keys as failed where Redis is not there."""
        return self._try(lambda: super(RedisCache, self).set_many(data, timeout, version), list(data))

    def add(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Store a value unless there is one; return whether it was stored."""
        return self._try(lambda: super(RedisCache, self).add(key, value, timeout, version), False)

    def touch(self, key: str, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Prolong a value; return whether there is one."""
        return self._try(lambda: super(RedisCache, self).touch(key, timeout, version), False)

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        """Raise ValueError, as for any key that is not there, while the Redis is gone."""
        counted = self._try(lambda: super(RedisCache, self).incr(key, delta, version), None)
        if counted is None:
            raise ValueError(f"Key {key!r} not found")
        return counted

    def has_key(self, key: str, version: int | None = None) -> bool:
        """Return whether there is a value."""
        return self._try(lambda: super(RedisCache, self).has_key(key, version), False)

    def delete(self, key: str, version: int | None = None) -> bool:
        """Delete a value; return whether there was one."""
        return self._try(lambda: super(RedisCache, self).delete(key, version), False)

    def delete_many(self, keys: Iterable[str], version: int | None = None) -> None:
        """Delete values, if Redis is there."""
        self._try(lambda: super(RedisCache, self).delete_many(keys, version), None)

    def clear(self) -> None:
        """Delete everything, if Redis is there."""
        self._try(lambda: super(RedisCache, self).clear(), None)

    def _try(self, ask: Callable[[], _T], otherwise: _T) -> _T:
        if time.monotonic() < RedisCache.gone_until:
            return otherwise
        try:
            return ask()
        except (RedisError, OSError) as error:
            RedisCache.gone_until = time.monotonic() + _LEFT_ALONE_S
            logger.warning("The cache is gone, and left alone for %.0f s: %s", _LEFT_ALONE_S, error)
            return otherwise
