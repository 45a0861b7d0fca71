"""FER-2013's pictures and labels, and the tenth that is kept out of training."""

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from mood.emotions import EMOTIONS
from mood.network import FACE_SIZE
from mood.spread import match_spread

# Correlation of two shrunken faces above which they are one picture, cropped or compressed anew.
_SAME_PICTURE = 0.97


@dataclass(frozen=True)
class Faces:
    """Labelled faces.

    Attributes
    ----------
    images : uint8, shape (n, 48, 48)
    labels : int64, shape (n,)
        Indices into `EMOTIONS`.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def at(self, rows: NDArray[np.integer]) -> "Faces":
        """The faces of some rows."""
        return Faces(self.images[rows], self.labels[rows])


def read_split(path: Path, split: str) -> Faces:
    """One split of a file in FER-2013's layout: `SPLIT_images`, `SPLIT_labels` and `classes`.

    Raises
    ------
    ValueError
        If the file is no .npz, lacks the split, or holds arrays of another shape, type or other classes.
    """
    wanted = (f"{split}_images", f"{split}_labels", "classes")
    try:
        archive = np.load(path, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise ValueError("it holds a single array")  # noqa: TRY004, TRY301
        with archive:
            names = archive.files
            arrays = [archive[name] for name in wanted if name in names]
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
    order = np.array([EMOTIONS.index(name) for name in emotions], dtype=np.int64)
    return Faces(images, order[labels])


def same_pictures(images: NDArray[np.uint8], spread: float) -> NDArray[np.int64]:
    """Groups of near-duplicates: FER-2013 holds many pictures several times, a few of them mirrored.

    Parameters
    ----------
    images : uint8, shape (n, 48, 48)
    spread : float
        Their point spread, pixels.

    Returns
    -------
    int64, shape (n,)
        A number per group; a picture without duplicates is a group of its own.
    """
    sharp = torch.from_numpy(match_spread(images, spread, spread))
    shrunken = _unit_rows(sharp)
    mirrored = _unit_rows(sharp.flip(2))
    pairs = []
    for start in range(0, len(images), 2048):
        for other in (shrunken, mirrored):
            close = shrunken[start : start + 2048] @ other.T > _SAME_PICTURE
            pairs.append(close.nonzero().numpy() + np.array([start, 0]))
    rows, columns = np.concatenate(pairs).T
    graph = coo_array((np.ones(len(rows), np.int8), (rows, columns)), shape=(len(images), len(images)))
    groups: NDArray[np.int64] = connected_components(graph, directed=False)[1].astype(np.int64)
    return groups


def _unit_rows(images: torch.Tensor) -> torch.Tensor:
    """Faces of 16x16 averages with mean 0 and norm 1, float32 (n, 256): their products are correlations."""
    shrunken = torch.nn.functional.avg_pool2d(images[:, None], 3).flatten(1)
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
