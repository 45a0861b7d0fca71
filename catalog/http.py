"""What views of every app do with requests: read ids from them, and refuse what is wrong with them."""

from django.http import HttpResponse
from django.urls.converters import IntConverter

LARGEST_ID = 2**63 - 1
"""The largest primary key that a database can hold."""

_MOST_DIGITS = len(str(LARGEST_ID))


def plain_text(text: str, status: int = 200) -> HttpResponse:
    """Answer with a sentence as plain text."""
    return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")


def bad_request(reason: str) -> HttpResponse:
    """Refuse a request: status 400, with what is wrong with it as plain text."""
    return plain_text(reason, 400)


def parse_id(text: str) -> int:
    """The primary key that a request names.

    Parameters
    ----------
    text : str
        Decimal digits, leading zeros allowed.

    Returns
    -------
    int
        From 0, which no row has, to `LARGEST_ID`.

    Raises
    ------
    ValueError
        If it is no number, or one that no database can hold.
    """
    digits = text.lstrip("0") or text[-1:]
    # `int` takes digits of every script, and time that grows with the square of their number.
    if not digits.isascii() or not digits.isdigit() or len(digits) > _MOST_DIGITS or int(digits) > LARGEST_ID:
        raise ValueError(f"{text[:20]!r} is no id")
    return int(digits)


class IdConverter(IntConverter):
    """An id in a path; one that no database can hold matches no URL."""

    def to_python(self, value: str) -> int:
        """Parse the part of the path."""
        return parse_id(value)
