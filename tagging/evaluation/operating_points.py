"""Choose operating points: the probability from which a song keeps a label.

A label that every song gets is as uninformative as one that no song gets. The published networks were trained on tags
that people wrote, and the bundled one on the published networks' predictions: probabilities are small (a song's sum to
about 1 over 50 labels) and differ between labels by a factor of a thousand, so no single threshold serves.

A label's operating point is set on reference recordings: the expected number of recordings that have it (the sum of its
probabilities), times 8 (for tags that people left out), but at least two recordings and at most 40 % of them, keep it.
So a frequently predicted label is kept often, a rare one seldom, and none everywhere. No operating point is below 0.01:
a label with smaller probabilities in all reference recordings (60s, heavy metal) needs songs with higher ones.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalog.audio_frames import UnreadableAudio
from catalog.audio_lengths import probe
from tagging.networks.descriptions import LocalTagger, TaggerError
from tagging.networks.inference import Tagger, inference_threads, predict_file
from tagging.taggers import local
from tagging.taggers.registry import describe, load

_UNWRITTEN = 8.0
_FEWEST = 2
_LARGEST_SHARE = 0.4
_SMALLEST = 0.01
# Shorter recordings are mostly padding, which the networks were not trained on.
_SHORTEST_S = 20.0


def operating_points(probabilities: NDArray[np.float32]) -> NDArray[np.float64]:
    """Compute the operating point of each label from probabilities of reference recordings.

    Parameters
    ----------
    probabilities : float32, shape (n_recordings, n_labels)
        At least 2 recordings.

    Returns
    -------
    float64, shape (n_labels,)
        Probabilities, rounded down to three digits.

    Raises
    ------
    ValueError
        If `probabilities` has another shape.
    """
    if probabilities.ndim != 2 or len(probabilities) < _FEWEST:
        raise ValueError(f"probabilities must have shape (n, n_labels) with n >= {_FEWEST}, not {probabilities.shape}")
    n = len(probabilities)
    kept = np.rint(np.clip(_UNWRITTEN * probabilities.mean(axis=0) * n, _FEWEST, max(_LARGEST_SHARE * n, _FEWEST)))
    descending = -np.sort(-probabilities.astype(np.float64), axis=0)
    points = np.take_along_axis(descending, kept.astype(np.intp)[np.newaxis] - 1, axis=0)[0]
    points = np.maximum(points, _SMALLEST)
    unit = 10.0 ** (np.floor(np.log10(points)) - 2)
    rounded: NDArray[np.float64] = np.floor(points / unit) * unit
    return rounded


def predict_folders(tagger: Tagger, folders: Sequence[Path]) -> NDArray[np.float32]:
    """Predict the labels of every recording of 20 s or more in some folders.

    Parameters
    ----------
    tagger : Tagger
    folders : sequence of Path
        Without their subfolders.

    Returns
    -------
    float32, shape (n_recordings, n_labels)
        Probabilities.

    Raises
    ------
    UnreadableAudio
        If a file cannot be read.
    """
    files = sorted(file for folder in folders for file in folder.iterdir() if file.is_file())
    with inference_threads() as threads:
        long_enough = [file for file in files if probe(file).duration_s >= _SHORTEST_S]
        predicted = threads.map(lambda file: predict_file(file, [tagger])[0].probabilities, long_enough)
        return np.array(list(predicted), np.float32).reshape(-1, len(tagger.labels))


def with_operating_points(tagger: LocalTagger, points: NDArray[np.float64]) -> LocalTagger:
    """Rewrite a local tagger's file with other operating points.

    Parameters
    ----------
    tagger : LocalTagger
    points : float64, shape (n_labels,)

    Raises
    ------
    TaggerError
        If its file cannot be read or written.
    """
    if tagger.file is None:
        raise TaggerError(f"{tagger.name} has no file")
    labels = tuple(
        replace(label, operating_point=float(point)) for label, point in zip(tagger.labels, points, strict=True)
    )
    network = local.read_network(tagger.file, len(labels))
    return local.write_weights(tagger.file, network, replace(tagger, labels=labels))


def main() -> None:
    """Compute a tagger's operating points; print or write them."""
    parser = argparse.ArgumentParser(
        prog="python -m tagging.evaluation.operating_points",
        description="Compute a tagger's operating points anew: print a published one's labels as `taggers.toml` has "
        "them, or write them into the file of one of the own family.",
    )
    parser.add_argument("tagger")
    parser.add_argument("folders", nargs="+", type=Path, help="folders of reference recordings")
    arguments = parser.parse_args()
    try:
        description, tagger = describe(arguments.tagger), load(arguments.tagger)
        predicted = predict_folders(tagger, arguments.folders)
        if len(predicted) < _FEWEST:
            parser.exit(
                1, f"{len(predicted)} recordings of {_SHORTEST_S:.0f} s or more: at least {_FEWEST} are needed\n"
            )
        points = operating_points(predicted)
        if isinstance(description, LocalTagger):
            with_operating_points(description, points)
            print(f"{description.file}: {len(points)} operating points, from {points.min():.3g} to {points.max():.3g}")
            return
    except (TaggerError, UnreadableAudio, OSError) as error:
        parser.exit(1, f"{error}\n")
    print("labels = [")
    for label, point in zip(tagger.labels, points, strict=True):
        print(f'    {{ name = "{label}", kind = "{tagger.kinds[label]}", operating_point = {point:.3g} }},')
    print("]")


if __name__ == "__main__":
    main()
