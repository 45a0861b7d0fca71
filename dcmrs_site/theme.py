"""Light or dark: the device's setting or the user's choice, kept in a cookie so that the first paint is right."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from catalog.http import bad_request

COOKIE = "theme"
CHOSEN = ("light", "dark")
SYSTEM = "system"
# The longest that browsers keep a cookie.
_KEPT_S = 400 * 24 * 3600


class Theme:
    """Lays the chosen theme beside the request, for templates: `request.theme`, empty for what the system says."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Set `request.theme`, and let pages vary by the cookie."""
        asked = request.COOKIES.get(COOKIE, "")
        request.theme = asked if asked in CHOSEN else ""  # type: ignore[attr-defined]
        response = self.get_response(request)
        if response.headers.get("Content-Type", "").startswith("text/html"):
            patch_vary_headers(response, ["Cookie"])
        return response


@login_not_required
@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Keep `theme`: light, dark, or system; back to where it was chosen."""
    chosen = request.POST.get("theme", "")
    if chosen not in (*CHOSEN, SYSTEM):
        return bad_request("theme is light, dark or system.")
    response: HttpResponse = HttpResponse(status=204)
    if "HX-Request" not in request.headers:
        back = request.headers.get("Referer", "")
        safe = url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure())
        response = redirect(back if safe else settings.LOGIN_REDIRECT_URL)
    if chosen == SYSTEM:
        response.delete_cookie(COOKIE, samesite="Lax")
    else:
        response.set_cookie(COOKIE, chosen, _KEPT_S, secure=settings.HTTPS, httponly=True, samesite="Lax")
    return response
