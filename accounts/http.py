"""Requests as the views of this site get them."""

from django.contrib.auth.models import User
from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails


class ListenerRequest(HttpRequest):
    """A request past the login (`LoginRequiredMiddleware`): its user is a person with an account."""

    user: User
    htmx: HtmxDetails
