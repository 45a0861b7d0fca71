"""How well songs that nobody has played are recommended from sound alone: real recordings with real plays.

    python -m benchmarks.cold_sound [--truth FOLDER] [--lastfm DIR] [--methods NAME ...] [--heard-by local|published]
                                    [--format table|json] [--settings]

The recordings' table names artists of HetRec Last.fm, whose listening counts are known. The library is made of all its
artists, a song each; those with recordings are described by what the taggers hear in them (of several, the mean), all
others by nothing, and no label is of people. Published networks are merged by fits that know nothing of the artist. In
each of five splits all plays of a fifth of the described artists with five listeners or more are held out; every
listener of one of them is a question: how high does it stand among those that were held out? AUC is the share of pairs
in the right order (0.5 by lot), its mean over listeners and splits.

`--settings` prints instead what latent factors are best fitted with where labels and embedding describe songs, on inner
splits by the rule of `manage.py choose_settings`; what the figures are taken from is never looked at.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array

from catalog.home import PROJECT_ROOT
from recommender.engine.evaluation.baselines import of_recommender
from recommender.engine.evaluation.choosing import inner_splits, latent_tried
from recommender.engine.evaluation.comparison import compare
from recommender.engine.evaluation.protocols import Listening, Protocol
from recommender.engine.evaluation.report import document
from recommender.engine.interface import Matrix, PlayMatrix, TrainingData
from recommender.engine.methods import METHODS

from .hearing import LOCAL, PUBLISHED, Heard, hear
from .recommenders import numbered, table
from .requirements import file, folder, require

SHARED = PROJECT_ROOT.parent / "shared" / "data"
CANDIDATES = ["content", "labels_and_sound", "latent", "hybrid"]


def artists_of_recordings(truth: Path, artists: Mapping[int, int]) -> dict[str, int]:
    """The position of each recording's artist, by the name of the file, where the artist is known to HetRec."""
    with (truth / "labels.csv").open(encoding="utf-8", newline="") as lines:
        rows = [(row["file"], row["lastfm_artist_id"]) for row in csv.DictReader(lines)]
    return {name: artists[int(id_)] for name, id_ in rows if id_ and int(id_) in artists}


def mean_by_artist(rows: NDArray[np.floating], artist: NDArray[np.intp], n_artists: int) -> NDArray[np.float32]:
    """The mean over each artist's recordings, shape (n_artists, d); 0 for artists without any."""
    summed = np.zeros((n_artists, rows.shape[1]), np.float32)
    np.add.at(summed, artist, rows.astype(np.float32))
    counts = np.bincount(artist, minlength=n_artists)[:, np.newaxis]
    return np.divide(summed, counts, out=summed, where=counts > 0)


def label_matrix(labels: Sequence[Mapping[str, float]], artist: NDArray[np.intp], n_artists: int) -> Matrix:
    """Term frequencies: the mean probability of each label that an artist's recordings keep."""
    column = numbered(name for of_song in labels for name in of_song)
    rows = np.zeros((len(labels), max(len(column), 1)))
    for row, of_song in zip(rows, labels, strict=True):
        for name, probability in of_song.items():
            row[column[name]] = probability
    tf: Matrix = csr_array(mean_by_artist(rows, artist, n_artists).astype(np.float64))
    return tf


def libraries(
    heard: Mapping[str, Heard], artist: NDArray[np.intp], played: PlayMatrix
) -> Iterator[tuple[str, TrainingData]]:
    """The library as described by labels alone, by embeddings alone, and by both, of each that heard it."""
    n_artists = played.shape[1]
    for which, of_it in heard.items():
        tf = label_matrix(of_it.labels, artist, n_artists)
        vectors = mean_by_artist(of_it.embeddings, artist, n_artists)
        nothing: Matrix = csr_array((n_artists, tf.shape[1]), dtype=np.float64)
        both = TrainingData(tf, played, embeddings=vectors, embedded_by=of_it.by)
        yield f"{which}: labels", replace(both, embeddings=None)
        yield f"{which}: embedding", replace(both, term_frequencies=nothing)
        yield f"{which}: labels and embedding", both


def figures(data: TrainingData, methods: Sequence[str]) -> dict[str, Any]:
    """What each method reaches: its AUC and the standard error over listeners; and how many questions there were."""
    listening = Listening(data, np.full(data.played.nnz, np.nan))
    compared = compare(listening, Protocol.COLD, [of_recommender(name, METHODS[name]) for name in methods])
    by_method = document(compared)["methods"]
    asked = int(np.isfinite(compared.measured[0].accuracies["cold"][..., 0]).sum())
    return {
        "questions": asked,
        **{
            name: {"auc": by_method[name]["auc"], "standard_error": by_method[name]["standard_errors"]["auc"]}
            for name in by_method
        },
    }


def settings_tried(data: TrainingData) -> Iterator[str]:
    """A line for each of the settings of latent factors that were tried on an inner split."""
    listening = Listening(data, np.full(data.played.nnz, np.nan))
    for one in latent_tried(inner_splits(listening, 0, 1)):
        reached = ", ".join(f"{name} {value:.4f}" for name, value in one.figures.items())
        yield f"{one.setting}: {reached}{', the best so far' * one.best}"


def main() -> None:
    """Print a line for each library."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--truth", type=Path, default=SHARED / "truth" / "q4_taffc")
    parser.add_argument("--lastfm", type=Path, default=SHARED / "lastfm")
    parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=CANDIDATES)
    parser.add_argument("--heard-by", choices=[LOCAL, PUBLISHED], help="only what one of them hears")
    parser.add_argument("--format", choices=["table", "json"], default="table")
    parser.add_argument("--settings", action="store_true", help="what latent factors are best fitted with")
    options = parser.parse_args()
    require(file(options.truth / "labels.csv", "--truth"), folder(options.lastfm, "--lastfm"))
    plays = table(options.lastfm / "user_artists.dat")
    users, artists = numbered(user for user, _, _ in plays), numbered(artist for _, artist, _ in plays)
    counts = np.array([max(count, 1) for _, _, count in plays], np.int32)
    at = ([users[user] for user, _, _ in plays], [artists[artist] for _, artist, _ in plays])
    played: PlayMatrix = coo_array((counts, at), shape=(len(users), len(artists))).tocsr()
    [(recordings, heard)] = hear([options.truth])
    of_recordings = artists_of_recordings(options.truth, artists)
    found = [place for place, path in enumerate(recordings) if path.name in of_recordings]
    artist = np.array([of_recordings[recordings[place].name] for place in found])
    heard = {which: of_it.of(found) for which, of_it in heard.items() if options.heard_by in (None, which)}
    if options.format == "table":
        print(f"{len(found)} recordings of {len(np.unique(artist))} artists, {len(users)} listeners")
    for name, data in libraries(heard, artist, played):
        if options.settings:
            if data.embeddings is not None and data.term_frequencies.nnz:
                for line in settings_tried(data):
                    print(f"{name}: {line}", flush=True)
            continue
        reached = figures(data, options.methods)
        if options.format == "json":
            print(json.dumps({"library": name, **reached}), flush=True)
            continue
        aucs = ", ".join(
            f"{method} {reached[method]['auc']:.3f} (± {reached[method]['standard_error']:.3f})"
            for method in options.methods
            if method in reached
        )
        print(f"{name}: {aucs}; {reached['questions']} questions", flush=True)


if __name__ == "__main__":
    main()
