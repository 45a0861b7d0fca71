"""Audio similarity: cosines of the embeddings of a tagger's network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .interface import IndexMapping, Progress, TrainingData, Vector, no_progress

_BLOCK = 1 << 20
"""Values multiplied at once, 4 MB, so that the mapped file is read once and not copied."""


@dataclass(frozen=True, eq=False)
class Sound:
    """Normalized embeddings of songs.

    Attributes
    ----------
    songs : int64, shape (n_embedded,)
        Positions of the songs with embeddings, ascending.
    vectors : float32, shape (n_embedded, d)
        Embeddings of norm 1.
    n_songs : int
    """

    songs: NDArray[np.int64]
    vectors: NDArray[np.float32]
    n_songs: int

    @classmethod
    def fit(cls, data: TrainingData, progress: Progress = no_progress) -> Self:  # noqa: ARG003
        """Normalize the embeddings."""
        if data.embeddings is None:
            return cls.none(data.n_songs)
        norms = np.linalg.norm(data.embeddings, axis=1)
        embedded = np.flatnonzero(norms > 0)
        return cls(embedded, data.embeddings[embedded] / norms[embedded, np.newaxis], data.n_songs)

    @classmethod
    def none(cls, n_songs: int) -> Self:
        """No embedding of any song."""
        return cls(np.empty(0, dtype=np.int64), np.empty((0, 0), dtype=np.float32), n_songs)

    def refreshed(self, data: TrainingData, mapping: IndexMapping) -> Self:  # noqa: ARG002
        """Refit, which is as fast as remapping."""
        return self.fit(data)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """What `arrays` was called on; the arrays may be mapped files, and are not copied."""
        return cls(arrays["songs"], arrays["vectors"], int(arrays["about"][0]))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Positions and vectors."""
        return {"songs": self.songs, "vectors": self.vectors, "about": np.array([self.n_songs], dtype=np.int64)}

    def knows(self, song: int) -> bool:
        """Whether a song has an embedding."""
        at = int(np.searchsorted(self.songs, song))
        return at < len(self.songs) and int(self.songs[at]) == song

    def similarities(self, song: int) -> Vector:
        """Cosines of all other songs with this one, shape (n_songs,); 0 for songs without embeddings.

        Parameters
        ----------
        song : int
        """
        cosines = np.zeros(self.n_songs)
        if self.knows(song):
            direction = self.vectors[int(np.searchsorted(self.songs, song))]
            rows = max(1, _BLOCK // self.vectors.shape[1])
            for begin in range(0, len(self.songs), rows):
                block = slice(begin, begin + rows)
                cosines[self.songs[block]] = self.vectors[block] @ direction
            cosines[song] = 0
        return cosines
