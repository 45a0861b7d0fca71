"""Recommending what is played most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .interface import Evidence, Moved, Positions, Progress, Reason, SongReason, Tastes, Vector, silent


@dataclass(frozen=True)
class Popularity:
    """The same songs for everybody: those played most.

    Attributes
    ----------
    plays : int64, shape (n_songs,)
        How often each song was played, by everybody together.
    listeners : int64, shape (n_songs,)
        How many people have played each song.
    """

    plays: NDArray[np.int64]
    listeners: NDArray[np.int64]

    @classmethod
    def fit(cls, evidence: Evidence, progress: Progress = silent) -> Self:  # noqa: ARG003
        """Take the counts as they are."""
        return cls(evidence.plays, evidence.listeners)

    def refreshed(self, evidence: Evidence, since: Moved) -> Self:  # noqa: ARG002
        """Count anew, which takes no longer than to move the counts."""
        return self.fit(evidence)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The recommender that `arrays` was called on."""
        return cls(arrays["plays"], arrays["listeners"])

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Plays and listeners of each song."""
        return {"plays": self.plays, "listeners": self.listeners}

    def scores(self, tastes: Tastes) -> Vector:
        """The plays of every song, the same for each listener, shape (n_listeners, n_songs)."""
        return np.broadcast_to(self.plays.astype(np.float64), (tastes.n_listeners, len(self.plays)))

    def reasons(self, tastes: Tastes, songs: Positions, k: int) -> Sequence[Sequence[Reason]]:  # noqa: ARG002
        """Each song is its own reason, with the number of its plays."""
        return [[SongReason(int(song), float(self.plays[song]))] for song in songs]
