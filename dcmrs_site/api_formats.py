"""How the API reads what it is sent, and shows itself to a browser."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from csp.constants import SELF, UNSAFE_INLINE
from django.conf import settings
from rest_framework import parsers, renderers, status
from rest_framework.exceptions import APIException, ParseError


class TooLarge(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "This is more than the server takes at once."
    default_code = "too_large"


def _refuse_too_large(parser_context: Mapping[str, Any] | None) -> None:
    """Django's own limit, which REST framework's parsers pass by: they read the body themselves."""
    length = (parser_context or {})["request"].META.get("CONTENT_LENGTH") or 0
    if int(length) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        raise TooLarge


class JSONParser(parsers.JSONParser):
    """JSON, no larger than `DATA_UPLOAD_MAX_MEMORY_SIZE`."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        _refuse_too_large(parser_context)
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError:
            raise ParseError("JSON parse error - nested too deeply") from None


class FormParser(parsers.FormParser):
    """Forms without files, no larger than `DATA_UPLOAD_MAX_MEMORY_SIZE`."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        _refuse_too_large(parser_context)
        return super().parse(stream, media_type, parser_context)


class BrowsableRenderer(renderers.BrowsableAPIRenderer):
    """REST framework's pages, which carry a few styles inside their HTML: allowed here, and nowhere else."""

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> str:
        response = (renderer_context or {})["response"]
        response._csp_update = {"style-src": [SELF, UNSAFE_INLINE]}
        return super().render(data, accepted_media_type, renderer_context)
