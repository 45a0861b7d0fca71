"""Two-tower model: dot products of listener embeddings and song embeddings, both computed from song features.

The listener tower averages the history embeddings of the played songs; the song tower projects a song's features. Both
are trained jointly with a full softmax over songs (architecture after P. Covington, J. Adams, E. Sargin: Deep neural
networks for YouTube recommendations, 2016). Latent factors learn from plays first and predict cold songs from content
in a second step; this model does both in one step, so its errors differ, which is why the hybrid uses both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array

from .features import Features, remapped_rows
from .interface import IndexMapping, ListenerBatch, Matrix, Progress, TrainingData, Vector, no_progress

WIDTH = 64

_FEWEST_LISTENERS = 3
_MOST_SONGS = 20_000
_MOST_LISTENERS = 2048
"""Listeners of one step, which bounds memory: 160 MB for the logits."""

_SEED = 2018

# The names of the arrays in stored snapshots.
_STORED_NAMES = {
    "history_embeddings": "heard",
    "song_offsets": "own",
    "target_embeddings": "offered",
    "history_projection": "listening",
    "target_projection": "offering",
}


class Settings(NamedTuple):
    """Hyperparameters of training; chosen by `evaluation.choosing`.

    Attributes
    ----------
    steps : int
        Optimizer steps. More steps overfit: warm songs improve, cold songs get worse.
    learning_rate, weight_decay : float
        Of AdamW.
    dropout : float
        Share of a listener's songs dropped from the listener tower in each step, so that no song predicts itself.
    """

    steps: int = 30
    learning_rate: float = 0.02
    weight_decay: float = 3.0
    dropout: float = 0.7


@dataclass(frozen=True, eq=False)
class TwoTower:
    """The trained model.

    Attributes
    ----------
    history_embeddings : float32, shape (n_songs, WIDTH)
        What a played song adds to its listener's embedding: features x `history_projection` + `song_offsets`.
    song_offsets : float32, shape (n_songs, WIDTH)
        The part of `history_embeddings` that is free per song, not computed from features.
    target_embeddings : float32, shape (n_songs, WIDTH + 1)
        Embedding of a song as a recommendation candidate; the last column is a bias.
    history_projection, target_projection : float32, shape (n_features, WIDTH), and (n_features, WIDTH + 1)
        Linear maps from features to the embeddings.
    features : Features
    """

    history_embeddings: NDArray[np.float32]
    song_offsets: NDArray[np.float32]
    target_embeddings: NDArray[np.float32]
    history_projection: NDArray[np.float32]
    target_projection: NDArray[np.float32]
    features: Features

    @classmethod
    def fit(cls, data: TrainingData, progress: Progress = no_progress) -> Self:
        """Train on the plays; deterministic."""
        return cls.with_settings(data, Settings(), progress)

    @classmethod
    def with_settings(cls, data: TrainingData, settings: Settings, progress: Progress = no_progress) -> Self:
        """Train with other hyperparameters."""
        features = Features.fit(data)
        rows = features.rows(data)
        history_projection, song_offsets, target_projection = _trained(data, rows, settings, progress)
        return cls._of(rows, song_offsets, history_projection, target_projection, features)

    @classmethod
    def _of(
        cls,
        rows: Matrix,
        song_offsets: NDArray[np.float32],
        history_projection: NDArray[np.float32],
        target_projection: NDArray[np.float32],
        features: Features,
    ) -> Self:
        history_embeddings = (rows @ history_projection).astype(np.float32) + song_offsets
        return cls(
            history_embeddings,
            song_offsets,
            (rows @ target_projection).astype(np.float32),
            history_projection,
            target_projection,
            features,
        )

    def refreshed(self, data: TrainingData, mapping: IndexMapping) -> Self:
        """Remap the trained parameters to the current songs and labels."""
        n_labels = self.features.n_labels
        features = self.features.with_remapped_labels(mapping)
        history_projection, target_projection = (
            np.concatenate([remapped_rows(projection[:n_labels], mapping.labels), projection[n_labels:]])
            for projection in (self.history_projection, self.target_projection)
        )
        return self._of(
            features.rows(data),
            remapped_rows(self.song_offsets, mapping.songs),
            history_projection,
            target_projection,
            features,
        )

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Restore a model from its `arrays`."""
        learned = {field: arrays[stored] for field, stored in _STORED_NAMES.items()}
        return cls(**learned, features=Features.from_arrays(arrays))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All parameters, by the names they have in stored snapshots."""
        learned = {stored: getattr(self, field) for field, stored in _STORED_NAMES.items()}
        return {**learned, **self.features.arrays()}

    def scores(self, batch: ListenerBatch) -> Vector:
        """Dot products of listener and song embeddings, shape (n_listeners, n_songs); 0 for listeners without plays."""
        played = batch.played
        scores = self._listener_vectors(played).astype(np.float32) @ self.target_embeddings.T
        scores[np.diff(played.indptr) == 0] = 0
        return scores.astype(np.float64)

    def _listener_vectors(self, played: Any) -> Vector:
        """Listener embeddings: summed history embeddings / sqrt(number of songs), and a constant 1 for the bias."""
        marks = csr_array((np.ones(played.nnz), played.indices, played.indptr), shape=played.shape)
        summed = marks @ self.history_embeddings / np.sqrt(np.maximum(np.diff(played.indptr), 1))[:, np.newaxis]
        return np.column_stack([summed, np.ones(len(summed))])


def _trained(
    data: TrainingData, rows: Matrix, settings: Settings, progress: Progress
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Train with AdamW; returns `history_projection`, `song_offsets` and `target_projection`."""
    # 200 MB and a second to load: fitting only.
    import torch

    played, listeners = data.played, data.listeners
    n_features = rows.shape[1]
    # The most played songs with features; all played songs if few have enough listeners.
    known = np.diff(rows.indptr) > 0
    fewest = _FEWEST_LISTENERS if np.count_nonzero(known & (listeners >= _FEWEST_LISTENERS)) >= WIDTH else 1
    songs = np.flatnonzero(known & (listeners >= fewest))
    songs = np.sort(songs[np.argsort(-listeners[songs], kind="stable")][:_MOST_SONGS])
    zeros = np.zeros((n_features, WIDTH + 1), dtype=np.float32)
    if len(songs) < 2:
        return zeros[:, :WIDTH], np.zeros((data.n_songs, WIDTH), dtype=np.float32), zeros

    rng = np.random.default_rng(_SEED)
    generator = torch.Generator().manual_seed(_SEED)

    def initialized(width: int) -> torch.nn.Parameter:
        return torch.nn.Parameter(0.1 * torch.randn(n_features, width, generator=generator))

    history_projection, target_projection = initialized(WIDTH), initialized(WIDTH)
    song_offsets = torch.nn.Parameter(torch.zeros(data.n_songs, WIDTH))
    bias = torch.nn.Parameter(torch.zeros(n_features, 1))
    optimizer = torch.optim.AdamW(
        [history_projection, song_offsets, target_projection, bias],
        lr=settings.learning_rate,
        weight_decay=settings.weight_decay,
    )
    all_rows, song_rows = _tensor(rows), _tensor(rows[songs])
    trained_listeners = np.flatnonzero(np.diff(played[:, songs].indptr) > 0)
    for _ in range(settings.steps):
        progress("labels learned from plays")
        block = trained_listeners
        if len(block) > _MOST_LISTENERS:
            block = np.sort(rng.choice(block, _MOST_LISTENERS, replace=False))
        block_plays = played[block]
        targets = torch.from_numpy((block_plays[:, songs].toarray() > 0).astype(np.float32))
        history_embeddings = all_rows @ history_projection + song_offsets
        towers = _tensor(_dropped_out(block_plays, settings.dropout, rng)) @ history_embeddings
        log_likelihood = torch.log_softmax(towers @ (song_rows @ target_projection).T + (song_rows @ bias).T, dim=1)
        loss = -((targets * log_likelihood).sum(1) / targets.sum(1)).mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    target_embeddings = torch.cat([target_projection, bias], dim=1)
    return history_projection.detach().numpy(), song_offsets.detach().numpy(), target_embeddings.detach().numpy()


def _dropped_out(played: Any, dropout: float, rng: np.random.Generator) -> Matrix:
    """Drop each listener's songs with probability `dropout`; rows are divided by sqrt(number of songs left)."""
    kept = csr_array(
        ((rng.random(played.nnz) >= dropout).astype(np.float64), played.indices.copy(), played.indptr.copy()),
        shape=played.shape,
    )
    kept.eliminate_zeros()
    kept_songs: Matrix = (diags_array(1 / np.sqrt(np.maximum(np.diff(kept.indptr), 1))) @ kept).tocsr()
    return kept_songs


def _tensor(matrix: Matrix) -> Any:
    """Convert a CSR matrix to a sparse torch tensor."""
    import warnings

    import torch

    with warnings.catch_warnings():
        # torch warns that sparse CSR support is in beta.
        warnings.simplefilter("ignore", UserWarning)
        return torch.sparse_csr_tensor(
            torch.from_numpy(matrix.indptr.astype(np.int64)),
            torch.from_numpy(matrix.indices.astype(np.int64)),
            torch.from_numpy(matrix.data.astype(np.float32)),
            size=matrix.shape,
        )
