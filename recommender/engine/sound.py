"""Which songs sound alike: the angles between what a tagger's network makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .interface import Evidence, Moved, Progress, Vector, silent

_BLOCK = 1 << 20
"""Numbers of vectors that are multiplied at once, 4 MB: a mapped file is read once and nothing of it copied."""


@dataclass(frozen=True, eq=False)
class Sound:
    """Embeddings of songs, ready to be compared.

    Attributes
    ----------
    songs : int64, shape (n_heard,)
        The songs that were heard, ascending.
    vectors : float32, shape (n_heard, d)
        Their embeddings, each of Euclidean norm 1.
    n_songs : int
    """

    songs: NDArray[np.int64]
    vectors: NDArray[np.float32]
    n_songs: int

    @classmethod
    def fit(cls, evidence: Evidence, progress: Progress = silent) -> Self:  # noqa: ARG003
        """Take the embeddings of songs that were heard."""
        if evidence.embeddings is None:
            return cls(np.empty(0, dtype=np.int64), np.empty((0, 0), dtype=np.float32), evidence.n_songs)
        norms = np.linalg.norm(evidence.embeddings, axis=1)
        heard = np.flatnonzero(norms > 0)
        return cls(heard, evidence.embeddings[heard] / norms[heard, np.newaxis], evidence.n_songs)

    def refreshed(self, evidence: Evidence, since: Moved) -> Self:  # noqa: ARG002
        """Take the embeddings anew, which takes no longer than to move them."""
        return self.fit(evidence)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """What `arrays` was called on; the arrays may be mapped files, and are not copied."""
        return cls(arrays["songs"], arrays["vectors"], int(arrays["about"][0]))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The songs and their vectors."""
        return {"songs": self.songs, "vectors": self.vectors, "about": np.array([self.n_songs], dtype=np.int64)}

    def knows(self, song: int) -> bool:
        """Whether a song was heard."""
        at = int(np.searchsorted(self.songs, song))
        return at < len(self.songs) and int(self.songs[at]) == song

    def similar(self, song: int) -> Vector:
        """The cosine of every other song with this one, shape (n_songs,); 0 for songs that were not heard.

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
