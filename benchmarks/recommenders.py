"""How fast the recommenders are, as ratios to plain implementations and to `implicit`, all in one run.

    python -m benchmarks.recommenders [--lastfm DIR] [--triplets FILE] [--rows N] [--repeat N] [--format table|json]

Content: the cosines of all listeners and artists of HetRec Last.fm, against a loop over pairs in plain Python, timed
on a sample of the pairs and multiplied up. Co-occurrence: the scores of one listener of the Taste Profile, against
intersections of plain sets; and counting all pairs of HetRec, against `implicit`'s all-pairs, which keeps 200 of each
artist where ours keeps all (to keep all takes it minutes). Each is the best of several runs, so that what else the
machine does counts least.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import coo_array, csr_matrix
from threadpoolctl import threadpool_limits

from catalog.home import PROJECT_ROOT
from recommender.engine.content import Content
from recommender.engine.cooccurrence import NEIGHBOURS, Cooccurrence
from recommender.engine.interface import ListenerBatch, Matrix, PlayMatrix, TrainingData
from tests.recommender import plain

from .requirements import file, folder, require

SHARED = PROJECT_ROOT.parent / "shared" / "data"
LISTENER = "4bd88bfb25263a75bbdd467e74018f4ae570e5df"
PAIRS_TIMED = 2000


class Figure(NamedTuple):
    """One comparison, in seconds."""

    what: str
    here: float
    against: str
    there: float

    @property
    def ratio(self) -> float:
        """How many times as long the other one takes."""
        return self.there / self.here


def best(run: Callable[[], Any], repeat: int) -> float:
    """The shortest of several runs, in seconds."""
    times = []
    for _ in range(repeat):
        begun = time.perf_counter()
        run()
        times.append(time.perf_counter() - begun)
    return min(times)


# --- Data ---------------------------------------------------------------------------------------


def table(path: Path) -> list[list[int]]:
    """The rows of one of HetRec's files, without its header; Last.fm's columns that matter are numbers."""
    with path.open(encoding="utf-8") as file:
        next(file)
        return [[int(value) for value in line.split("\t")[:3]] for line in file if line.strip()]


def numbered(values: Iterable[Any]) -> dict[Any, int]:
    """A position for each value, in their order."""
    return {value: at for at, value in enumerate(sorted(set(values)))}


def lastfm(folder: Path) -> TrainingData:
    """HetRec Last.fm: listeners, artists as songs, and how many people gave them which label."""
    plays, words = table(folder / "user_artists.dat"), table(folder / "user_taggedartists.dat")
    users = numbered(user for user, _, _ in plays)
    artists = numbered([artist for _, artist, _ in plays] + [artist for _, artist, _ in words])
    labels = numbered(label for _, _, label in words)
    rows, columns = [users[user] for user, _, _ in plays], [artists[artist] for _, artist, _ in plays]
    counts = np.array([max(count, 1) for _, _, count in plays], dtype=np.int32)
    played: PlayMatrix = coo_array((counts, (rows, columns)), shape=(len(users), len(artists))).tocsr()
    said = ([artists[artist] for _, artist, _ in words], [labels[label] for _, _, label in words])
    tf: Matrix = coo_array((np.ones(len(words)), said), shape=(len(artists), len(labels))).tocsr()
    return TrainingData(tf, played)


def triplets(path: Path, n: int) -> list[tuple[str, str]]:
    """The listeners and songs of the first rows of the Taste Profile."""
    with path.open(encoding="utf-8", newline="") as file:
        return [(row[0], row[1]) for row, _ in zip(csv.reader(file, delimiter="\t"), range(n), strict=False)]


# --- Plain implementations ----------------------------------------------------------------------


def as_dict(matrix: Any, row: int) -> dict[int, float]:
    """One row of a sparse matrix, by column."""
    at = slice(matrix.indptr[row], matrix.indptr[row + 1])
    return dict(zip(matrix.indices[at].tolist(), matrix.data[at].tolist(), strict=True))


# --- Comparisons --------------------------------------------------------------------------------


def content(data: TrainingData, repeat: int) -> Figure:
    """All cosines of listeners and songs against a loop over pairs."""
    batch = ListenerBatch.from_plays(data.played, data.term_frequencies.shape[1])
    fitted = Content.fit(data)
    here = best(lambda: Content.fit(data).scores(batch), repeat)
    profiles = batch.liked @ fitted.weights
    n_listeners, n_songs = data.played.shape
    rng = np.random.default_rng(0)
    pairs = list(zip(rng.integers(0, n_listeners, PAIRS_TIMED), rng.integers(0, n_songs, PAIRS_TIMED), strict=True))
    vectors = [(as_dict(profiles, listener), as_dict(fitted.weights, song)) for listener, song in pairs]
    each = best(lambda: [plain.cosine(*pair) for pair in vectors], 1) / PAIRS_TIMED
    total = n_listeners * n_songs
    return Figure(
        f"content, {total:,} pairs of listener and artist",
        here,
        f"a plain loop, {1000 * each:.3f} ms a pair in {PAIRS_TIMED:,} of them, multiplied up",
        each * total,
    )


def one_listener(path: Path, rows: int, repeat: int) -> Figure:
    """One listener's co-occurrence against intersections of sets."""
    plays = triplets(path, rows)
    users, songs = numbered(who for who, _ in plays), numbered(song for _, song in plays)
    at = ([users[who] for who, _ in plays], [songs[song] for _, song in plays])
    played: PlayMatrix = coo_array((np.ones(len(plays), dtype=np.int32), at), shape=(len(users), len(songs))).tocsr()
    fitted = Cooccurrence.of_groups(played)
    batch = ListenerBatch.from_plays(played[[users[LISTENER]]], 1)
    here = best(lambda: fitted.scores(batch), 20 * repeat)
    there = best(lambda: plain.cooccurrence(plays, LISTENER), repeat)
    expected, scores = plain.cooccurrence(plays, LISTENER), fitted.scores(batch)[0]
    if any(abs(scores[songs[song]] - score) > 1e-9 for song, score in expected.items()):
        raise SystemExit("the two do not agree")
    return Figure(f"co-occurrence of one listener, {rows:,} plays", here, "intersections of plain sets", there)


def fitting(data: TrainingData, repeat: int) -> Figure:
    """Counting all pairs against `implicit`'s item neighbours of the same matrix."""
    from implicit.nearest_neighbours import ItemItemRecommender

    played = data.played
    fitted = Cooccurrence.of_groups(played)
    here = best(lambda: Cooccurrence.of_groups(played), repeat)
    marks = csr_matrix((np.ones(played.nnz), played.indices.copy(), played.indptr.copy()), shape=played.shape)

    def neighbours() -> None:
        ItemItemRecommender(K=NEIGHBOURS, num_threads=os.cpu_count() or 1).fit(marks, show_progress=False)

    with threadpool_limits(1, "blas"):
        there = best(neighbours, repeat)
    pairs = len(fitted.neighbours)
    return Figure(f"counting and keeping all {pairs:,} pairs", here, f"implicit, keeping {NEIGHBOURS} of each", there)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lastfm", type=Path, default=SHARED / "lastfm")
    parser.add_argument("--triplets", type=Path, default=SHARED / "taste" / "triplets.tsv")
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--format", choices=["table", "json"], default="table")
    options = parser.parse_args()
    require(folder(options.lastfm, "--lastfm"), file(options.triplets, "--triplets"))
    data = lastfm(options.lastfm)
    figures = [
        content(data, options.repeat),
        one_listener(options.triplets, options.rows, options.repeat),
        fitting(data, options.repeat),
    ]
    if options.format == "json":
        print(json.dumps([{**one._asdict(), "ratio": one.ratio} for one in figures]))
        return
    print(f"{os.cpu_count()} cores")
    for one in figures:
        print(f"{one.what:<52} {1000 * one.here:>10.3f} ms")
        print(f"  {one.against}: {one.there:,.3f} s, {one.ratio:,.3g} times as long")


if __name__ == "__main__":
    main()
