"""Reads the training data (labels, plays, sessions, embeddings) from the database into arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
from django.db.models import Case, Value, When
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array

from catalog.models import Label, Play, PlayCount, Song, SongLabel
from catalog.services.embeddings import embeddings

from ..engine.cooccurrence import few_listeners
from ..engine.diversity import UNKNOWN_ARTIST
from ..engine.interface import PlayMatrix, Positions, Progress, TrainingData
from ..engine.tfidf import Annotations, term_frequencies
from .song_label_index import SongLabelIndex

_CHUNK = 20_000
_ANNOTATION = np.dtype([("song", np.int64), ("label", np.int64), ("weight", np.float64)])
_SONG = np.dtype([("song", np.int64), ("playable", np.bool_), ("artist", np.int32)])
_PLAYED = np.dtype([("user", np.int64), ("song", np.int64), ("count", np.int32)])
_EVENT = np.dtype([("user", np.int64), ("song", np.int64), ("second", np.float64)])

SESSION_GAP = timedelta(minutes=30)
"""A pause between two plays of a listener that starts a new session."""


@dataclass(frozen=True, eq=False)
class Library:
    """The training data with the keys and annotations it was computed from.

    Attributes
    ----------
    index : SongLabelIndex
    data : TrainingData
    listener_ids : int64, shape (n_listeners,)
        Primary keys of the users of the rows of `data.played`, ascending.
    imported, predicted, curated : Annotations
        The annotations that the term frequencies were computed from, by source.
    """

    index: SongLabelIndex
    data: TrainingData
    listener_ids: NDArray[np.int64]
    imported: Annotations
    predicted: Annotations
    curated: Annotations


def read(progress: Progress) -> tuple[SongLabelIndex, TrainingData]:
    """Read the training data, with its index of songs and labels."""
    library = read_library(progress)
    return library.index, library.data


def read_library(progress: Progress) -> Library:
    """Read the training data with its keys and annotations."""
    songs = _songs(progress)
    labels = list(Label.objects.order_by("pk").values_list("pk", "name", "kind", "background"))
    index = SongLabelIndex(
        song_ids=songs["song"].copy(),
        playable=songs["playable"].copy(),
        artists=songs["artist"].copy(),
        label_ids=np.array([pk for pk, _, _, _ in labels], dtype=np.int64),
        label_names=np.array([name for _, name, _, _ in labels], dtype=np.str_),
        label_kinds=np.array([kind for _, _, kind, _ in labels], dtype=np.str_),
        label_background=np.array([background for _, _, _, background in labels], dtype=np.bool_),
    )
    source = SongLabel.Source
    imported, predicted, curated = (
        _annotations_of(index, which, progress) for which in (source.IMPORT, source.CNN, source.CURATOR)
    )
    tf = term_frequencies(len(songs), len(labels), imported, predicted, curated)
    listener_ids, played = _played(index, progress)
    sessions = _sessions(index, progress) if few_listeners(played) else None
    vectors, embedded_by = _embeddings(index, progress)
    read = TrainingData(
        tf, played, embeddings=vectors, embedded_by=embedded_by, sessions=sessions, artists=index.artists
    )
    return Library(index, read, listener_ids, imported, predicted, curated)


def rows_as_array(rows: Iterable[tuple[Any, ...]], dtype: np.dtype[Any], progress: Progress, step: str) -> NDArray[Any]:
    """Read database rows into one structured array without an intermediate list.

    Parameters
    ----------
    rows : iterable of tuples
    dtype : structured dtype
    progress : callable
        Called with `step` every 20,000 rows.
    step : str
    """

    def watched() -> Iterator[tuple[Any, ...]]:
        for number, row in enumerate(rows):
            if number % _CHUNK == 0:
                progress(step)
            yield row

    return np.fromiter(watched(), dtype=dtype)


def _songs(progress: Progress) -> NDArray[Any]:
    """Every song: primary key, whether it is playable, and a number for its artist."""
    playable = Case(When(missing_since=None, path__gt="", then=Value(value=True)), default=Value(value=False))
    rows = Song.objects.order_by("pk").values_list("pk", playable, "artist_key").iterator(_CHUNK)
    numbers = {"": UNKNOWN_ARTIST}
    numbered = ((pk, can_play, numbers.setdefault(artist, len(numbers))) for pk, can_play, artist in rows)
    return rows_as_array(numbered, _SONG, progress, "songs")


def _annotations_of(index: SongLabelIndex, source: SongLabel.Source, progress: Progress) -> Annotations:
    """The annotations of one source that count, by position; songs and labels missing from the index are left out."""
    rows = SongLabel.objects.counting().filter(source=source).order_by().values_list("song_id", "label_id", "weight")
    annotations = rows_as_array(rows.iterator(_CHUNK), _ANNOTATION, progress, "labels")
    annotations = annotations[
        np.isin(annotations["song"], index.song_ids) & np.isin(annotations["label"], index.label_ids)
    ]
    return Annotations(index.songs(annotations["song"]), index.labels(annotations["label"]), annotations["weight"])


def _embeddings(index: SongLabelIndex, progress: Progress) -> tuple[NDArray[np.float32] | None, str]:
    """The embedding of each song, zeros without one, and their version; None if no song has one."""
    progress("labels")
    ids, vectors, embedded_by = embeddings()
    there = np.isin(ids, index.song_ids)
    if not there.any():
        return None, ""
    rows = np.zeros((len(index.song_ids), vectors.shape[1]), dtype=np.float32)
    rows[index.songs(ids[there])] = vectors[there]
    return rows, embedded_by


def _played(index: SongLabelIndex, progress: Progress) -> tuple[NDArray[np.int64], PlayMatrix]:
    """Play counts with a row per listener who has played anything, and the listeners' primary keys."""
    counts = PlayCount.objects.filter(count__gt=0).order_by().values_list("user_id", "song_id", "count")
    played = rows_as_array(counts.iterator(_CHUNK), _PLAYED, progress, "plays")
    played = played[np.isin(played["song"], index.song_ids)]
    users, rows = np.unique(played["user"], return_inverse=True)
    shape = (len(users), len(index.song_ids))
    return users, _counted(rows, index.songs(played["song"]), played["count"], shape)


def _sessions(index: SongLabelIndex, progress: Progress) -> PlayMatrix:
    """Play counts by session, without skipped plays."""
    events = Play.objects.filter(skipped=False).order_by("user_id", "played_at", "pk")
    moments = events.values_list("user_id", "song_id", "played_at").iterator(_CHUNK)
    played = rows_as_array(((user, song, at.timestamp()) for user, song, at in moments), _EVENT, progress, "plays")
    played = played[np.isin(played["song"], index.song_ids)]
    starts_session = np.ones(len(played), dtype=bool)
    starts_session[1:] = np.diff(played["second"]) >= SESSION_GAP.total_seconds()
    starts_session[1:] |= np.diff(played["user"]) != 0
    shape = (int(np.count_nonzero(starts_session)), len(index.song_ids))
    once = np.ones(len(played), dtype=np.int32)
    return _counted(np.cumsum(starts_session) - 1, index.songs(played["song"]), once, shape)


def _counted(
    rows: NDArray[np.integer[Any]], songs: Positions, counts: NDArray[np.int32], shape: tuple[int, int]
) -> PlayMatrix:
    """A matrix of counts by row and song; duplicates are summed."""
    # int32 indices halve the memory.
    at = (rows.astype(np.int32), songs.astype(np.int32))
    matrix: PlayMatrix = coo_array((counts, at), shape=shape).tocsr()
    return matrix


def training_data_arrays(data: TrainingData) -> dict[str, NDArray[Any]]:
    """Training data as arrays by short names, for a file each."""
    matrices: dict[str, Any] = {"tf": data.term_frequencies, "played": data.played, "sessions": data.sessions}
    arrays: dict[str, NDArray[Any]] = {}
    for name, matrix in matrices.items():
        if matrix is not None:
            arrays |= {f"{name}_{what}": getattr(matrix, what) for what in ("data", "indices", "indptr")}
            arrays[f"{name}_shape"] = np.array(matrix.shape)
    if data.embeddings is not None:
        arrays["embeddings"] = data.embeddings
        arrays["embedded_by"] = np.array([data.embedded_by])
    if data.places is not None:
        arrays["places"] = data.places
    if data.artists is not None:
        arrays["artists"] = data.artists
    return arrays


def training_data_from_arrays(arrays: Mapping[str, NDArray[Any]]) -> TrainingData:
    """Restore training data from `training_data_arrays`.

    Raises
    ------
    FileNotFoundError
        If an array is missing.
    """

    def matrix(name: str) -> PlayMatrix:
        stored = tuple(np.asarray(arrays[f"{name}_{what}"]) for what in ("data", "indices", "indptr"))
        return csr_array(stored, shape=tuple(arrays[f"{name}_shape"].tolist()))

    try:
        tf: Any = matrix("tf")
        sessions = matrix("sessions") if "sessions_data" in arrays else None
        embedded_by = str(arrays["embedded_by"][0]) if "embedded_by" in arrays else ""
        data = TrainingData(
            tf,
            matrix("played"),
            embeddings=arrays.get("embeddings"),
            embedded_by=embedded_by,
            sessions=sessions,
            artists=arrays.get("artists"),
        )
        return data.with_places(arrays.get("places"))
    except KeyError as error:
        raise FileNotFoundError(f"what the snapshot is built from has no array {error}") from error


def training_figures(index: SongLabelIndex, data: TrainingData) -> dict[str, Any]:
    """Counts of the training data, stored with the snapshot for the admin."""
    tf = data.term_frequencies
    return {
        "songs": len(index.song_ids),
        "playable_songs": int(np.count_nonzero(index.playable)),
        "labelled_songs": int(np.count_nonzero(np.diff(tf.indptr))),
        "labels": int(np.count_nonzero(np.bincount(tf.indices, minlength=tf.shape[1]))),
        "labels_on_songs": int(tf.nnz),
        "played_songs": int(np.count_nonzero(data.plays)),
        "plays": int(data.plays.sum()),
    }
