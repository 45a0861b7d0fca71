"""The default query vocabulary, read from `default_words.txt` and `default_words_in_languages.txt`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

_TABLE = Path(__file__).with_name("default_words.txt")
_LANGUAGES = Path(__file__).with_name("default_words_in_languages.txt")


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
    groups = (line.split(": ", 1) for line in _lines(_LANGUAGES))
    return {first: words.split(", ") for first, words in groups}


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
