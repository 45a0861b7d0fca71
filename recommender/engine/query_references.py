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
_NEWER = "newer|later|more recent|more modern|neuer|moderner|m[aá]s nuev[oa]|m[aá]s reciente|plus r[eé]cente?"
_OLDER = "older|earlier|[aä]lter|fr[uü]her|m[aá]s antigu[oa]|m[aá]s viej[oa]|plus ancienn?e?|plus vieux"
_COMPARED = re.compile(rf"\b(?:(?P<newer>{_NEWER})|(?P<older>{_OLDER}))\b", re.IGNORECASE)


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


class Compared(NamedTuple):
    """What a query with "like" says of years: that music should be newer than what it names, or older.

    Attributes
    ----------
    word : str
        As typed.
    newer : bool
    rest : str
        The other words.
    """

    word: str
    newer: bool
    rest: str


def compared_by_year(rest: str) -> Compared | None:
    """The comparison by year in a text; None where there is none.

    Examples
    --------
    >>> compared_by_year("but newer, calm")
    Compared(word='newer', newer=True, rest='but , calm')
    """
    found = _COMPARED.search(rest)
    if found is None:
        return None
    return Compared(found[0], found["newer"] is not None, rest[: found.start()] + rest[found.end() :])
