"""What every page may ask without a query of its own."""

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, bool]:
    """Whether strangers may sign up here, and whether this user may upload."""
    # A request refused before the login was looked at has no user.
    user = getattr(request, "user", AnonymousUser())
    return {
        "signup_open": settings.SIGNUP_OPEN,
        "may_upload": user.is_authenticated and (settings.UPLOAD_OPEN or user.is_staff),
    }
