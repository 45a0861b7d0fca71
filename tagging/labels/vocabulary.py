"""The vocabulary: what songs are labelled with, whichever networks predict it; `vocabulary.toml` holds it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catalog.names import label_key
from tagging.networks.descriptions import Description


@dataclass(frozen=True, slots=True)
class Entry:
    """One label of the vocabulary.

    Attributes
    ----------
    name : str
        As people read it.
    kind : str
        A `catalog.models.Label.Kind`.
    outputs : mapping of str to tuple of str
        The tags that mean it, by the set that they are in.
    aliases : tuple of str
        Other spellings.
    background : bool
        Whether it says little to a listener: searchable, but not shown first.
    rarer : float
        How many times rarer it is in people's libraries than what the networks learned from lets them expect.
    """

    name: str
    kind: str
    outputs: Mapping[str, tuple[str, ...]]
    aliases: tuple[str, ...] = ()
    background: bool = False
    rarer: float = 1.0


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """All labels, and which networks predict which tags.

    Attributes
    ----------
    entries : tuple of Entry
    sets : mapping of str to tuple of str
        The networks that predict each set of tags.
    """

    entries: tuple[Entry, ...]
    sets: Mapping[str, tuple[str, ...]]

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def names(self) -> list[str]:
        """The labels' names, in order."""
        return [entry.name for entry in self.entries]

    @property
    def kinds(self) -> dict[str, str]:
        """The kind of each label, by its name."""
        return {entry.name: entry.kind for entry in self.entries}

    @property
    def networks(self) -> list[str]:
        """The published networks whose tags are in the vocabulary."""
        return [network for networks in self.sets.values() for network in networks]

    def places(self) -> dict[str, int]:
        """Where each label is, by the key of its name and of its aliases."""
        return {
            label_key(spelling): place
            for place, entry in enumerate(self.entries)
            for spelling in (entry.name, *entry.aliases)
        }

    def columns(self, tagger: Description) -> dict[int, list[int]]:
        """Which of a tagger's outputs mean which label.

        Parameters
        ----------
        tagger : Description
            A network of one of the sets, or any other whose labels are looked up by their names.

        Returns
        -------
        dict of int to list of int
            The columns of the tagger's probabilities by the label's place, of those that it can predict.
        """
        found: dict[int, list[int]] = {}
        of_set = next((name for name, networks in self.sets.items() if tagger.name in networks), None)
        if of_set is None:
            places = self.places()
            for column, label in enumerate(tagger.labels):
                if (place := places.get(label_key(label.name))) is not None:
                    found.setdefault(place, []).append(column)
            return found
        column_of = {label.name: column for column, label in enumerate(tagger.labels)}
        for place, entry in enumerate(self.entries):
            if outputs := entry.outputs.get(of_set):
                found[place] = [column_of[output] for output in outputs]
        return found

    def by_label(self, tagger: Description, log_odds: NDArray[np.floating]) -> NDArray[np.float64]:
        """A tagger's answers as answers to the vocabulary: outputs that mean one label are averaged as log-odds.

        Parameters
        ----------
        tagger : Description
        log_odds : float, shape (..., n_outputs)

        Returns
        -------
        float64, shape (..., n_labels)
            NaN where the tagger cannot predict a label.
        """
        answers = np.full((*log_odds.shape[:-1], len(self)), np.nan)
        for place, columns in self.columns(tagger).items():
            answers[..., place] = log_odds[..., columns].mean(axis=-1)
        return answers


@cache
def vocabulary() -> Vocabulary:
    """The vocabulary of this program."""
    tables = tomllib.loads((Path(__file__).parent / "vocabulary.toml").read_text(encoding="utf-8"))
    return Vocabulary(
        entries=tuple(_entry(**table) for table in tables["vocabulary"]["labels"]),
        sets={name: tuple(networks) for name, networks in tables["sets"].items()},
    )


def _entry(name: str, kind: str, outputs: list[str], aliases: Sequence[str] = (), **more: Any) -> Entry:
    by_set: dict[str, tuple[str, ...]] = {}
    for output in outputs:
        of_set, _, tag = output.partition(": ")
        by_set[of_set] = (*by_set.get(of_set, ()), tag)
    return Entry(name, kind, by_set, tuple(aliases), **more)
