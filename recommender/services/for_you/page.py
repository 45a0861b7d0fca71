"""Assembles the page For you.

On top of the raw ranking the page adds diversity (no song in two rows, no run of one artist) and applies the dial from
familiar to adventurous (`engine.adventure`) to every row that has a ranking of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.contrib.auth.models import User

from catalog.services.rows import SongRow

from ...snapshots import current
from ..taste import taste_of
from .arrivals import Arrivals, arrivals
from .cold_start import LabelToPick, choose_songs_to_try, cold_start_defaults, labels_to_pick
from .rows import Mix, Row, RowBuilder, RowRange

_SUGGESTIONS = 8
_PROFILE_SUGGESTIONS = 4


@dataclass(frozen=True, slots=True)
class Page:
    """The content of For you.

    Attributes
    ----------
    rows : list of Row
    mix : Mix or None
        What the page opens with, unless a mood is asked for, or too little is known of the listener.
    newcomer : bool
        Whether the listener has neither rated nor played a song.
    labels_to_pick, songs_to_try : list
        For newcomers, else empty; labels only where enough songs have them.
    suggestions : list of str
        Names of labels suggested as moods.
    songs, labelled_songs : int
        Number of songs to recommend from, and of those with labels.
    silent_songs : int
        Number of songs without a file.
    mood_matched : bool
        False if no song matches the query; True without a query.
    dial : float
        -1 most familiar, 1 most adventurous.
    more : bool
        Whether more rows may follow.
    arrivals : Arrivals
        What is on its way into the recommendations.
    """

    rows: list[Row] = field(default_factory=list)
    mix: Mix | None = None
    newcomer: bool = True
    labels_to_pick: list[LabelToPick] = field(default_factory=list)
    songs_to_try: list[SongRow] = field(default_factory=list)
    suggestions: list[str] = field(default_factory=list)
    songs: int = 0
    labelled_songs: int = 0
    silent_songs: int = 0
    mood_matched: bool = True
    dial: float = 0.0
    more: bool = False
    arrivals: Arrivals = field(default_factory=lambda: Arrivals(0, 0, [], ""))

    @property
    def picked(self) -> list[LabelToPick]:
        """The labels that a new listener has picked."""
        return [label for label in self.labels_to_pick if label.picked]


def for_you(
    user: User,
    query: Mapping[int, float] | None = None,
    *,
    include_unplayable: bool = False,
    row_range: RowRange = RowRange.ALL,
) -> Page:
    """Assemble the page of a listener, in five small queries; four more while songs arrive.

    Parameters
    ----------
    query : mapping of label, by primary key, to weight, optional
        The mood asked for.
    include_unplayable : bool
        Include songs without a file.
    row_range : RowRange
        Which rows to return; pages of new listeners have only first rows.
    """
    bundle = current.bundle()
    arriving = arrivals(bundle)
    if bundle is None or not len(bundle.index.song_ids):
        return Page(arrivals=arriving)
    taste = taste_of(user)
    builder = RowBuilder(bundle, taste, query or {}, include_unplayable)
    builder.free[bundle.index.songs([card.song.pk for card in arriving.cards])] = False
    defaults = cold_start_defaults(bundle, include_unplayable)
    newcomer = not taste.rated and not taste.played
    tries: Sequence[int] = choose_songs_to_try(builder, defaults) if newcomer else ()
    if newcomer:
        builder.add_rows_for_newcomer(defaults, row_range)
    else:
        builder.add_rows(row_range)
    if not query and row_range is not RowRange.REST:
        builder.choose_mix()
    songs = builder.fetch_songs(tries)
    labels = builder.strongest_labels(_PROFILE_SUGGESTIONS) + defaults.labels
    asked = set(bundle.index.labels(list(builder.query)).tolist())
    suggested = [label for label in dict.fromkeys(labels) if label not in asked]
    return Page(
        rows=builder.finished(songs),
        mix=builder.finished_mix(songs),
        newcomer=newcomer,
        labels_to_pick=labels_to_pick(bundle.index, taste, defaults) if newcomer else [],
        songs_to_try=builder.finished_songs_to_try(songs, tries),
        suggestions=[builder.reasons.name(label) for label in suggested[:_SUGGESTIONS]],
        songs=defaults.songs,
        labelled_songs=defaults.labelled_songs,
        silent_songs=defaults.silent_songs,
        mood_matched=builder.mood_matched,
        dial=taste.dial,
        more=builder.more,
        arrivals=arriving,
    )
