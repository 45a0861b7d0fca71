"""The words that DCMRS knows when it comes: what people say of music, and the labels that it means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

_TABLE = Path(__file__).with_name("default_words.txt")


def default_words() -> Iterator[tuple[list[str], Mapping[str, float]]]:
    """The table: words that mean the same, and the weights of the labels that they mean."""
    lines = [line for line in _TABLE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    words = ""
    for line in filter(None, lines):
        if not line.startswith(" "):
            words += f"{line} "
            continue
        labels = (part.strip().rsplit(" ", 1) for part in line.split(","))
        yield words.strip().split(", "), {label: float(weight) for label, weight in labels}
        words = ""
