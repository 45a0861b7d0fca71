"""Two towers: a listener as the mean of their songs, a song as the sum of its features, learned to point alike.

What latent factors learn from plays and then predict from content in two steps, this learns in one: embeddings of
labels and sound, such that the songs a listener plays score above all others (the towers are those of P. Covington,
J. Adams, E. Sargin: Deep neural networks for YouTube recommendations, 2016; here with a full softmax). It is a part of
the hybrid, where its errors are others than those of the factors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array

from .features import Features, moved_rows
from .interface import Evidence, Matrix, Moved, Progress, Tastes, Vector, silent

WIDTH = 64

_FEWEST_LISTENERS = 3
_MOST_SONGS = 20_000
_MOST_LISTENERS = 2048
"""In one step, which bounds its memory: 160 MB for the products of listeners and songs."""

_SEED = 2018


class Settings(NamedTuple):
    """What towers are learned with; chosen by `evaluation.choosing`.

    Attributes
    ----------
    steps : int
        After more of them the songs of training are told apart ever better, and new songs worse.
    learning_rate, weight_decay : float
        Of AdamW.
    forgotten : float
        Which part of a listener's songs is left out of their tower in each step, so that none learns to name itself.
    """

    steps: int = 30
    learning_rate: float = 0.02
    weight_decay: float = 3.0
    forgotten: float = 0.7


@dataclass(frozen=True, eq=False)
class Towers:
    """The learned embeddings.

    Attributes
    ----------
    heard : float32, shape (n_songs, WIDTH)
        What a song says of somebody who has played it.
    own : float32, shape (n_songs, WIDTH)
        Which part of that is the song's own, and not its features'.
    offered : float32, shape (n_songs, WIDTH + 1)
        What a song is to be found by; the last column is the same for everybody.
    listening, offering : float32, shape (n_features, WIDTH), and (n_features, WIDTH + 1)
        From features to these.
    features : Features
    """

    heard: NDArray[np.float32]
    own: NDArray[np.float32]
    offered: NDArray[np.float32]
    listening: NDArray[np.float32]
    offering: NDArray[np.float32]
    features: Features

    @classmethod
    def fit(cls, evidence: Evidence, progress: Progress = silent) -> Self:
        """Learn from the plays; always the same from the same plays."""
        return cls.with_settings(evidence, Settings(), progress)

    @classmethod
    def with_settings(cls, evidence: Evidence, settings: Settings, progress: Progress = silent) -> Self:
        """The same, otherwise set."""
        features = Features.fit(evidence)
        rows = features.rows(evidence)
        listening, own, offering = _learned(evidence, rows, settings, progress)
        return cls._of(rows, own, listening, offering, features)

    @classmethod
    def _of(
        cls,
        rows: Matrix,
        own: NDArray[np.float32],
        listening: NDArray[np.float32],
        offering: NDArray[np.float32],
        features: Features,
    ) -> Self:
        heard = (rows @ listening).astype(np.float32) + own
        return cls(heard, own, (rows @ offering).astype(np.float32), listening, offering, features)

    def refreshed(self, evidence: Evidence, since: Moved) -> Self:
        """The same learning over the songs and labels of today."""
        n_labels = self.features.n_labels
        features = self.features.labels_moved(since)
        listening, offering = (
            np.concatenate([moved_rows(learned[:n_labels], since.labels), learned[n_labels:]])
            for learned in (self.listening, self.offering)
        )
        return self._of(features.rows(evidence), moved_rows(self.own, since.songs), listening, offering, features)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The towers that `arrays` was called on."""
        own = {name: arrays[name] for name in ("heard", "own", "offered", "listening", "offering")}
        return cls(**own, features=Features.from_arrays(arrays))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything that was learned."""
        own = {name: getattr(self, name) for name in ("heard", "own", "offered", "listening", "offering")}
        return {**own, **self.features.arrays()}

    def scores(self, tastes: Tastes) -> Vector:
        """How well every song fits those that each listener has played, shape (n_listeners, n_songs)."""
        played = tastes.played
        scores = self._towers(played).astype(np.float32) @ self.offered.T
        scores[np.diff(played.indptr) == 0] = 0
        return scores.astype(np.float64)

    def _towers(self, played: Any) -> Vector:
        """Each listener as the sum of their songs by the root of their number, with a 1 at the end."""
        marks = csr_array((np.ones(played.nnz), played.indices, played.indptr), shape=played.shape)
        summed = marks @ self.heard / np.sqrt(np.maximum(np.diff(played.indptr), 1))[:, np.newaxis]
        return np.column_stack([summed, np.ones(len(summed))])


def _learned(
    evidence: Evidence, rows: Matrix, settings: Settings, progress: Progress
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """The embeddings of features as listened to, of songs by themselves, and of features as offered."""
    # 200 MB and a second to load: fitting only.
    import torch

    played, listeners = evidence.played, evidence.listeners
    n_features = rows.shape[1]
    # The most played songs that have features; of few plays, all that anybody has played.
    known = np.diff(rows.indptr) > 0
    fewest = _FEWEST_LISTENERS if np.count_nonzero(known & (listeners >= _FEWEST_LISTENERS)) >= WIDTH else 1
    songs = np.flatnonzero(known & (listeners >= fewest))
    songs = np.sort(songs[np.argsort(-listeners[songs], kind="stable")][:_MOST_SONGS])
    empty = np.zeros((n_features, WIDTH + 1), dtype=np.float32)
    if len(songs) < 2:
        return empty[:, :WIDTH], np.zeros((evidence.n_songs, WIDTH), dtype=np.float32), empty

    rng = np.random.default_rng(_SEED)
    generator = torch.Generator().manual_seed(_SEED)

    def drawn(width: int) -> torch.nn.Parameter:
        return torch.nn.Parameter(0.1 * torch.randn(n_features, width, generator=generator))

    listening, offering = drawn(WIDTH), drawn(WIDTH)
    own = torch.nn.Parameter(torch.zeros(evidence.n_songs, WIDTH))
    bias = torch.nn.Parameter(torch.zeros(n_features, 1))
    optimizer = torch.optim.AdamW(
        [listening, own, offering, bias], lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    all_rows, song_rows = _tensor(rows), _tensor(rows[songs])
    learned_from = np.flatnonzero(np.diff(played[:, songs].indptr) > 0)
    for _ in range(settings.steps):
        progress("labels learned from plays")
        block = learned_from
        if len(block) > _MOST_LISTENERS:
            block = np.sort(rng.choice(block, _MOST_LISTENERS, replace=False))
        theirs = played[block]
        wanted = torch.from_numpy((theirs[:, songs].toarray() > 0).astype(np.float32))
        heard = all_rows @ listening + own
        towers = _tensor(_partly(theirs, settings.forgotten, rng)) @ heard
        likely = torch.log_softmax(towers @ (song_rows @ offering).T + (song_rows @ bias).T, dim=1)
        loss = -((wanted * likely).sum(1) / wanted.sum(1)).mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    offered = torch.cat([offering, bias], dim=1)
    return listening.detach().numpy(), own.detach().numpy(), offered.detach().numpy()


def _partly(played: Any, forgotten: float, rng: np.random.Generator) -> Matrix:
    """A part of each listener's songs, drawn by chance, each row divided by the root of its number."""
    kept = csr_array(
        ((rng.random(played.nnz) >= forgotten).astype(np.float64), played.indices.copy(), played.indptr.copy()),
        shape=played.shape,
    )
    kept.eliminate_zeros()
    partly: Matrix = (diags_array(1 / np.sqrt(np.maximum(np.diff(kept.indptr), 1))) @ kept).tocsr()
    return partly


def _tensor(matrix: Matrix) -> Any:
    """A sparse matrix as torch has it."""
    import warnings

    import torch

    with warnings.catch_warnings():
        # That its support of sparse matrices is in beta.
        warnings.simplefilter("ignore", UserWarning)
        return torch.sparse_csr_tensor(
            torch.from_numpy(matrix.indptr.astype(np.int64)),
            torch.from_numpy(matrix.indices.astype(np.int64)),
            torch.from_numpy(matrix.data.astype(np.float32)),
            size=matrix.shape,
        )
