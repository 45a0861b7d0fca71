"""How the API reads what it is sent, and shows itself to a browser."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from csp.constants import SELF, UNSAFE_INLINE
from rest_framework import parsers, renderers
from rest_framework.exceptions import ParseError


class JSONParser(parsers.JSONParser):
    """JSON, however deeply it is nested."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Parse a body; refuse one that is nested too deeply."""
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError:
            raise ParseError("JSON parse error - nested too deeply") from None


class BrowsableRenderer(renderers.BrowsableAPIRenderer):
    """REST framework's pages, which carry a few styles inside their HTML: allowed here, and nowhere else."""

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> str:
        """Render the page, and allow its inline styles."""
        response = (renderer_context or {})["response"]
        response._csp_update = {"style-src": [SELF, UNSAFE_INLINE]}
        return super().render(data, accepted_media_type, renderer_context)
