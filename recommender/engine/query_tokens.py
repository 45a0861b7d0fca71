"""Splits a typed query into tokens, and lists the control words that steer a query but name no label."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from enum import Enum, auto
from functools import lru_cache
from typing import NamedTuple

from catalog.names import APOSTROPHES, MARKS, search_words

Phrase = tuple[str, ...]
"""Consecutive token keys."""

# --- Tokens -------------------------------------------------------------------------------------

# Letters and digits with apostrophes between them; separators and joining signs.
_LETTERS = rf"(?:[^\W_][{MARKS}]*)+"
_TOKEN = re.compile(rf"{_LETTERS}(?:[{APOSTROPHES}]{_LETTERS})*|[&+,;.!?:()/|\[\]\n]")
_JOINS = frozenset("&+")


class Token(NamedTuple):
    """A word of a text.

    Attributes
    ----------
    start, end : int
        Character range in the text.
    key : str
        Normalized spelling: lower case, without accents and signs.
    after_separator : bool
        Follows a comma or another separator.
    minus : bool
        Follows a minus sign that starts a word.
    """

    start: int
    end: int
    key: str
    after_separator: bool = False
    minus: bool = False


def tokenize(text: str) -> list[Token]:
    """Split a text into tokens."""
    tokens: list[Token] = []
    after_separator = False
    for match in _TOKEN.finditer(text):
        start, end = match.span()
        raw = match[0]
        if raw in _JOINS:
            key = "and"
        elif not raw[0].isalnum():
            after_separator = True
            continue
        else:
            key = "".join(search_words(raw))
        if not key:
            continue
        minus = text[start - 1 : start] in ("-", "\u2212", "\u2013") and not text[max(start - 2, 0) : start - 1].strip()
        tokens.append(Token(start, end, key, after_separator, minus and start > 0))
        after_separator = False
    return tokens


@lru_cache(maxsize=16_384)
def phrase_of(name: str) -> tuple[str, ...]:
    """The token keys of a name: equal for `Hip-Hop` and `hip hop`, empty for signs alone."""
    return tuple(token.key for token in tokenize(unicodedata.normalize("NFC", name)))


def word_key(text: str) -> str:
    """The normalized spelling of a word or phrase."""
    return " ".join(phrase_of(text))


# --- Control words ------------------------------------------------------------------------------


class Control(Enum):
    """What a control word does."""

    FILLS = auto()
    BREAKS = auto()
    """Ends the scope of a negation."""
    OR = auto()
    AND = auto()
    NOT = auto()
    LESS = auto()
    VERY = auto()
    A_BIT = auto()


def _phrases(text: str) -> list[tuple[str, ...]]:
    return [tuple(phrase.split()) for phrase in text.split(",")]


CONTROLS: Mapping[tuple[str, ...], Control] = {
    phrase: control
    for control, phrases in {
        Control.FILLS: (
            "a, an, the, this, that, these, those, some, any, something, anything, somewhat like, sort, kind, type, "
            "style, music, song, songs, track, tracks, tune, tunes, playlist, album, albums, record, records, sound, "
            "sounds, sounding, stuff, thing, things, mix, i, im, id, ive, me, my, mine, we, us, our, you, your, it, "
            "its, is, are, be, am, was, want, wants, wanted, need, like, would, could, can, should, please, give, "
            "play, find, show, hear, listen, listening, get, lets, let, put, of, to, do, does, ok, okay, hi, hello, "
            "hey, there, which, who, what, feeling, feel, feels, mood, moody, vibe, vibes, vibey, genre, era, early, "
            "mid, late, from, by, as, well, maybe, perhaps, probably, else, too, also, bits, time, times, day, days, "
            "all, every, makes, make, making, made, has, have, having, lot, lots, full, bit, little, own, favourite, "
            "favorite, best, nice, great, new, other, one, ones, not only, not just, nothing but, something like, for "
            "example, along the lines of, tempo, paced, based, tagged, labelled, up, long, short, "
            # German, Spanish, French; keys have no accents.
            "der, das, den, dem, ein, eine, einen, einem, einer, etwas wie, lied, lieder, musik, stuck, stucke, zum, "
            "zur, ich, mir, mochte, will, bitte, horen, el, los, las, un, una, unos, unas, cancion, canciones, musica, "
            "algo, quiero, escuchar, del, le, les, une, des, du, chanson, chansons, musique, morceau, morceaux, "
            "quelque "
            "chose, je, veux, voudrais, ecouter, de, jahre, jahren"
        ),
        Control.BREAKS: (
            "but, with, for, in, on, at, while, when, during, after, before, just, only, although, though, however, "
            "yet, into, through, plus, than, then, because, so, if, until, where, about, still with, and with, but "
            "with, aber, mit, fur, im, am, bei, beim, nur, pero, con, para, en, mais, avec, pour, dans, au"
        ),
        Control.OR: "or, nor, and no, and not, or no, or any, and without, oder, ou",
        Control.AND: "and, und, y, et",
        Control.NOT: (
            "not, no, non, never, without, except, excluding, minus, nothing, neither, but not, but no, but nothing, "
            "but without, anything but, everything but, all but, no more, not any, not a, not at all, free of, other "
            "than, rather than, instead of, apart from, dont, dont want, do not, do not want, dont like, i dont want, "
            "isnt, arent, wo, w o, hate, sick of, tired of, enough of, avoid, leave out, nothing too, but never, "
            "nicht, kein, keine, keinen, ohne, aber nicht, aber kein, aber keine, "
            "sin, pero no, pero sin, sans, pas, pas de, pas du, mais pas, mais pas de, mais sans"
        ),
        Control.LESS: (
            "less, not too, not so, not very, not really, not that, not overly, not super, a bit less, a little less, "
            "but not too, but not so, but not very, nothing very, isnt too, fewer, but less, nicht zu, nicht so, "
            "weniger, menos, no muy, no tan, moins, pas trop"
        ),
        Control.VERY: (
            "very, really, extremely, super, so very, especially, totally, absolutely, deeply, truly, mostly, mainly, "
            "incredibly, insanely, ultra, a lot of, lots of, more, much more, plenty of, most, pure, purely, proper, "
            "sehr, ganz, muy, mas, tres, plus de"
        ),
        Control.A_BIT: (
            "a bit, a bit of, a little, a little bit, a little bit of, slightly, somewhat, rather, fairly, kind of, "
            "kinda, sort of, quite, a touch of, a hint of, a tad, mildly, a dash of, some of, a bit more, half, "
            "etwas, ein bisschen, ein wenig, un poco, un poco de, un peu, un peu de"
        ),
    }.items()
    for phrase in _phrases(phrases)
}
CORRECT_WORDS = frozenset(
    re.findall(
        r"\w+",
        "angle aunt base bear beast blur boat bold boss bottle brain bridge call camp cash clapping clue coal "
        "code county creamy deer dessert diner driven dust face fact fell filed fill firm food fork form gate "
        "gave gold grove harm hole home horse house junk kiss lake last live lock lone lose lost mask meal "
        "medal mental mile mine moon mourning mouse must name page pain palm park part past pink planet pool "
        "pump rack rail real risk rook ruin sail same scream sheep shop sign simmer skin slot snap snug soda "
        "soup sour spin star steady steep sting stings sundry sweet talk tape tear trace trail tried wall "
        "warn wife wind winner wire wish wolf word worn would writer",
    )
)
"""Common words that differ by a letter from words of the table: they are not typing errors."""

LONGEST_CONTROL = max(map(len, CONTROLS))
