"""Whose recommendations somebody may look at besides their own."""

from __future__ import annotations

from django.contrib.auth.models import User

from catalog.models import Listener
from catalog.names import storable

SUGGESTED = 30
"""Names that are suggested at once."""

_NOBODY = (Listener.Origin.IMPORTED, Listener.Origin.SIMULATED)


class NoSuchListenerError(LookupError):
    """No listener is called so, or it is somebody else's business who they are: the same words for both."""


def find_listener(viewer: User, name: str) -> User:
    """The listener of this name, if the one who asks may see what they are recommended.

    Everybody may see their own, and that of listeners who came with an import or are simulated; staff may see all.
    An imported listener whose account is in use is a person like all others.

    Raises
    ------
    NoSuchListenerError
        If there is nobody of this name to be seen.
    """
    if not name or name == viewer.get_username():
        return viewer
    listener = User.objects.select_related("listener").filter(username=storable(name)).first()
    if listener is None or not (viewer.is_staff or _is_nobody(listener)):
        raise NoSuchListenerError(f"no listener that you may see is called {name!r}")
    return listener


def names_like(viewer: User, text: str) -> list[str]:
    """The names of listeners that a user may see and that begin with a text, some of them."""
    users = User.objects.filter(username__istartswith=storable(text))
    if not viewer.is_staff:
        users = users.filter(listener__origin__in=_NOBODY, is_active=False)
    return list(users.order_by("username").values_list("username", flat=True)[:SUGGESTED])


def _is_nobody(listener: User) -> bool:
    """Whether there is no person behind a listener."""
    about = getattr(listener, "listener", None)
    return about is not None and about.origin in _NOBODY and not listener.is_active
