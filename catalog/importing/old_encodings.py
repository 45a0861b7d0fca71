"""Texts of old tags in the encoding that they were really written in.

ID3v1, the Latin-1 frames of ID3v2 and the INFO chunks of WAV do not say how their bytes are to be read, and programs
wrote whatever their system used. Most bytes are what they claim to be; only those that cannot be Latin-1 words are
guessed.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from charset_normalizer import from_bytes

# The likelier of two encodings that fit equally well comes first.
_CANDIDATES = [
    "cp1251",
    "cp932",
    "gb2312",
    "big5",
    "euc_kr",
    "koi8_r",
    "cp1253",
    "euc_jp",
    "cp1255",
    "cp1256",
    "tis_620",
    "cp866",
]
# A character count that a guess by the frequency of letters needs; a short text is repeated until it has it.
_ENOUGH_BYTES = 200
_MOST_BYTES = 2000
_MOST_CHAOS = 0.6
_LITTLE_CHAOS = 0.1
# Less says nothing of a text as short as a title.
_SOME_COHERENCE = 0.2

# Words of Western Europe hold at most two letters with a mark side by side.
_NO_LATIN_WORD = re.compile(rb"[\x80-\xff]{4}|[\x81\x8d\x8f\x90\x9d]")
_THREE_MARKED = re.compile(rb"[\xc0-\xff]{3}")
# The ends of the Nordic alphabets, which do stand side by side.
_NORDIC = frozenset("\u00c4\u00c5\u00c6\u00d6\u00d8\u00e4\u00e5\u00e6\u00f6\u00f8".encode("latin-1"))
# What Windows adds to Latin-1 where that has control characters: quotes, dashes and a few letters. In texts of Western
# Europe they stand beside a letter or a gap, and never before another of their kind.
_TWO_IN_CONTROLS = re.compile(rb"[\x80-\x9f][\x80-\xff]")
_LATIN_IN_CONTROLS = re.compile(rb"[\x82\x84-\x8c\x8e\x91-\x9c\x9e\x9f]")
_IN_CONTROLS = re.compile(rb"[\x80-\x9f]")
# Signs that stand in no word: between two letters they tell of another encoding.
_SIGN_IN_WORD = re.compile(rb"[A-Za-z\xc0-\xff][\xa1-\xac\xae-\xb3\xb5\xb6\xb8-\xb9\xbb-\xbf][A-Za-z\xc0-\xff]")
# Hebrew: one row of letters, five of them at the end of words alone, and one of these there at least. Cyrillic of these
# bytes is in small letters throughout, and has them anywhere.
_HEBREW_WORD = re.compile(rb"[\xe0-\xe9\xeb\xec\xee\xf0-\xf2\xf4\xf6-\xfa]*[\xe0-\xfa]")
_HEBREW_ENDS = re.compile(rb"[\xea\xed\xef\xf3\xf5](?![\x80-\xff])")
_HIGH_WORDS = re.compile(rb"[\x80-\xff]+")
_FEWEST_HEBREW = 4
# Polish in Windows's encoding of Central Europe: letters of its own, one of those among them that Latin-1 has as a sign
# within a word.
_POLISH = frozenset("ĄąĆćĘęŁłŃńÓóŚśŹźŻż".encode("cp1250"))
_POLISH_WITHIN = re.compile(rb"[A-Za-z\xe6\xea\xf1\xf3][\xb3\xb9\xbf][A-Za-z\xb3\xb9\xbf\xe6\xea\xf1\xf3\x9c\x9f]")
# And at the ends of words, where Latin-1 has a currency before a letter, or a question that begins behind one.
_POLISH_AT_ENDS = re.compile(rb"(?<![A-Za-z])\xa3[a-z]|[a-z]\xbf(?![A-Za-z\xbf])")
_SMALL_BEFORE_CAPITAL = re.compile("[\u0430-\u045f][\u0400-\u042f]")
_WITH_VOWELS = re.compile("[\u0370-\u03ff\u0400-\u045f]+")
_VOWEL = re.compile(
    "[\u0430\u0435\u0451\u0438\u043e\u0443\u044b\u044d\u044e\u044f\u0454\u0456\u0457"
    "\u03b1\u03b5\u03b7\u03b9\u03bf\u03c5\u03c9\u03ac-\u03af\u03cc-\u03ce]",
    re.IGNORECASE,
)


def decode_all(texts: list[bytes]) -> list[str]:
    """The texts of one block of tags, which are all in one encoding, as they are meant.

    Parameters
    ----------
    texts : list of bytes
        Without their padding.

    Returns
    -------
    list of str
        In the same order. Bytes that fit no encoding come out as Latin-1.
    """
    encoding = _encoding_of(b" ".join(sorted(texts))[:_MOST_BYTES])
    return [_decode(text, encoding) for text in texts]


def _decode(text: bytes, encoding: str) -> str:
    try:
        return text.decode(encoding)
    except UnicodeDecodeError:
        pass
    try:
        return text.decode("cp1252")
    except UnicodeDecodeError:
        return text.decode("latin-1")


# The songs of an album share most of their texts; with several threads the cache is only asked twice.
@lru_cache(maxsize=256)
def _encoding_of(sample: bytes) -> str:
    if sample.isascii():
        return "ascii"
    try:
        sample.decode()
    except UnicodeDecodeError:
        pass
    else:
        return "utf-8"
    if _may_be_latin(sample):
        return "cp1252"
    if _is_hebrew(sample):
        return "cp1255"
    if _is_polish(sample):
        return "cp1250"
    repeated = b" ".join([sample] * max(1, _ENOUGH_BYTES // len(sample)))
    found = from_bytes(repeated, cp_isolation=_CANDIDATES, threshold=_MOST_CHAOS)
    rank = {name: place for place, name in enumerate(_CANDIDATES)}
    best = min(
        found,
        key=lambda match: (
            match.chaos > _LITTLE_CHAOS or _cannot_be_said(str(match)),
            -match.coherence if match.coherence >= _SOME_COHERENCE else 0.0,
            _signs(str(match)),
            round(match.chaos, 2),
            rank.get(match.encoding, len(rank)),
        ),
        default=None,
    )
    return best.encoding if best is not None else "cp1252"


def _cannot_be_said(text: str) -> bool:
    """Whether a text has long words of Cyrillic or Greek letters without any vowel, or capitals within a word."""
    if _SMALL_BEFORE_CAPITAL.search(text):
        return True
    return any(len(word) > 3 and not _VOWEL.search(word) for word in _WITH_VOWELS.findall(text))


def _signs(text: str) -> int:
    """How many of a text's characters are of no word, or of a form in which nobody writes names.

    Such are letters of half the width, and parts of Korean syllables by themselves.
    """
    return sum(
        not char.isascii()
        and (
            not (char.isalnum() or unicodedata.combining(char))
            or "\uff61" <= char <= "\uff9f"
            or "\u3131" <= char <= "\u318e"
        )
        for char in text
    )


def _is_hebrew(sample: bytes) -> bool:
    words = _HIGH_WORDS.findall(sample)
    if sum(map(len, words)) < _FEWEST_HEBREW or not all(_HEBREW_WORD.fullmatch(word) for word in words):
        return False
    return bool(_HEBREW_ENDS.search(sample))


def _is_polish(sample: bytes) -> bool:
    is_telling = _POLISH_WITHIN.search(sample) or _POLISH_AT_ENDS.search(sample)
    return _POLISH.issuperset(b"".join(_HIGH_WORDS.findall(sample))) and bool(is_telling)


def _may_be_latin(sample: bytes) -> bool:
    """Whether bytes may be words of a language that is written in Latin-1, or in what Windows made of it."""
    if _NO_LATIN_WORD.search(sample) or _TWO_IN_CONTROLS.search(sample) or _SIGN_IN_WORD.search(sample):
        return False
    if _POLISH_AT_ENDS.search(sample):
        return False
    if any(not _NORDIC.issuperset(run) for run in _THREE_MARKED.findall(sample)):
        return False
    return len(_LATIN_IN_CONTROLS.findall(sample)) == len(_IN_CONTROLS.findall(sample)) or b"\x80" in sample
