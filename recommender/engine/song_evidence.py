"""What labels and sound together need of each song and label, beside the content and sound parts.

How much is known of a song, by pivoted length normalization (A. Singhal, C. Buckley, M. Mitra: Pivoted document length
normalization, 1996), and what each label sounds like.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .content import Content
from .interface import IndexMapping, Progress, TrainingData, Vector, no_progress
from .sound import Sound

PIVOT = 2.0
"""Evidence at which a cosine counts half, as a multiple of the mean norm of labelled songs (`benchmarks/asked.py`)."""

TINY = 1e-12
"""Less than any norm that is divided by."""

_BLOCK = 1 << 20
"""Values of embeddings that are centred at once, 4 MB."""


@dataclass(frozen=True, eq=False)
class SongEvidence:
    """What `LabelsAndSound` needs beside the content and sound parts.

    Attributes
    ----------
    amounts : float64, shape (n_songs,)
        Norm of the song's TF x IDF over itself plus the pivot: 0 without labels, below 1.
    centre : float32, shape (d,)
        Mean of the normalized embeddings.
    lengths : float32, shape (n_embedded,)
        Norms of the normalized embeddings minus their mean.
    prototypes : float32, shape (n_labels, d)
        Sums of the centred embeddings of songs, by the weight of the label on them.
    """

    amounts: Vector
    centre: NDArray[np.float32]
    lengths: NDArray[np.float32]
    prototypes: NDArray[np.float32]

    @classmethod
    def fit(cls, data: TrainingData, progress: Progress = no_progress) -> Self:
        """Compute evidence, and centre and prototypes of the embeddings."""
        content = Content.fit(data)
        return cls.of(content, Sound.fit(data), amounts(data, content.idf), progress)

    @classmethod
    def of(cls, content: Content, sound: Sound, amounts: Vector, progress: Progress = no_progress) -> Self:
        """The part that goes with fitted content and sound parts."""
        n_embedded, width = sound.vectors.shape
        centre = np.zeros(width, dtype=np.float32)
        lengths = np.zeros(n_embedded, dtype=np.float32)
        prototypes = np.zeros((content.weights.shape[1], width), dtype=np.float32)
        blocks = list(in_blocks(n_embedded, width))
        if n_embedded:
            total = sum((sound.vectors[block].sum(axis=0, dtype=np.float64) for block in blocks), np.zeros(width))
            centre = (total / n_embedded).astype(np.float32)
        for block in blocks:
            progress("song_evidence")
            centred = sound.vectors[block] - centre
            lengths[block] = np.linalg.norm(centred, axis=1)
            centred /= np.maximum(lengths[block], TINY)[:, np.newaxis]
            songs = sound.songs[block]
            rows = content.weights[songs].T.astype(np.float32)
            prototypes += rows @ (centred * amounts[songs].astype(np.float32)[:, np.newaxis])
        return cls(amounts, centre, lengths, prototypes)

    def refreshed(self, data: TrainingData, mapping: IndexMapping) -> Self:  # noqa: ARG002
        """Refit, which is as fast as remapping."""
        return self.fit(data)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Restore the part from its `arrays`."""
        return cls(arrays["amounts"], arrays["centre"], arrays["lengths"], arrays["prototypes"])

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All arrays by attribute name."""
        return {
            "amounts": self.amounts,
            "centre": self.centre,
            "lengths": self.lengths,
            "prototypes": self.prototypes,
        }


def amounts(data: TrainingData, idf: Vector) -> Vector:
    """How much is known of each song by its labels: |TF x IDF| / (|TF x IDF| + `PIVOT` x mean of the labelled songs).

    Parameters
    ----------
    data : TrainingData
    idf : float64, shape (n_labels,)

    Returns
    -------
    float64, shape (n_songs,)
        0 without labels, below 1.
    """
    tf = data.term_frequencies
    of_song = np.repeat(np.arange(tf.shape[0]), np.diff(tf.indptr))
    norms: Vector = np.sqrt(np.bincount(of_song, (tf.data * idf[tf.indices]) ** 2, tf.shape[0]))
    labelled = norms > 0
    if not labelled.any():
        return norms
    shrunk: Vector = norms / (norms + PIVOT * norms[labelled].mean())
    return shrunk


def in_blocks(n_rows: int, width: int) -> Iterator[slice]:
    """Slices of the rows of a matrix of embeddings, each of at most `_BLOCK` values."""
    rows = max(1, _BLOCK // max(width, 1))
    return (slice(begin, begin + rows) for begin in range(0, n_rows, rows))
