"""Throttles besides REST framework's own.

They count in the cache, so without a shared one (`REDIS_URL`) each web process counts its own.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from rest_framework.throttling import SimpleRateThrottle

if TYPE_CHECKING:
    from rest_framework.request import Request
    from rest_framework.views import APIView


class LogInThrottle(SimpleRateThrottle):
    """Attempts to log in, by where they come from: passwords are not to be found by trying."""

    scope = "login"

    def get_cache_key(self, request: Request, view: APIView) -> str:
        """Return the key under which attempts from one address are counted."""
        return self.cache_format % {"scope": self.scope, "ident": self.get_ident(request)}


class PasswordResetThrottle(LogInThrottle):
    """Mails with a link for a new password, by where they are asked for."""

    scope = "password_reset"


class PasswordResetMailThrottle(SimpleRateThrottle):
    """The same by whom they go to: nobody's mailbox is to be filled, wherever it is asked for."""

    scope = "password_reset_mail"

    def __init__(self, email: str) -> None:
        super().__init__()
        self._email = hashlib.sha256(email.strip().lower().encode(errors="replace")).hexdigest()

    def get_cache_key(self, request: Request, view: APIView) -> str:
        """Return the key under which the mails to one address are counted; the address is not in it."""
        return self.cache_format % {"scope": self.scope, "ident": self._email}


class SignUpThrottle(LogInThrottle):
    """Attempts to make an account, by where they come from: the site is not to be filled with accounts by a program."""

    scope = "signup"
