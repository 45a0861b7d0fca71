"""FER-2013's pictures, labels and votes, and the tenth that is kept out of training."""

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from catalog.archives import open_archive
from mood.emotions import EMOTIONS
from mood.network import FACE_SIZE

# Correlation of two shrunken faces above which they are one picture, cropped or compressed anew.
_SAME_PICTURE = 0.97

VOTES = (
    "neutral",
    "happiness",
    "surprise",
    "sadness",
    "anger",
    "disgust",
    "fear",
    "contempt",
    "unknown",
    "no face",
)
"""What each of ten people could say of a picture, in the order of FER+'s columns [1]_.

References
----------
.. [1] E. Barsoum, C. Zhang, C. Canton Ferrer, Z. Zhang, "Training deep networks for facial expression recognition with
   crowd-sourced label distribution", ICMI 2016.
"""

# FER+'s columns in the order of `EMOTIONS`. Contempt has no counterpart here.
_VOTES_OF_EMOTIONS = [
    VOTES.index(v) for v in ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
]
_NO_FACE = VOTES.index("no face")


@dataclass(frozen=True)
class Faces:
    """Labelled faces.

    Attributes
    ----------
    images : uint8, shape (n, 48, 48)
    labels : int64, shape (n,)
        Indices into `EMOTIONS`.
    votes : uint8, shape (n, 10), or None
        How many of ten people chose each of `VOTES`, where that is known.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    votes: NDArray[np.uint8] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def at(self, rows: NDArray[np.integer]) -> "Faces":
        """The faces of some rows."""
        return Faces(self.images[rows], self.labels[rows], None if self.votes is None else self.votes[rows])


def _refuse_unreasonable(path: Path) -> None:
    """Refuse a file whose arrays would fill the memory; one that is no zip is refused by its reader.

    Raises
    ------
    ValueError
    """
    with path.open("rb") as file:
        if file.read(4) == b"PK\x03\x04":
            open_archive(file).close()


def read_split(path: Path, split: str) -> Faces:
    """One split of a file in FER-2013's layout: `SPLIT_images`, `SPLIT_labels` and `classes`, and `SPLIT_votes` if any.

    Raises
    ------
    ValueError
        If the file is no .npz, lacks the split, or holds arrays of another shape, type or other classes.
    """
    wanted = (f"{split}_images", f"{split}_labels", "classes")
    voted = f"{split}_votes"
    try:
        _refuse_unreasonable(path)
        archive = np.load(path, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise ValueError("it holds a single array")  # noqa: TRY004, TRY301
        with archive:
            names = archive.files
            arrays = [archive[name] for name in wanted if name in names]
            votes = archive[voted] if voted in names else None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path} cannot be read as an .npz file of numpy arrays: {error}") from error
    missing = [name for name in wanted if name not in names]
    if missing:
        splits = sorted(name.removesuffix("_images") for name in names if name.endswith("_images"))
        known = f"; its splits are {', '.join(splits)}" if splits else ""
        raise ValueError(f"{path} has no {' and no '.join(missing)}{known}.")
    images, labels, classes = arrays
    if images.dtype != np.uint8 or images.shape[1:] != (FACE_SIZE, FACE_SIZE):
        raise ValueError(f"{split}_images must be uint8 of shape (n, 48, 48), not {images.dtype} {images.shape}.")
    if labels.shape != images.shape[:1] or not np.issubdtype(labels.dtype, np.integer) or not len(labels):
        raise ValueError(f"{split}_labels must be one integer a picture, and at least one.")
    emotions = [str(name) for name in np.atleast_1d(classes)]
    if sorted(emotions) != sorted(EMOTIONS):
        raise ValueError(f"{path} has the classes {', '.join(emotions)}; known are {', '.join(EMOTIONS)}.")
    if labels.min() < 0 or labels.max() >= len(emotions):
        raise ValueError(f"{split}_labels must be indices into classes.")
    if votes is not None and (votes.shape != (len(labels), len(VOTES)) or votes.dtype != np.uint8):
        raise ValueError(f"{voted} must be uint8 of shape (n, {len(VOTES)}), not {votes.dtype} {votes.shape}.")
    order = np.array([EMOTIONS.index(name) for name in emotions], dtype=np.int64)
    return Faces(images, order[labels], votes)


def has_split(path: Path, split: str) -> bool:
    """Whether a file that `read_split` reads holds a split of that name."""
    with np.load(path, allow_pickle=False) as archive:
        return f"{split}_images" in archive.files


def same_pictures(images: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Groups of near-duplicates: FER-2013 holds many pictures several times, a few of them mirrored.

    Parameters
    ----------
    images : uint8, shape (n, 48, 48)

    Returns
    -------
    int64, shape (n,)
        A number per group; a picture without duplicates is a group of its own.
    """
    shrunken, mirrored = _unit_rows(images), _unit_rows(images[:, :, ::-1])
    pairs = []
    for start in range(0, len(images), 2048):
        for other in (shrunken, mirrored):
            close = shrunken[start : start + 2048] @ other.T > _SAME_PICTURE
            pairs.append(close.nonzero().numpy() + np.array([start, 0]))
    rows, columns = np.concatenate(pairs).T
    graph = coo_array((np.ones(len(rows), np.int8), (rows, columns)), shape=(len(images), len(images)))
    groups: NDArray[np.int64] = connected_components(graph, directed=False)[1].astype(np.int64)
    return groups


def has_near_copy(images: NDArray[np.uint8], others: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which pictures are also among others, cropped or compressed anew, or mirrored.

    Parameters
    ----------
    images : uint8, shape (n, 48, 48)
    others : uint8, shape (m, 48, 48)

    Returns
    -------
    bool, shape (n,)
    """
    theirs = _unit_rows(others)
    found = [
        ((batch @ theirs.T).amax(1) > _SAME_PICTURE).numpy()
        for version in (images, images[:, :, ::-1])
        for batch in torch.split(_unit_rows(version), 2048)
    ]
    return np.asarray(np.concatenate(found).reshape(2, -1).any(0))


def vote_shares(votes: NDArray[np.uint8], groups: NDArray[np.int64]) -> NDArray[np.float32]:
    """What part of the people who saw an emotion saw which, copies of a picture together.

    FER+'s rows cannot be told apart within a group of identical pictures, so that a copy may have another copy's votes.

    Parameters
    ----------
    votes : uint8, shape (n, 10)
        As `Faces` has them.
    groups : int64, shape (n,)
        As `same_pictures` gives them.

    Returns
    -------
    float32, shape (n, 7)
        In the order of `EMOTIONS`; rows sum to 1, or are all 0 where nobody saw one of these emotions.
    """
    counts = np.zeros((int(groups.max()) + 1, len(EMOTIONS)), np.float32)
    np.add.at(counts, groups, votes[:, _VOTES_OF_EMOTIONS].astype(np.float32))
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1.0)
    return np.asarray(shares[groups], np.float32)


def faceless(votes: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which pictures half of ten people or more said to show no face: bool (n,), from votes as `Faces` has them."""
    return np.asarray(votes[:, _NO_FACE] >= 5)


def _unit_rows(images: NDArray[np.uint8]) -> torch.Tensor:
    """Faces of 16x16 averages with mean 0 and norm 1, float32 (n, 256): their products are correlations."""
    pixels = torch.from_numpy(images.astype(np.float32))
    shrunken = torch.nn.functional.avg_pool2d(pixels[:, None], 3).flatten(1)
    centred = shrunken - shrunken.mean(1, keepdim=True)
    norm: torch.Tensor = torch.linalg.vector_norm(centred, dim=1, keepdim=True)
    return centred / norm.clamp(min=1e-3)


def kept_out_tenth(
    labels: NDArray[np.int64], groups: NDArray[np.int64], seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Splits rows nine to one, class by class, no group on both sides.

    Parameters
    ----------
    labels, groups : int64, shape (n,)
    seed : int

    Returns
    -------
    training, kept_out : int64
        Rows, ascending. A group with several labels counts for its first.
    """
    _, first, group_of = np.unique(groups, return_index=True, return_inverse=True)
    label_of_group = labels[first]
    generator = np.random.default_rng(seed)
    sizes = np.bincount(group_of)
    out = np.zeros(len(first), bool)
    for label in np.unique(label_of_group):
        members = generator.permutation(np.flatnonzero(label_of_group == label))
        cumulated = np.cumsum(sizes[members])
        out[members[cumulated <= cumulated[-1] / 10]] = True
    return np.flatnonzero(~out[group_of]), np.flatnonzero(out[group_of])
