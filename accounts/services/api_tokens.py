"""Tokens of the API: each with a name, when it was used last, until when it is good, and whether it only reads."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from ..models import ApiToken

MOST = 50
"""A person may have so many."""

LONGEST_NAME = 60

LONGEST_DAYS = 3650
"""Days for which a token may be good, where it is not good for ever."""

LOGGED_IN = "Logged in by the API"
"""The name of a token that was asked for by name and password, and given none."""

_BYTES = 20
_NOTED_EVERY = timedelta(minutes=1)


class ApiTokenRefused(ValueError):
    """A token cannot be made; the message says why, to be shown."""


def api_tokens_of(user: User) -> QuerySet[ApiToken]:
    """A person's tokens, the newest first."""
    return ApiToken.objects.filter(user=user).order_by("-pk")


@transaction.atomic
def make_api_token(
    user: User, name: str = LOGGED_IN, *, days: int | None = None, read_only: bool = False
) -> tuple[ApiToken, str]:
    """Make a token.

    Parameters
    ----------
    user : User
    name : str
        What it is for.
    days : int, optional
        How long it is good; for ever where left out.
    read_only : bool
        Whether nothing can be changed with it.

    Returns
    -------
    ApiToken
    str
        The token, which cannot be shown again.

    Raises
    ------
    ApiTokenRefused
        If there is no name, it is too long, the days are none, or there are `MOST` already.
    """
    wanted = " ".join("".join(char if char.isprintable() else " " for char in name).split())
    if not wanted:
        raise ApiTokenRefused("Give it a name: that of the program it is for.")
    if len(wanted) > LONGEST_NAME:
        raise ApiTokenRefused(f"A name has at most {LONGEST_NAME} characters.")
    if days is not None and not 1 <= days <= LONGEST_DAYS:
        raise ApiTokenRefused(f"A token is good for 1 to {LONGEST_DAYS} days, or for ever.")
    # One at a time for each person: two requests must not both take the last free place.
    User.objects.select_for_update().get(pk=user.pk)
    own = api_tokens_of(user)
    if own.count() >= MOST:
        # A program that logs in again and again makes itself room, and takes none from tokens with a name.
        by_use = own.filter(name=LOGGED_IN).order_by(F("last_used_at").asc(nulls_first=True), "pk")
        oldest = by_use.first() if wanted == LOGGED_IN else None
        if oldest is None:
            raise ApiTokenRefused(f"There can be {MOST} tokens. Revoke one that you no longer use.")
        oldest.delete()
    token = secrets.token_hex(_BYTES)
    made = ApiToken.objects.create(
        user=user,
        name=wanted,
        digest=digest_of(token),
        read_only=read_only,
        expires_at=None if days is None else timezone.now() + timedelta(days=days),
    )
    return made, token


def revoke_api_token(user: User, pk: int) -> bool:
    """Delete one of a person's tokens; whether there was one."""
    return api_tokens_of(user).filter(pk=pk).delete()[0] > 0


def find_api_token(token: str) -> ApiToken | None:
    """The token that reads so, with its user; also one that is no longer good."""
    return ApiToken.objects.select_related("user").filter(digest=digest_of(token)).first()


def is_expired(row: ApiToken, now: datetime | None = None) -> bool:
    """Whether a token is no longer good."""
    return row.expires_at is not None and row.expires_at <= (now or timezone.now())


def note_use(row: ApiToken) -> None:
    """Keep when a token was used, to the minute."""
    now = timezone.now()
    if row.last_used_at is None or now - row.last_used_at > _NOTED_EVERY:
        ApiToken.objects.filter(pk=row.pk).update(last_used_at=now)


def digest_of(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
