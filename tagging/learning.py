"""Learning from curators: their corrections and the songs' embeddings go in, a tagger of the library's own comes out.

Every lesson begins at the tagger that the one in use was first made from, and takes all corrections that there are:
what was learned once does not pile up, and what a curator takes back is forgotten with the next lesson.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from catalog.home import models_dir
from catalog.models import SongEmbedding
from catalog.services.embeddings import embeddings_of

from . import own, registry
from .corrections import Taught, Word, artists_of, counted, named, places_of_labels, unheard, words_on_heard
from .fitting import Corrections, Library, Row, fit_row
from .registry import OwnTagger, TaggerError, TaggerLabel

_MOST_SONGS_MEASURED = 20_000
# From which probability songs keep a label that the tagger has never had.
NEW_POINT = 0.5
# A label that every song keeps, or none, has no log-odds from which songs keep it.
_SMALLEST_POINT = 0.001

Report = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a lesson.

    Attributes
    ----------
    tagger : OwnTagger, optional
        None where nothing was learned that is worth keeping.
    message : str
        The same in words.
    figures : mapping
        As JSON holds them; `labels` are those of every `Taught`.
    """

    tagger: OwnTagger | None
    message: str
    figures: Mapping[str, Any]


def origin(of_all_versions: bool = False) -> OwnTagger:
    """The tagger that lessons begin at: the one that the one in use was made from, and that from, back to the first.

    Parameters
    ----------
    of_all_versions : bool
        Back to the first of all, and not to the first that hears as the one in use does.

    Raises
    ------
    TaggerError
        If none of the own family is in use.
    """
    family = registry.own_family()
    if (tagger := family.get(registry.in_use() or "")) is None:
        raise TaggerError("no tagger of this program's own is in use: there is nothing to begin with")
    seen = {tagger.name}
    while (
        (base := family.get(tagger.base or ""))
        and base.name not in seen
        and (of_all_versions or base.embedding == tagger.embedding)
    ):
        tagger = base
        seen.add(tagger.name)
    return tagger


def learn(name: str | None = None, report: Report | None = None) -> Result:
    """Fit the label layer to all corrections, and write a new tagger if it is better on those held out.

    Parameters
    ----------
    name : str, optional
        The new tagger's; `learned-1` and so on where it is None.
    report : callable, optional
        Told how many labels are fitted, and of how many.

    Raises
    ------
    TaggerError
        If there is nothing to begin with, or the new tagger cannot be called so, or not be written.
    """
    begin = origin()
    name = free_name(name)
    words, places = words_on_heard(begin), places_of_labels(begin)
    every = counted(words, places)
    digest = digest_of(begin, words)
    if (same := has_learned(digest)) is not None:
        return Result(None, same, {})
    worth = sum(taught.enough for taught in every)
    if not worth:
        return Result(None, too_few(every, begin), figures_of(begin, digest, every))
    fits = _Fits(begin, words, places)
    taught: list[Taught] = []
    for one in every:
        taught.append(fits.fit(one) if one.enough else one)
        if report is not None:
            report(sum(other.enough for other in taught), worth)
    kept = [one for one in taught if one.kept]
    measured = [one for one in taught if one.after is not None]
    figures = figures_of(begin, digest, taught)
    if not kept:
        return Result(None, f"Not better than {begin.name} on held-out corrections: {named(measured)}.", figures)
    message = f"Better than {begin.name} on held-out corrections: {named(kept)}."
    if left := [one for one in measured if not one.kept]:
        message += f" As it was, because it would not be better: {named(left)}."
    return Result(fits.write(name, figures, f"ROC-AUC on held-out corrections: {named(kept)}"), message, figures)


class _Fits:
    """The label layer of a new tagger, fitted label by label."""

    def __init__(self, begin: OwnTagger, words: Sequence[Word], places: Mapping[int, list[int]]) -> None:
        self._begin, self._places = begin, places
        self._words: defaultdict[int, list[Word]] = defaultdict(list)
        for word in words:
            self._words[word.label_id].append(word)
        self._ids, self._vectors = _some_embeddings(begin.embedding, {word.song_id for word in words})
        self._library = Library.of(self._vectors)
        if begin.file is None:
            raise registry.NotInstalled(f"the weights of {begin.name} are not here")
        self._network = own.read_network(begin.file, len(begin.labels))
        weights, biases = own.label_layer(self._network)
        self._rows = [Row(w, float(b)) for w, b in zip(weights.astype(np.float64), biases, strict=True)]
        self._labels = list(begin.labels)

    def fit(self, taught: Taught) -> Taught:
        """Fit one label, and keep it if it is better."""
        words = self._words[taught.label_id]
        at = np.searchsorted(self._ids, [word.song_id for word in words])
        corrections = Corrections(
            self._vectors[at].astype(np.float64), np.array([word.yes for word in words]), artists_of(words)
        )
        # A label under two names is two rows, which learn the same; a new one is a row more.
        places = self._places.get(taught.label_id, [])
        old: list[Row | None] = [self._rows[place] for place in places] or [None]
        points = [self._labels[place].operating_point for place in places] or [NEW_POINT]
        fitted = [
            fit_row(row, corrections, self._library, log_odds_at(point)) for row, point in zip(old, points, strict=True)
        ]
        if kept := all(fit.better for fit in fitted):
            if taught.new:
                self._rows.append(fitted[0].row)
                self._labels.append(TaggerLabel(taught.label, taught.kind, NEW_POINT))
            for place, fit in zip(places, fitted, strict=not taught.new):
                self._rows[place] = fit.row
        return replace(
            taught,
            before=fitted[0].gain.before,
            after=fitted[0].gain.after,
            no_better=fitted[0].gain.no_better,
            kept=kept,
            by_artist=fitted[0].by_artist,
            agreement=_correlation(old[0], fitted[0].row, np.delete(self._vectors, at, axis=0)),
        )

    def write(self, name: str, figures: Mapping[str, Any], score: str) -> OwnTagger:
        """The new tagger, written among the models."""
        description = replace(
            self._begin,
            name=name,
            labels=tuple(self._labels),
            source=f"{self._begin.source}; corrections of this library",
            score=score,
            base=self._begin.name,
            figures=figures,
            file=None,
        )
        # float32 and back changes nothing: rows that nobody corrected are the same to the last bit.
        weights = np.stack([row.weights for row in self._rows]).astype(np.float32)
        biases = np.array([row.bias for row in self._rows], np.float32)
        network = own.with_labels(self._network, weights, biases)
        return own.write_weights(models_dir() / f"{name}{own.SUFFIX}", network, description)


def _some_embeddings(version: str, wanted: set[int]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The embeddings of the songs wanted, and of as many others as it takes to know how a library is spread."""
    ids = np.fromiter(SongEmbedding.objects.filter(model=version).values_list("pk", flat=True), np.int64)
    chosen = np.random.default_rng(0).permutation(ids)[:_MOST_SONGS_MEASURED]
    return embeddings_of(wanted.union(chosen.tolist()), version)


def _correlation(old: Row | None, new: Row, vectors: NDArray[np.float32]) -> float | None:
    """Of two rows' log-odds in songs; None where there is nothing to compare."""
    if old is None or len(vectors) < 3:
        return None
    songs = vectors.astype(np.float64)
    before, after = old.log_odds(songs), new.log_odds(songs)
    if min(before.std(), after.std()) == 0:
        return None
    return float(np.corrcoef(before, after)[0, 1])


def log_odds_at(point: float) -> float:
    """An operating point's log-odds."""
    return float(logit(np.clip(point, _SMALLEST_POINT, 1 - _SMALLEST_POINT)))


def free_name(name: str | None) -> str:
    """A new tagger's name: the one that is wanted, or `learned-1` and so on.

    Raises
    ------
    TaggerError
        If it is none, or another tagger's.
    """
    family = registry.known()
    if name is None:
        return next(free for number in range(1, len(family) + 2) if (free := f"learned-{number}") not in family)
    if not own.is_name(name):
        raise TaggerError(f"a tagger cannot be called {name}: small letters, digits, dots and dashes")
    if name in family or (models_dir() / f"{name}{own.SUFFIX}").exists():
        raise TaggerError(f"there is a tagger called {name} already")
    return name


def digest_of(begin: OwnTagger, words: Sequence[Word], *how: object) -> str:
    """Of what a lesson begins with and is given, and how."""
    said = [(word.label_id, word.song_id, word.yes) for word in words]
    return hashlib.sha256(repr((begin.name, begin.embedding, said, *how)).encode()).hexdigest()


def has_learned(digest: str) -> str | None:
    """That a tagger came of a lesson with this digest, in words; None where none did."""
    family = registry.own_family().items()
    if (same := next((name for name, one in family if one.figures.get("digest") == digest), None)) is None:
        return None
    rest = "" if same == registry.in_use() else ": it has only to be put to use"
    return f"{same} has learned from just these corrections{rest}."


def figures_of(begin: OwnTagger, digest: str, every: Sequence[Taught]) -> dict[str, Any]:
    """What is kept of a lesson, as JSON holds it."""
    return {
        "base": begin.name,
        "digest": digest,
        "corrections": sum(taught.yes + taught.no for taught in every),
        "labels": [asdict(taught) for taught in every],
    }


def too_few(every: Sequence[Taught], begin: OwnTagger) -> str:
    """Why there is nothing to learn yet."""
    missing = unheard(begin)
    waiting = f" {missing} more are of songs that {begin.name} has not heard yet." if missing else ""
    if not every:
        return f"There are no corrections to learn from.{waiting}"
    return f"Too few corrections to learn from: {named(every)}.{waiting}"
