"""Songs' embeddings: written one by one as songs are heard, read all at once."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from django.db.models import Count
from numpy.typing import ArrayLike, NDArray

from ..models import Song, SongEmbedding

_STORED = np.dtype("<f2")
_READ_AT_ONCE = 5000


def store_embedding(song: Song, model: str, vector: ArrayLike) -> None:
    """Put a song's embedding in the place of an earlier one.

    Parameters
    ----------
    song : Song
    model : str
        The version of the network that made it: only vectors of one version can be compared.
    vector : float, shape (d,)
        Kept in half precision.

    Raises
    ------
    ValueError
        If `vector` has another shape, or holds anything but finite numbers of half precision's range.
    """
    numbers = np.asarray(vector)
    if numbers.ndim != 1 or not numbers.size:
        raise ValueError(f"vector must have shape (d,), not {numbers.shape}")
    with np.errstate(over="ignore"):
        halves = numbers.astype(_STORED)
    if not np.isfinite(halves).all():
        raise ValueError("vector must hold finite numbers, none larger than 65504")
    SongEmbedding.objects.bulk_create(
        [SongEmbedding(song=song, model=model, vector=halves.tobytes())],
        update_conflicts=True,
        update_fields=["model", "vector"],
        unique_fields=["song"],
    )


def embeddings_of(song_ids: Collection[int], model: str) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The embeddings of some songs, as far as they have one.

    Parameters
    ----------
    song_ids : collection of int
    model : str
        The version.

    Returns
    -------
    song_ids : int64, shape (n,)
        Ascending.
    vectors : float32, shape (n, d)
        d is 0 where none of the songs has an embedding.
    """
    wanted, found = sorted(song_ids), []
    for first in range(0, len(wanted), _READ_AT_ONCE):
        of_some = SongEmbedding.objects.filter(model=model, pk__in=wanted[first : first + _READ_AT_ONCE])
        found += [(song_id, bytes(vector)) for song_id, vector in of_some.order_by("pk").values_list("pk", "vector")]
    if not found:
        return np.zeros(0, np.int64), np.zeros((0, 0), np.float32)
    vectors = np.frombuffer(b"".join(vector for _, vector in found), _STORED).reshape(len(found), -1)
    return np.array([song_id for song_id, _ in found], np.int64), vectors.astype(np.float32)


def embeddings(model: str | None = None) -> tuple[NDArray[np.int64], NDArray[np.float32], str]:
    """The embeddings of all songs that have one.

    Parameters
    ----------
    model : str, optional
        The version; the one that most songs have where it is None.

    Returns
    -------
    song_ids : int64, shape (n,)
        Ascending.
    vectors : float32, shape (n, d)
        d is 0 where no song has an embedding.
    model : str
        Their version; empty where no song has an embedding.
    """
    if model is None:
        counted = SongEmbedding.objects.order_by().values_list("model").annotate(songs=Count("pk"))
        model = next(iter(counted.order_by("-songs", "-model").values_list("model", flat=True)), "")
    of_model = SongEmbedding.objects.filter(model=model)
    song_ids, vectors = np.zeros(of_model.count(), np.int64), np.zeros((0, 0), np.float32)
    n = 0
    rows = of_model.order_by("pk").values_list("pk", "vector").iterator(chunk_size=_READ_AT_ONCE)
    for n, (song_id, vector) in enumerate(rows, start=1):
        if n == 1:
            vectors = np.zeros((song_ids.size, len(vector) // _STORED.itemsize), np.float32)
        elif n > song_ids.size:
            # One that was stored since they were counted waits for the next time.
            n -= 1
            break
        song_ids[n - 1] = song_id
        vectors[n - 1] = np.frombuffer(vector, _STORED)
    return song_ids[:n], vectors[:n], model
