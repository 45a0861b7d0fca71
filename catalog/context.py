"""What every page may ask without a query of its own."""

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, bool]:
    """Whether strangers may sign up here, and whether this user may upload."""
    user = request.user
    return {
        "signup_open": settings.SIGNUP_OPEN,
        "may_upload": user.is_authenticated and (settings.UPLOAD_OPEN or user.is_staff),
    }
