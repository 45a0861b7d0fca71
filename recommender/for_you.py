"""The page For you: rows of songs, each row and each song with its reason.

On top of the raw ranking a page has variety: no song stands in two rows, and no artist comes again at once. And it
has the dial from familiar to adventurous (`engine.adventure`), which turns every row that has a ranking of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import Enum, auto
from functools import cached_property
from itertools import chain, zip_longest
from weakref import WeakKeyDictionary

import numpy as np
from django.contrib.auth.models import User
from django.utils import timezone
from numpy.typing import NDArray

from catalog.models import PlayCount, Song
from catalog.services.rows import SongRow

from . import services, snapshot
from .engine import adventure
from .engine.interface import LabelReason, Positions, Vector
from .engine.ranking import top
from .engine.variety import UNKNOWN_ARTIST, spread_artists
from .snapshot import Recommenders
from .taste import Taste, taste_of

ROW = 6
"""Songs in a row."""

_SPARE = 2
"""Songs chosen besides, for those that turn out to be gone."""

_POOL = 60
"""From how many of the best songs a row is chosen, so that it need not be one artist's."""

_RANKING = 600
"""How far down a ranking looks what wants something else of a song besides: the dial, or a label."""

_KNOWN = 500
"""To how many of the songs that a listener liked, the latest ones, others are near or far."""

_LONG_AGO = timedelta(days=60)
_PLAYED_OFTEN = 3
"""Rediscovered are songs with many stars, or played so often, that were not rated or played for so long."""

_SEEDS = 2
"""Rows that start from a song the listener liked."""

_FIRST_ROWS = 5
"""Rows that the page begins with; the others are made when somebody comes to where they stand."""

_LABEL_ROWS = 2
_FEWEST = 3
"""Rows of one label, and what one is worth a row from."""

_OWN_LABELS = 3
_LABELS_TO_PICK = 12
_SUGGESTIONS = 8
_OWN_SUGGESTIONS = 4


class Part(Enum):
    """Which rows of the page are wanted: the first, those that follow them, or all."""

    FIRST = auto()
    REST = auto()
    ALL = auto()


@dataclass(frozen=True, slots=True)
class Card:
    """A song in a row, and why it is there."""

    song: Song
    why: str


@dataclass(frozen=True, slots=True)
class Row:
    """Songs that are there for one reason."""

    title: str
    cards: list[Card]


@dataclass(frozen=True, slots=True)
class LabelToPick:
    """A label for newcomers, and whether the listener has picked it."""

    pk: int
    name: str
    picked: bool


@dataclass(frozen=True, slots=True)
class Page:
    """Everything on For you.

    Attributes
    ----------
    rows : list
    labels_to_pick, songs_to_try : list
        For a listener with nothing rated or played, else empty.
    suggestions : list of label names
        What the listener may be in the mood for.
    songs, labelled_songs : int
        How many songs there are to recommend from, and how many of them have labels.
    silent_songs : int
        How many songs have no file here.
    mood_met : bool
        Whether there is any song for what was asked for; True where nothing was.
    dial : float
        -1 where the listener has turned it to the most familiar, 1 to the most adventurous.
    more : bool
        Whether there may be rows that follow these.
    """

    rows: list[Row] = field(default_factory=list)
    labels_to_pick: list[LabelToPick] = field(default_factory=list)
    songs_to_try: list[SongRow] = field(default_factory=list)
    suggestions: list[str] = field(default_factory=list)
    songs: int = 0
    labelled_songs: int = 0
    silent_songs: int = 0
    mood_met: bool = True
    dial: float = 0.0
    more: bool = False

    @property
    def picked(self) -> list[LabelToPick]:
        """The labels that a newcomer has picked."""
        return [label for label in self.labels_to_pick if label.picked]


def for_you(
    user: User, query: Mapping[int, float] | None = None, *, silent_too: bool = False, part: Part = Part.ALL
) -> Page:
    """The page of a listener, in four small queries.

    Parameters
    ----------
    query : mapping of label, by primary key, to weight, optional
        What the listener is in the mood for.
    silent_too : bool
        Also songs without a file here.
    part : Part
        Newcomers have only first rows.
    """
    recommenders = snapshot.current()
    if recommenders is None or not len(recommenders.catalogue.song_ids):
        return Page()
    taste = taste_of(user)
    draft = _Draft(recommenders, taste, query or {}, silent_too)
    showcase = _showcase(recommenders, silent_too)
    newcomer = not taste.rated and not taste.played
    tries: Sequence[int] = draft.choose_tries(showcase) if newcomer else ()
    draft.rows_for_a_newcomer(showcase, part) if newcomer else draft.rows_for_a_taste(part)
    songs = draft.songs(tries)
    return Page(
        rows=draft.finished(songs),
        labels_to_pick=draft.labels_to_pick(showcase) if newcomer else [],
        songs_to_try=draft.finished_tries(songs, tries),
        suggestions=draft.suggestions(showcase),
        songs=showcase.songs,
        labelled_songs=showcase.labelled_songs,
        silent_songs=showcase.silent_songs,
        mood_met=draft.mood_met,
        dial=taste.dial,
        more=draft.more,
    )


# --- The same for everybody ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Showcase:
    """What a snapshot has to show to somebody of whom nothing is known.

    Attributes
    ----------
    labels : positions
        The most common labels, the kinds taking turns.
    best : mapping of label to positions of songs
        The songs that the label says most of and people play most.
    songs, labelled_songs, silent_songs : int
    """

    labels: list[int]
    best: dict[int, Positions]
    songs: int
    labelled_songs: int
    silent_songs: int


_showcases: WeakKeyDictionary[Recommenders, dict[bool, _Showcase]] = WeakKeyDictionary()


def _showcase(recommenders: Recommenders, silent_too: bool) -> _Showcase:
    """The showcase of a snapshot, made once by each process."""
    made = _showcases.setdefault(recommenders, {})
    if silent_too not in made:
        made[silent_too] = _made_showcase(recommenders, silent_too)
    return made[silent_too]


def _made_showcase(recommenders: Recommenders, silent_too: bool) -> _Showcase:
    catalogue, weights = recommenders.catalogue, recommenders.content.weights
    shown = np.ones_like(catalogue.playable) if silent_too else catalogue.playable
    labels = _labels_in_turns(
        recommenders.content.songs_with_label(np.flatnonzero(shown)), catalogue.label_kinds.tolist()
    )
    # What is played most counts up to twice: the label comes first, or every row would be the same songs.
    played = np.log1p(recommenders.popular.plays)
    weight = 1 + played / max(played.max(initial=0), 1)
    best = {}
    for label in labels[:_LABELS_TO_PICK]:
        said = np.zeros(weights.shape[1])
        said[label] = 1
        best[label] = top(recommenders.content.toward(said) * weight, _POOL, among=shown)
    return _Showcase(
        labels=labels[:_LABELS_TO_PICK],
        best=best,
        songs=int(np.count_nonzero(shown)),
        labelled_songs=int(np.count_nonzero(shown & (np.diff(weights.indptr) > 0))),
        silent_songs=int(np.count_nonzero(~catalogue.playable)),
    )


def _labels_in_turns(songs: NDArray[np.int64], kinds: Sequence[str]) -> list[int]:
    """The labels that songs have, the most common of each kind first and the kinds taking turns."""
    by_kind: defaultdict[str, list[int]] = defaultdict(list)
    for label in np.argsort(-songs, kind="stable").tolist():
        if songs[label]:
            by_kind[kinds[label]].append(label)
    turns = zip_longest(*by_kind.values())
    return [label for label in chain.from_iterable(turns) if label is not None]


# --- For one listener ---------------------------------------------------------------------------


Whys = Callable[[Sequence[int]], list[str]]
"""Says of each of some songs why it is there."""


@dataclass(frozen=True, slots=True)
class _DraftRow:
    """A row by positions: more songs than it will show, for some may be gone, and what says why they are there."""

    title: str
    songs: list[int]
    whys: Whys
    length: int = ROW
    seed: int | None = None
    unplayed: bool = False


def _not_since(moment: str) -> str:
    """For how long a song was neither rated nor played, in words; `moment` as a listener's taste has it."""
    return f"not heard since {date.fromisoformat(moment[:10]):%B %Y}"


class _Draft:
    """The rows of one page while they are chosen; a song that stands in one is not free for the next."""

    def __init__(self, recommenders: Recommenders, taste: Taste, query: Mapping[int, float], silent_too: bool) -> None:
        self.catalogue, self.content, self.popular = recommenders.catalogue, recommenders.content, recommenders.popular
        self.taste, self.query, self.silent_too = taste, query, silent_too
        self.rows: list[_DraftRow] = []
        self.mood_met, self.more = True, False
        self.free = np.ones_like(self.catalogue.playable) if silent_too else self.catalogue.playable.copy()
        self.free[self.catalogue.songs(list(taste.known))] = False
        self.tastes = taste.block(self.catalogue)
        self.direction = self.content.directions(self.tastes)[0]
        self.cooccurrence = recommenders.cooccurrence
        self.scores = recommenders.methods[recommenders.best].scores(self.tastes)[0]
        self._nearness = np.full(len(self.free), np.nan)

    # Rows

    def rows_for_a_taste(self, part: Part) -> None:
        """The rows of somebody who has rated or played something."""
        first = None
        for add in (
            self._mood_row,
            self._close_row,
            self._rows_like_a_song,
            self._different_row,
            self._new_row,
            self._played_together_row,
            self._rediscovered_row,
            self._label_rows,
            self._popular_row,
        ):
            if first is None and len(self.rows) >= _FIRST_ROWS:
                first = len(self.rows)
                if part is Part.FIRST:
                    self.more = True
                    return
            add()
        if part is Part.REST:
            # Those before were chosen too, so that no song of theirs comes again.
            self.rows = self.rows[first:] if first is not None else []

    def rows_for_a_newcomer(self, showcase: _Showcase, part: Part) -> None:
        """The rows of somebody who has not, but may have picked labels."""
        if part is Part.REST:
            return
        self._mood_row()
        picked = self.content.toward(self.direction)
        self._add("From the labels you picked", picked, self._because_of(self.direction))
        self._popular_row()
        self._new_row()
        for label in showcase.labels[: _LABEL_ROWS + 1]:
            self._add_ranked(f"Labelled {self._name(label)}", showcase.best[label], self._label_first(label))

    def _close_row(self) -> None:
        self._add("Close to your taste", self.scores, self._fitting_or_own_labels)

    def _mood_row(self) -> None:
        if not self.query:
            return
        direction = self.content.directions(self.taste.block(self.catalogue, self.query))[0]
        asked = self.catalogue.labels(list(self.query))
        names = [self._name(label) for label in asked]
        title = f"In the mood for {' and '.join(filter(None, [', '.join(names[:-1]), *names[-1:]]))}"
        # A strong taste may outweigh what was asked for; under this title nothing stands that has none of it.
        wanted = np.zeros(len(direction))
        wanted[asked] = direction[asked]
        scores = np.where(self.content.toward(wanted) > 0, self.content.toward(direction), 0)
        self.mood_met = self._add(title, scores, self._because_of(direction, self.query), length=2 * ROW)

    def _played_together_row(self) -> None:
        """What others play who play the same; a song that nobody has played is not among it."""
        if self.cooccurrence is None:
            return
        title = "What people who play your songs also play"
        if self.cooccurrence.over_sessions:
            title = "What is played in one sitting with your songs"
        self._add(title, self.cooccurrence.scores(self.tastes)[0], self._how_many_of_yours)

    def _rows_like_a_song(self) -> None:
        """A row for each of the last songs that the listener liked, of different artists."""
        seeds: dict[int, str] = {}
        artists: set[int] = set()
        for word, songs in (("liked", self.taste.starred), ("played", self.taste.played)):
            for seed in self.catalogue.songs(songs[:_POOL]).tolist():
                artist = int(self.catalogue.artists[seed])
                if len(seeds) < _SEEDS and artist not in artists and self._strongest(seed):
                    seeds[seed] = word
                    artists |= {artist} - {UNKNOWN_ARTIST}
        for seed, word in seeds.items():
            whys = self._because_of(self.content.song(seed))
            self._add(f"Because you {word} {{seed}}", self.content.similar(seed), whys, seed=seed)

    def _new_row(self) -> None:
        """What nobody has played: what fits the listener first, then what came last."""
        unplayed = np.flatnonzero(self.free & (self.popular.listeners == 0))
        newest = (1 + unplayed) / len(self.free)
        scores = np.zeros(len(self.free))
        scores[unplayed] = np.maximum(self.scores[unplayed], 0) + 1e-6 * newest
        self._add("New here, nobody has played it yet", scores, self._fitting_or_own_labels, unplayed=True)

    def _different_row(self) -> None:
        """What fits, but lies farthest from what the listener knows, wherever the dial stands."""
        self._add("Something different", self.scores, self._what_is_different, dial=1.0)

    def _rediscovered_row(self) -> None:
        """What the listener liked and has not met for long: the best liked first, then what is longest ago."""
        before = f"{timezone.now() - _LONG_AGO:%Y-%m-%d %H:%M:%S}"
        often = [song for song in self.taste.played if self.taste.play_counts[song] >= _PLAYED_OFTEN]
        forgotten = sorted(
            (rank, at, song)
            for rank, songs in enumerate((self.taste.starred, often))
            for song in songs
            if (at := self.taste.last_met.get(song, before)) < before
        )
        last_met: dict[int, str] = {}
        for _, at, song in forgotten[:_POOL]:
            for position in self.catalogue.songs([song]).tolist():
                if self.silent_too or self.catalogue.playable[position]:
                    last_met[position] = at
        met = np.fromiter(last_met, np.intp)
        chosen = spread_artists(met, self.catalogue.artists, ROW + _SPARE).tolist()
        if chosen:
            self.rows.append(_DraftRow("Rediscover", chosen, lambda songs: [_not_since(last_met[at]) for at in songs]))

    def _popular_row(self) -> None:
        self._add("Popular here", self.popular.plays.astype(np.float64), self._how_popular, dial=0.0)

    def _label_rows(self) -> None:
        """The listener's strongest labels, each with the best of the ranking that has it."""
        ranking = top(self.scores, _RANKING, among=self.free)
        said = self.content.weights[ranking].tocsc()
        for label in self._strongest_of_profile(_LABEL_ROWS):
            having = np.sort(said.indices[said.indptr[label] : said.indptr[label + 1]])
            self._add_ranked(
                f"More {self._name(label)}", ranking[having], self._because_of(self.direction), fewest=_FEWEST
            )

    def _strongest_of_profile(self, most: int) -> list[int]:
        """The labels that the listener looks for most."""
        return [
            label for label in np.argsort(-self.direction, kind="stable")[:most].tolist() if self.direction[label] > 0
        ]

    def _add(
        self,
        title: str,
        scores: Vector,
        whys: Whys,
        *,
        length: int = ROW,
        seed: int | None = None,
        unplayed: bool = False,
        dial: float | None = None,
    ) -> bool:
        """Add a row of the free songs that score highest after the dial; whether there are any."""
        ranked = self._turned(scores, self.taste.dial if dial is None else dial)
        return self._add_ranked(title, ranked, whys, length=length, seed=seed, unplayed=unplayed)

    def _turned(self, scores: Vector, dial: float) -> Positions:
        """The free songs that a row is chosen from, best first."""
        if not dial:
            return top(scores, _POOL, among=self.free)
        ranked = top(scores, _RANKING, among=self.free)
        familiar = adventure.familiarity(self._near(ranked), self.popular.listeners[ranked])
        turned = adventure.turned(scores[ranked], familiar, dial)
        return ranked[np.argsort(-turned, kind="stable")][:_POOL]

    def _near(self, songs: Positions) -> Vector:
        """How near songs are to what the listener knows; each is looked at once for a page."""
        fresh = songs[np.isnan(self._nearness[songs])]
        if len(fresh):
            known = self.catalogue.songs(self.taste.liked[:_KNOWN])
            artists = set(self.catalogue.artists[self.catalogue.songs(list(self.taste.known))].tolist())
            self._nearness[fresh] = adventure.nearness(
                self.content.weights, fresh, known, self.catalogue.artists, artists - {UNKNOWN_ARTIST}
            )
        return self._nearness[songs]

    def _add_ranked(
        self,
        title: str,
        ranked: Positions,
        whys: Whys,
        *,
        length: int = ROW,
        seed: int | None = None,
        unplayed: bool = False,
        fewest: int = 1,
    ) -> bool:
        """Add a row of those of the ranked songs that are free; whether there are enough."""
        chosen = spread_artists(ranked[self.free[ranked]], self.catalogue.artists, length + _SPARE)
        if len(chosen) < fewest:
            return False
        self.free[chosen[:length]] = False
        self.rows.append(_DraftRow(title, chosen.tolist(), whys, length, seed, unplayed))
        return True

    # Reasons

    def _because_of(self, direction: Vector, query: Mapping[int, float] | None = None) -> Whys:
        """Names the labels that songs share with a direction."""
        asked = query or {}

        def whys(songs: Sequence[int]) -> list[str]:
            shared = self.content.parts(direction, np.array(songs, np.intp), services.REASONS)
            return [self._words(parts, asked) for parts in shared]

        return whys

    def _own_labels(self, song: int) -> str:
        """The labels that say most of a song, in words."""
        return self._words(self._strongest(song))

    def _strongest(self, song: int) -> Sequence[LabelReason]:
        return self.content.parts(self.content.song(song), np.array([song]), _OWN_LABELS)[0]

    def _label_first(self, label: int) -> Whys:
        """Names one label, and then the others that say most of a song."""

        def why(song: int) -> str:
            others = [part.label for part in self._strongest(song) if part.label != label]
            return ", ".join(map(self._name, [label, *others[: _OWN_LABELS - 1]]))

        return lambda songs: [why(song) for song in songs]

    def _fitting_or_own_labels(self, songs: Sequence[int]) -> list[str]:
        fitting = self._because_of(self.direction)(songs)
        return [said or self._own_labels(song) for song, said in zip(songs, fitting, strict=True)]

    def _what_is_different(self, songs: Sequence[int]) -> list[str]:
        """The label that each shares with the listener's profile, and one of its own that none of their songs has."""

        def why(song: int, fitting: str) -> str:
            fresh = [self._name(part.label) for part in self._strongest(song) if not self._heard_labels[part.label]]
            return f"{fitting}, and new to you: {fresh[0]}" if fitting and fresh else self._own_labels(song)

        fitting = self._because_of(self.direction)(songs)
        return [why(song, said.split(", ")[0]) for song, said in zip(songs, fitting, strict=True)]

    @cached_property
    def _heard_labels(self) -> NDArray[np.int64]:
        """How many of the songs that the listener knows have each label."""
        return self.content.songs_with_label(self.catalogue.songs(list(self.taste.known)))

    def _how_popular(self, songs: Sequence[int]) -> list[str]:
        plays, listeners = self.popular.plays[songs].tolist(), self.popular.listeners[songs].tolist()
        counted = services.counted
        return [f"{counted(n, 'play')} by {counted(by, 'listener')}" for n, by in zip(plays, listeners, strict=True)]

    def _how_many_of_yours(self, songs: Sequence[int]) -> list[str]:
        if self.cooccurrence is None:
            return [""] * len(songs)
        own = self.cooccurrence.reasons(self.tastes, np.array(songs, np.intp), self.tastes.played.nnz)
        return [f"goes with {len(of) if len(of) > 1 else 'one'} of your songs" for of in own]

    def _words(self, parts: Sequence[LabelReason], asked: Collection[int] = ()) -> str:
        return services.in_words(services.named_labels(self.catalogue, parts, asked))

    def _name(self, label: int) -> str:
        return str(self.catalogue.label_names[label])

    # For newcomers

    def choose_tries(self, showcase: _Showcase) -> list[int]:
        """Songs to try: of each common label the best, of different artists, until there are enough."""
        tries: list[int] = []
        artists: set[int] = set()
        for depth in range(_POOL):
            for label in showcase.labels[:ROW]:
                best = showcase.best[label]
                if len(tries) == ROW or depth >= len(best):
                    continue
                song, artist = int(best[depth]), int(self.catalogue.artists[best[depth]])
                if self.free[song] and artist not in artists:
                    self.free[song] = False
                    tries.append(song)
                    artists |= {artist} - {UNKNOWN_ARTIST}
        return tries

    def labels_to_pick(self, showcase: _Showcase) -> list[LabelToPick]:
        """The common labels, and which of them the listener has picked."""
        picked = {pk for pk, weight in self.taste.nudges.items() if weight > 0}
        pks = self.catalogue.label_ids[showcase.labels].tolist()
        return [
            LabelToPick(pk, self._name(label), pk in picked) for pk, label in zip(pks, showcase.labels, strict=True)
        ]

    def suggestions(self, showcase: _Showcase) -> list[str]:
        """Labels that the listener may be in the mood for: the strongest of the profile, then common ones."""
        asked = set(self.catalogue.labels(list(self.query)).tolist())
        labels = [
            label
            for label in dict.fromkeys(self._strongest_of_profile(_OWN_SUGGESTIONS) + showcase.labels)
            if label not in asked
        ]
        return [self._name(label) for label in labels[:_SUGGESTIONS]]

    # From positions to songs

    def songs(self, tries: Sequence[int]) -> dict[int, Song]:
        """The songs of the page that are still there, by position, in one query."""
        positions = {*tries, *chain.from_iterable(row.songs for row in self.rows)}
        positions |= {row.seed for row in self.rows if row.seed is not None}
        at = np.fromiter(positions, np.intp)
        ids = self.catalogue.song_ids[at].tolist()
        found = Song.objects.in_bulk(ids)
        return {position: found[pk] for position, pk in zip(at.tolist(), ids, strict=True) if pk in found}

    def finished(self, songs: Mapping[int, Song]) -> list[Row]:
        """The rows as they are shown, without songs that are gone, silent or played by now."""
        unplayed = [songs[at].pk for row in self.rows if row.unplayed for at in row.songs if at in songs]
        played = (
            set(PlayCount.objects.filter(song__in=unplayed).values_list("song_id", flat=True)) if unplayed else set()
        )
        shown: set[int] = set()
        rows = []
        for row in self.rows:
            there = [
                at
                for at in row.songs
                if at in songs
                and at not in shown
                and (songs[at].playable or self.silent_too)
                and not (row.unplayed and songs[at].pk in played)
            ][: row.length]
            shown.update(there)
            seed = songs.get(row.seed) if row.seed is not None else None
            if there and (seed or row.seed is None):
                cards = [Card(songs[at], why) for at, why in zip(there, row.whys(there), strict=True)]
                rows.append(Row(row.title.format(seed=f"“{seed.title}”") if seed else row.title, cards))
        return rows

    def finished_tries(self, songs: Mapping[int, Song], tries: Sequence[int]) -> list[SongRow]:
        """The songs to try, with the labels that say most of them."""
        return [
            SongRow(songs[at], [self._name(part.label) for part in self._strongest(at)], stars=None, plays=0)
            for at in tries
            if at in songs and (songs[at].playable or self.silent_too)
        ]
