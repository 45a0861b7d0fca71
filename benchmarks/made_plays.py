"""Plays and labels drawn by chance, shaped as the Taste Profile's, on disk.

    python -m benchmarks.made_plays FOLDER [--share S]

The Taste Profile (T. Bertin-Mahieux, D. Ellis, B. Whitman, P. Lamere: The Million Song Dataset, 2011) has 1,019,318
listeners, 384,546 songs and 48,373,586 pairs of the two, with long tails both ways: the median listener has 27 songs
and the mean one 47, the median song 13 listeners and the mean one 126. `--share 1/16` makes a sixteenth of the
listeners, songs and plays. Songs belong to niches of about 1,500, as many as there are songs for; listeners keep
mostly to three of them, so that what is played together is no accident. Listeners are drawn some at a time, and
written at once: memory does not grow with them, and the same seed makes the same plays.
"""

from __future__ import annotations

import argparse
import resource
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from scipy.sparse import csr_array
from tqdm import tqdm

from recommender.engine.interface import TrainingData

LISTENERS, SONGS, PLAYS = 1_019_318, 384_546, 48_373_586
LABELS = 102
"""As many as the project's own tagger knows."""

FEWEST_SONGS_EACH = 10
SEED = 2018

_NICHE = 1500
_NICHES_EACH = np.array([0.6, 0.25, 0.15])
"""Of what a listener plays in their niches, how much is in the first, the second and the third."""

_AT_HOME = 0.75
"""How much of what listeners play is in their niches."""

_LISTENERS_AT_ONCE = 20_000
_ROUNDS_AT_HOME = 4
_MOST_OF_ALL_SONGS = 8
"""Nobody plays more than one in so many of all songs."""


class Shape(NamedTuple):
    """How much is made."""

    listeners: int
    songs: int
    plays: int

    @classmethod
    def of_share(cls, share: Fraction) -> Self:
        """A part of the whole Taste Profile."""
        return cls(*(int(share * whole) for whole in (LISTENERS, SONGS, PLAYS)))


class SongLabelIndex(NamedTuple):
    """Songs in the order of their niches.

    Attributes
    ----------
    begins : int64, shape (n_niches + 1,)
        Where each niche's songs begin.
    before : float64, shape (n_songs + 1,)
        The popularity of all songs before each, summed.
    places : int32, shape (n_songs,)
        Which song it is: in the files, niches are not neighbours.
    """

    begins: NDArray[np.int64]
    before: NDArray[np.float64]
    places: NDArray[np.int32]


def write(folder: Path, shape: Shape, seed: int = SEED) -> None:
    """Draw everything and write it: `played_*` and `tf_*` as the arrays of compressed rows.

    Parameters
    ----------
    folder : Path
        There is nothing in it yet.
    """
    rng = np.random.default_rng(seed)
    index = _catalogue(rng, shape.songs)
    _write_labels(folder, rng, index)
    sizes = _songs_each(rng, shape)
    indptr = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
    np.save(folder / "played_indptr.npy", indptr.astype(np.int32))
    songs, counts = (
        open_memmap(folder / f"played_{name}.npy", "w+", dtype=np.int32, shape=(int(indptr[-1]),))
        for name in ("indices", "data")
    )
    for first in tqdm(range(0, shape.listeners, _LISTENERS_AT_ONCE), desc="plays", unit="block", file=sys.stderr):
        own = sizes[first : first + _LISTENERS_AT_ONCE]
        at = slice(int(indptr[first]), int(indptr[first + len(own)]))
        songs[at] = _drawn(rng, index, own)
        counts[at] = rng.geometric(0.35, int(own.sum()))
    np.save(folder / "shape.npy", np.array([shape.listeners, shape.songs]))


def read(folder: Path) -> TrainingData:
    """What `write` has written, mapped into memory."""
    arrays = {path.stem: np.load(path, mmap_mode="r") for path in folder.glob("*.npy")}
    n_listeners, n_songs = arrays["shape"].tolist()

    def matrix(name: str, shape: tuple[int, int]) -> Any:
        stored = tuple(np.asarray(arrays[f"{name}_{what}"]) for what in ("data", "indices", "indptr"))
        return csr_array(stored, shape=shape)

    return TrainingData(matrix("tf", (n_songs, LABELS)), matrix("played", (n_listeners, n_songs)))


def _catalogue(rng: np.random.Generator, n_songs: int) -> SongLabelIndex:
    """Songs of niches: most have few listeners, and some nearly everybody of the niche."""
    n_niches = max(n_songs // _NICHE, 4)
    popularity = rng.lognormal(0.0, 2.1, n_songs)
    return SongLabelIndex(
        begins=np.linspace(0, n_songs, n_niches + 1).astype(np.int64),
        before=np.concatenate([[0.0], np.cumsum(popularity)]),
        places=rng.permutation(n_songs).astype(np.int32),
    )


def _songs_each(rng: np.random.Generator, shape: Shape) -> NDArray[np.int64]:
    """How many songs each listener plays: ten or more, and together as many as there are to be plays."""
    tail = rng.lognormal(0.0, 1.25, shape.listeners)
    tail *= (shape.plays - FEWEST_SONGS_EACH * shape.listeners) / tail.sum()
    most = max(shape.songs // _MOST_OF_ALL_SONGS, FEWEST_SONGS_EACH)
    sizes: NDArray[np.int64] = np.minimum(FEWEST_SONGS_EACH + np.round(tail).astype(np.int64), min(most, 4400))
    return sizes


def _drawn(rng: np.random.Generator, index: SongLabelIndex, sizes: NDArray[np.int64]) -> NDArray[np.int32]:
    """So many different songs of each listener, ascending, listener after listener."""
    n_songs = len(index.places)
    of_niche = np.diff(index.before[index.begins])
    edges = np.cumsum(of_niche) / of_niche.sum()
    niches = np.searchsorted(edges, rng.random((len(sizes), len(_NICHES_EACH))))
    done: list[NDArray[np.int64]] = []
    taken = np.empty(0, dtype=np.int64)
    missing, rounds = sizes.copy(), 0
    while missing.any():
        # More than are missing, for some come twice.
        listeners = np.repeat(np.arange(len(sizes)), np.where(missing > 0, missing + missing // 2 + 8, 0))
        # Who has heard most of their niches takes what is left anywhere.
        at_home = rounds < _ROUNDS_AT_HOME
        songs = _favourites(rng, index, niches[listeners]) if at_home else rng.integers(0, n_songs, len(listeners))
        taken = np.unique(np.concatenate([taken, listeners * n_songs + index.places[songs]]))
        taken = _at_most(rng, taken, taken // n_songs, sizes)
        counts = np.bincount(taken // n_songs, minlength=len(sizes))
        complete = counts[taken // n_songs] == sizes[taken // n_songs]
        done.append(taken[complete])
        missing[counts == sizes] = 0
        missing[missing > 0] = (sizes - counts)[missing > 0]
        taken, rounds = taken[~complete], rounds + 1
    return (np.sort(np.concatenate(done)) % n_songs).astype(np.int32)


def _favourites(
    rng: np.random.Generator, index: SongLabelIndex, niches: NDArray[np.integer[Any]]
) -> NDArray[np.integer[Any]]:
    """A song for each row of three niches: most from one of them, the others from anywhere; popular ones more often."""
    which = np.searchsorted(np.cumsum(_NICHES_EACH)[:-1], rng.random(len(niches)))
    niche = niches[np.arange(len(niches)), which]
    low, high = index.before[index.begins[niche]], index.before[index.begins[niche + 1]]
    abroad = rng.random(len(niches)) >= _AT_HOME
    low[abroad], high[abroad] = 0.0, index.before[-1]
    songs = np.searchsorted(index.before, low + rng.random(len(niches)) * (high - low), side="right") - 1
    songs_there: NDArray[np.integer[Any]] = np.minimum(songs, len(index.places) - 1)
    return songs_there


def _at_most(
    rng: np.random.Generator, values: NDArray[np.int64], owners: NDArray[np.int64], sizes: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Of each owner's values no more than so many, drawn by chance; owners ascend."""
    order = np.lexsort((rng.random(len(values)), owners))
    begins = np.searchsorted(owners, np.arange(len(sizes)))
    place = np.arange(len(values)) - begins[owners]
    kept: NDArray[np.int64] = np.sort(values[order[place < sizes[owners]]])
    return kept


def _write_labels(folder: Path, rng: np.random.Generator, index: SongLabelIndex) -> None:
    """About ten labels of each song: most from the twelve of its niche, some from all."""
    n_songs, n_niches = len(index.places), len(index.begins) - 1
    usual = np.array([rng.permutation(LABELS)[:12] for _ in range(n_niches)])
    niche = np.repeat(np.arange(n_niches), np.diff(index.begins))
    each = rng.integers(4, 16, n_songs)
    songs = np.repeat(np.arange(n_songs), each)
    labels = usual[niche[songs], rng.integers(0, 12, len(songs))]
    any_label = rng.random(len(songs)) < 0.3
    # The first labels are everywhere, the last are rare.
    labels[any_label] = (LABELS ** rng.random(int(any_label.sum()))).astype(np.int64) - 1
    places = np.unique(index.places[songs].astype(np.int64) * LABELS + labels)
    indptr = np.searchsorted(places, np.arange(n_songs + 1) * LABELS)
    np.save(folder / "tf_indptr.npy", indptr.astype(np.int32))
    np.save(folder / "tf_indices.npy", (places % LABELS).astype(np.int32))
    np.save(folder / "tf_data.npy", rng.uniform(0.1, 0.9, len(places)))


def share(value: str) -> Fraction:
    """A share of the whole, as `1/16`.

    Raises
    ------
    argparse.ArgumentTypeError
        If it is none.
    """
    try:
        found = Fraction(value)
    except (ValueError, ZeroDivisionError):
        raise argparse.ArgumentTypeError(f"a share is a number like 1/16, not {value}") from None
    if not Fraction(1, 1024) <= found <= 1:
        raise argparse.ArgumentTypeError(f"a share lies between 1/1024 and 1, not at {value}")
    return found


def described(data: TrainingData) -> str:
    """How long the tails are, for people."""
    each, listeners = np.diff(data.played.indptr), data.listeners
    return (
        f"{len(each):,} listeners, {data.n_songs:,} songs, {data.played.nnz:,} pairs of them; songs of a "
        f"listener: median {np.median(each):.0f}, mean {each.mean():.0f}, most {each.max():,}; listeners of a song: "
        f"median {np.median(listeners):.0f}, mean {listeners.mean():.0f}, most {listeners.max():,}"
    )


def main() -> None:
    """Write a share of the Taste Profile's shape."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--share", type=share, default=Fraction(1))
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    write(options.folder, Shape.of_share(options.share))
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{described(read(options.folder))}; {most:,.0f} MB of memory at most")


if __name__ == "__main__":
    main()
