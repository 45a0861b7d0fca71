"""The API as a whole: its root, its tokens, its documentation; what it is made of lies in each app's `api`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_update
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.utils.decorators import method_decorator
from drf_spectacular.utils import extend_schema, inline_serializer
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework import serializers, status
from rest_framework.authentication import BaseAuthentication
from rest_framework.authtoken.models import Token
from rest_framework.authtoken.serializers import AuthTokenSerializer
from rest_framework.exceptions import NotFound
from rest_framework.parsers import FormParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

from catalog.throttling import LogInThrottle

from .api_formats import JSONParser

_LISTS = {
    "songs": "api-song-list",
    "labels": "api-label-list",
    "ratings": "api-rating-list",
    "plays": "api-play-list",
    "play-counts": "api-play-count-list",
    "not-this": "api-not-this-list",
    "nudges": "api-nudge-list",
    "playlists": "api-playlist-list",
    "recommendations": "api-recommendations",
    "taste": "api-taste",
    "export": "api-export",
    "mood": "api-mood",
    "mood-picture": "api-mood-picture",
    "mood-preference": "api-mood-preference",
    "mood-readings": "api-mood-reading-list",
    "upload": "api-upload",
    "token": "api-token",
    "schema": "api-schema",
    "docs": "api-docs",
}


class Root(APIView):
    """Where everything is."""

    name = "API"

    @extend_schema(responses={200: {"type": "object", "additionalProperties": {"type": "string", "format": "uri"}}})
    def get(self, request: Request) -> Response:
        return Response({name: reverse(address, request=request) for name, address in _LISTS.items()})


class LogIn(APIView):
    """A token to use the API with, in the header `Authorization: Token ...`."""

    name = "Token"
    parser_classes = [JSONParser, FormParser]

    def get_authenticators(self) -> list[BaseAuthentication]:
        # Whoever asks for a token shows a password: a session or an old token has no say in it.
        return [] if self._asks() else super().get_authenticators()

    def get_permissions(self) -> Sequence[Any]:
        return [AllowAny()] if self._asks() else super().get_permissions()

    def get_throttles(self) -> list[Any]:
        return [LogInThrottle()] if self._asks() else super().get_throttles()

    def _asks(self) -> bool:
        return self.request is not None and self.request.method == "POST"

    @extend_schema(
        auth=[],
        request=AuthTokenSerializer,
        responses=inline_serializer("Token", {"token": serializers.CharField()}),
    )
    def post(self, request: Request) -> Response:
        """Your token, for your username and password."""
        who = AuthTokenSerializer(data=request.data, context={"request": request})
        who.is_valid(raise_exception=True)
        token, _ = Token.objects.get_or_create(user=who.validated_data["user"])
        return Response({"token": token.key})

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request) -> Response:
        """Make your token worthless."""
        Token.objects.filter(user=cast(User, request.user)).delete()
        return Response(status=status.HTTP_204_NO_CONTENT)


class Nowhere(APIView):
    """Every address under /api/ that is none."""

    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise NotFound("There is nothing at this address.")


# Swagger UI writes styles into its page: allowed here, and nowhere else.
@method_decorator(login_required, name="dispatch")
@method_decorator(csp_update({"style-src": [SELF, UNSAFE_INLINE]}), name="dispatch")
class Docs(SpectacularSwaggerSplitView):
    """The schema, to read and to try."""

    url_name = "api-schema"


class RevokeTokens:
    """A "password validator" that takes no offence at any password, and ends the token when there is a new one."""

    def validate(self, password: str, user: User | None = None) -> None:
        """Django asks every validator."""

    def get_help_text(self) -> str:
        return "A new password ends the API token, if you have one."

    def password_changed(self, password: str, user: User) -> None:
        Token.objects.filter(user=user).delete()
