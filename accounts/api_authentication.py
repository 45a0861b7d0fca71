"""Who asks the API, by the token that is sent."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from django.db import DatabaseError
from rest_framework.authentication import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.permissions import SAFE_METHODS

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from rest_framework.request import Request

    from .models import ApiToken


class ApiTokenAuthentication(TokenAuthentication):
    """`Authorization: Token ...`; the request's `auth` is the `ApiToken`."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """Return who asks, and by which token.

        Raises
        ------
        AuthenticationFailed
            If it is none of ours, has expired, or its person cannot log in any more.
        PermissionDenied
            If it only reads, and something is to be changed.
        """
        found = super().authenticate(request)
        if found is not None:
            _, row = found
            if row.read_only and request.method not in SAFE_METHODS:
                raise PermissionDenied("This token only reads: make another one to change something.")
        return found

    def authenticate_credentials(self, key: str) -> tuple[User, ApiToken]:
        """Return whose a token is.

        Raises
        ------
        AuthenticationFailed
        """
        # REST framework imports this module for its settings, before there are models.
        from .services import api_tokens

        row = api_tokens.find_api_token(key)
        if row is None:
            raise AuthenticationFailed("Invalid token.")
        if not row.user.is_active:
            raise AuthenticationFailed("User inactive or deleted.")
        if api_tokens.is_expired(row):
            raise AuthenticationFailed("This token has expired: make another one.")
        # Where the disk is full, tokens that only read are still let in.
        with suppress(DatabaseError):
            api_tokens.note_use(row)
        return row.user, row
