"""Who asks: by an app password, as it is, hashed with a salt or as an API key; or by the account's own password."""

from __future__ import annotations

import binascii
import hashlib
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.core.cache import cache
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts.login_throttle import WINDOW_S, too_many_failures
from accounts.models import AppPassword
from accounts.services.app_passwords import find_app_password, find_by_proof, note_use

from .failures import Code, Failure
from .parameters import Parameters

_LONGEST_PASSWORD = 500
# Checking an account's password takes as long as guessing one should, and a player sends it with every request.
_REMEMBERED_S = 600


@dataclass(frozen=True, slots=True)
class Listener:
    """Who asks, and by which player.

    Attributes
    ----------
    user : User
    player : str
        What the player calls itself, and which of several of that name it is: each has its app password.
    app_password : AppPassword or None
        The one that was used; None for the account's own password.
    """

    user: User
    player: str
    app_password: AppPassword | None


def log_in(request: HttpRequest, parameters: Parameters) -> Listener:
    """The person that a request is of.

    Raises
    ------
    Failure
        If it does not say who asks, or in several ways, or they are not to be believed.
    """
    player = parameters.text("c") or "a player"
    if "apiKey" in parameters:
        return _by_api_key(parameters, player)
    username = parameters.required("u")
    if "p" in parameters and ("t" in parameters or "s" in parameters):
        raise Failure(Code.CONFLICTING_MECHANISMS, "Send either a password, or a token and a salt.")
    if "t" in parameters or "s" in parameters:
        return _by_token(parameters, username, player)
    return _by_password(request, username, _password(parameters), player)


def _by_api_key(parameters: Parameters, player: str) -> Listener:
    if any(name in parameters for name in ("u", "p", "t", "s")):
        raise Failure(Code.CONFLICTING_MECHANISMS, "With an API key goes no username, password or token.")
    row = find_app_password(parameters.text("apiKey", longest=_LONGEST_PASSWORD))
    if row is None:
        raise Failure(Code.INVALID_API_KEY, "This API key is not, or no longer, valid.")
    return _used(row, player)


def _by_token(parameters: Parameters, username: str, player: str) -> Listener:
    token, salt = parameters.required("t").lower(), parameters.required("s")

    def proves(password: str) -> bool:
        # The protocol's own choice of hash; the password is random and long.
        expected = hashlib.md5(f"{password}{salt}".encode(), usedforsecurity=False).hexdigest()
        return constant_time_compare(expected, token)

    row = find_by_proof(username, proves)
    if row is None:
        raise Failure(
            Code.WRONG_CREDENTIALS,
            "Wrong username or password. Tokens work with app passwords only: make one on the page Players.",
        )
    return _used(row, player)


def _by_password(request: HttpRequest, username: str, password: str, player: str) -> Listener:
    row = find_app_password(password)
    if row is not None and row.user.get_username() == username:
        return _used(row, player)
    if not settings.OPENSUBSONIC_ACCOUNT_PASSWORDS:
        raise Failure(
            Code.WRONG_CREDENTIALS,
            "Wrong username or password. Only app passwords work here: make one on the page Players.",
        )
    user = _remembered(username, password)
    if user is None:
        found = authenticate(request, username=username, password=password)
        if not isinstance(found, User):
            if too_many_failures(request, username):
                raise Failure(
                    Code.WRONG_CREDENTIALS, f"Too many failed attempts. Wait {WINDOW_S // 60} minutes and try again."
                )
            raise Failure(Code.WRONG_CREDENTIALS, "Wrong username or password.")
        user = found
        cache.set(_key(user, password), True, _REMEMBERED_S)
    return Listener(user, player, None)


def _used(row: AppPassword, player: str) -> Listener:
    note_use(row)
    # Two phones with the same player are two: what one plays does not end what the other does.
    named = row.name if player.casefold() in row.name.casefold() else f"{player} ({row.name})"
    return Listener(row.user, named, row)


def _remembered(username: str, password: str) -> User | None:
    """The active person whose password was found to be this one lately."""
    user = User.objects.filter(username=username, is_active=True).first()
    return user if user is not None and cache.get(_key(user, password)) else None


def _key(user: User, password: str) -> str:
    """What a right password is remembered by: nothing of it can be read back, and a new one has another key."""
    proof = salted_hmac("opensubsonic.password", f"{user.pk}\n{user.password}\n{password}", algorithm="sha256")
    return f"opensubsonic:password:{proof.hexdigest()}"


def _password(parameters: Parameters) -> str:
    password = parameters.required("p", _LONGEST_PASSWORD)
    if not password.startswith("enc:"):
        return password
    try:
        return binascii.unhexlify(password.removeprefix("enc:")).decode()
    except ValueError:
        raise Failure(Code.WRONG_CREDENTIALS, "Wrong username or password.") from None
