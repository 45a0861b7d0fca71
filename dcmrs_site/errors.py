"""Answers to requests that went wrong where no view can say so: pages that need no user and no database."""

from __future__ import annotations

import sys

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.views.decorators.csrf import requires_csrf_token

from .trouble import trouble_of


def _page(request: HttpRequest, name: str, status: int) -> HttpResponse:
    # No context processors: one of them may be what broke.
    return HttpResponse(render_to_string(name, {"request": request}), status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001
    """400: the address or the form holds what makes no sense here."""
    return _page(request, "400.html", 400)


def server_error(request: HttpRequest) -> HttpResponse:
    """500: something broke; 507 or 503 where the machine lacks room, rights or memory."""
    trouble = trouble_of(sys.exc_info()[1])
    if request.path_info.startswith("/api/"):
        detail = "Something broke here; the server's log says what." if trouble is None else trouble.sentence
        return JsonResponse({"detail": detail}, status=500 if trouble is None else trouble.status)
    if trouble is None:
        return _page(request, "500.html", 500)
    page = render_to_string("507.html", {"request": request, "trouble": trouble})
    return HttpResponse(page, status=trouble.status)


@requires_csrf_token
def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001
    """403: the form is older than the session, or comes from another site."""
    return _page(request, "403_csrf.html", 403)
