"""Weights of a parsed query: the labels of each term, their sum, and the labels that exclude songs.

Each term contributes a label vector of Euclidean norm |strength|, so a word with many labels counts as much as a word
with one. Strengths: 1; 1.5 after "very"; 0.5 after "a bit"; -1 after "not"; -0.5 after "not too" or "less".
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .interface import Vector

REFUSED_FROM = 0.1
"""A song carries a refused label from this share of the song's largest term frequency on."""

NOT, LESS, PLAIN, A_BIT, VERY = -1.0, -0.5, 1.0, 0.5, 1.5
"""The strengths of a term."""

CORE_SHARE = 0.5
"""The core labels of a phrase have at least this share of its largest weight; a negation concerns them only."""

_STRENGTH_PREFIX = {NOT: "not ", LESS: "less ", PLAIN: "", A_BIT: "a bit ", VERY: "very "}


@dataclass(frozen=True, slots=True)
class QueryTerm:
    """A word or phrase of the query that the vocabulary knows.

    Attributes
    ----------
    text : str
        As typed, with typing errors corrected.
    typed : str
        As typed, if it was corrected; else empty.
    strength : float
        `PLAIN`, `VERY` or `A_BIT`; `NOT` or `LESS` if negated.
    labels : dict of label to weight
        Its part of the query, of norm |strength|; empty if no song in the library has a label for it.
    refuses : frozenset of labels
        Labels that exclude songs, as far as this term decides.
    without : str
        The query text without this term.
    in_names : bool
        Whether songs are meant too whose title, album or playlist says it.
    decade : int
        The first year of the decade that it means; else 0.
    said_as : tuple of str
        What titles and albums say of it, beside the word.
    """

    text: str
    typed: str
    strength: float
    labels: dict[str, float]
    refuses: frozenset[str] = frozenset()
    without: str = ""
    in_names: bool = False
    decade: int = 0
    said_as: tuple[str, ...] = ()

    @property
    def negated(self) -> bool:
        """Whether the strength is negative."""
        return self.strength < 0

    @property
    def words(self) -> str:
        """The term with its strength as text: `not pop`, `very calm`."""
        return _STRENGTH_PREFIX[self.strength] + self.text

    @property
    def strongest(self) -> list[str]:
        """The labels with at least `CORE_SHARE` of the largest weight, largest first."""
        meant = {label: weight / self.strength for label, weight in self.labels.items()}
        ranked = sorted(meant.items(), key=lambda item: (-item[1], item[0]))
        return [label for label, weight in ranked if weight >= CORE_SHARE * ranked[0][1] > 0]


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """The result of parsing a text.

    Attributes
    ----------
    terms : list of QueryTerm
        In the order of the text, without duplicates.
    unknown : list of str
        Words that are not in the vocabulary, as typed; adjacent ones are joined.
    text : str
        The text, rewritten from terms and unknown words.
    """

    terms: list[QueryTerm] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    text: str = ""

    @property
    def matched(self) -> list[QueryTerm]:
        """The terms with labels in this library."""
        return [term for term in self.terms if term.labels]

    @property
    def absent(self) -> list[QueryTerm]:
        """The terms without labels in this library."""
        return [term for term in self.terms if not term.labels]

    @property
    def labels(self) -> dict[str, float]:
        """The query: the sum of the terms' labels, largest weight first, without zeros."""
        total: dict[str, float] = {}
        for term in self.terms:
            for label, weight in term.labels.items():
                total[label] = total.get(label, 0.0) + weight
        ranked = sorted(total.items(), key=lambda item: (-item[1], item[0]))
        return {label: weight for label, weight in ranked if abs(weight) > 1e-9}

    @property
    def refused(self) -> list[str]:
        """The labels that exclude songs: refused by a term, and not asked for as much by others."""
        total = self.labels
        refused = {label for term in self.terms for label in term.refuses}
        asked = {label for term in self.terms for label, weight in term.labels.items() if weight > 0}
        return sorted(label for label in refused if total.get(label, 0.0) < 0 or label not in asked)


def term_labels(weights: Mapping[str, float], strength: float) -> dict[str, float]:
    """Scale label weights to Euclidean norm |strength|; empty if all are 0.

    Parameters
    ----------
    weights : mapping of label to weight
    strength : float
        Negative for a negated term.
    """
    norm = math.hypot(*weights.values())
    return {label: strength * weight / norm for label, weight in weights.items()} if norm else {}


def exclude_refused(scores: Vector, shares: NDArray[np.float64]) -> Vector:
    """Lower or zero the scores of songs with refused labels.

    score' = score (1 - share) / 2 for shares above 0 and below `REFUSED_FROM`, 0 from there on: songs with a faint
    trace come after those without.

    Parameters
    ----------
    scores : float64, shape (n_songs,)
    shares : float64, shape (n_songs,)
        Largest term frequency of a refused label, as a share of the song's largest (`Content.shares`).

    Returns
    -------
    float64, shape (n_songs,)
    """
    traced = np.where(shares < REFUSED_FROM, scores * (1 - shares) / 2, 0.0)
    kept: Vector = np.where(shares > 0, traced, scores)
    return kept


def terms_asking_for(terms: Iterable[QueryTerm], label: str) -> list[QueryTerm]:
    """The terms with a positive weight for a label, largest weight first."""
    asking = [term for term in terms if term.labels.get(label, 0.0) > 0]
    return sorted(asking, key=lambda term: -term.labels[label])
