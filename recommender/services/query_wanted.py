"""What a typed query asks for beside its labels: names, years, and what music should be like."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.contrib.auth.models import User

from ..engine.query_weights import ParsedQuery, QueryTerm
from .query_names import NameMeant, is_artist, songs_of_years, songs_saying


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a query asks for beside its labels.

    Attributes
    ----------
    parsed : ParsedQuery
        Without the unknown words that names say.
    like : NameMeant or None
    saying : list of sets of songs
        For each artist, and each word of the table that no label is for: the songs whose names say it. Listed are songs
        that are in all.
    preferred : list of sets of songs
        For each other word that is not understood: the songs whose names say it. They come first.
    beyond : set of songs
        Known to be newer, or older, than what music should be like, where that is asked for.
    also : set of songs
        Songs whose names say a word that labels are for too.
    occasion : set of songs
        Those of them whose title or album says what is only said for an occasion.
    inside, outside : set of songs
        Known to be of a decade that is asked for, or of another.
    by_names, by_year : list of str
        The words that were looked for in names, and those that are decades without a label.
    compared : list of str
        Words that compare years, where they are known.
    said : dict of str to dict of song to str
        By word: the songs whose names say it (`query_names.songs_saying`).
    """

    parsed: ParsedQuery
    like: NameMeant | None
    saying: list[set[int]]
    preferred: list[set[int]]
    beyond: set[int]
    also: set[int]
    occasion: set[int]
    inside: set[int]
    outside: set[int]
    by_names: list[str]
    by_year: list[str]
    compared: list[str]
    said: dict[str, dict[int, str]]

    @classmethod
    def of(
        cls,
        user: User,
        parsed: ParsedQuery,
        like: NameMeant | None,
        compared: tuple[str, set[int], set[int]] | None = None,
    ) -> Wanted:
        """Look up names and years.

        Parameters
        ----------
        user : User
        parsed : ParsedQuery
        like : NameMeant or None
        compared : tuple of str and two sets of songs, or None
            The word that compares years, the songs that are as it says, and those that are not.
        """
        eras = [term for term in parsed.terms if term.decade]
        inside, outside = songs_of_years([term.decade for term in eras]) if eras else (set(), set())
        by_year = [term.text for term in eras if not term.labels and inside]
        without_label = [term.text for term in parsed.absent if not term.negated and term.text not in by_year]
        in_names = [term for term in parsed.matched if term.in_names or term.said_as]
        unknown = parsed.unknown if parsed.terms or like else []
        asked = asked_terms(parsed)
        beside = asked if len(asked) > 1 else []
        texts = dict.fromkeys([*without_label, *unknown, *(term.text for term in beside)], ())
        said = songs_saying(user, {**texts, **{term.text: term.said_as for term in in_names}})
        if compared is not None:
            outside = outside | compared[2]
        needed = [text for text in [*without_label, *unknown] if text in said]
        preferred = [text for text in unknown if text in said and not is_artist(text)]
        return cls(
            parsed=replace(parsed, unknown=[word for word in parsed.unknown if word not in needed]),
            like=like,
            saying=[set(said[text]) for text in needed if text not in preferred],
            preferred=[set(said[text]) for text in preferred],
            beyond=compared[1] if compared else set(),
            also={song for term in in_names for song in said.get(term.text, ())},
            occasion={song for term in in_names if term.said_as for song in said.get(term.text, ())},
            inside=inside,
            outside=outside,
            by_names=[*needed, *(term.text for term in in_names if term.text in said)],
            by_year=by_year,
            compared=[compared[0]] if compared else [],
            said=said,
        )

    @property
    def anything(self) -> bool:
        """Whether songs can be listed for it."""
        return bool(self.parsed.matched or self.like or self.saying or self.preferred or self.by_year)


def asked_terms(parsed: ParsedQuery) -> list[QueryTerm]:
    """The terms whose labels are asked for."""
    return [term for term in parsed.matched if not term.negated]
