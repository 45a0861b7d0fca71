"""Access to other listeners' recommendations."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef

from catalog.models import Listener, PlayCount
from catalog.names import storable

SUGGESTED = 30
"""Most names suggested."""

_NOBODY = (Listener.Origin.IMPORTED, Listener.Origin.SIMULATED)


class NoSuchListenerError(LookupError):
    """The listener does not exist or may not be seen; the message is the same for both."""


def find_listener(viewer: User, name: str) -> User:
    """The listener of this name, if the viewer may see their recommendations.

    Users may see their own and those of imported and simulated listeners without an active account; staff may see all.

    Raises
    ------
    NoSuchListenerError
        If there is no such listener, or the viewer may not see them.
    """
    if not name or name == viewer.get_username():
        return viewer
    listener = User.objects.select_related("listener").filter(username=storable(name)).first()
    if listener is None or not (viewer.is_staff or _is_nobody(listener)):
        raise NoSuchListenerError(f"no listener that you may see is called {name!r}")
    return listener


def example_listener() -> User | None:
    """A listener with plays whom everybody may see, simulated or imported; None where there is none."""
    listeners = Listener.objects.filter(origin__in=_NOBODY, user__is_active=False)
    played = Exists(PlayCount.objects.filter(user=OuterRef("user")))
    found = listeners.filter(played).select_related("user__listener").order_by("pk").first()
    return None if found is None else found.user


def names_like(viewer: User, text: str) -> list[str]:
    """Names of visible listeners that begin with a text, at most `SUGGESTED`."""
    users = User.objects.filter(username__istartswith=storable(text))
    if not viewer.is_staff:
        users = users.filter(listener__origin__in=_NOBODY, is_active=False)
    return list(users.order_by("username").values_list("username", flat=True)[:SUGGESTED])


def _is_nobody(listener: User) -> bool:
    """Whether a listener is imported or simulated, without an active account."""
    about = getattr(listener, "listener", None)
    return about is not None and about.origin in _NOBODY and not listener.is_active
