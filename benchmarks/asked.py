"""What of the first ten songs of a mood, or of a word, is of it, for a listener of quite another taste.

    python -m benchmarks.asked [--truth FOLDER ...] [--settings]

Each folder of recordings that people labelled is a library, described by what the local tagger in use hears, and again
by what the published networks do that are installed, merged by fits that know nothing of the artist. Asked for are each
quadrant's mood, as the mood page asks, and each genre's word, as Find reads it, where the library has 20 recordings of
it. The listener likes ten recordings that are of another
quadrant or genre and not of this one, of every other one in turn. Beside it stand what the formula p = (1 - a) profile
/ |profile| + a query / |query| gives (a = 0.5 as moods were asked for before, 0.65 as words were), what the query alone
gives, the same where every other song has no labels yet, and what a fit to other artists finds (`asked_ceiling`). What
people said is no full truth: AllMusic's genres are
unions, and absence is not a no.

`--settings` tries constants of `labels_and_sound`, `song_evidence` and `asking` in `recommender.engine`; all others are
as they are.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_array

from catalog.home import PROJECT_ROOT
from mood.labels import DEFAULT_TABLE
from recommender.default_words import default_words
from recommender.engine import asking, labels_and_sound, song_evidence
from recommender.engine.content import Content
from recommender.engine.interface import ListenerBatch, PlayMatrix, TrainingData, Vector
from recommender.engine.labels_and_sound import LabelsAndSound
from recommender.engine.query_parser import parse_query
from recommender.engine.ranking import top
from recommender.engine.vocabulary import Vocabulary
from tagging.labels.vocabulary import vocabulary

from .asked_ceiling import ceiling
from .cold_sound import label_matrix
from .hearing import Heard, hear
from .recommenders import numbered
from .requirements import file, require

FIRST, FEWEST, LIKED = 10, 20, 10
BEFORE = {"mood": 0.5, "word": 0.65}

TRUTH = PROJECT_ROOT.parent / "shared" / "data" / "truth"
_MOODS = {"Q1": "happy", "Q2": "angry", "Q3": "sad", "Q4": "calm"}
_WORDS = {
    "Jazz": "jazz",
    "Electronic": "electronic",
    "International": "world",
    "Blues": "blues",
    "R&B": "r&b",
    "Country": "country",
    "Rap": "hip-hop",
    "Folk": "folk",
    "Stage & Screen": "soundtrack",
    "Reggae": "reggae",
    "New Age": "new age",
    "Pop/Rock": "rock",
    "classical": "classical",
    "electronic": "electronic",
    "pop": "pop",
    "rock": "rock",
}
"""The word that a listener types for a genre; genres that no label is for are left out."""

_SETTINGS: Mapping[tuple[Any, str], Sequence[float]] = {
    (song_evidence, "PIVOT"): (1e-9, 0.25, 0.5, 1.0, 2.0, 4.0),
    (labels_and_sound, "SOUND_SHARE"): (0.0, 0.15, 0.3, 0.45, 0.6),
    (labels_and_sound, "_FEW"): (0.1, 0.25, 0.5, 0.75),
    (asking, "NEAR_BEST"): (0.0, 0.35, 0.5, 0.65, 0.8, 0.9),
}


_HEADS = "| | formula | labels and sound | query alone | half unlabelled | best label | best fit |"


class Asked(NamedTuple):
    """One thing that is asked for: its kind, its name, its labels, and the recordings that are of it."""

    kind: str
    name: str
    labels: Mapping[str, float]
    of_it: frozenset[int]


class Library(NamedTuple):
    """A library of recordings, its labels' positions, what is asked of it, and the artist of each recording."""

    name: str
    data: TrainingData
    labels: Mapping[str, int]
    asked: Sequence[Asked]
    artists: Sequence[str]


def labels_of(word: str, labels: Collection[str]) -> Mapping[str, float]:
    """The query of a word, as Find reads it in a library with these labels by the default table of words."""
    table = (
        (synonym, label, weight)
        for words, meaning, _ in default_words()
        for synonym in words
        for label, weight in meaning.items()
    )
    spellings = (
        (name, entry.name)
        for entry in vocabulary().entries
        if entry.name in labels
        for name in (entry.name, *entry.aliases)
    )
    return parse_query(word, Vocabulary.of(table, spellings)).labels


def questions(rows: Sequence[Mapping[str, str]], labels: Collection[str]) -> list[Asked]:
    """What is asked for in a folder: moods and genres of which it has enough."""
    found: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
    for place, row in enumerate(rows):
        if row.get("quadrant"):
            found["mood", row["quadrant"]].add(place)
        for genre in filter(None, [*row.get("genres", "").split(";"), row.get("genre", "")]):
            if genre in _WORDS:
                found["word", genre].add(place)
    return [
        Asked(
            kind,
            name,
            DEFAULT_TABLE[_MOODS[name], "match"] if kind == "mood" else labels_of(_WORDS[name], labels),
            frozenset(of),
        )
        for (kind, name), of in sorted(found.items())
        if len(of) >= FEWEST
    ]


def library(name: str, heard: Heard, rows: Sequence[Mapping[str, str]]) -> Library:
    """The recordings of a folder as a library that nobody has played."""
    every = np.arange(len(rows))
    nobody: PlayMatrix = csr_array(np.zeros((1, len(rows)), dtype=np.int32))
    tf = label_matrix(heard.labels, every, len(rows))
    data = TrainingData(tf, nobody, embeddings=heard.embeddings, embedded_by=heard.by)
    labels = numbered(label for of_song in heard.labels for label in of_song)
    return Library(name, data, labels, questions(rows, labels), [row["artist"] for row in rows])


def without_labels(data: TrainingData) -> TrainingData:
    """The library with the labels of every other song taken away."""
    tf = data.term_frequencies.tolil(copy=True)
    tf[1::2] = 0
    emptied = csr_array(tf)
    emptied.eliminate_zeros()
    return TrainingData(emptied, data.played, embeddings=data.embeddings, embedded_by=data.embedded_by)


def listeners(asked: Asked, others: Sequence[Asked]) -> Iterator[list[int]]:
    """The songs that listeners of another taste like, ten each, one listener for every other mood or genre."""
    for other in others:
        strange = sorted(other.of_it - asked.of_it)
        if other is not asked and len(strange) >= LIKED:
            yield strange[:: len(strange) // LIKED][:LIKED]


def batches(asked: Asked, of: Library) -> Iterator[tuple[list[int], ListenerBatch]]:
    """Each listener's liked songs, and the listener with the query."""
    query = {of.labels[name]: weight for name, weight in asked.labels.items() if name in of.labels}
    for liked in listeners(asked, of.asked):
        yield (
            liked,
            ListenerBatch.from_listener(of.data.n_songs, len(of.labels) or 1, liked=liked, query=query),
        )


def of_first(scores: Vector, liked: Sequence[int], asked: Asked) -> int:
    """How many of the first ten that the listener does not know are of what is asked for."""
    return sum(song in asked.of_it for song in top(scores, FIRST, leave_out=np.array(liked)).tolist())


def figures(of: Library) -> dict[str, list[float]]:
    """By mood and word: by the formula, by what pages rank by, by the query alone, half unlabelled; the ceilings."""
    before, now = Content.fit(of.data), LabelsAndSound.fit(of.data)
    half = LabelsAndSound.fit(without_labels(of.data))
    found = {}
    for asked in of.asked:
        hits = []
        for liked, batch in batches(asked, of):
            mixed = before.scores(_with_share(batch, BEFORE[asked.kind]))[0]
            if asked.kind == "word":
                mixed = np.where(before.scores(_with_share(batch, 1.0))[0] > 0, mixed, 0)
            alone, some = now.scores(_with_share(batch, 1.0))[0], half.scores(batch)[0]
            hits.append([of_first(one, liked, asked) for one in (mixed, now.scores(batch)[0], alone, some)])
        most = ceiling(of.data, asked.of_it, of.artists)
        found[f"{asked.kind} {asked.name} ({len(asked.of_it)})"] = [*np.mean(hits, axis=0).tolist(), *most]
    return found


def _with_share(batch: ListenerBatch, share: float) -> ListenerBatch:
    return replace(batch, query_share=share)


@contextmanager
def setting(module: Any, name: str, value: float) -> Iterator[None]:
    """Give a constant another value for a while."""
    kept = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, kept)


def libraries(folders: Sequence[Path]) -> Iterator[Library]:
    """A library for each folder and each that heard it."""
    for folder, (recordings, heard) in zip(folders, hear(folders), strict=True):
        with (folder / "labels.csv").open(encoding="utf-8", newline="") as table:
            by_file = {row["file"]: row for row in csv.DictReader(table)}
        rows = [by_file[path.name] for path in recordings]
        for which, of_it in heard.items():
            yield library(f"{folder.name}, {which}", of_it, rows)


def main() -> None:
    """Print a table for each library, or a line for each setting."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--truth", type=Path, nargs="+", default=[TRUTH / "q4_taffc", TRUTH / "emotify"])
    parser.add_argument("--settings", action="store_true", help="try other constants")
    options = parser.parse_args()
    require(*(file(folder / "labels.csv", "--truth") for folder in options.truth))
    every = list(libraries(options.truth))
    if options.settings:
        for (module, name), values in _SETTINGS.items():
            for value in values:
                with setting(module, name, value):
                    means = np.array([np.mean(list(figures(of).values()), axis=0) for of in every])
                said = ", ".join(f"{of.name} {mean[1]:.2f}" for of, mean in zip(every, means, strict=True))
                both = f"mean {means[:, 1].mean():.3f}, half unlabelled {means[:, 3].mean():.3f}"
                print(f"{name} {value:g}: {both} ({said})")
        return
    for of in every:
        print(f"\n{of.name}: of the first {FIRST}\n\n{_HEADS}")
        print("|---|---|---|---|---|---|---|")
        found = figures(of)
        for name, values in [*found.items(), ("mean", np.mean(list(found.values()), axis=0).tolist())]:
            print(f"| {name} | {' | '.join(f'{value:.1f}' for value in values)} |")


if __name__ == "__main__":
    main()
