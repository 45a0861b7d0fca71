"""One spelling for names that mean the same: the keys that songs and labels are found by."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable

APOSTROPHES = (
    "'`\u00b4\u02b9\u02bb\u02bc\u02bd\u02be\u02bf\u02c8\u02ca\u02cb\u055a\u05f3\u1fbd\u1fbf\u2018\u2019\u201b"
    "\u2032\u2035\ua78b\ua78c\uff07\uff40"
)
"""Every sign that is written for an apostrophe: none of them is a gap between words."""

# What does not make another recording, and what does: a live version stays one, however it was mastered.
_MASTERING = re.compile(
    r"\b(((19|20)\d\d\s+)?(digital(ly)?\s+)?remaster(ed)?|explicit|bonus track)\b(\s+version)?(\s+(19|20)\d\d)?\b", re.I
)
# "10 Ft. Tall" and "Six Ft. Under" are lengths, and have no guest; "Maroon 5 ft. Wiz Khalifa" has one.
_MEASURED = r"\.?\s+(?:tall|high|deep|under|long|wide|down|away|above|below|up|off|apart|from|of|in)\b"
_FEAT = rf"(?:feat|featuring|(?<!^\d )(?<!^\d\d )(?<!^\d\d\d )(?<![(\[]\d )(?<![(\[]\d\d )ft(?!{_MEASURED}))"
_GUESTS = re.compile(rf"\b{_FEAT}\b.*$", re.I)
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
_FEATURING = re.compile(rf"\s+{_FEAT}\b\.?\s.*?(?=\s+[-\u2013\u2014]\s|\s*[(\[]|$)", re.I)
_FEATURED = re.compile(rf"\s+[(\[]?{_FEAT}\b\.?\s.*$", re.I)
# What stands between the artists of a song; the signs of the first group need no gap around them.
_JOINER = re.compile(rf"\s*[;,\0]\s*|\s+(?:[&+/]|and|with|x|\u00d7|vs\.?)\s+|\s+[(\[]?{_FEAT}\b\.?\s+|\s*&\s*", re.I)
_GUEST_JOINER = re.compile(rf"\s+[(\[]?{_FEAT}\b\.?\s+", re.I)
_JOINING_WORDS = frozenset({"and", "x", "with"})
JOINING_WORDS = _JOINING_WORDS | {"feat", "featuring", "ft", "vs"}
"""Words that stand between artists, as `search_words` gives them: a song may list its artists without them."""
_THE_LAST = re.compile(r"^(.+),\s*the$", re.I)
_NOT_ASCII_WORD = re.compile(r"[^\w]+|_")
_APOSTROPHES = re.compile(f"[{APOSTROPHES}]")
_NO_PLURALS = frozenset({"blue", "blues", "bras", "classic", "classics", "news", "series"})
_NOT_STORABLE = re.compile("[\0\ud800-\udfff]")
# Letters that Unicode does not take for others with an accent.
_LETTERS = str.maketrans(
    {"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "\u0131": "i", "ħ": "h"}
)


def _marks() -> str:
    """The signs that belong to a letter before them, as a part of a class of a regular expression."""
    marks = [code for code in range(0x300, 0x10000) if unicodedata.category(chr(code))[0] == "M"]
    return re.escape("".join(map(chr, marks))) + "\U00011000-\U000110ba\U00011100-\U00011146\U0001e130-\U0001e136"


MARKS = _marks()
"""Vowels, tones and voicing that are written as signs at a letter: parts of words in most scripts."""

_NOT_WORD = re.compile(rf"[^\w{MARKS}]+|_")
# Letters of these scripts are the same with a mark and without: Latin, Greek and Cyrillic with their extensions.
_ACCENTED = re.compile(
    "[\0-\u052f\u1c80-\u1c8f\u1d00-\u1dbf\u1e00-\u1fff\u2c60-\u2c7f\ua640-\ua69f\ua720-\ua7ff\uab30-\uab6f]"
)
# The points of Hebrew and Arabic, which are written or left out, with the stroke that only makes an Arabic word longer;
# signs without a width, and those that choose between forms of the same letter.
_OPTIONAL = re.compile(
    "[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u0652\u0656-\u065f\u0670"
    "\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed\u08d3-\u08ff\u00ad\u200b-\u200f\u2060\ufe00-\ufe0f\ufeff]"
)
_MARKED = re.compile(f"([^{MARKS}])([{MARKS}]+)")
# Scripts that put no gap between words: Thai, Lao, Burmese, Khmer, kana, Bopomofo, Han; and Hangul, which puts none
# between the parts of a word, each of them a syllable or two.
_WITHOUT_GAPS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3100-\u312f\u31f0-\u31ff\u3400-\u4dbf"
    "\u4e00-\u9fff\uac00-\ud7af\U00020000-\U0003ffff]"
)


def storable(text: str) -> str:
    """The text without what no database takes: the NUL character, halves of surrogate pairs."""
    return _NOT_STORABLE.sub("", text)


def chosen_name(text: str, thing: str, longest: int, refused: type[ValueError]) -> str:
    """The name that a listener gives to something of theirs, spaces put right.

    Parameters
    ----------
    text : str
        As it was typed.
    thing : str
        What it names, for the refusal.
    longest : int
        Characters.
    refused : subclass of ValueError
        What to raise; the message is shown to the listener.

    Raises
    ------
    ValueError
        `refused`, if nothing is left of the name, or it is too long.
    """
    name = " ".join(storable(text).split())
    if not name:
        raise refused(f"A {thing} needs a name.")
    if len(name) > longest:
        raise refused(f"A {thing}'s name has at most {longest} characters.")
    return name


def _fold(text: str) -> str:
    """Lower case, without accents, every run of anything but letters and digits one space.

    Width, ligatures and other forms of the same letter do not matter. Marks fall away where they make no other letter:
    those of Latin, Greek and Cyrillic, and the points of Hebrew and Arabic.
    """
    if text.isascii():
        return _NOT_ASCII_WORD.sub(" ", text.lower()).strip()
    decomposed = _OPTIONAL.sub("", unicodedata.normalize("NFKD", text))
    bare = _MARKED.sub(lambda match: match[1] if _ACCENTED.match(match[1]) else match[0], decomposed)
    whole = unicodedata.normalize("NFC", bare).casefold().translate(_LETTERS)
    return " ".join(_NOT_WORD.sub(" ", whole).split())


def _fold_name(text: str) -> str:
    """As `_fold`; an apostrophe is no gap, and `&` is a word."""
    plain = _APOSTROPHES.sub("", text)
    if not plain.isascii():
        # Also those that only other forms of a letter or a sign hold.
        plain = _APOSTROPHES.sub("", unicodedata.normalize("NFKC", plain))
    return _fold(plain.replace("&", " and "))


def _signs(text: str) -> str:
    """The key of what has neither letters nor digits."""
    return " ".join(unicodedata.normalize("NFKC", storable(text)).casefold().split())


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


def other_number(key: str) -> str:
    """The key of a label in the other number: `guitars` for `guitar`, and the other way; empty where it has none.

    Only keys that another label already has are joined by it, so that what is no plural (`oldies`) does no harm; what
    is one by its letters alone is left out.
    """
    last = key.rpartition(" ")[2]
    if len(last) < 4 or not last.isascii() or not last.isalpha() or last in _NO_PLURALS:
        return ""
    if last.endswith("ies"):
        return f"{key[:-3]}y"
    if last.endswith(("ches", "shes", "xes", "sses")):
        return key[:-2]
    if last.endswith("s"):
        return "" if last.endswith(("ss", "us", "is")) else key[:-1]
    if last.endswith("y") and last[-2] not in "aeiou":
        return f"{key[:-1]}ies"
    return f"{key}es" if last.endswith(("ch", "sh", "x")) else f"{key}s"


def artist_key(name: str) -> str:
    """The key an artist is grouped and matched by; empty for an unknown artist.

    Guests do not count, nor what stands between several artists: `A & B`, `A and B`, `A, B` and `A x B` are one.
    """
    folded = _fold_name(_FEATURED.sub("", _THE_LAST.sub(r"\1", name.strip()))) or _signs(name)
    words = folded.removeprefix("the ").split(" ")
    if len(words) > 2:
        words[1:-1] = [word for word in words[1:-1] if word not in _JOINING_WORDS]
    return " ".join(words)[:200].strip()


def split_artists(text: str) -> list[str]:
    """The artists that a name may stand for, whatever joins them: four of `A, B & C feat. D`.

    Only a name that is known to be several people's may be taken apart: `Simon & Garfunkel` come out as two.
    """
    return _parts(_JOINER, text)


def split_guests(text: str) -> list[str]:
    """The artist of a name, and the guests that it names behind `feat.`: three of `A & B feat. C, D`."""
    main, *guests = _parts(_GUEST_JOINER, text) or [""]
    return [name for name in (main, *(one for guest in guests for one in split_artists(guest))) if name]


def _parts(joiner: re.Pattern[str], text: str) -> list[str]:
    first, *others = (part.strip() for part in joiner.split(text))
    # A bracket around guests was opened in front of them.
    closed = (part if re.search(r"[(\[]", part) else part.rstrip(")]") for part in others)
    return [part for part in (first, *closed) if part]


def distinct_artists(names: Iterable[str]) -> list[str]:
    """The names in their order, each artist once."""
    by_key: dict[str, str] = {}
    for name in names:
        if key := artist_key(name):
            by_key.setdefault(key, name)
    return list(by_key.values())


def has_no_gaps(word: str) -> bool:
    """Whether a word is in a script without gaps between words, so that others may stand before and after it."""
    return bool(_WITHOUT_GAPS.search(word))


def collection_hash(key: str) -> str:
    """A short name, of 20 letters and digits, for the key of an album or an artist."""
    return hashlib.blake2b(key.encode(errors="replace"), digest_size=10).hexdigest()


def title_key(title: str) -> str:
    """The key a title is matched by: guests and notes on the mastering do not make another song, a version does."""
    plain = _DASHED.sub("", _BRACKETED.sub(_of_bracket, title))
    plain = _FEATURING.sub(_of_guests, plain)
    return (_fold_name(plain) or _fold_name(title) or _signs(title))[:300].strip()


def search_words(text: str) -> list[str]:
    """The words of a title, or of a typed query: lower case, without accents and signs."""
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
