"""Cold start of listeners: common labels to pick and songs to try, the same for everybody."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from ...engine.diversity import UNKNOWN_ARTIST
from ...engine.interface import Positions
from ...engine.query_tokens import word_key
from ...engine.ranking import top
from ...snapshots.bundle import ModelBundle
from ...snapshots.song_label_index import SongLabelIndex
from ..taste import Taste

if TYPE_CHECKING:
    from .rows import RowBuilder

SONGS_TO_TRY = 6
"""Songs offered to a new listener, and the labels that they come from."""

_LABELS_TO_PICK = 12
_GENRES_TO_PICK = 8
"""Genres among them where there are moods as well."""

_KINDS_TO_PICK = ("genre", "mood", "era", "instrument", "other", "vocals")
"""Kinds of labels in the order in which people would name what they like."""

_WELL_KNOWN = frozenset(
    {"rock", "pop", "hip hop", "rap", "jazz", "classical", "electronic", "dance", "soul", "r b", "metal", "folk"}
    | {"country", "blues", "reggae", "funk", "punk", "disco", "latin", "indie", "techno", "house", "world"}
)
"""Genres that nearly everybody has a picture of, by `word_key`: they are offered before narrower ones."""

FEWEST_TO_PICK = 10
"""Songs that have a label that is offered to be picked: with fewer there is too little to recommend by it."""

_POOL = 60
"""Songs per label that songs to try are chosen from."""


@dataclass(frozen=True, slots=True)
class LabelToPick:
    """A label offered to new listeners, and whether this one has picked it."""

    pk: int
    name: str
    picked: bool


@dataclass(frozen=True, slots=True)
class ColdStartDefaults:
    """What a snapshot offers to listeners without a profile.

    Attributes
    ----------
    labels : list of positions
        The most common labels that say something to a listener, alternating between kinds.
    pickable : list of positions
        Those that enough songs have to be picked, as people would name them: genres first, well-known ones before
        others, by their number of songs, then moods, voices last.
    best : mapping of label to positions of songs
        The best songs of each label by label weight and plays.
    songs, labelled_songs, silent_songs : int
    """

    labels: list[int]
    pickable: list[int]
    best: dict[int, Positions]
    songs: int
    labelled_songs: int
    silent_songs: int


_cache: WeakKeyDictionary[ModelBundle, dict[bool, ColdStartDefaults]] = WeakKeyDictionary()


def cold_start_defaults(bundle: ModelBundle, include_unplayable: bool) -> ColdStartDefaults:
    """The defaults of a snapshot, cached per process."""
    cached = _cache.setdefault(bundle, {})
    if include_unplayable not in cached:
        cached[include_unplayable] = _defaults(bundle, include_unplayable)
    return cached[include_unplayable]


def _defaults(bundle: ModelBundle, include_unplayable: bool) -> ColdStartDefaults:
    index, weights = bundle.index, bundle.content.weights
    shown = np.ones_like(index.playable) if include_unplayable else index.playable
    songs = np.where(index.label_background, 0, bundle.content.songs_with_label(np.flatnonzero(shown)))
    labels = _alternating_labels(songs, index.label_kinds.tolist())
    # Plays count at most as much as the label weight, or every label would list the same popular songs.
    played = np.log1p(bundle.popular.plays)
    weight = 1 + played / max(played.max(initial=0), 1)
    best = {}
    for label in labels[:_LABELS_TO_PICK]:
        direction = np.zeros(weights.shape[1])
        direction[label] = 1
        match, carrying = bundle.labels_and_sound.matches(direction)
        best[label] = top(np.where(carrying, match, 0) * weight, _POOL, among=shown)
    return ColdStartDefaults(
        labels=labels[:_LABELS_TO_PICK],
        pickable=_pickable(songs, index),
        best=best,
        songs=int(np.count_nonzero(shown)),
        labelled_songs=int(np.count_nonzero(shown & (np.diff(weights.indptr) > 0))),
        silent_songs=int(np.count_nonzero(~index.playable)),
    )


def _alternating_labels(songs: NDArray[np.int64], kinds: Sequence[str]) -> list[int]:
    """Labels by number of songs, alternating between kinds."""
    by_kind: defaultdict[str, list[int]] = defaultdict(list)
    for label in np.argsort(-songs, kind="stable").tolist():
        if songs[label]:
            by_kind[kinds[label]].append(label)
    turns = zip_longest(*by_kind.values())
    return [label for label in chain.from_iterable(turns) if label is not None]


def _pickable(songs: NDArray[np.int64], index: SongLabelIndex) -> list[int]:
    """The labels that a new listener may pick, in the order in which they are offered."""

    def place(label: int) -> tuple[int, bool, int]:
        kind = _KINDS_TO_PICK.index(index.label_kinds[label])
        return kind, word_key(index.label_names[label]) not in _WELL_KNOWN, -int(songs[label])

    enough = sorted(np.flatnonzero(songs >= FEWEST_TO_PICK).tolist(), key=place)
    genres = [label for label in enough if index.label_kinds[label] == "genre"]
    others = [label for label in enough if index.label_kinds[label] != "genre"]
    n_genres = max(_GENRES_TO_PICK, _LABELS_TO_PICK - len(others))
    return [*genres[:n_genres], *others][:_LABELS_TO_PICK]


def choose_songs_to_try(builder: RowBuilder, defaults: ColdStartDefaults) -> list[int]:
    """Reserve songs to try: the best of each common label in turn, all of different artists."""
    tries: list[int] = []
    artists: set[int] = set()
    for depth in range(_POOL):
        for label in defaults.labels[:SONGS_TO_TRY]:
            best = defaults.best[label]
            if len(tries) == SONGS_TO_TRY or depth >= len(best):
                continue
            song, artist = int(best[depth]), int(builder.index.artists[best[depth]])
            if builder.free[song] and artist not in artists:
                builder.free[song] = False
                tries.append(song)
                artists |= {artist} - {UNKNOWN_ARTIST}
    return tries


def labels_to_pick(index: SongLabelIndex, taste: Taste, defaults: ColdStartDefaults) -> list[LabelToPick]:
    """The labels that enough songs have, and which of them the listener has picked."""
    picked = {pk for pk, weight in taste.nudges.items() if weight > 0}
    pks = index.label_ids[defaults.pickable].tolist()
    names = index.label_names[defaults.pickable].tolist()
    return [LabelToPick(pk, name, pk in picked) for pk, name in zip(pks, names, strict=True)]
