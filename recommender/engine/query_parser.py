"""Parses a typed query, "calm piano for a rainy evening, not pop", into weighted labels.

Reads the text from left to right and matches the longest phrase of the vocabulary at each position: a word of the table
that admins edit, or a label of the library. The remaining tokens are control words that steer the next term (not,
very), words without meaning for music (something, for, a), and unknown words. `query_weights` has the weights.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from .query_tokens import CONTROLS, LONGEST_CONTROL, Control, Phrase, Token, tokenize
from .query_weights import A_BIT, LESS, NOT, PLAIN, VERY, ParsedQuery, QueryTerm, term_labels
from .vocabulary import Vocabulary

LONGEST_TEXT = 200
"""Characters of a text that are read; the rest is ignored."""


class _Negation(NamedTuple):
    """An active negation: its strength, whether it was applied, and whether "or" extends it to the next term."""

    strength: float
    applied: bool = False
    from_blocks: bool = False


@dataclass(frozen=True, slots=True)
class _Match:
    """The match of consecutive tokens: a phrase, a control word, a name, or none of them."""

    length: int
    phrase: Phrase = ()
    control: Control | None = None
    corrected: bool = False
    is_name: bool = False


def parse_query(
    text: str, vocabulary: Vocabulary, *, corrections: bool = True, names: Collection[Phrase] = ()
) -> ParsedQuery:
    """Parse a text.

    Parameters
    ----------
    text : str
        Of any length; only the first `LONGEST_TEXT` characters are read.
    vocabulary : Vocabulary
    corrections : bool
        Whether typing errors are corrected.
    names : collection of phrases
        Names in the text: unknown as a whole, whatever their words mean.

    Returns
    -------
    ParsedQuery

    Examples
    --------
    >>> vocabulary = Vocabulary.of([("rainy", "calm", 1.0)], [("calm", "calm"), ("pop", "pop")])
    >>> parse_query("rainy but not pop", vocabulary).labels
    {'calm': 1.0, 'pop': -1.0}
    """
    text = unicodedata.normalize("NFC", text)[:LONGEST_TEXT]
    tokens = tokenize(text)
    spelled = [vocabulary.spelled(token.key, corrections=corrections) for token in tokens]
    terms: dict[tuple[Phrase, bool], QueryTerm] = {}
    order: list[str | tuple[Phrase, bool]] = []
    negation: _Negation | None = None
    strength = PLAIN
    at, previous_unknown = 0, -1
    while at < len(tokens):
        token = tokens[at]
        if token.after_separator and negation:
            negation = negation._replace(from_blocks=True) if _list_continues(tokens, at, spelled) else None
        if token.minus:
            negation, strength = _Negation(NOT), PLAIN
        match = _name(tokens, at, names) or _match(tokens, spelled, at, vocabulary)
        if match.control is not None:
            negation, strength = _apply_control(match.control, negation, strength)
        elif match.phrase:
            if negation and negation.applied and not negation.from_blocks:
                negation = None
            typed = text[token.start : tokens[at + match.length - 1].end]
            term = _make_term(typed, match, negation.strength if negation else strength, vocabulary)
            key = match.phrase, term.negated
            if key not in terms:
                terms[key] = term
                order.append(key)
            negation = _Negation(negation.strength, applied=True) if negation else None
            strength = PLAIN
        else:
            word = " ".join(text[token.start : tokens[at + match.length - 1].end].split())
            joins = previous_unknown == at - 1 and not token.after_separator and not match.is_name
            if negation and not negation.applied and not joins and not match.is_name:
                # Not to be asked for, and not to be passed over: what it says stays with the word.
                word = f"{'no' if negation.strength == NOT else 'less'} {word}"
            if joins and order and isinstance(order[-1], str):
                order[-1] = f"{order[-1]} {word}"
            else:
                order.append(word)
            previous_unknown = -1 if match.is_name else at
        at += match.length
    return _finish(terms, order)


def _apply_control(control: Control, negation: _Negation | None, strength: float) -> tuple[_Negation | None, float]:
    """The negation and strength after a control word."""
    if control is Control.NOT:
        return _Negation(NOT), PLAIN
    if control is Control.LESS:
        return _Negation(LESS), PLAIN
    if control is Control.VERY:
        return negation, VERY
    if control is Control.A_BIT:
        return negation, A_BIT
    if control is Control.OR or (control is Control.AND and negation and negation.strength == NOT):
        return (negation._replace(from_blocks=True) if negation else None), strength
    if control is Control.BREAKS and negation and negation.applied:
        return None, PLAIN
    return negation, strength


def _list_continues(tokens: Sequence[Token], at: int, spelled: Sequence[tuple[str, bool]]) -> bool:
    """Whether a list continues after a comma up to an "or": "no pop, rock or metal"."""
    for place in range(at, len(tokens)):
        control = CONTROLS.get((spelled[place][0],))
        if control is Control.OR:
            return True
        if control not in (None, Control.FILLS):
            return False
    return False


def _name(tokens: Sequence[Token], at: int, names: Collection[Phrase]) -> _Match | None:
    """The longest name that begins at a position; None where none does."""
    for name in sorted(names, key=len, reverse=True):
        if tuple(token.key for token in tokens[at : at + len(name)]) == name:
            return _Match(len(name), is_name=True)
    return None


def _match(tokens: Sequence[Token], spelled: Sequence[tuple[str, bool]], at: int, vocabulary: Vocabulary) -> _Match:
    """The longest match at a position; the table takes precedence over control words, and those over labels."""
    most = 1
    while (
        at + most < len(tokens)
        and most < max(vocabulary.longest, LONGEST_CONTROL)
        and not tokens[at + most].after_separator
    ):
        most += 1
    for length in range(most, 0, -1):
        phrase = tuple(word for word, _ in spelled[at : at + length])
        control = CONTROLS.get(phrase)
        known = phrase in vocabulary.meanings
        if known and (phrase in vocabulary.from_table or control is None):
            if length > 1 and phrase in vocabulary.rare and _all_known(phrase, vocabulary):
                continue
            return _Match(length, phrase, corrected=any(corrected for _, corrected in spelled[at : at + length]))
        if control is not None:
            return _Match(length, control=control)
    return _Match(1)


def _all_known(phrase: Phrase, vocabulary: Vocabulary) -> bool:
    return all(map(vocabulary.knows, phrase))


def _make_term(typed: str, match: _Match, strength: float, vocabulary: Vocabulary) -> QueryTerm:
    """A term with its labels; a negated term has only the core labels of its phrase."""
    phrase, typed = match.phrase, " ".join(typed.split())
    weights = vocabulary.meanings[phrase]
    if strength < 0:
        weights = {label: weight for label, weight in weights.items() if label in vocabulary.core_labels[phrase]}
    return QueryTerm(
        text=" ".join(phrase) if match.corrected else typed,
        typed=typed if match.corrected else "",
        strength=strength,
        labels=term_labels(weights, strength),
        refuses=frozenset() if strength == LESS else vocabulary.refused(phrase, negated=strength == NOT),
        in_names=strength > 0 and phrase in vocabulary.in_names,
        said_as=vocabulary.said_as.get(phrase, ()) if strength > 0 else (),
        decade=vocabulary.decades.get(phrase, 0) if strength > 0 else 0,
    )


def _finish(terms: Mapping[tuple[Phrase, bool], QueryTerm], order: Sequence[str | tuple[Phrase, bool]]) -> ParsedQuery:
    """The result, each term with the text of all the others; parsing such a text gives the same terms."""
    words = [one if isinstance(one, str) else terms[one].words for one in order]

    def text(*without: int) -> str:
        return ", ".join(one for place, one in enumerate(words) if place not in without)

    return ParsedQuery(
        terms=[replace(terms[one], without=text(place)) for place, one in enumerate(order) if not isinstance(one, str)],
        unknown=[one for one in order if isinstance(one, str)],
        text=text(),
    )
