"""App passwords: long random passwords that a person makes, one for each player or other program.

Each is shown once. It is kept encrypted by Fernet under a key derived from `SECRET_KEY`, and found by a keyed digest,
so that a copy of the database alone gives nobody a password. Keys of `SECRET_KEY_FALLBACKS` still read what they wrote.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable
from datetime import timedelta
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from ..models import AppPassword

MOST = 50
"""A person may have so many."""

LENGTH = 26
"""Characters of a password: with 32 to choose from, 130 bits."""

LONGEST_NAME = 60

# Without l and o, 0 and 1: some are typed on a television.
_CHARACTERS = "abcdefghijkmnpqrstuvwxyz23456789"
_NOTED_EVERY = timedelta(minutes=1)


class AppPasswordRefused(ValueError):
    """A password cannot be made; the message says why, to be shown."""


def app_passwords_of(user: User) -> QuerySet[AppPassword]:
    """A person's app passwords, the newest first."""
    return AppPassword.objects.filter(user=user).order_by("-pk")


@transaction.atomic
def make_app_password(user: User, name: str) -> tuple[AppPassword, str]:
    """Make an app password.

    Returns
    -------
    AppPassword
    str
        The password, which cannot be shown again.

    Raises
    ------
    AppPasswordRefused
        If there is no name, it is too long or taken, or there are `MOST` already.
    """
    wanted = " ".join("".join(char if char.isprintable() else " " for char in name).split())
    if not wanted:
        raise AppPasswordRefused("Give it a name: that of the player or program it is for.")
    if len(wanted) > LONGEST_NAME:
        raise AppPasswordRefused(f"A name has at most {LONGEST_NAME} characters.")
    # One at a time for each person: two requests must not both take the last free place, or the same name.
    User.objects.select_for_update().get(pk=user.pk)
    names = set(app_passwords_of(user).values_list("name", flat=True))
    if wanted in names:
        raise AppPasswordRefused(f"There is one called {wanted} already. Revoke it, or choose another name.")
    if len(names) >= MOST:
        raise AppPasswordRefused(f"There can be {MOST} app passwords. Revoke one that you no longer use.")
    password = "".join(secrets.choice(_CHARACTERS) for _ in range(LENGTH))
    made = AppPassword.objects.create(
        user=user,
        name=wanted,
        digest=_digest(settings.SECRET_KEY, password),
        secret=_fernet(*_secret_keys()).encrypt(password.encode()).decode(),
    )
    return made, password


def revoke_app_password(user: User, pk: int) -> bool:
    """Delete one of a person's app passwords; whether there was one."""
    return app_passwords_of(user).filter(pk=pk).delete()[0] > 0


def find_app_password(password: str) -> AppPassword | None:
    """The app password that reads so, with its user, if they are active."""
    digests = [_digest(key, password) for key in _secret_keys()]
    return (
        AppPassword.objects.select_related("user")
        .filter(digest__in=digests, user__is_active=True)
        .defer("secret")
        .first()
    )


def find_by_proof(username: str, proves: Callable[[str], bool]) -> AppPassword | None:
    """The app password of an active person for which a proof holds, such as a hash that was sent in its place.

    Parameters
    ----------
    username : str
    proves : callable
        Told each password; it compares in constant time.
    """
    found = None
    for row in AppPassword.objects.select_related("user").filter(user__username=username, user__is_active=True):
        password = _decrypted(row)
        # All are looked at, so that the time says nothing of which it was.
        if password is not None and proves(password) and found is None:
            found = row
    return found


def note_use(row: AppPassword) -> None:
    """Keep when an app password was used, to the minute."""
    now = timezone.now()
    if row.last_used_at is None or now - row.last_used_at > _NOTED_EVERY:
        AppPassword.objects.filter(pk=row.pk).update(last_used_at=now)


def _decrypted(row: AppPassword) -> str | None:
    """The password; None where it was written under a key that is gone."""
    try:
        return _fernet(*_secret_keys()).decrypt(row.secret.encode()).decode()
    except InvalidToken:
        return None


def _secret_keys() -> tuple[str, ...]:
    return (settings.SECRET_KEY, *(str(key) for key in settings.SECRET_KEY_FALLBACKS))


@lru_cache(maxsize=4)
def _fernet(*secret_keys: str) -> MultiFernet:
    return MultiFernet([Fernet(base64.urlsafe_b64encode(_derived(key, b"encryption"))) for key in secret_keys])


@lru_cache(maxsize=16)
def _derived(secret_key: str, purpose: bytes) -> bytes:
    """32 bytes for one purpose (RFC 5869)."""
    kdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"dcmrs app passwords: " + purpose)
    return kdf.derive(secret_key.encode())


def _digest(secret_key: str, password: str) -> str:
    key = _derived(secret_key, b"digest")
    return hmac.new(key, password.encode(errors="replace"), hashlib.sha256).hexdigest()
