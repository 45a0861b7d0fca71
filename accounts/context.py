"""What every page may ask without a query of its own."""

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest

from accounts.services.allowances import may_upload


def site(request: HttpRequest) -> dict[str, bool]:
    """Whether strangers may sign up here, and whether this user may upload."""
    # A request refused before the login was looked at has no user.
    user = getattr(request, "user", AnonymousUser())
    return {
        "signup_open": settings.SIGNUP_OPEN,
        "may_upload": may_upload(user),
    }
