"""What a request says, in its address and in a form: read within limits, refused with the protocol's errors."""

from __future__ import annotations

import math
import re
from urllib.parse import parse_qsl

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest

from catalog.names import storable

from . import ids
from .failures import Code, Failure, not_found
from .ids import Id

MOST_PARAMETERS = 10_000
"""Of one request: a queue of thousands is sent with a parameter for each song."""

LONGEST_TEXT = 1000
"""Characters of a single value."""

LARGEST_NUMBER = 10**15
"""Of any number that a request says; larger ones are refused."""

_WHOLE = re.compile(r"[-+]?\d{1,16}", re.ASCII)
_DECIMAL = re.compile(r"[-+]?\d{1,16}(\.\d{0,16})?", re.ASCII)
_TRUE, _FALSE = frozenset({"true", "1", "yes", "on"}), frozenset({"false", "0", "no", "off", ""})


class Parameters:
    """Names with their values, in order; a name may stand several times."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def text(self, name: str, default: str = "", longest: int = LONGEST_TEXT) -> str:
        """The first value of a name, without what no database takes.

        Raises
        ------
        Failure
            If it is longer than `longest`.
        """
        text = storable(self._values.get(name, [default])[0])
        if len(text) > longest:
            raise Failure(Code.GENERIC, f"{name} has at most {longest} characters.")
        return text

    def required(self, name: str, longest: int = LONGEST_TEXT) -> str:
        """The first value of a name.

        Raises
        ------
        Failure
            If there is none, or it is empty.
        """
        text = self.text(name, longest=longest)
        if not text:
            raise _missing(name)
        return text

    def several(self, name: str, most: int, longest: int = LONGEST_TEXT) -> list[str]:
        """All values of a name, in order.

        Raises
        ------
        Failure
            If there are more than `most`, or one is longer than `longest`.
        """
        values = self._values.get(name, [])
        if len(values) > most:
            raise Failure(Code.GENERIC, f"{name} can stand {most} times, not {len(values)}.")
        if any(len(value) > longest for value in values):
            raise Failure(Code.GENERIC, f"{name} has at most {longest} characters.")
        return [storable(value) for value in values]

    def number(self, name: str, default: int, lowest: int = 0, highest: int = LARGEST_NUMBER) -> int:
        """A whole number, brought between `lowest` and `highest`.

        Raises
        ------
        Failure
            If it is none, or larger than any that means something.
        """
        text = self.text(name).strip()
        return default if not text else min(max(_whole(name, text), lowest), highest)

    def required_number(self, name: str, lowest: int = 0, highest: int = LARGEST_NUMBER) -> int:
        """As `number`, of what has to be said; out of bounds is refused.

        Raises
        ------
        Failure
            If it is missing, no number, or out of bounds.
        """
        number = _whole(name, self.required(name).strip())
        if not lowest <= number <= highest:
            raise Failure(Code.GENERIC, f"{name} goes from {lowest} to {highest}.")
        return number

    def numbers(self, name: str, most: int) -> list[int]:
        """All values of a name as whole numbers.

        Raises
        ------
        Failure
            If there are more than `most`, or one is none.
        """
        return [_whole(name, text.strip()) for text in self.several(name, most)]

    def decimal(self, name: str, default: float, lowest: float, highest: float) -> float:
        """A number with a point, brought between `lowest` and `highest`.

        Raises
        ------
        Failure
            If it is none.
        """
        text = self.text(name).strip()
        if not text:
            return default
        if not _DECIMAL.fullmatch(text) or not math.isfinite(float(text)):
            raise Failure(Code.GENERIC, f"{name} is a number.")
        return min(max(float(text), lowest), highest)

    def truth(self, name: str, default: bool = False) -> bool:
        """True or false.

        Raises
        ------
        Failure
            If it is neither.
        """
        if name not in self._values:
            return default
        text = self.text(name).strip().casefold()
        if text not in _TRUE | _FALSE:
            raise Failure(Code.GENERIC, f"{name} is true or false.")
        return text in _TRUE

    def id(self, name: str, *kinds: str) -> Id:
        """The id of something of one of the kinds.

        Raises
        ------
        Failure
            If it is missing, or no such id.
        """
        return as_id(self.required(name), *kinds)

    def ids(self, name: str, most: int, *kinds: str) -> list[Id]:
        """All ids under a name.

        Raises
        ------
        Failure
            If there are more than `most`, or one is no such id.
        """
        return [as_id(text, *kinds) for text in self.several(name, most)]


_THINGS = {
    ids.SONG: "song",
    ids.ALBUM: "album",
    ids.ARTIST: "artist",
    ids.PLAYLIST: "playlist",
    ids.DAILY_LIST: "playlist",
}


def as_id(text: str, *kinds: str) -> Id:
    """The id that a text is.

    Raises
    ------
    Failure
        If it is none of one of the kinds.
    """
    found = ids.parse_id(text)
    if found is None or found.kind not in kinds:
        raise not_found(_THINGS[kinds[0]])
    return found


def read_parameters(request: HttpRequest) -> Parameters:
    """The parameters of an address, and of a form that was posted.

    Raises
    ------
    Failure
        If there are too many, or the form is too large.
    """
    # Not by Django's own reading, whose limit of a thousand fields would answer with a page.
    # WSGI gives the bytes of the address as Latin-1.
    sources = [request.META.get("QUERY_STRING", "").encode("latin-1", "replace").decode(errors="replace")]
    try:
        if request.method == "POST" and request.content_type == "application/x-www-form-urlencoded":
            sources.append(request.body.decode(errors="replace"))
        pairs = [
            pair for text in sources for pair in parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_PARAMETERS)
        ]
    except RequestDataTooBig:
        raise Failure(Code.GENERIC, "The request is too large.") from None
    except ValueError:
        raise Failure(Code.GENERIC, f"A request has at most {MOST_PARAMETERS} parameters.") from None
    return Parameters(pairs)


def _whole(name: str, text: str) -> int:
    if not _WHOLE.fullmatch(text) or abs(int(text)) > LARGEST_NUMBER:
        raise Failure(Code.GENERIC, f"{name} is a whole number.")
    return int(text)


def _missing(name: str) -> Failure:
    return Failure(Code.PARAMETER_MISSING, f"The parameter {name} is missing.")
