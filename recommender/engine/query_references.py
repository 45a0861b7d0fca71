"""Finds "like NAME" in a typed query: songs like Enya, something like Exodus but calmer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_LIKE = re.compile(
    r"(?:^|(?P<before>.*?)\b(?:songs?|music|tracks?|tunes?|stuff|something|anything|more|artists?|bands?|sounds?|sounding|"
    r"lieder|musik|etwas|canciones|m[uú]sica|algo|chansons?|musique|quelque chose)\s+)"
    r"(?:similar to|in the style of|like|[äa]hnlich wie|so wie|wie|como|comme)\s+(?P<after>\S.*)$",
    re.IGNORECASE | re.DOTALL,
)
_MOST_WORDS = 8


class Reference(NamedTuple):
    """A reading of a query that names what music should be like.

    Attributes
    ----------
    name : str
        What may be an artist or a title.
    rest : str
        The other words of the query.
    """

    name: str
    rest: str


def references(text: str) -> Iterator[Reference]:
    """The readings of a query with "like", those with the longest names first; none without "like".

    Examples
    --------
    >>> next(references("songs like Enya"))
    Reference(name='Enya', rest='')
    >>> list(references("calm music like Exodus but slower"))[-1]
    Reference(name='Exodus', rest='calm, but slower')
    """
    found = _LIKE.match(text.strip())
    if found is None:
        return
    before = (found["before"] or "").strip()
    words = found["after"].split()
    for length in range(min(len(words), _MOST_WORDS), 0, -1):
        name = " ".join(words[:length]).strip(" ,;.!?")
        after = " ".join(words[length:])
        if name:
            yield Reference(name, ", ".join(filter(None, [before, after])))
