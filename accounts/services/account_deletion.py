"""Account deletion: all data of the person is deleted, and what others see stays."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

_READ_AT_ONCE = 1000

Clear: TypeAlias = Callable[[User], None]

_clearers: list[Clear] = []


def before_deletion(clear: Clear) -> Clear:
    """Register a function that clears what an app knows of a person beyond rows that cascade with their account.

    It is called inside the transaction that deletes the account, while the account is still there.
    """
    _clearers.append(clear)
    return clear


class LastAdminError(ValueError):
    """Without this account nobody could look after the site."""


@transaction.atomic
def delete_account(user: User) -> None:
    """Delete an account with its ratings, plays and other rows, and end its sessions and tokens.

    Ratings, plays, nudges, refusals and all other rows of a person cascade; what apps keep of them elsewhere is
    cleared by the functions registered with `before_deletion`.

    Raises
    ------
    LastAdminError
        If this is the only admin.
    """
    if user.is_superuser:
        # Locked, so that the last two cannot leave at the same moment.
        list(_admins().select_for_update())
    if last_admin(user):
        raise LastAdminError(
            "You are the only admin here. Make somebody else an admin first, on the dashboard: without one, "
            "nobody could look after this site."
        )
    for clear in _clearers:
        clear(user)
    _end_sessions(user)
    user.delete()


def last_admin(user: User, deleted_too: Iterable[User] = ()) -> bool:
    """Whether no active admin would be left after deleting a user, together with `deleted_too`."""
    return user.is_superuser and not _admins().exclude(pk__in={user.pk, *(other.pk for other in deleted_too)}).exists()


def _admins() -> QuerySet[User]:
    return User.objects.filter(is_superuser=True, is_active=True)


def _end_sessions(user: User) -> None:
    """Delete the sessions of a person: whose one is, stands inside it."""
    theirs = [
        session.pk
        for session in Session.objects.filter(expire_date__gte=timezone.now()).iterator(_READ_AT_ONCE)
        if session.get_decoded().get("_auth_user_id") == str(user.pk)
    ]
    Session.objects.filter(pk__in=theirs).delete()
