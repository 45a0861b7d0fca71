"""One spelling for names that mean the same: the keys that songs and labels are found by."""

import re
import unicodedata

# What does not make another recording, and what does: a live version stays one, however it was mastered.
_MASTERING = re.compile(
    r"\b(((19|20)\d\d\s+)?(digital(ly)?\s+)?remaster(ed)?|explicit|bonus track)\b(\s+version)?(\s+(19|20)\d\d)?\b", re.I
)
_GUESTS = re.compile(r"\b(feat|ft|featuring)\b.*$", re.I)
_VERSION = re.compile(
    r"\b(live|acoustic|unplugged|demo|instrumental|karaoke|a cappella|remix|mix|edit|dub|mono|version|session|rehearsal"
    r"|reprise|orchestral)\b",
    re.I,
)
_VERSION_AFTER_GUESTS = re.compile(
    r"\b(live|acoustic|unplugged|demo|instrumental|karaoke|remix|version|reprise)\b", re.I
)
_BRACKETED = re.compile(r"[(\[]([^()\[\]]*)[)\]]")
_DASHED = re.compile(
    r"\s+[-\u2013\u2014/]\s+(\d{4}\s+)?(digital(ly)?\s+)?remaster(ed)?(\s+version)?(\s+\d{4})?\s*$", re.I
)
_FEATURING = re.compile(r"\s+(feat|ft|featuring)\b\.?\s.*?(?=\s+[-\u2013\u2014]\s|\s*[(\[]|$)", re.I)
_FEATURED = re.compile(r"\s+[(\[]?(feat|ft|featuring)\b\.?\s.*$", re.I)
_THE_LAST = re.compile(r"^(.+),\s*the$", re.I)
_NOT_WORD = re.compile(r"[^\w]+|_")
_APOSTROPHES = re.compile("['\u2018\u2019\u02bc`\u00b4]")
_NOT_STORABLE = re.compile("[\0\ud800-\udfff]")
# Letters that Unicode does not take for others with an accent.
_LETTERS = str.maketrans(
    {"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "\u0131": "i", "ħ": "h"}
)


def storable(text: str) -> str:
    """The text without what no database takes: the NUL character, halves of surrogate pairs."""
    return _NOT_STORABLE.sub("", text)


def _fold(text: str) -> str:
    """Lower case, without accents, every run of anything but letters and digits one space."""
    if text.isascii():
        return _NOT_WORD.sub(" ", text.lower()).strip()
    decomposed = unicodedata.normalize("NFKD", text)
    bare = "".join(char for char in decomposed if not unicodedata.combining(char))
    return _NOT_WORD.sub(" ", bare.casefold().translate(_LETTERS)).strip()


def _fold_name(text: str) -> str:
    """As `_fold`; an apostrophe is no gap, and `&` is a word."""
    return _fold(_APOSTROPHES.sub("", text).replace("&", " and "))


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
    folded = _fold_name(_FEATURED.sub("", _THE_LAST.sub(r"\1", name.strip()))) or _signs(name)
    return folded.removeprefix("the ")[:200].strip()


def title_key(title: str) -> str:
    """The key a title is matched by: guests and notes on the mastering do not make another song, a version does."""
    plain = _DASHED.sub("", _BRACKETED.sub(_of_bracket, title))
    plain = _FEATURING.sub(_of_guests, plain)
    return (_fold_name(plain) or _fold_name(title) or _signs(title))[:300].strip()


def search_words(text: str) -> list[str]:
    """The words of a title, or of what somebody types to find it: lower case, without accents and signs."""
    return (_fold_name(text) or _signs(text)).split()


def _of_bracket(match: re.Match[str]) -> str:
    """What a bracket says of the recording: nothing of `(feat. Dido)` and `(2011 Remaster)`, all of `(Live)`."""
    note = match[1]
    guests, mastered = _GUESTS.search(note), _MASTERING.search(note)
    if guests and not _VERSION_AFTER_GUESTS.search(_MASTERING.sub("", guests[0])):
        note = note[: guests.start()]
    if mastered:
        note = _MASTERING.sub("", note)
    return f"({note})" if _VERSION.search(note) or not (guests or mastered) else ""


def _of_guests(match: re.Match[str]) -> str:
    # "Song feat. X Live": where the guests end is not to be seen, so it is not taken for the song.
    return match[0] if _VERSION_AFTER_GUESTS.search(match[0]) else ""
