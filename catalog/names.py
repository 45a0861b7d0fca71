"""One spelling for names that mean the same: the keys that songs and labels are found by."""

import re
import unicodedata

_BRACKETED = re.compile(r"[(\[][^)\]]*\b(remaster(ed)?|feat|ft|featuring|explicit|bonus track)\b[^)\]]*[)\]]", re.I)
_FEATURING = re.compile(r"\s+(feat|ft|featuring)\b\.?\s.*$", re.I)
_DASHED = re.compile(r"\s+-\s+(\d{4}\s+)?remaster(ed)?(\s+\d{4})?\s*$", re.I)
_NOT_WORD = re.compile(r"[^\w]+|_")
_NOT_STORABLE = re.compile("[\0\ud800-\udfff]")


def storable(text: str) -> str:
    """The text without what no database takes: the NUL character, halves of surrogate pairs."""
    return _NOT_STORABLE.sub("", text)


def _fold(text: str) -> str:
    """Lower case, without accents, every run of anything but letters and digits one space."""
    decomposed = unicodedata.normalize("NFKD", text)
    bare = "".join(char for char in decomposed if not unicodedata.combining(char))
    return _NOT_WORD.sub(" ", bare.casefold()).strip()


def _signs(text: str) -> str:
    """The key of what has neither letters nor digits."""
    return " ".join(storable(text).casefold().split())


def label_key(name: str) -> str:
    """The key of a label: `Hip-Hop`, `hip hop` and `HIP_HOP` are one.

    Raises
    ------
    ValueError
        If nothing is left of the name.
    """
    # A name of signs alone ("!!!") is still a name.
    key = _fold(name) or _signs(name)
    if not key:
        raise ValueError("a label needs a name")
    return key[:100]


def artist_key(name: str) -> str:
    """The key an artist is grouped and matched by; empty for an unknown artist."""
    folded = _fold(_FEATURING.sub("", name.replace("&", " and "))) or _signs(name)
    return folded.removeprefix("the ")[:200]


def title_key(title: str) -> str:
    """The key a title is matched by: guests and notes on the mastering do not make another song."""
    plain = _FEATURING.sub("", _DASHED.sub("", _BRACKETED.sub("", title)))
    return (_fold(plain) or _signs(title))[:300]
