"""From the database to arrays: the songs, their labels and plays, as the engine takes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from functools import cached_property
from typing import Any, Self

import numpy as np
from django.db.models import Case, Value, When
from numpy.typing import NDArray
from scipy.sparse import coo_array

from catalog.models import Label, Play, PlayCount, Song, SongLabel
from catalog.services.embeddings import embeddings

from .engine.cooccurrence import few_listeners
from .engine.interface import Evidence, PlayMatrix, Positions, Progress
from .engine.tfidf import Words, term_frequencies
from .engine.variety import UNKNOWN_ARTIST

_CHUNK = 20_000
_WORD = np.dtype([("song", np.int64), ("label", np.int64), ("weight", np.float64)])
_SONG = np.dtype([("song", np.int64), ("playable", np.bool_), ("artist", np.int32)])
_PLAYED = np.dtype([("user", np.int64), ("song", np.int64), ("count", np.int32)])
_EVENT = np.dtype([("user", np.int64), ("song", np.int64), ("second", np.float64)])

SITTING = timedelta(minutes=30)
"""Songs that one listener played with less than this between them were played in one sitting."""


@dataclass(frozen=True)
class Catalogue:
    """Which song and which label stand at which position of the engine's arrays.

    Attributes
    ----------
    song_ids : int64, shape (n_songs,)
        Primary keys, ascending.
    playable : bool, shape (n_songs,)
        Whether there is a file to play here.
    artists : int32, shape (n_songs,)
        A number for each artist, `UNKNOWN_ARTIST` where nobody knows.
    label_ids : int64, shape (n_labels,)
        Primary keys, ascending.
    label_names, label_kinds : str, shape (n_labels,)
    """

    song_ids: NDArray[np.int64]
    playable: NDArray[np.bool_]
    artists: NDArray[np.int32]
    label_ids: NDArray[np.int64]
    label_names: NDArray[np.str_]
    label_kinds: NDArray[np.str_]

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The catalogue that `arrays` was called on."""
        return cls(**{field.name: arrays[field.name] for field in fields(cls)})

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All of it, by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def songs(self, ids: Any) -> Positions:
        """The positions of the songs with these primary keys; songs that are not known yet are passed over."""
        return _positions(self.song_ids, ids)

    def labels(self, ids: Any) -> Positions:
        """The positions of the labels with these primary keys; labels that are not known yet are passed over."""
        return _positions(self.label_ids, ids)

    @cached_property
    def label_positions(self) -> dict[int, int]:
        """The position of each label by its primary key."""
        return {pk: position for position, pk in enumerate(self.label_ids.tolist())}


def _positions(known: NDArray[np.int64], ids: Any) -> Positions:
    wanted = np.asarray(ids, dtype=np.int64)
    if not len(known):
        return np.empty(0, dtype=np.intp)
    at = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    found: Positions = at[known[at] == wanted]
    return found


@dataclass(frozen=True, eq=False)
class Library:
    """Everything that the database has for recommenders, and what its parts were made of.

    Attributes
    ----------
    catalogue : Catalogue
    evidence : Evidence
    listener_ids : int64, shape (n_listeners,)
        The primary keys of the users behind the rows of `evidence.played`, ascending.
    imported, heard, curated : Words
        What the term frequencies were made of.
    """

    catalogue: Catalogue
    evidence: Evidence
    listener_ids: NDArray[np.int64]
    imported: Words
    heard: Words
    curated: Words


def read(progress: Progress) -> tuple[Catalogue, Evidence]:
    """Everything that recommenders are fitted on, as the database has it now."""
    library = read_library(progress)
    return library.catalogue, library.evidence


def read_library(progress: Progress) -> Library:
    """Everything that recommenders are fitted on, and where it comes from, as the database has it now."""
    songs = _songs(progress)
    labels = list(Label.objects.order_by("pk").values_list("pk", "name", "kind"))
    catalogue = Catalogue(
        song_ids=songs["song"].copy(),
        playable=songs["playable"].copy(),
        artists=songs["artist"].copy(),
        label_ids=np.array([pk for pk, _, _ in labels], dtype=np.int64),
        label_names=np.array([name for _, name, _ in labels], dtype=np.str_),
        label_kinds=np.array([kind for _, _, kind in labels], dtype=np.str_),
    )
    source = SongLabel.Source
    imported, heard, curated = (
        _words(catalogue, which, progress) for which in (source.IMPORT, source.CNN, source.CURATOR)
    )
    tf = term_frequencies(len(songs), len(labels), imported, heard, curated)
    listener_ids, played = _played(catalogue, progress)
    sessions = _sessions(catalogue, progress) if few_listeners(played) else None
    read = Evidence(tf, played, embeddings=_embeddings(catalogue, progress), sessions=sessions)
    return Library(catalogue, read, listener_ids, imported, heard, curated)


def _rows(rows: Iterable[tuple[Any, ...]], dtype: np.dtype[Any], progress: Progress, step: str) -> NDArray[Any]:
    """Rows of the database as one structured array, without a list of them in between."""

    def watched() -> Iterator[tuple[Any, ...]]:
        for number, row in enumerate(rows):
            if number % _CHUNK == 0:
                progress(step)
            yield row

    return np.fromiter(watched(), dtype=dtype)


def _songs(progress: Progress) -> NDArray[Any]:
    """Every song by primary key, whether it can be played, and a number for its artist."""
    playable = Case(When(missing_since=None, path__gt="", then=Value(value=True)), default=Value(value=False))
    rows = Song.objects.order_by("pk").values_list("pk", playable, "artist_key").iterator(_CHUNK)
    numbers = {"": UNKNOWN_ARTIST}
    numbered = ((pk, can_play, numbers.setdefault(artist, len(numbers))) for pk, can_play, artist in rows)
    return _rows(numbered, _SONG, progress, "songs")


def _words(catalogue: Catalogue, source: SongLabel.Source, progress: Progress) -> Words:
    """What one source says, by position; songs and labels that came after the catalogue was read are left out."""
    said = SongLabel.objects.filter(source=source).order_by().values_list("song_id", "label_id", "weight")
    words = _rows(said.iterator(_CHUNK), _WORD, progress, "labels")
    words = words[np.isin(words["song"], catalogue.song_ids) & np.isin(words["label"], catalogue.label_ids)]
    return Words(catalogue.songs(words["song"]), catalogue.labels(words["label"]), words["weight"])


def _embeddings(catalogue: Catalogue, progress: Progress) -> NDArray[np.float32] | None:
    """The embedding of each song, 0 where it has none; None where no song has one."""
    progress("labels")
    ids, vectors, _ = embeddings()
    there = np.isin(ids, catalogue.song_ids)
    if not there.any():
        return None
    rows = np.zeros((len(catalogue.song_ids), vectors.shape[1]), dtype=np.float32)
    rows[catalogue.songs(ids[there])] = vectors[there]
    return rows


def _played(catalogue: Catalogue, progress: Progress) -> tuple[NDArray[np.int64], PlayMatrix]:
    """How often each listener has played each song; a row for everybody who has played any, and whose it is."""
    counts = PlayCount.objects.filter(count__gt=0).order_by().values_list("user_id", "song_id", "count")
    played = _rows(counts.iterator(_CHUNK), _PLAYED, progress, "plays")
    played = played[np.isin(played["song"], catalogue.song_ids)]
    users, rows = np.unique(played["user"], return_inverse=True)
    shape = (len(users), len(catalogue.song_ids))
    return users, _counted(rows, catalogue.songs(played["song"]), played["count"], shape)


def _sessions(catalogue: Catalogue, progress: Progress) -> PlayMatrix:
    """How often each song was played in each sitting of a listener, skipped ones aside."""
    events = Play.objects.filter(skipped=False).order_by("user_id", "played_at", "pk")
    moments = events.values_list("user_id", "song_id", "played_at").iterator(_CHUNK)
    played = _rows(((user, song, at.timestamp()) for user, song, at in moments), _EVENT, progress, "plays")
    played = played[np.isin(played["song"], catalogue.song_ids)]
    begins = np.ones(len(played), dtype=bool)
    begins[1:] = np.diff(played["second"]) >= SITTING.total_seconds()
    begins[1:] |= np.diff(played["user"]) != 0
    shape = (int(np.count_nonzero(begins)), len(catalogue.song_ids))
    once = np.ones(len(played), dtype=np.int32)
    return _counted(np.cumsum(begins) - 1, catalogue.songs(played["song"]), once, shape)


def _counted(
    rows: NDArray[np.integer[Any]], songs: Positions, counts: NDArray[np.int32], shape: tuple[int, int]
) -> PlayMatrix:
    """Counts by row and song, those of one place summed."""
    # Positions of 32 bits: half the memory, and no matrix of plays has two thousand million songs.
    at = (rows.astype(np.int32), songs.astype(np.int32))
    matrix: PlayMatrix = coo_array((counts, at), shape=shape).tocsr()
    return matrix
