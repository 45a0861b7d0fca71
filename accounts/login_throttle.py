"""Against guessing passwords: after too many failures no further attempt is looked at for a while.

It stands in front of every door that calls Django's `authenticate`: the log-in page, the admin's, the API's token.
Failures are counted in the cache, so without a shared one (`REDIS_URL`) each web process counts its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.dispatch import receiver
from django.http import HttpRequest

WINDOW_S = 15 * 60
"""Seconds from the first failure until all of them are forgotten."""

_MOST_FAILURES_HERE = 10
_MOST_FAILURES_OF_ADDRESS = 50
_MOST_FAILURES_OF_NAME = 100


def client_address(request: HttpRequest) -> str:
    """Where a request comes from: behind a proxy (`BEHIND_PROXY`), what that proxy says."""
    if settings.BEHIND_PROXY and (forwarded := request.headers.get("X-Forwarded-For")):
        return forwarded.rpartition(",")[2].strip()
    return str(request.META.get("REMOTE_ADDR", ""))


def too_many_failures(request: HttpRequest, username: str) -> bool:
    """Whether this name, this address, or this name from this address failed too often lately."""
    limits = _limits(request, username)
    failures = cache.get_many(limits)
    return any(failures.get(key, 0) >= most for key, most in limits.items())


class GuessLimit:
    """Refuses where failures were too many; otherwise the next backend decides.

    Not a `BaseBackend`: nobody is ever logged in by it, so no session may name it.
    """

    def authenticate(self, request: HttpRequest | None, username: str | None = None, **_: Any) -> None:
        """Raise `PermissionDenied`, which ends the attempt, or say nothing."""
        if request is not None and username and too_many_failures(request, username):
            raise PermissionDenied("too many failed attempts")


@receiver(user_login_failed)
def _count_failure(credentials: Mapping[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    if request is None:
        return
    for key in _limits(request, str(credentials.get("username", ""))):
        cache.add(key, 0, WINDOW_S)
        try:
            cache.incr(key)
        except ValueError:
            # It ran out between the two lines.
            cache.set(key, 1, WINDOW_S)


@receiver(user_logged_in)
def _clear_failures(request: HttpRequest | None, user: User, **_: Any) -> None:
    if request is not None:
        cache.delete(_key("here", user.get_username(), client_address(request)))


def _limits(request: HttpRequest, username: str) -> dict[str, int]:
    address = client_address(request)
    return {
        _key("here", username, address): _MOST_FAILURES_HERE,
        _key("address", address): _MOST_FAILURES_OF_ADDRESS,
        _key("name", username): _MOST_FAILURES_OF_NAME,
    }


def _key(kind: str, *of: str) -> str:
    # Hashed: a name may be of any length and hold any sign, a cache's key may not.
    digest = hashlib.sha256("\n".join(of).casefold().encode(errors="replace")).hexdigest()
    return f"login-failures:{kind}:{digest}"
