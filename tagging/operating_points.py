"""Choosing operating points: from which probability a song keeps a label.

A label that every song gets says nothing, and one that no song gets does not say more. The published networks
learned from tags that people took the trouble to write, and the own one from them: their probabilities are small (a
song's sum to about 1 over 50 labels) and differ from label to label by a factor of a thousand. No single threshold
serves.

A label's operating point is such that, of the reference recordings, as many keep it as the label's mean probability
promises, times 8 (for the tags that nobody wrote), but at least two recordings and at most 40 % of them. So a label
that the network often hears is kept often, a rare one seldom, and none everywhere. Nothing is kept below 0.01: a
label that the reference recordings give no cause for (60s, heavy metal) waits for songs that do.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalog.audio import UnreadableAudio, probe

from . import own
from .descriptions import OwnTagger, TaggerError
from .inference import Tagger, listen_to, listening_threads
from .registry import describe, load

_UNWRITTEN = 8.0
_FEWEST = 2
_LARGEST_SHARE = 0.4
_SMALLEST = 0.01
# Shorter recordings are mostly padding, and the networks answer to that.
_SHORTEST_S = 20.0


def operating_points(probabilities: NDArray[np.float32]) -> NDArray[np.float64]:
    """The operating point of each label.

    Parameters
    ----------
    probabilities : float32, shape (n_recordings, n_labels)
        What the tagger hears in the reference recordings; at least 2 of them.

    Returns
    -------
    float64, shape (n_labels,)
        Rounded down to three digits.

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


def hear(tagger: Tagger, folders: Sequence[Path]) -> NDArray[np.float32]:
    """What a tagger hears in every recording of 20 s or more in some folders.

    Returns
    -------
    float32, shape (n_recordings, n_labels)
    """
    files = sorted(file for folder in folders for file in folder.iterdir() if file.is_file())
    with listening_threads() as threads:
        long_enough = [file for file in files if probe(file).duration_s >= _SHORTEST_S]
        heard = threads.map(lambda file: listen_to(file, [tagger])[0].probabilities, long_enough)
        return np.array(list(heard), np.float32).reshape(-1, len(tagger.labels))


def with_operating_points(tagger: OwnTagger, points: NDArray[np.float64]) -> OwnTagger:
    """Write a tagger of the own family anew, with other operating points.

    Parameters
    ----------
    tagger : OwnTagger
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
    network = own.read_network(tagger.file, len(labels))
    return own.write_weights(tagger.file, network, replace(tagger, labels=labels))


def main() -> None:
    """Compute a tagger's operating points anew: print a published one's labels as `taggers.toml` has them, or write
    them into the file of one of the own family."""
    parser = argparse.ArgumentParser(prog="python -m tagging.operating_points", description=main.__doc__)
    parser.add_argument("tagger")
    parser.add_argument("folders", nargs="+", type=Path, help="folders of reference recordings")
    arguments = parser.parse_args()
    try:
        description, tagger = describe(arguments.tagger), load(arguments.tagger)
        heard = hear(tagger, arguments.folders)
        if len(heard) < _FEWEST:
            parser.exit(1, f"{len(heard)} recordings of {_SHORTEST_S:.0f} s or more: at least {_FEWEST} are needed\n")
        points = operating_points(heard)
        if isinstance(description, OwnTagger):
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
