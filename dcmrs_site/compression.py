"""Pages are sent compressed; what is compressed already, or is asked for in parts, is sent as it is."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

TEXTS = ("text/html", "text/plain", "application/json", "image/svg+xml", "audio/x-mpegurl")


class CompressTexts(GZipMiddleware):
    """Django's, for texts alone: a song is no smaller for it, and could not be sought in any more.

    Tokens against forged requests are masked anew in every answer, and a few random bytes change its length, so that
    nothing can be learned from how well a page compresses.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Compress what is text and not compressed yet."""
        kind = response.headers.get("Content-Type", "").partition(";")[0]
        if response.streaming or kind not in TEXTS:
            return response
        return super().process_response(request, response)
