"""The API as a whole: its root, its tokens, its documentation; what it is made of lies in each app's `api`."""

from __future__ import annotations

from typing import Any

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_update
from django.contrib.auth.decorators import login_required
from django.utils.decorators import method_decorator
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

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
    "recommendations-for-labels": "api-songs-for-labels",
    "find": "api-find",
    "contexts": "api-context-list",
    "compare": "api-compare",
    "compare-why": "api-why-missing",
    "map": "api-map",
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
        """Where everything is."""
        return Response({name: reverse(address, request=request) for name, address in _LISTS.items()})


class Nowhere(APIView):
    """Every address under /api/ that is none."""

    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Answer every method with 404."""
        super().initial(request, *args, **kwargs)
        raise NotFound("There is nothing at this address.")


# Swagger UI writes styles into its page: allowed here, and nowhere else.
@method_decorator(login_required, name="dispatch")
@method_decorator(csp_update({"style-src": [SELF, UNSAFE_INLINE]}), name="dispatch")
class Docs(SpectacularSwaggerSplitView):
    """The schema, to read and to try."""

    url_name = "api-schema"
