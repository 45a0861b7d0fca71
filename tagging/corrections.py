"""What curators said of labels: whose word on which song, and how much of it a tagger can learn from."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from django.db.models import QuerySet
from numpy.typing import NDArray

from catalog.models import Label, LabelAlias, SongLabel
from catalog.names import label_key

from .fitting import FEWEST, FEWEST_OF_A_NEW_LABEL
from .registry import OwnTagger

_MOST_NAMED = 6


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
    no_better : float, optional
        In which share of all draws of the corrections nothing is gained.
    layer : float, optional
        Where the network learned: the same of the label layer alone.
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
    no_better: float | None = None
    layer: float | None = None
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
class Word:
    """A curator's word on a label of a song."""

    song_id: int
    label_id: int
    yes: bool
    artist: str


def words_on_heard(tagger: OwnTagger) -> list[Word]:
    """Curators' words on songs that a tagger's version has heard."""
    return _words(_of_curators().filter(song__embedding__model=tagger.embedding))


def words_on_audible() -> list[Word]:
    """Curators' words on songs whose file is here."""
    return _words(_of_curators().filter(song__missing_since=None).exclude(song__path=""))


def _of_curators() -> QuerySet[SongLabel]:
    return SongLabel.objects.filter(source=SongLabel.Source.CURATOR)


def _words(words: QuerySet[SongLabel]) -> list[Word]:
    rows = words.order_by("label_id", "song_id").values_list("song_id", "label_id", "weight", "song__artist_key")
    return [Word(song_id, label_id, weight > 0, artist) for song_id, label_id, weight, artist in rows]


def places_of_labels(tagger: OwnTagger) -> dict[int, list[int]]:
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


def counted(words: Sequence[Word], places: Mapping[int, object]) -> list[Taught]:
    """How much was said of each label, the most corrected first; `places` are those of the labels that a tagger has."""
    said = {verdict: Counter(word.label_id for word in words if word.yes is verdict) for verdict in (True, False)}
    labels = Label.objects.filter(pk__in={word.label_id for word in words})
    found = [
        Taught(pk, name, kind, said[True][pk], said[False][pk], new=pk not in places)
        for pk, name, kind in labels.values_list("pk", "name", "kind")
    ]
    return sorted(found, key=lambda taught: (-taught.yes - taught.no, taught.label))


def so_far(tagger: OwnTagger) -> list[Taught]:
    """What curators have said of each label, on songs that a tagger's version has heard; the most corrected first."""
    return counted(words_on_heard(tagger), places_of_labels(tagger))


def unheard(tagger: OwnTagger) -> int:
    """How many corrections are of songs with a file that a tagger's version has not heard yet."""
    return _of_curators().exclude(song__path="").exclude(song__embedding__model=tagger.embedding).count()


def artists_of(words: Sequence[Word]) -> NDArray[np.int64]:
    """The same number for songs of the same artist; one of its own for a song whose artist nobody knows."""
    numbers: dict[str, int] = {}
    known = [numbers.setdefault(word.artist, len(numbers)) for word in words]
    alone = range(len(words), 2 * len(words))
    return np.array([n if word.artist else own for word, n, own in zip(words, known, alone, strict=True)], np.int64)


def named(taught: Sequence[Taught]) -> str:
    """The first few of them, in words."""
    more = len(taught) - _MOST_NAMED
    return ", ".join(map(str, taught[:_MOST_NAMED])) + (f" and {more} more" if more > 0 else "")
