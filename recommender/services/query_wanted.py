"""What a typed query asks for beside its labels: names, years, and what music should be like."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.contrib.auth.models import User

from ..engine.query_weights import ParsedQuery
from .query_names import NameMeant, songs_of_years, songs_saying


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a query asks for beside its labels.

    Attributes
    ----------
    parsed : ParsedQuery
        Without the unknown words that names say.
    like : NameMeant or None
    saying : list of sets of songs
        For each word that no label is for: the songs whose names say it. Listed are songs that are in all.
    also : set of songs
        Songs whose names say a word that labels are for too.
    inside, outside : set of songs
        Known to be of a decade that is asked for, or of another.
    by_names, by_year : list of str
        The words that were looked for in names, and those that are decades without a label.
    said : dict of str to set of songs
        The songs whose names say each of `by_names`.
    """

    parsed: ParsedQuery
    like: NameMeant | None
    saying: list[set[int]]
    also: set[int]
    inside: set[int]
    outside: set[int]
    by_names: list[str]
    by_year: list[str]
    said: dict[str, set[int]]

    @classmethod
    def of(cls, user: User, parsed: ParsedQuery, like: NameMeant | None) -> Wanted:
        """Look up names and years."""
        eras = [term for term in parsed.terms if term.decade]
        inside, outside = songs_of_years([term.decade for term in eras]) if eras else (set(), set())
        by_year = [term.text for term in eras if not term.labels and inside]
        without_label = [term.text for term in parsed.absent if not term.negated and term.text not in by_year]
        with_label = [term.text for term in parsed.matched if term.in_names]
        unknown = parsed.unknown if parsed.terms or like else []
        said = songs_saying(user, [*without_label, *with_label, *unknown])
        also: set[int] = set()
        for text in with_label:
            also |= said.get(text, set())
        needed = [text for text in [*without_label, *unknown] if text in said]
        return cls(
            parsed=replace(parsed, unknown=[word for word in parsed.unknown if word not in needed]),
            like=like,
            saying=[said[text] for text in needed],
            also=also,
            inside=inside,
            outside=outside,
            by_names=[*needed, *(text for text in with_label if text in said)],
            by_year=by_year,
            said=said,
        )

    @property
    def anything(self) -> bool:
        """Whether songs can be listed for it."""
        return bool(self.parsed.matched or self.like or self.saying or self.by_year)
