"""The vocabulary of one library: which phrases mean which labels, with inflections and typing errors."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from typing import Self

from rapidfuzz.distance import OSA
from rapidfuzz.process import extract

from .query_tokens import CONTROLS, CORRECT_WORDS, Phrase, phrase_of
from .query_weights import CORE_SHARE

_EXCLUDING_WEIGHT = -1.0
"""A word with this weight for a label excludes songs with the label."""

_DECADE = re.compile(r"(\d\d)?(\d0)s")
_FIRST_OF_CENTURY = 30
"""Decades below are of this century: the 20s are the 2020s."""

_NO_FORMS = frozenset(["newer", "newest"])
"""Words that say more than what they are formed of: new music is any, newer music is newer than some."""

_SHORT = 5
"""Letters up to which most words are one error from others: trio is no trip."""

_NEARBY = 8
"""Words that are looked at for a correction."""

_YEARS = re.compile(r"(?:1[89]|20)\d\d(?:s|ies)?|\d0(?:s|ies)")


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The known phrases of one library.

    Attributes
    ----------
    meanings : dict of phrase to dict of label to weight
        Labels of the library only; empty for phrases whose labels the library does not have.
    core_labels : dict of phrase to set of labels
        The labels that a negation of the phrase concerns.
    excluded : dict of phrase to set of labels
        The labels that the phrase excludes, for phrases that exclude some.
    wider : dict of phrase to set of labels
        The labels that are excluded too where the phrase is refused, or excludes some.
    said_as : dict of phrase to list of str
        What titles and albums say of the phrase, beside the phrase itself.
    from_table : set of phrase
        Phrases of the table; the others are names of labels.
    rare : set of phrase
        Names of labels with few songs: no typing error is corrected to them, and their single words take precedence.
    in_names : set of phrase
        Phrases of the table that titles, albums and playlists say too, as occasions are.
    decades : dict of phrase to int
        The first years of the decades that phrases mean, whether or not the library has a label for them.
    """

    meanings: dict[Phrase, dict[str, float]]
    core_labels: dict[Phrase, frozenset[str]]
    excluded: dict[Phrase, frozenset[str]]
    from_table: frozenset[Phrase]
    rare: frozenset[Phrase] = field(default_factory=frozenset)
    in_names: frozenset[Phrase] = field(default_factory=frozenset)
    decades: dict[Phrase, int] = field(default_factory=dict)
    wider: dict[Phrase, frozenset[str]] = field(default_factory=dict)
    said_as: dict[Phrase, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        table: Iterable[tuple[str, str, float]],
        labels: Iterable[tuple[str, str]],
        rare: Collection[str] = (),
        in_names: Iterable[str] = (),
        *,
        wider: Mapping[str, Iterable[str]] = {},
        said_as: Mapping[str, Iterable[str]] = {},
    ) -> Self:
        """Build the vocabulary from the table and the labels of a library.

        Parameters
        ----------
        table : iterable of (word, label, weight)
            Words and phrases in any spelling; labels by name or alias, including unknown ones.
        labels : iterable of (spelling, label)
            Each label with its name and aliases; of duplicate spellings the first counts.
        rare : collection of labels
            Labels with few songs.
        in_names : iterable of words of the table
            Those that titles, albums and playlists say too.
        wider : mapping of word to labels
            Labels that a no to the word leaves out too, by name or alias, including unknown ones.
        said_as : mapping of word to texts
            What titles and albums say of it.
        """
        here: dict[Phrase, str] = {}
        for spelling, label in labels:
            if phrase := phrase_of(spelling):
                here.setdefault(phrase, label)
        decades = {phrase: first for phrase in here if (first := _first_year(phrase))}
        said: dict[Phrase, dict[Phrase, float]] = {}
        for word, label, weight in table:
            if (phrase := phrase_of(word)) and (target := phrase_of(label)):
                said.setdefault(phrase, {})[target] = weight
                if weight >= 1 and (first := _first_year(target)):
                    decades.setdefault(phrase, first)
        meanings: dict[Phrase, dict[str, float]] = {}
        core_labels: dict[Phrase, frozenset[str]] = {}
        excluded: dict[Phrase, frozenset[str]] = {}
        for phrase, weights in said.items():
            # A word that is also a label's name always means that label too.
            whole = weights if phrase in weights or phrase not in here else {**weights, phrase: 1.0}
            strongest = max(whole.values())
            meaning: dict[str, float] = {}
            core: set[str] = set()
            for target, weight in whole.items():
                if weight and (name := here.get(target)):
                    meaning[name] = max(weight, meaning.get(name, weight))
                    if weight >= CORE_SHARE * strongest > 0:
                        core.add(name)
            meanings[phrase], core_labels[phrase] = meaning, frozenset(core)
            if any(weight <= _EXCLUDING_WEIGHT for weight in whole.values()):
                excluded[phrase] = frozenset(label for label, weight in meaning.items() if weight <= _EXCLUDING_WEIGHT)
        rare = set(rare)
        alone = {phrase: label for phrase, label in here.items() if phrase not in said}
        for phrase, label in alone.items():
            meanings[phrase], core_labels[phrase] = {label: 1.0}, frozenset([label])
        return cls(
            meanings,
            core_labels,
            excluded,
            frozenset(said),
            frozenset(phrase for phrase, label in alone.items() if label in rare),
            frozenset(map(phrase_of, in_names)),
            decades,
            {
                phrase_of(word): frozenset(here[target] for label in more if (target := phrase_of(label)) in here)
                for word, more in wider.items()
            },
            {phrase_of(word): tuple(texts) for word, texts in said_as.items()},
        )

    def refused(self, phrase: Phrase, *, negated: bool) -> frozenset[str]:
        """The labels that exclude songs, where a phrase is negated or where it is not."""
        if not negated and phrase not in self.excluded:
            return frozenset()
        own = self.core_labels[phrase] if negated else self.excluded[phrase]
        # Whoever wants no vocals wants instrumentals, whatever kind of label that is.
        wanted = {label for label, weight in self.meanings[phrase].items() if (weight < 0) is negated}
        return own | (self.wider.get(phrase, frozenset()) - wanted)

    def knows(self, word: str) -> bool:
        """Whether a word for itself means something here, or steers a query."""
        return (word,) in self.meanings or (word,) in CONTROLS

    @cached_property
    def longest(self) -> int:
        """Number of words of the longest phrase."""
        return max(map(len, self.meanings), default=0)

    @cached_property
    def spellings(self) -> dict[str, bool]:
        """Every word of a phrase, and whether typing errors may be corrected to it."""
        spellings = {word for phrase in self.meanings for word in phrase}
        likely = {word for phrase in self.meanings if phrase not in self.rare for word in phrase}
        steering = {word for phrase in CONTROLS for word in phrase}
        return {word: word in likely for word in spellings} | dict.fromkeys(steering, True)

    @cached_property
    def _labels(self) -> set[str]:
        """The labels of one word."""
        names = {label for meaning in self.meanings.values() for label in meaning}
        return {phrase[0] for phrase in map(phrase_of, names) if len(phrase) == 1}

    @cached_property
    def _corrections(self) -> dict[str, list[str]]:
        """Candidates for corrections by first letter; words of the table first."""
        from_table = {word for phrase in self.from_table for word in phrase}
        words = sorted(word for word, likely in self.spellings.items() if likely and len(word) >= 4)
        corrections: dict[str, list[str]] = {}
        for word in sorted(words, key=lambda one: one not in from_table):
            corrections.setdefault(word[0], []).append(word)
        return corrections

    def spelled(self, word: str, *, corrections: bool = True) -> tuple[str, bool]:
        """The vocabulary's spelling of a word (the word itself if unknown), and whether it is a correction."""
        if word in self.spellings:
            return word, False
        for form in _eras(word):
            if form in self.spellings:
                return form, False
        for form in _forms(word) if word not in _NO_FORMS else ():
            if form in self.spellings:
                return form, False
        nearest = self._nearest(word) if corrections else ""
        return (nearest, True) if nearest else (word, False)

    def _nearest(self, word: str) -> str:
        """The one known word that a word is meant for by its errors; empty if none is near enough, or several are.

        Words of up to `_SHORT` letters are corrected where two letters are swapped, one is doubled or is not, or a
        vowel is missing; longer ones with one error, from eight letters on two. The first letter must match, or the
        first two are swapped.
        """
        certain = word in CORRECT_WORDS or any(char.isdigit() for char in word)
        most = 0 if len(word) < 4 or certain else 1 if len(word) < 8 else 2
        if not most:
            return ""
        near = self._corrections.get(word[0], [])
        swapped = [other for other in self._corrections.get(word[1], []) if other[:2] == word[1::-1]]
        found = extract(word, near + swapped, scorer=OSA.distance, score_cutoff=most, limit=_NEARBY, processor=None)
        slips = [one for one in found if _slipped(word, one[0])]
        if not slips and len(word) <= _SHORT:
            found = [one for one in found if _lacks_a_vowel(word, one[0])]
        found = slips or found
        nearest = [one[0] for one in found if one[1] == found[0][1]]
        # Of words that are as near, one that is a label: "clasical" is classical before it is clásica.
        labels = [one for one in nearest if one in self._labels]
        return str((labels or nearest)[0]) if self._one_meaning(labels or nearest) else ""

    def _one_meaning(self, words: Sequence[str]) -> bool:
        """Whether there are words, and all of them mean the same."""
        return bool(words) and all(self.meanings.get((word,)) == self.meanings.get((words[0],)) for word in words)


def _slipped(word: str, other: str) -> bool:
    """Whether two words are the same but for two swapped letters, or for one that is doubled or is not."""
    if len(word) == len(other):
        return sorted(word) == sorted(other)
    return _without_doubles(word) == _without_doubles(other)


def _lacks_a_vowel(word: str, other: str) -> bool:
    """Whether a word is another but for a vowel that is missing inside."""
    return len(word) < len(other) and word[-1] == other[-1] and _consonants(word) == _consonants(other)


def _consonants(word: str) -> str:
    return "".join(letter for letter in word if letter not in "aeiou")


def _without_doubles(word: str) -> str:
    return "".join(letter for letter, _ in groupby(word))


def _forms(word: str) -> Iterable[str]:
    """Candidate spellings of other grammatical forms; most are not words."""
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


def _first_year(phrase: Phrase) -> int:
    """The first year of the decade that a label is named after: 1980 for `80s` and `1980s`; 0 for other names."""
    found = _DECADE.fullmatch(phrase[0]) if len(phrase) == 1 else None
    if found is None:
        return 0
    century = found[1] or ("20" if int(found[2]) < _FIRST_OF_CENTURY else "19")
    return int(century + found[2])


def _eras(word: str) -> Iterable[str]:
    """The decade names of a year or decade: `90s` and `1990s` for `1990s`, `90s` and `1994`."""
    if not _YEARS.fullmatch(word):
        return
    digits = word.rstrip("ies")
    decade = digits[-2] + "0s"
    yield decade
    century = digits[:2] if len(digits) == 4 else "20" if decade < "30s" else "19"
    yield century + decade
