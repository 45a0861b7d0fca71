"""Understanding what somebody types: from "calm piano for a rainy evening, not pop" to weights of labels.

A text is read from left to right. At each place the longest phrase counts that the vocabulary has: a word of the table
that an admin edits, or a label of the library itself. What is left over are words that steer the next one (not, very),
words that say nothing of music (something, for, a), and words that are not understood.

Every understood piece asks for labels with a vector of Euclidean norm 1, so that a word that means many labels speaks
no louder than one that means one, times its strength: 1; 1.5 after "very"; 0.5 after "a bit"; -1 after "not"; -0.5
after "not too" or "less". The query is the sum over pieces. A label that is negated with -1, or that a word of the
table weighs at -1 or less ("no vocals"), and that the sum is below 0 for, is refused: songs that carry it are kept off
the list, see `without_refused`.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import OSA
from rapidfuzz.process import extract

from catalog.names import search_words

from .interface import Vector

LONGEST_TEXT = 200
"""Characters of a text that are read; what comes after them is passed over."""

SHARE = 0.65
"""What words count beside the profile: about twice as much. They come first, and taste decides among what fits about as
well; with half for each, a strong taste would stand before what was asked for (`benchmarks/words.py`)."""

CARRIED = 0.1
"""From which part of its strongest label's frequency on a song carries a label that is refused."""

NOT, LESS, PLAIN, A_BIT, VERY = -1.0, -0.5, 1.0, 0.5, 1.5
"""The strengths a piece can have."""

_CORE = 0.5
"""Of a word that is negated count the labels that it means at least half as much as its strongest."""

_REFUSING = -1.0
"""The weight in the table at which a word keeps songs with the label off the list."""

_SAID_BEFORE = {NOT: "not ", LESS: "less ", PLAIN: "", A_BIT: "a bit ", VERY: "very "}

# --- Words that are no music --------------------------------------------------------------------


class _Control(Enum):
    """What a word does that says nothing of music itself."""

    FILLS = auto()
    BREAKS = auto()
    """What was negated before it ends here."""
    OR = auto()
    AND = auto()
    NOT = auto()
    LESS = auto()
    VERY = auto()
    A_BIT = auto()


def _phrases(text: str) -> list[tuple[str, ...]]:
    return [tuple(phrase.split()) for phrase in text.split(",")]


_CONTROLS: Mapping[tuple[str, ...], _Control] = {
    phrase: control
    for control, phrases in {
        _Control.FILLS: (
            "a, an, the, this, that, these, those, some, any, something, anything, somewhat like, sort, kind, type, "
            "style, music, song, songs, track, tracks, tune, tunes, playlist, album, albums, record, records, sound, "
            "sounds, sounding, stuff, thing, things, mix, i, im, id, ive, me, my, mine, we, us, our, you, your, it, "
            "its, is, are, be, am, was, want, wants, wanted, need, like, would, could, can, should, please, give, "
            "play, find, show, hear, listen, listening, get, lets, let, put, of, to, do, does, ok, okay, hi, hello, "
            "hey, there, which, who, what, feeling, feel, feels, mood, moody, vibe, vibes, vibey, genre, era, early, "
            "mid, late, from, by, as, well, maybe, perhaps, probably, else, too, also, bits, time, times, day, days, "
            "all, every, makes, make, making, made, has, have, having, lot, lots, full, bit, little, own, favourite, "
            "favorite, best, nice, great, new, other, one, ones, not only, not just, nothing but, something like, for "
            "example, along the lines of, tempo, paced, based, tagged, labelled, up, long, short"
        ),
        _Control.BREAKS: (
            "but, with, for, in, on, at, while, when, during, after, before, just, only, although, though, however, "
            "yet, into, through, plus, than, then, because, so, if, until, where, about, still with, and with, but "
            "with"
        ),
        _Control.OR: "or, nor, and no, and not, or no, or any, and without",
        _Control.AND: "and",
        _Control.NOT: (
            "not, no, non, never, without, except, excluding, minus, nothing, neither, but not, but no, but nothing, "
            "but without, anything but, everything but, all but, no more, not any, not a, not at all, free of, other "
            "than, rather than, instead of, apart from, dont, dont want, do not, do not want, dont like, i dont want, "
            "isnt, arent, wo, w o, hate, sick of, tired of, enough of, avoid, leave out, nothing too, but never"
        ),
        _Control.LESS: (
            "less, not too, not so, not very, not really, not that, not overly, not super, a bit less, a little less, "
            "but not too, but not so, but not very, nothing very, isnt too, fewer, but less"
        ),
        _Control.VERY: (
            "very, really, extremely, super, so very, especially, totally, absolutely, deeply, truly, mostly, mainly, "
            "incredibly, insanely, ultra, a lot of, lots of, more, much more, plenty of, most, pure, purely, proper"
        ),
        _Control.A_BIT: (
            "a bit, a bit of, a little, a little bit, a little bit of, slightly, somewhat, rather, fairly, kind of, "
            "kinda, sort of, quite, a touch of, a hint of, a tad, mildly, a dash of, some of, a bit more, half"
        ),
    }.items()
    for phrase in _phrases(phrases)
}
_NO_ERRORS = frozenset(
    re.findall(
        r"\w+",
        "aunt base bear blur boat bold boss brain call camp cash clue coal code deer dust face fact fell fill "
        "firm food fork gate gave gold harm hole home horse house junk kiss lake last live lock lone lose "
        "lost mask meal medal mental mile mine moon mouse must name page pain palm park part past pink pool "
        "pump rack rail real risk rook ruin sail same sheep shop skin slot snap soda soup sour spin star "
        "steep sting sweet talk tape tear trace trail wall warn wife wind wire wish wolf word worn would "
        "writer ",
    )
)
"""Common words that differ by a letter from words of the table: they are not typing errors."""

_LONGEST_CONTROL = max(map(len, _CONTROLS))

# --- From a text to words -----------------------------------------------------------------------

# Letters and digits, with what stands for an apostrophe between them; signs that part or join.
_TOKEN = re.compile("[^\\W_]+(?:['\u2018\u2019\u02bc`\u00b4][^\\W_]+)*|[&+,;.!?:()/|\\[\\]\\n]")
_JOINS = frozenset("&+")
_YEARS = re.compile(r"(?:1[89]|20)\d\d(?:s|ies)?|\d0(?:s|ies)")


class _Token(NamedTuple):
    """A word of a text: where it stands, its spelling for comparing, and what stands before it.

    Attributes
    ----------
    start, end : int
        In the text.
    key : str
        Lower case, without accents and signs.
    parted : bool
        A comma or the like stands before it.
    minus : bool
        A minus sign stands right before it, and nothing before that.
    """

    start: int
    end: int
    key: str
    parted: bool = False
    minus: bool = False


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    parted = False
    for match in _TOKEN.finditer(text):
        start, end = match.span()
        raw = match[0]
        if raw in _JOINS:
            key = "and"
        elif not raw[0].isalnum():
            parted = True
            continue
        else:
            key = "".join(search_words(raw))
        if not key:
            continue
        minus = text[start - 1 : start] in ("-", "\u2212", "\u2013") and not text[max(start - 2, 0) : start - 1].strip()
        tokens.append(_Token(start, end, key, parted, minus and start > 0))
        parted = False
    return tokens


def phrase_of(name: str) -> tuple[str, ...]:
    """The words of a name as texts are searched for them: `Hip-Hop` and `hip hop` are one, empty for signs alone."""
    return tuple(token.key for token in _tokens(unicodedata.normalize("NFC", name)))


def word_key(text: str) -> str:
    """The one spelling of a word or phrase that every spelling of it has."""
    return " ".join(phrase_of(text))


def _forms(word: str) -> Iterable[str]:
    """Spellings of the same word in other grammatical forms; most of them are no words."""
    if len(word) < 4 or not word.isascii():
        return
    if word.endswith("ies"):
        yield word[:-3] + "y"
    if word.endswith("s"):
        yield word[:-1]
        if word.endswith("es"):
            yield word[:-2]
    for ending in ("er", "est", "ly", "ish", "ness"):
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= 3:
            yield stem
            yield stem + "e"
            if stem.endswith("i"):
                yield stem[:-1] + "y"
            if stem[-1] == stem[-2]:
                yield stem[:-1]
    yield word + "s"


def _eras(word: str) -> Iterable[str]:
    """The names of the decade that a word of digits speaks of: of `1990s`, `90s` and `1994` they are `90s`, `1990s`."""
    if not _YEARS.fullmatch(word):
        return
    digits = word.rstrip("ies")
    decade = digits[-2] + "0s"
    yield decade
    century = digits[:2] if len(digits) == 4 else "20" if decade < "30s" else "19"
    yield century + decade


# --- The vocabulary -----------------------------------------------------------------------------

Phrase = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Everything that can be understood, for one library.

    Attributes
    ----------
    meanings : dict of phrase to dict of label to weight
        Only labels that songs here have; a phrase of which none is left is there, and empty.
    cores : dict of phrase to set of labels
        The labels that a negation of the phrase is about.
    barred : dict of phrase to set of labels
        The labels that the phrase keeps off the list, where there are any.
    taught : set of phrase
        Those that come from the table; the others are labels alone.
    rare : set of phrase
        Labels alone that few songs have: no typing error is taken for them, and two words that say more go before them.
    """

    meanings: dict[Phrase, dict[str, float]]
    cores: dict[Phrase, frozenset[str]]
    barred: dict[Phrase, frozenset[str]]
    taught: frozenset[Phrase]
    rare: frozenset[Phrase] = field(default_factory=frozenset)

    @classmethod
    def of(
        cls,
        table: Iterable[tuple[str, str, float]],
        labels: Iterable[tuple[str, str]],
        rare: Collection[str] = (),
    ) -> Self:
        """A vocabulary from the table and the labels of a library.

        Parameters
        ----------
        table : iterable of (word, label, weight)
            Words and phrases in any spelling; labels by name or alias, whether the library has them or not.
        labels : iterable of (spelling, label)
            Each label under its name and every alias; later ones do not take a spelling from earlier ones.
        rare : collection of labels
            Those that few songs have.
        """
        here: dict[Phrase, str] = {}
        for spelling, label in labels:
            if phrase := phrase_of(spelling):
                here.setdefault(phrase, label)
        said: dict[Phrase, dict[Phrase, float]] = {}
        for word, label, weight in table:
            if (phrase := phrase_of(word)) and (target := phrase_of(label)):
                said.setdefault(phrase, {})[target] = weight
        meanings: dict[Phrase, dict[str, float]] = {}
        cores: dict[Phrase, frozenset[str]] = {}
        barred: dict[Phrase, frozenset[str]] = {}
        for phrase, weights in said.items():
            # A word that is a label's name means that label, whatever else it means.
            whole = weights if phrase in weights or phrase not in here else {**weights, phrase: 1.0}
            strongest = max(whole.values())
            meaning: dict[str, float] = {}
            core: set[str] = set()
            for target, weight in whole.items():
                if weight and (name := here.get(target)):
                    meaning[name] = max(weight, meaning.get(name, weight))
                    if weight >= _CORE * strongest > 0:
                        core.add(name)
            meanings[phrase], cores[phrase] = meaning, frozenset(core)
            if kept_off := frozenset(label for label, weight in meaning.items() if weight <= _REFUSING):
                barred[phrase] = kept_off
        seldom = set(rare)
        alone = {phrase: label for phrase, label in here.items() if phrase not in said}
        for phrase, label in alone.items():
            meanings[phrase], cores[phrase] = {label: 1.0}, frozenset([label])
        return cls(
            meanings,
            cores,
            barred,
            frozenset(said),
            frozenset(phrase for phrase, label in alone.items() if label in seldom),
        )

    @cached_property
    def longest(self) -> int:
        """Of how many words the longest phrase is."""
        return max(map(len, self.meanings), default=0)

    @cached_property
    def spellings(self) -> dict[str, bool]:
        """Every word that stands in a phrase, and whether a typing error may be taken for it."""
        spellings = {word for phrase in self.meanings for word in phrase}
        likely = {word for phrase in self.meanings if phrase not in self.rare for word in phrase}
        steering = {word for phrase in _CONTROLS for word in phrase}
        return {word: word in likely for word in spellings} | dict.fromkeys(steering, True)

    @cached_property
    def _corrections(self) -> dict[str, list[str]]:
        """Words that a typing error may be taken for, by their first letter; those of the table first."""
        taught = {word for phrase in self.taught for word in phrase}
        words = sorted(word for word, likely in self.spellings.items() if likely and len(word) >= 4)
        corrections: dict[str, list[str]] = {}
        for word in sorted(words, key=lambda one: one not in taught):
            corrections.setdefault(word[0], []).append(word)
        return corrections

    def spelled(self, word: str) -> tuple[str, bool]:
        """How the vocabulary spells a word, or else the word, and whether that takes it for a typing error."""
        if word in self.spellings:
            return word, False
        for form in _eras(word):
            if form in self.spellings:
                return form, False
        for form in _forms(word):
            if form in self.spellings:
                return form, False
        nearest = self._nearest(word)
        return (nearest, True) if nearest else (word, False)

    def _nearest(self, word: str) -> str:
        """The word with the fewest typing errors between; empty for none.

        One error in words from four letters on, two from eight on. The first letter is right, for words that begin
        otherwise are other words; or it is the second one, where the two changed places.
        """
        certain = word in _NO_ERRORS or any(char.isdigit() for char in word)
        most = 0 if len(word) < 4 or certain else 1 if len(word) < 8 else 2
        if not most:
            return ""
        near = self._corrections.get(word[0], [])
        swapped = [other for other in self._corrections.get(word[1], []) if other[:2] == word[1::-1]]
        found = extract(word, near + swapped, scorer=OSA.distance, score_cutoff=most, limit=1, processor=None)
        return str(found[0][0]) if found else ""


# --- Understanding ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Piece:
    """A word or phrase that was understood.

    Attributes
    ----------
    said : str
        As it was typed; where it was taken for a typing error, as it was taken.
    typed : str
        As it was typed, where that is another spelling; else empty.
    strength : float
        `PLAIN`, `VERY` or `A_BIT`; `NOT` or `LESS` where it was negated.
    labels : dict of label to weight
        Its part of the query, of norm |strength|; empty where no song here has a label for it.
    refuses : frozenset of labels
        What songs should not carry, as far as it goes by this piece.
    without : str
        The text that asks for everything but this.
    """

    said: str
    typed: str
    strength: float
    labels: dict[str, float]
    refuses: frozenset[str] = frozenset()
    without: str = ""

    @property
    def negated(self) -> bool:
        """Whether it should stay away, or be less."""
        return self.strength < 0

    @property
    def words(self) -> str:
        """What it asks for, in words: `not pop`, `very calm`."""
        return _SAID_BEFORE[self.strength] + self.said

    @property
    def strongest(self) -> list[str]:
        """The labels that it means at least half as much as its strongest, the strongest first."""
        meant = {label: weight / self.strength for label, weight in self.labels.items()}
        ranked = sorted(meant.items(), key=lambda item: (-item[1], item[0]))
        return [label for label, weight in ranked if weight >= _CORE * ranked[0][1] > 0]


@dataclass(frozen=True, slots=True)
class Understood:
    """How a text was understood.

    Attributes
    ----------
    pieces : list of Piece
        In the order of the text; none twice.
    unknown : list of str
        Words that were not understood, as they were typed; those that stand together are one.
    text : str
        The text again, from what was made of it.
    """

    pieces: list[Piece] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    text: str = ""

    @property
    def heard(self) -> list[Piece]:
        """The pieces that ask for something that songs here have."""
        return [piece for piece in self.pieces if piece.labels]

    @property
    def absent(self) -> list[Piece]:
        """The pieces that mean something, but nothing that a song here has."""
        return [piece for piece in self.pieces if not piece.labels]

    @property
    def labels(self) -> dict[str, float]:
        """The query: the sum of what the pieces ask for, the largest weight first, none of weight 0."""
        total: dict[str, float] = {}
        for piece in self.pieces:
            for label, weight in piece.labels.items():
                total[label] = total.get(label, 0.0) + weight
        ranked = sorted(total.items(), key=lambda item: (-item[1], item[0]))
        return {label: weight for label, weight in ranked if abs(weight) > 1e-9}

    @property
    def refused(self) -> list[str]:
        """The labels that songs should not carry."""
        total = self.labels
        refused = {label for piece in self.pieces for label in piece.refuses}
        return sorted(label for label in refused if total.get(label, 0.0) < 0)


class _Negation(NamedTuple):
    """A negation that is at work: its strength, and whether it has met its word and been joined to the next."""

    strength: float
    met: bool = False
    joined: bool = False


@dataclass(frozen=True, slots=True)
class _Match:
    """A stretch of tokens and what it is."""

    length: int
    phrase: Phrase = ()
    control: _Control | None = None
    corrected: bool = False


def understand(text: str, vocabulary: Vocabulary) -> Understood:
    """What a text asks for.

    Parameters
    ----------
    text : str
        Of any length; what comes after `LONGEST_TEXT` characters is passed over.
    vocabulary : Vocabulary

    Returns
    -------
    Understood

    Examples
    --------
    >>> vocabulary = Vocabulary.of([("rainy", "calm", 1.0)], [("calm", "calm"), ("pop", "pop")])
    >>> understand("rainy but not pop", vocabulary).labels
    {'calm': 1.0, 'pop': -1.0}
    """
    text = unicodedata.normalize("NFC", text)[:LONGEST_TEXT]
    tokens = _tokens(text)
    spelled = [vocabulary.spelled(token.key) for token in tokens]
    pieces: dict[tuple[Phrase, bool], Piece] = {}
    order: list[str | tuple[Phrase, bool]] = []
    negation: _Negation | None = None
    strength = PLAIN
    at, previous_unknown = 0, -1
    while at < len(tokens):
        token = tokens[at]
        if token.parted and negation:
            negation = negation._replace(joined=True) if _goes_on(tokens, at, spelled) else None
        if token.minus:
            negation, strength = _Negation(NOT), PLAIN
        match = _match(tokens, spelled, at, vocabulary)
        if match.control is not None:
            negation, strength = _steered(match.control, negation, strength)
        elif match.phrase:
            if negation and negation.met and not negation.joined:
                negation = None
            said = text[token.start : tokens[at + match.length - 1].end]
            piece = _piece(said, match, negation.strength if negation else strength, vocabulary)
            key = match.phrase, piece.negated
            if key not in pieces:
                pieces[key] = piece
                order.append(key)
            negation = _Negation(negation.strength, met=True) if negation else None
            strength = PLAIN
        else:
            word = text[token.start : token.end]
            if previous_unknown == at - 1 and order and isinstance(order[-1], str) and not token.parted:
                order[-1] = f"{order[-1]} {word}"
            else:
                order.append(word)
            previous_unknown = at
        at += match.length
    return _written(pieces, order)


def _steered(control: _Control, negation: _Negation | None, strength: float) -> tuple[_Negation | None, float]:
    """What is at work after a word that steers."""
    if control is _Control.NOT:
        return _Negation(NOT), PLAIN
    if control is _Control.LESS:
        return _Negation(LESS), PLAIN
    if control is _Control.VERY:
        return negation, VERY
    if control is _Control.A_BIT:
        return negation, A_BIT
    if control is _Control.OR or (control is _Control.AND and negation and negation.strength == NOT):
        return (negation._replace(joined=True) if negation else None), strength
    if control is _Control.BREAKS and negation and negation.met:
        return None, PLAIN
    return negation, strength


def _goes_on(tokens: Sequence[_Token], at: int, spelled: Sequence[tuple[str, bool]]) -> bool:
    """Whether a list goes on to its "or" after a comma: "no pop, rock or metal"."""
    for place in range(at, len(tokens)):
        control = _CONTROLS.get((spelled[place][0],))
        if control is _Control.OR:
            return True
        if control not in (None, _Control.FILLS):
            return False
    return False


def _match(tokens: Sequence[_Token], spelled: Sequence[tuple[str, bool]], at: int, vocabulary: Vocabulary) -> _Match:
    """The longest phrase that begins here; words that steer go before labels, the table before both."""
    most = 1
    while at + most < len(tokens) and most < max(vocabulary.longest, _LONGEST_CONTROL) and not tokens[at + most].parted:
        most += 1
    for length in range(most, 0, -1):
        phrase = tuple(word for word, _ in spelled[at : at + length])
        control = _CONTROLS.get(phrase)
        known = phrase in vocabulary.meanings
        if known and (phrase in vocabulary.taught or control is None):
            if length > 1 and phrase in vocabulary.rare and _all_known(phrase, vocabulary):
                continue
            return _Match(length, phrase, corrected=any(corrected for _, corrected in spelled[at : at + length]))
        if control is not None:
            return _Match(length, control=control)
    return _Match(1)


def _all_known(phrase: Phrase, vocabulary: Vocabulary) -> bool:
    return all((word,) in vocabulary.meanings or (word,) in _CONTROLS for word in phrase)


def _piece(typed: str, match: _Match, strength: float, vocabulary: Vocabulary) -> Piece:
    """A piece with its part of the query: of norm |strength|; a negation is about the phrase's core alone."""
    phrase, typed = match.phrase, " ".join(typed.split())
    weights = vocabulary.meanings[phrase]
    if strength < 0:
        weights = {label: weight for label, weight in weights.items() if label in vocabulary.cores[phrase]}
    norm = math.hypot(*weights.values())
    return Piece(
        said=" ".join(phrase) if match.corrected else typed,
        typed=typed if match.corrected else "",
        strength=strength,
        labels={label: strength * weight / norm for label, weight in weights.items()} if norm else {},
        refuses=_refused_by(phrase, strength, vocabulary),
    )


def _refused_by(phrase: Phrase, strength: float, vocabulary: Vocabulary) -> frozenset[str]:
    if strength == NOT:
        return vocabulary.cores[phrase]
    return vocabulary.barred.get(phrase, frozenset()) if strength > 0 else frozenset()


def _written(pieces: Mapping[tuple[Phrase, bool], Piece], order: Sequence[str | tuple[Phrase, bool]]) -> Understood:
    """The pieces in their order, each with the text that asks for all the others: it reads as the same ones again."""
    said = [one if isinstance(one, str) else pieces[one].words for one in order]

    def text(*without: int) -> str:
        return ", ".join(words for place, words in enumerate(said) if place not in without)

    return Understood(
        pieces=[
            replace(pieces[one], without=text(place)) for place, one in enumerate(order) if not isinstance(one, str)
        ],
        unknown=[one for one in order if isinstance(one, str)],
        text=text(),
    )


# --- What is refused ----------------------------------------------------------------------------


def without_refused(scores: Vector, shares: NDArray[np.float64]) -> Vector:
    """Scores after songs that carry a refused label are kept off the list.

    score' = score (1 - share) where the song's share of the label is below `CARRIED`, and 0 from there on: a trace that
    a tagger believes to hear lowers a song, and no more.

    Parameters
    ----------
    scores : float64, shape (n_songs,)
    shares : float64, shape (n_songs,)
        The largest frequency of a refused label on each song, as a share of the song's largest: `Content.shares`.

    Returns
    -------
    float64, shape (n_songs,)
    """
    kept: Vector = np.where(shares < CARRIED, scores * (1 - shares), 0.0)
    return kept


def strongest_first(pieces: Iterable[Piece], label: str) -> list[Piece]:
    """The pieces that ask for a label, the one that asks for most of it first."""
    asking = [piece for piece in pieces if piece.labels.get(label, 0.0) > 0]
    return sorted(asking, key=lambda piece: -piece.labels[label])
