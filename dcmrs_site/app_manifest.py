"""What a phone or desktop is told that installs the site as an app: https://www.w3.org/TR/appmanifest/."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from .app_icons import ICONS

_GROUND = "#faf9f6"


# Browsers ask for it without cookies, and nothing in it is anybody's.
@login_not_required
@require_safe
@cache_control(public=True, max_age=3600)
def app_manifest(request: HttpRequest) -> JsonResponse:  # noqa: ARG001
    """The app: its name, its first page and its pictures."""
    about = {
        "id": "/",
        "name": "DCMRS",
        "short_name": "DCMRS",
        "description": "Your music, and what to hear next.",
        "start_url": reverse("for_you"),
        "scope": "/",
        "display": "standalone",
        "background_color": _GROUND,
        "theme_color": _GROUND,
        "categories": ["music"],
        "icons": [
            {
                "src": static(f"icons/{icon.name}"),
                "sizes": f"{icon.size}x{icon.size}",
                "type": "image/png",
                "purpose": icon.purpose,
            }
            for icon in ICONS
            if icon.purpose != "opaque"
        ],
        "shortcuts": [
            {"name": "Find", "url": reverse("find")},
            {"name": "Library", "url": reverse("library")},
            {"name": "Mood", "url": reverse("mood")},
        ],
    }
    return JsonResponse(about, content_type="application/manifest+json")
