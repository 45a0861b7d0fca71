"""How alike songs are that the embeddings find alike: of a song's ten nearest, how many share its genre and its mood.

    python -m benchmarks.sound [--truth FOLDER ...]

Recordings that people labelled are heard by the local tagger in use and by the published networks that are installed.
Nearest are those with the highest cosine, as "sounds like" has it, among recordings of the same folder by other
artists. A genre is shared where one of AllMusic's is, or Emotify's one; a mood where the quadrant is. By lot is what
any ten of them would share.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalog.home import PROJECT_ROOT

from .hearing import hear
from .requirements import file, require

NEAREST = 10
_TRUTH = PROJECT_ROOT.parent / "shared" / "data" / "truth"

Share = NDArray[np.bool_]


def nearest(embeddings: NDArray[np.floating], artists: Sequence[str], n: int = NEAREST) -> NDArray[np.intp]:
    """The nearest of each recording by another artist, shape (n_recordings, n), nearest first."""
    unit = embeddings / np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-9)
    cosines = unit @ unit.T
    by = np.array(artists)
    cosines[by[:, np.newaxis] == by] = -np.inf
    return np.argsort(-cosines, axis=1, kind="stable")[:, :n]


def questions(rows: Sequence[Mapping[str, str]]) -> dict[str, Share]:
    """Which recordings share what people said of them, shape (n_recordings, n_recordings), by what it is."""
    said: dict[str, Callable[[Mapping[str, str]], set[str]]] = {
        "a genre of AllMusic": lambda row: set(filter(None, row.get("genres", "").split(";"))),
        "the genre": lambda row: {row["genre"]} if row.get("genre") else set(),
        "the quadrant of mood": lambda row: {row["quadrant"]} if row.get("quadrant") else set(),
    }
    shared = {}
    for name, of_row in said.items():
        sets = [of_row(row) for row in rows]
        if any(sets):
            shared[name] = np.array([[bool(one & other) for other in sets] for one in sets])
    return shared


def agreement(shared: Share, neighbours: NDArray[np.intp]) -> float:
    """The share of neighbours that share it, over the recordings of which anything was said."""
    known = np.flatnonzero(shared.diagonal())
    return float(np.take_along_axis(shared, neighbours, 1)[known].mean())


def by_lot(shared: Share, artists: Sequence[str]) -> float:
    """The same for any recordings by other artists."""
    by = np.array(artists)
    known, others = shared.diagonal(), by[:, np.newaxis] != by
    return float(shared[known][others[known]].mean())


def main() -> None:
    """Print a line for each folder and question."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--truth", type=Path, nargs="+", default=[_TRUTH / "q4_taffc", _TRUTH / "emotify"])
    options = parser.parse_args()
    require(*(file(folder / "labels.csv", "--truth") for folder in options.truth))
    for folder, (recordings, heard) in zip(options.truth, hear(options.truth), strict=True):
        with (folder / "labels.csv").open(encoding="utf-8", newline="") as table:
            by_file = {row["file"]: row for row in csv.DictReader(table)}
        rows = [by_file[path.name] for path in recordings]
        artists = [row.get("artist") or row["file"] for row in rows]
        for name, shared in questions(rows).items():
            figures = [
                f"{which} ({of_it.by}) {agreement(shared, nearest(of_it.embeddings, artists)):.3f}"
                for which, of_it in heard.items()
            ]
            known = int(shared.diagonal().sum())
            print(
                f"{folder.name}, {known} recordings, {name}: {', '.join(figures)}, by lot {by_lot(shared, artists):.3f}"
            )


if __name__ == "__main__":
    main()
