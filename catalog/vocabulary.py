"""The words of a library, and in which songs they stand: a word is found as written, begun, or with typing errors.

The vocabulary is far smaller than the library, so words are looked up here before any song is. No Django.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import OSA
from rapidfuzz.process import cdist

from .names import has_no_gaps

_WHOLE, _BEGINS, _WITHIN, _CLOSE, _CLOSE_BEGINNING = 1.0, 0.8, 0.5, 0.35, 0.3

_FEWEST_FOR_BEGINNING = 4
"""Letters from which a word is looked for at the beginning of others too: rap is not Rape, war not Warren."""


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Which words stand in which songs.

    Attributes
    ----------
    words : list of str
        Ascending.
    begins : int64, shape (n_words + 1,)
        Where each word's part of `songs` and `says` begins.
    songs : int32, shape (n,)
        Positions.
    says : uint8, shape (n,)
        How much it says that the word stands there.
    """

    words: list[str]
    begins: NDArray[np.int64]
    songs: NDArray[np.int32]
    says: NDArray[np.uint8]
    _cut: dict[int, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, songs: Iterable[Mapping[str, int]]) -> Self:
        """The vocabulary of songs.

        Parameters
        ----------
        songs : iterable of mapping of word to int
            The words of each song, with how much it says that they stand there: 1 to 255.
        """
        numbers: dict[str, int] = {}
        words, at, says = [], [], []
        for position, song in enumerate(songs):
            for word, weight in song.items():
                words.append(numbers.setdefault(word, len(numbers)))
                at.append(position)
                says.append(weight)
        order = sorted(numbers)
        rank = np.empty(len(order), np.int64)
        rank[[numbers[word] for word in order]] = np.arange(len(order))
        ranked = rank[np.array(words, np.int64)] if words else np.zeros(0, np.int64)
        sort = np.argsort(ranked, kind="stable")
        begins = np.searchsorted(ranked[sort], np.arange(len(order) + 1))
        return cls(order, begins, np.array(at, np.int32)[sort], np.array(says, np.uint8)[sort])

    @cached_property
    def _line(self) -> tuple[str, NDArray[np.int64]]:
        """All words in one text, and where each begins: a text is searched at the speed of memory."""
        lengths = np.fromiter((len(word) + 1 for word in self.words), np.int64, len(self.words))
        return "\n".join(self.words), np.concatenate([[0], np.cumsum(lengths)])

    def written(self, word: str, *, short_begins: bool = False) -> dict[int, float]:
        """The words that are this one, begin with it, or hold it (`how_written`): by number, how well."""
        first = bisect_left(self.words, word)
        found: dict[int, float] = {}
        for number in range(first, len(self.words)):
            if not self.words[number].startswith(word):
                break
            if how := how_written(word, self.words[number], short_begins=short_begins):
                found[number] = how
        if has_no_gaps(word):
            text, begins = self._line
            at = text.find(word)
            while at >= 0:
                number = int(np.searchsorted(begins, at, side="right")) - 1
                found.setdefault(number, _WITHIN)
                at = text.find(word, int(begins[number + 1]))
        return found

    def close(self, word: str) -> dict[int, float]:
        """The words that this one may have been meant for, whole or begun: the fewest typing errors away."""
        most = 0 if len(word) < 4 else 1 if len(word) < 6 else 2
        if not most or not self.words:
            return {}
        whole = self._errors(word, self.words, most)
        begun = self._errors(word, self._cut_to(len(word)), most)
        fewest = int(min(whole.min(), begun.min()))
        if fewest > most:
            return {}
        close = dict.fromkeys(np.flatnonzero(begun == fewest).tolist(), _CLOSE_BEGINNING)
        return close | dict.fromkeys(np.flatnonzero(whole == fewest).tolist(), _CLOSE)

    def _errors(self, word: str, words: Sequence[str], most: int) -> NDArray[np.uint8]:
        found: NDArray[np.uint8] = cdist([word], words, scorer=OSA.distance, score_cutoff=most, dtype=np.uint8)[0]
        return found

    def _cut_to(self, length: int) -> list[str]:
        if length not in self._cut:
            self._cut[length] = [word[:length] for word in self.words]
        return self._cut[length]

    def standing(self, numbers: Sequence[int], among: NDArray[np.bool_]) -> list[str]:
        """Those of some words, by number, that stand in one of some songs (a mask, shape (n_songs,))."""
        ranges = {number: slice(self.begins[number], self.begins[number + 1]) for number in numbers}
        return [self.words[number] for number, at in ranges.items() if among[self.songs[at]].any()]

    def fit(self, numbers: Mapping[int, float], n_songs: int) -> NDArray[np.float32]:
        """How well some words fit each song: the best of them counts.

        Parameters
        ----------
        numbers : mapping of a word's number to float
            How well the word fits what was typed, 0 to 1, as `written` and `close` return it.
        n_songs : int

        Returns
        -------
        float32, shape (n_songs,)
            0 where none of the words stands.
        """
        fit = np.zeros(n_songs, np.float32)
        for how in sorted(set(numbers.values())):
            which = np.array([number for number, one in numbers.items() if one == how])
            at = _ranges(self.begins[which], self.begins[which + 1])
            np.maximum.at(fit, self.songs[at], np.float32(how) * self.says[at])
        return fit


def how_written(word: str, other: str, *, short_begins: bool = False) -> float:
    """How well a word fits what was typed: 1 as it is, less where it begins so.

    Words of fewer than `_FEWEST_FOR_BEGINNING` letters fit only as they are, unless short beginnings are wanted; inside
    of others stand only words of scripts without gaps.
    """
    if other == word:
        return _WHOLE
    if has_no_gaps(word):
        return _BEGINS if other.startswith(word) else _WITHIN if word in other else 0.0
    enough = short_begins or len(word) >= _FEWEST_FOR_BEGINNING
    return _BEGINS if enough and other.startswith(word) else 0.0


def _ranges(begins: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """All whole numbers from each beginning to before its end."""
    lengths = ends - begins
    within = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    numbers: NDArray[np.int64] = np.repeat(begins, lengths) + within
    return numbers
