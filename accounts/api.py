"""The API of accounts: tokens, and the export."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from django.contrib.auth.models import User
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers, status
from rest_framework.authentication import BaseAuthentication
from rest_framework.authtoken.serializers import AuthTokenSerializer
from rest_framework.parsers import FormParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from .models import ApiToken
from .services.api_tokens import (
    LOGGED_IN,
    LONGEST_DAYS,
    LONGEST_NAME,
    ApiTokenRefused,
    api_tokens_of,
    make_api_token,
)
from .throttling import LogInThrottle
from .views import exported


class TokenWish(AuthTokenSerializer):
    """Name and password, and what is wanted of the token."""

    name = serializers.CharField(max_length=LONGEST_NAME, required=False, help_text="What the token is for.")
    days = serializers.IntegerField(
        min_value=1, max_value=LONGEST_DAYS, required=False, allow_null=True, help_text="For ever where left out."
    )
    # The framework takes it for a field, as all of these, and leaves its own attribute alone.
    read_only = serializers.BooleanField(required=False, default=False)  # type: ignore[assignment]


class LogIn(APIView):
    """A token to use the API with, in the header `Authorization: Token ...`."""

    name = "Token"
    parser_classes = (*APIView.parser_classes, FormParser)

    def get_authenticators(self) -> list[BaseAuthentication]:
        """Return no authenticators where a token is asked for."""
        # A token is given for a password alone: a session or an old token does not count.
        return [] if self._asks() else super().get_authenticators()

    def get_permissions(self) -> Sequence[Any]:
        """Let everybody ask for a token."""
        return [AllowAny()] if self._asks() else super().get_permissions()

    def get_throttles(self) -> list[Any]:
        """Throttle attempts at logging in."""
        return [LogInThrottle()] if self._asks() else super().get_throttles()

    def _asks(self) -> bool:
        return self.request is not None and self.request.method == "POST"

    @extend_schema(
        auth=[],
        request=TokenWish,
        responses=inline_serializer("Token", {"token": serializers.CharField()}),
    )
    def post(self, request: Request) -> Response:
        """A new token, for your username and password; with a name, for some days or to read only, where you say so."""
        wish = TokenWish(data=request.data, context={"request": request})
        wish.is_valid(raise_exception=True)
        asked = wish.validated_data
        try:
            _, token = make_api_token(
                asked["user"],
                asked.get("name") or LOGGED_IN,
                days=asked.get("days"),
                read_only=asked.get("read_only", False),
            )
        except ApiTokenRefused as error:
            raise serializers.ValidationError(str(error)) from error
        return Response({"token": token})

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request) -> Response:
        """Make the token that is sent worthless; with a session instead, all of yours."""
        own = api_tokens_of(cast(User, request.user))
        (own.filter(pk=request.auth.pk) if isinstance(request.auth, ApiToken) else own).delete()
        return Response(status=status.HTTP_204_NO_CONTENT)


class Export(APIView):
    """Everything that is kept of you."""

    name = "Export"

    @extend_schema(responses={(200, "application/json"): OpenApiTypes.OBJECT})
    def get(self, request: Request) -> StreamingHttpResponse:
        """Account, ratings, plays, nudges, refusals and whatever else is kept of you, as one JSON document."""
        return exported(cast(User, request.user))


class RevokeTokens:
    """A "password validator" that takes no offence at any password, and ends all tokens when there is a new one."""

    def validate(self, password: str, user: User | None = None) -> None:
        """Django asks every validator."""

    def get_help_text(self) -> str:
        """Return what the page of a new password says of this."""
        return "A new password ends your API tokens, if you have any."

    def password_changed(self, password: str, user: User) -> None:
        """Delete the account's tokens."""
        api_tokens_of(user).delete()
