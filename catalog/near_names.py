"""Names that are written most like a text with typing errors in it."""

from __future__ import annotations

from collections.abc import Sequence

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA
from rapidfuzz.process import extract, extractOne

from .names import search_words

_ALIKE_AT_ALL = 70
"""Percent of letters in common from which names are compared word for word."""

_LOOKED_AT = 20
_FEWEST_WORDS = 2
_SHORT = 5
"""Letters from which a word may have two errors; from one less on, one."""


def nearly_called(text: str, names: Sequence[str], alike: float) -> str:
    """The name, in search words, that is written most like a text as a whole; empty if none is enough.

    A name of several words is also enough where each of its words is: `jimmy buffett` for "jimmi bufet".

    Parameters
    ----------
    text : str
    names : sequence of str
        In search words.
    alike : float
        Percent of letters in common that are enough.
    """
    words = search_words(text)
    typed = " ".join(words)
    if found := extractOne(typed, names, scorer=fuzz.ratio, score_cutoff=alike):
        return str(found[0])
    if len(words) < _FEWEST_WORDS:
        return ""
    near = extract(typed, names, scorer=fuzz.ratio, score_cutoff=_ALIKE_AT_ALL, limit=_LOOKED_AT)
    return next((str(name) for name, *_ in near if _word_for_word(words, name.split())), "")


def _word_for_word(words: Sequence[str], others: Sequence[str]) -> bool:
    return len(words) == len(others) and all(map(_nearly, words, others))


def _nearly(word: str, other: str) -> bool:
    """Whether a word has the other's first letter, and few errors."""
    most = 2 if len(word) >= _SHORT else 1 if len(word) >= _SHORT - 1 else 0
    return word[:1] == other[:1] and OSA.distance(word, other) <= most
