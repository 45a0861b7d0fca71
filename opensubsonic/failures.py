"""What can go wrong, by the numbers of the protocol."""

from __future__ import annotations

from enum import IntEnum


class Code(IntEnum):
    """The protocol's numbers of errors."""

    GENERIC = 0
    PARAMETER_MISSING = 10
    CLIENT_TOO_OLD = 20
    SERVER_TOO_OLD = 30
    WRONG_CREDENTIALS = 40
    TOKEN_NOT_SUPPORTED = 41
    MECHANISM_NOT_SUPPORTED = 42
    CONFLICTING_MECHANISMS = 43
    INVALID_API_KEY = 44
    NOT_AUTHORIZED = 50
    NOT_FOUND = 70


class Failure(Exception):
    """A request that cannot be answered; the message is for the person in front of the player.

    Parameters
    ----------
    code : Code
    message : str
    """

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def not_found(thing: str) -> Failure:
    """There is no such thing here, or it is another person's."""
    return Failure(Code.NOT_FOUND, f"There is no such {thing} here.")
