"""The default query vocabulary, read from `default_words.txt` and the files beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

_TABLE = Path(__file__).with_name("default_words.txt")
_LANGUAGES = Path(__file__).with_name("default_words_in_languages.txt")
_OCCASIONS = Path(__file__).with_name("names_of_occasions.txt")
_WIDER = Path(__file__).with_name("wider_refusals.txt")


def default_words() -> Iterator[tuple[list[str], Mapping[str, float], bool]]:
    """Yield groups of synonyms, the weights of their labels, and whether names of songs and lists say them too."""
    others = words_in_languages()
    words = ""
    for line in _lines(_TABLE):
        if not line.startswith(" "):
            words += f"{line} "
            continue
        labels = (part.strip().rsplit(" ", 1) for part in line.split(","))
        synonyms = words.removeprefix("* ").strip().split(", ")
        meaning = {label: float(weight) for label, weight in labels}
        yield [*synonyms, *others.get(synonyms[0], [])], meaning, words.startswith("* ")
        words = ""


def words_in_languages() -> dict[str, list[str]]:
    """The words of other languages than English, by the first word of the group that they belong to."""
    return _lists(_LANGUAGES)


@cache
def names_of_occasions() -> Mapping[str, list[str]]:
    """What titles and albums say of an occasion, by the first word of the group that it belongs to."""
    return _lists(_OCCASIONS)


@cache
def wider_refusals() -> Mapping[str, list[str]]:
    """The labels that a no to a word leaves out too, by the first word of the group that it belongs to."""
    return _lists(_WIDER)


def _lists(path: Path) -> dict[str, list[str]]:
    groups = (line.split(": ", 1) for line in _lines(path))
    return {first: words.split(", ") for first, words in groups}


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
