"""Learning from curators: their corrections and the songs' embeddings go in, a tagger of the library's own comes out.

Every lesson begins at the tagger that the one in use was first made from, and takes all corrections that there are:
what was learned once does not pile up, and what a curator takes back is forgotten with the next lesson.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from catalog.home import models_dir
from catalog.models import Label, LabelAlias, SongEmbedding, SongLabel
from catalog.names import label_key
from catalog.services.embeddings import embeddings_of

from . import own, registry
from .fitting import FEWEST, FEWEST_OF_A_NEW_LABEL, Corrections, Library, Row, fit_row
from .registry import OwnTagger, TaggerError, TaggerLabel

_MOST_SONGS_MEASURED = 20_000
_MOST_NAMED = 6
# From which probability songs keep a label that the tagger has never had.
_NEW_POINT = 0.5
# A label that every song keeps, or none, has no log-odds from which songs keep it.
_SMALLEST_POINT = 0.001

Report = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Taught:
    """What curators said of one label, and what was learned from it.

    Attributes
    ----------
    label_id : int
        The label's primary key.
    label, kind : str
    yes, no : int
        Corrections for the label, and against it, on songs that have an embedding.
    new : bool
        Whether the tagger has had no such label.
    before, after : float, optional
        ROC-AUC on held-out corrections; None where there are too few corrections.
    kept : bool
        Whether the new tagger has what was learned.
    by_artist : bool
        Whether the songs of an artist were held out together.
    agreement : float, optional
        The correlation of new and old log-odds over songs whose label nobody corrected.
    """

    label_id: int
    label: str
    kind: str
    yes: int
    no: int
    new: bool = False
    before: float | None = None
    after: float | None = None
    kept: bool = False
    by_artist: bool = False
    agreement: float | None = None

    @property
    def fewest(self) -> int:
        """So many have to be for it, and so many against it."""
        return FEWEST_OF_A_NEW_LABEL if self.new else FEWEST

    @property
    def enough(self) -> bool:
        """Whether there are corrections enough to learn from, and to see whether it was worth it."""
        return min(self.yes, self.no) >= self.fewest

    def __str__(self) -> str:
        if self.before is None or self.after is None:
            return f"{self.label} {self.yes} yes and {self.no} no of {self.fewest} each"
        return f"{self.label} {self.before:.2f} to {self.after:.2f}"


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


def origin() -> OwnTagger:
    """The tagger that lessons begin at: the one that the one in use was made from, and that from, back to the first.

    Raises
    ------
    TaggerError
        If none of the own family is in use.
    """
    family = registry.own_family()
    if (tagger := family.get(registry.in_use() or "")) is None:
        raise TaggerError("no tagger of this program's own is in use: there is nothing to begin with")
    seen = {tagger.name}
    while (base := family.get(tagger.base or "")) and base.name not in seen and base.embedding == tagger.embedding:
        tagger = base
        seen.add(tagger.name)
    return tagger


def so_far(tagger: OwnTagger) -> list[Taught]:
    """What curators have said of each label, on songs that a tagger's version has heard; the most corrected first."""
    return _counted(_words(tagger), _places(tagger))


def unheard(tagger: OwnTagger) -> int:
    """How many corrections are of songs with a file that a tagger's version has not heard yet."""
    words = SongLabel.objects.filter(source=SongLabel.Source.CURATOR).exclude(song__path="")
    return words.exclude(song__embedding__model=tagger.embedding).count()


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
    name = _free_name(name)
    words, places = _words(begin), _places(begin)
    every = _counted(words, places)
    said = [(word.label_id, word.song_id, word.yes) for word in words]
    digest = hashlib.sha256(repr((begin.name, begin.embedding, said)).encode()).hexdigest()
    if (same := _has_learned(digest)) is not None:
        rest = "" if same == registry.in_use() else ": it has only to be put to use"
        return Result(None, f"{same} has learned from just these corrections{rest}.", {})
    worth = sum(taught.enough for taught in every)
    if not worth:
        return Result(None, _too_few(every, begin), _figures(begin, digest, every))
    fits = _Fits(begin, words, places)
    taught: list[Taught] = []
    for one in every:
        taught.append(fits.fit(one) if one.enough else one)
        if report is not None:
            report(sum(other.enough for other in taught), worth)
    kept = [one for one in taught if one.kept]
    measured = [one for one in taught if one.after is not None]
    figures = _figures(begin, digest, taught)
    if not kept:
        return Result(None, f"Not better than {begin.name} on held-out corrections: {_named(measured)}.", figures)
    message = f"Better than {begin.name} on held-out corrections: {_named(kept)}."
    if left := [one for one in measured if not one.kept]:
        message += f" As it was, because it would not be better: {_named(left)}."
    return Result(fits.write(name, figures, f"ROC-AUC on held-out corrections: {_named(kept)}"), message, figures)


@dataclass(frozen=True, slots=True)
class _Word:
    """A curator's word on a label of a song that has an embedding."""

    song_id: int
    label_id: int
    yes: bool
    artist: str


def _words(tagger: OwnTagger) -> list[_Word]:
    words = SongLabel.objects.filter(source=SongLabel.Source.CURATOR, song__embedding__model=tagger.embedding)
    rows = words.order_by("label_id", "song_id").values_list("song_id", "label_id", "weight", "song__artist_key")
    return [_Word(song_id, label_id, weight > 0, artist) for song_id, label_id, weight, artist in rows]


def _places(tagger: OwnTagger) -> dict[int, list[int]]:
    """The places of a tagger's labels, by the primary key of the library's label that they lead to."""
    by_key: defaultdict[str, list[int]] = defaultdict(list)
    for place, label in enumerate(tagger.labels):
        by_key[label_key(label.name)].append(place)
    leads_to = dict(LabelAlias.objects.filter(key__in=by_key).values_list("key", "label_id"))
    leads_to |= dict(Label.objects.filter(key__in=by_key).values_list("key", "pk"))
    places: defaultdict[int, list[int]] = defaultdict(list)
    for key, label_id in leads_to.items():
        places[label_id] += by_key[key]
    return dict(places)


def _counted(words: Sequence[_Word], places: Mapping[int, object]) -> list[Taught]:
    said = {verdict: Counter(word.label_id for word in words if word.yes is verdict) for verdict in (True, False)}
    labels = Label.objects.filter(pk__in={word.label_id for word in words})
    counted = [
        Taught(pk, name, kind, said[True][pk], said[False][pk], new=pk not in places)
        for pk, name, kind in labels.values_list("pk", "name", "kind")
    ]
    return sorted(counted, key=lambda taught: (-taught.yes - taught.no, taught.label))


class _Fits:
    """The label layer of a new tagger, fitted label by label."""

    def __init__(self, begin: OwnTagger, words: Sequence[_Word], places: Mapping[int, list[int]]) -> None:
        self._begin, self._places = begin, places
        self._words: defaultdict[int, list[_Word]] = defaultdict(list)
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
            self._vectors[at].astype(np.float64), np.array([word.yes for word in words]), _artists(words)
        )
        # A label under two names is two rows, which learn the same; a new one is a row more.
        places = self._places.get(taught.label_id, [])
        old: list[Row | None] = [self._rows[place] for place in places] or [None]
        points = [self._labels[place].operating_point for place in places] or [_NEW_POINT]
        fitted = [
            fit_row(row, corrections, self._library, _log_odds(point)) for row, point in zip(old, points, strict=True)
        ]
        if kept := all(fit.better for fit in fitted):
            if taught.new:
                self._rows.append(fitted[0].row)
                self._labels.append(TaggerLabel(taught.label, taught.kind, _NEW_POINT))
            for place, fit in zip(places, fitted, strict=not taught.new):
                self._rows[place] = fit.row
        return replace(
            taught,
            before=fitted[0].before,
            after=fitted[0].after,
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


def _artists(words: Sequence[_Word]) -> NDArray[np.int64]:
    """The same number for songs of the same artist; one of its own for a song whose artist nobody knows."""
    numbers: dict[str, int] = {}
    known = [numbers.setdefault(word.artist, len(numbers)) for word in words]
    alone = range(len(words), 2 * len(words))
    return np.array([n if word.artist else own for word, n, own in zip(words, known, alone, strict=True)], np.int64)


def _correlation(old: Row | None, new: Row, vectors: NDArray[np.float32]) -> float | None:
    """Of two rows' log-odds in songs; None where there is nothing to compare."""
    if old is None or len(vectors) < 3:
        return None
    songs = vectors.astype(np.float64)
    before, after = old.log_odds(songs), new.log_odds(songs)
    if min(before.std(), after.std()) == 0:
        return None
    return float(np.corrcoef(before, after)[0, 1])


def _log_odds(point: float) -> float:
    return float(logit(np.clip(point, _SMALLEST_POINT, 1 - _SMALLEST_POINT)))


def _free_name(name: str | None) -> str:
    family = registry.known()
    if name is None:
        return next(free for number in range(1, len(family) + 2) if (free := f"learned-{number}") not in family)
    if not own.is_name(name):
        raise TaggerError(f"a tagger cannot be called {name}: small letters, digits, dots and dashes")
    if name in family or (models_dir() / f"{name}{own.SUFFIX}").exists():
        raise TaggerError(f"there is a tagger called {name} already")
    return name


def _has_learned(digest: str) -> str | None:
    """A tagger that came of a lesson with this digest."""
    return next((name for name, one in registry.own_family().items() if one.figures.get("digest") == digest), None)


def _figures(begin: OwnTagger, digest: str, every: Sequence[Taught]) -> dict[str, Any]:
    return {
        "base": begin.name,
        "digest": digest,
        "corrections": sum(taught.yes + taught.no for taught in every),
        "labels": [asdict(taught) for taught in every],
    }


def _too_few(every: Sequence[Taught], begin: OwnTagger) -> str:
    missing = unheard(begin)
    waiting = f" {missing} more are of songs that {begin.name} has not heard yet." if missing else ""
    if not every:
        return f"There are no corrections to learn from.{waiting}"
    return f"Too few corrections to learn from: {_named(every)}.{waiting}"


def _named(taught: Sequence[Taught]) -> str:
    more = len(taught) - _MOST_NAMED
    return ", ".join(map(str, taught[:_MOST_NAMED])) + (f" and {more} more" if more > 0 else "")
