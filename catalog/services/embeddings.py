"""Songs' embeddings: written one by one as songs are tagged, read all at once."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypeAlias

import numpy as np
from django.db.models import Count, Manager, Q
from numpy.typing import ArrayLike, NDArray

from ..models import PublishedEmbedding, Song, SongEmbedding

_STORED = np.dtype("<f2")
_READ_AT_ONCE = 5000
_COVERED = 0.9

Kind: TypeAlias = type[SongEmbedding] | type[PublishedEmbedding]


def store_embedding(song: Song, model: str, vector: ArrayLike, kind: Kind = SongEmbedding) -> None:
    """Put a song's embedding in the place of an earlier one of its kind.

    Parameters
    ----------
    song : Song
    model : str
        The version of the network that made it, or the names of the networks: only vectors of one can be compared.
    vector : float, shape (d,)
        Kept in half precision.
    kind : SongEmbedding or PublishedEmbedding
        A song may have one of each.

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
    manager: Manager[Any] = kind._default_manager
    manager.bulk_create(
        [kind(song=song, model=model, vector=halves.tobytes())],
        update_conflicts=True,
        update_fields=["model", "vector"],
        unique_fields=["song"],
    )


def embeddings_of(song_ids: Collection[int], model: str) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The local tagger's embeddings of some songs, as far as they have one.

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


def embeddings() -> tuple[NDArray[np.int64], NDArray[np.float32], str]:
    """The embeddings that serve the library: all of one kind and version, never mixed.

    Published networks know more of music than the local tagger, but reach a song later. Theirs serve while they have
    reached nine of ten playable songs that the local tagger has; its own do otherwise. Of several versions it is the
    one that most songs have.

    Returns
    -------
    song_ids : int64, shape (n,)
        Ascending.
    vectors : float32, shape (n, d)
        d is 0 where no song has an embedding.
    model : str
        Their version; empty where no song has an embedding.
    """
    kind, model = _serving()
    of_model = kind._default_manager.filter(model=model)
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


def _serving() -> tuple[Kind, str]:
    """The kind and version of the embeddings that serve the library."""
    local, n_local = _most_frequent(SongEmbedding)
    published, n_published = _most_frequent(PublishedEmbedding)
    if n_published and n_published >= _COVERED * n_local:
        return PublishedEmbedding, published
    return SongEmbedding, local


def _most_frequent(kind: Kind) -> tuple[str, int]:
    """The version that most songs have, and how many playable ones."""
    playable = Count("pk", filter=Q(song__in=Song.objects.playable()))
    counted = kind._default_manager.order_by().values_list("model").annotate(playable=playable, songs=Count("pk"))
    found = counted.order_by("-playable", "-songs", "-model").values_list("model", "playable").first()
    return found or ("", 0)
