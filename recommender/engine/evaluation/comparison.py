"""All methods, over all splits: what each listener gets from each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..interface import ListenerBatch, Positions, TooLittleError, Vector
from ..ranking import top
from .baselines import EACH_ALONE, Fit, Method, Scores
from .metrics import Accuracy, accuracy, self_information
from .own_labels import OwnLabels
from .protocols import Listening, Protocol, Split, TooFewPlaysError, number_of_splits, split

MOST_LISTENERS = 2000
"""Of more listeners so many are asked, the same in all splits; methods are fitted on all."""

MOST_PLAYED = 500_000
"""With more songs of listeners than this, everything is done with some of the listeners only, drawn by chance."""

LIST = 10
"""How many songs a list holds whose coverage, novelty and new songs are looked at."""

_CHOOSING_LISTENERS = 300
_BLOCK = 1 << 22
"""Scores of a block of listeners, 32 MB."""

Step = Callable[[str, float], None]
"""Told what is being done, and which part of all is done, 0 to 1."""


@dataclass(frozen=True, eq=False)
class Lists:
    """What the first ten of all songs are like, in each split.

    Attributes
    ----------
    coverage : float64, shape (n_splits,)
        The share of all songs that are in anybody's first ten.
    novelty : float64, shape (n_listeners, n_splits)
        The mean information of a listener's first ten in bits: high where few know them.
    cold_share : float64, shape (n_listeners, n_splits)
        The share of a listener's first ten that nobody has played.
    """

    coverage: Vector
    novelty: Vector
    cold_share: Vector


@dataclass(frozen=True, eq=False)
class Measured:
    """What one method gave.

    Attributes
    ----------
    method : Method
    accuracies : mapping of ranking to float64, shape (n_listeners, n_splits, 4)
        The figures of `Accuracy` for each listener, not a number where a listener was not asked.
    lists : Lists
    chosen : list of str
        The setting that was used in each split, where the method has any.
    predicted_popularity : float64, shape (n_splits,)
        For a method that tells every listener the same: the rank correlation of its scores of the cold songs with
        their true numbers of listeners. Else empty.
    without_own_labels : mapping of ranking to float64, shape (n_listeners, n_splits, 4)
        As `accuracies`, each listener's own labels taken out. Empty where nobody knows who gave labels, or for a
        method that is not asked so.
    """

    method: Method
    accuracies: Mapping[str, Vector]
    lists: Lists
    chosen: list[str]
    predicted_popularity: Vector
    without_own_labels: Mapping[str, Vector]


@dataclass(frozen=True, eq=False)
class Comparison:
    """What all methods gave.

    Attributes
    ----------
    protocol : Protocol
    seed : int
    listeners : positions
        Who was asked.
    n_songs : int
    candidates : mapping of ranking to int
        Among how many songs those held out are to be found, at most, in the first split.
    held_out : list of int
        How many plays were held out in each split.
    measured : list of Measured
    not_fitted : mapping of method to why
        Methods that there is too little for.
    all_listeners, learned_from : int
        How many listeners there are, and how many methods were fitted on: not all, where there are very many plays.
    """

    protocol: Protocol
    seed: int
    listeners: Positions
    n_songs: int
    candidates: Mapping[str, int]
    held_out: list[int]
    measured: list[Measured]
    not_fitted: Mapping[str, str]
    all_listeners: int
    learned_from: int


def no_steps(_what: str, _done: float) -> None:
    """No progress shown."""


def compare(
    listening: Listening,
    protocol: Protocol,
    methods: Sequence[Method],
    *,
    own_labels: OwnLabels | None = None,
    seed: int = 0,
    most_listeners: int = MOST_LISTENERS,
    most_played: int = MOST_PLAYED,
    step: Step = no_steps,
) -> Comparison:
    """Measure methods on the same held-out plays.

    Parameters
    ----------
    listening : Listening
    protocol : Protocol
    methods : sequence of Method
    own_labels : OwnLabels, optional
        Who gave which labels, where that is known.
    seed : int
    most_listeners, most_played : int
        How many listeners are asked; of how many songs that listeners have played anything is learned.
    step : callable

    Raises
    ------
    TooFewPlaysError
        If there is too little to hold out.
    """
    n_splits = number_of_splits(listening, protocol)
    learned_from = _few_enough(listening, most_played, seed)
    listening = listening.of(learned_from)
    asked = sample(learned_from, most_listeners, seed)
    tables = [_Table(method, asked, n_splits, own_labels) for method in methods]
    candidates: dict[str, int] = {}
    held_out = []
    for number in range(n_splits):
        parts = split(listening, protocol, seed, number)
        candidates = candidates or {name: int(among.sum()) for name, among in parts.rankings.items()}
        held_out.append(int(parts.held_out.nnz))
        for place, table in enumerate(tables):
            said = f"split {number + 1} of {n_splits}: {table.method.name}"
            begun, share = number + place / len(tables), 1 / len(tables)

            def part_done(part: float, said: str = said, begun: float = begun, share: float = share) -> None:
                step(said, (begun + part * share) / n_splits)

            part_done(0)
            if not table.not_fitted:
                table.fill(parts, number, seed, part_done)
    step("", 1)
    return Comparison(
        protocol=protocol,
        seed=seed,
        listeners=asked,
        n_songs=listening.data.n_songs,
        candidates=candidates,
        held_out=held_out,
        measured=[table.measured() for table in tables if not table.not_fitted],
        not_fitted={table.method.name: table.not_fitted for table in tables if table.not_fitted},
        all_listeners=listening.data.played.shape[0],
        learned_from=len(learned_from),
    )


class _Table:
    """The figures of one method, as they come in."""

    def __init__(self, method: Method, asked: Positions, n_splits: int, own_labels: OwnLabels | None) -> None:
        self.method = method
        self._asked = asked
        self._own_labels = own_labels if method.own_label_groups else None
        self._shape = (len(asked), n_splits)
        self._accuracies: dict[str, Vector] = {}
        self._without_own_labels: dict[str, Vector] = {}
        self._coverage = np.zeros(n_splits)
        self._novelty, self._cold_share = (np.full(self._shape, np.nan) for _ in range(2))
        self._chosen: list[str] = []
        self._popularity: list[float] = []
        self.not_fitted = ""
        """Why the method cannot be measured here."""

    def fill(self, parts: Split, number: int, seed: int, part_done: Callable[[float], None]) -> None:
        """Fit the method on what it may see of one split, and ask it."""
        setting = choose(self.method, parts.training, parts.protocol, seed)
        fit = self.method.settings[setting]
        part_done(0.2)
        try:
            scores = fit(parts.training.data)
        except TooLittleError as error:
            self.not_fitted = str(error)
            return
        if setting:
            self._chosen.append(setting)
        part_done(0.4)
        listeners = np.intersect1d(self._asked, parts.listeners)
        bits = self_information(parts.training.data.listeners, parts.training.data.played.shape[0])
        seen = np.zeros(len(bits), dtype=bool)
        for done, answer in enumerate(answers(scores, parts, listeners), start=1):
            at = self._keep(self._accuracies, parts, answer, number)
            seen[answer.first] = True
            # A list may be empty: nothing has a score above 0.
            self._novelty[at, number] = bits[answer.first].mean() if len(answer.first) else 0.0
            self._cold_share[at, number] = parts.cold[answer.first].mean() if len(answer.first) else 0.0
            if done % 64 == 0:
                part_done(0.4 + 0.3 * done / len(listeners))
        self._coverage[number] = seen.mean()
        if self.method.same_for_all and parts.protocol is Protocol.COLD:
            self._popularity.append(predicted_popularity(scores, parts))
        if self._own_labels is not None and (number == 0 or self.method.own_label_groups == EACH_ALONE):
            self._fill_without(self._own_labels, fit, scores, parts, listeners, number, seed, part_done)

    def _fill_without(
        self,
        own_labels: OwnLabels,
        fit: Fit,
        scores: Scores,
        parts: Split,
        listeners: Positions,
        number: int,
        seed: int,
        part_done: Callable[[float], None],
    ) -> None:
        """Ask again, each listener a method that was fitted without what the listener, and others of a group, said."""
        givers = np.intersect1d(listeners, own_labels.givers)
        for answer in answers(scores, parts, np.setdiff1d(listeners, givers)):
            self._keep(self._without_own_labels, parts, answer, number)
        shuffled = np.random.default_rng([seed, 6]).permutation(givers)
        groups = np.array_split(shuffled, min(self.method.own_label_groups, len(givers))) if len(givers) else []
        data = parts.training.data
        for done, group in enumerate(groups):
            part_done(0.7 + 0.3 * done / len(groups))
            left = replace(data, term_frequencies=own_labels.without(data.term_frequencies, group))
            for answer in answers(fit(left), parts, group):
                self._keep(self._without_own_labels, parts, answer, number)

    def _keep(self, accuracies: dict[str, Vector], parts: Split, answer: Answer, number: int) -> int:
        """Take down what a listener got; in which place."""
        at = int(np.searchsorted(self._asked, answer.listener))
        for name in parts.rankings:
            if name not in accuracies:
                accuracies[name] = np.full((*self._shape, len(Accuracy._fields)), np.nan)
            if name in answer.accuracies:
                accuracies[name][at, number] = answer.accuracies[name]
        return at

    def measured(self) -> Measured:
        """All that came in."""
        return Measured(
            method=self.method,
            accuracies=self._accuracies,
            lists=Lists(self._coverage, self._novelty, self._cold_share),
            chosen=self._chosen,
            predicted_popularity=np.array(self._popularity),
            without_own_labels=self._without_own_labels,
        )


@dataclass(frozen=True, eq=False)
class Answer:
    """What a method gave one listener.

    Attributes
    ----------
    listener : int
    accuracies : mapping of ranking to Accuracy
        Without a ranking that holds nothing, or nothing but, what the listener is to be given.
    first : positions
        The first ten of all songs that the listener does not know, best first.
    """

    listener: int
    accuracies: dict[str, Accuracy]
    first: Positions


def answers(scores: Scores, parts: Split, listeners: Positions) -> Iterator[Answer]:
    """Ask a fitted method for listeners, a block of them at a time.

    Raises
    ------
    ValueError
        If scores do not have their shape, or are not finite.
    """
    data, held_out = parts.training.data, parts.held_out
    n_songs, n_labels = data.term_frequencies.shape
    block = max(1, _BLOCK // n_songs)
    for begin in range(0, len(listeners), block):
        rows = listeners[begin : begin + block]
        played = data.played[rows]
        given = np.asarray(scores(ListenerBatch.from_plays(played, n_labels), rows), dtype=np.float64)
        if given.shape != (len(rows), n_songs):
            raise ValueError(f"scores of shape {given.shape} for {len(rows)} listeners and {n_songs} songs")
        for row, listener in enumerate(rows.tolist()):
            known = played.indices[played.indptr[row] : played.indptr[row + 1]].astype(np.intp)
            wanted = held_out.indices[held_out.indptr[listener] : held_out.indptr[listener + 1]].astype(np.intp)
            found = {}
            for name, among in parts.rankings.items():
                figures = _ranked(given[row], among, known, wanted)
                if figures is not None:
                    found[name] = figures
            yield Answer(listener, found, top(given[row], LIST, leave_out=known))


def _ranked(scores: Vector, among: NDArray[np.bool_], known: Positions, wanted: Positions) -> Accuracy | None:
    """How well the wanted songs stand among those that are ranked for a listener."""
    ranked = among.copy()
    ranked[known] = False
    songs = np.flatnonzero(ranked)
    relevant = np.searchsorted(songs, wanted[ranked[wanted]])
    return accuracy(scores[songs], relevant) if 0 < len(relevant) < len(songs) else None


def choose(method: Method, training: Listening, protocol: Protocol, seed: int) -> str:
    """The setting of a method that does best on an inner split of what it may see."""
    settings = list(method.settings)
    if len(settings) == 1 or (method.by_plays_alone and protocol is Protocol.COLD):
        return settings[0]
    try:
        inner = split(training, protocol, seed)
    except TooFewPlaysError:
        return settings[0]
    listeners = sample(inner.listeners, _CHOOSING_LISTENERS, seed)
    ranking = next(iter(inner.rankings))

    def precision(fit: Fit) -> float:
        found = [answer.accuracies.get(ranking) for answer in answers(fit(inner.training.data), inner, listeners)]
        return float(np.mean([figures.map for figures in found if figures is not None]))

    return max(settings, key=lambda setting: precision(method.settings[setting]))


def predicted_popularity(scores: Scores, parts: Split) -> float:
    """The rank correlation (Spearman's) of what is predicted of the cold songs with their true numbers of listeners.

    Ties share their mean rank; 0 where all predictions are equal.
    """
    # Only fitting needs it.
    from scipy.stats import rankdata

    data = parts.training.data
    songs = np.flatnonzero(parts.rankings["cold"])
    anybody = parts.listeners[:1]
    batch = ListenerBatch.from_plays(data.played[anybody], data.term_frequencies.shape[1])
    predicted = rankdata(scores(batch, anybody)[0][songs])
    true = rankdata(np.bincount(parts.held_out.indices, minlength=data.n_songs)[songs])
    if predicted.std() == 0 or true.std() == 0:
        return 0.0
    return float(np.corrcoef(predicted, true)[0, 1])


def _few_enough(listening: Listening, most_played: int, seed: int) -> Positions:
    """The listeners that are drawn first, in their order, as long as they have not played too many songs."""
    songs = np.diff(listening.data.played.indptr)
    drawn = np.random.default_rng([seed, 7]).permutation(len(songs))
    enough = np.searchsorted(np.cumsum(songs[drawn]), most_played, side="right")
    return np.sort(drawn[:enough])


def sample(listeners: Positions, most: int, seed: int) -> Positions:
    """So many of the listeners at most, in their order."""
    if len(listeners) <= most:
        return listeners
    return np.sort(np.random.default_rng([seed, 5]).choice(listeners, most, replace=False))
