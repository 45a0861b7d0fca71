"""Curators' corrections of labels, as training reads them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from django.db.models import QuerySet
from numpy.typing import NDArray

from catalog.models import Label, SongLabel
from catalog.names import label_key
from catalog.search import labels_by_key
from tagging.taggers.registry import LocalTagger
from tagging.training.fitting import FEWEST, FEWEST_OF_A_NEW_LABEL

_MOST_NAMED = 6


@dataclass(frozen=True, slots=True)
class LabelOutcome:
    """The corrections of one label, and the result of training on them.

    Attributes
    ----------
    label_id : int
        The label's primary key.
    label, kind : str
    yes, no : int
        How many corrections confirm the label, and how many deny it.
    new : bool
        Whether the label is not in the base tagger's vocabulary.
    before, after : float, optional
        ROC-AUC of the base and of the new tagger on held-out corrections; None where there are too few corrections.
    no_better : float, optional
        Share of bootstrap resamples in which the new tagger is not better.
    layer : float, optional
        ROC-AUC of the label layer trained alone, where the whole network was trained.
    kept : bool
        Whether the new tagger contains the trained label.
    by_artist : bool
        Whether the songs of an artist were held out together.
    agreement : float, optional
        Correlation of new and old log-odds over songs without a correction of the label.
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
        """How many corrections of each verdict training needs."""
        return FEWEST_OF_A_NEW_LABEL if self.new else FEWEST

    @property
    def enough(self) -> bool:
        """Whether there are enough corrections to train on and to evaluate by."""
        return min(self.yes, self.no) >= self.fewest

    def __str__(self) -> str:
        if self.before is None or self.after is None:
            return f"{self.label} {self.yes} yes and {self.no} no of {self.fewest} each"
        return f"{self.label} {self.before:.2f} to {self.after:.2f}"


@dataclass(frozen=True, slots=True)
class Correction:
    """A curator's verdict on a label of a song."""

    song_id: int
    label_id: int
    yes: bool
    artist: str


def corrections_with_embedding(tagger: LocalTagger) -> list[Correction]:
    """List corrections of songs with an embedding of a tagger's version."""
    return _corrections(_of_curators().filter(song__embedding__model=tagger.embedding))


def corrections_with_audio() -> list[Correction]:
    """List corrections of songs whose file is present."""
    return _corrections(_of_curators().filter(song__missing_since=None).exclude(song__path=""))


def _of_curators() -> QuerySet[SongLabel]:
    return SongLabel.objects.filter(source=SongLabel.Source.CURATOR)


def _corrections(corrections: QuerySet[SongLabel]) -> list[Correction]:
    rows = corrections.order_by("label_id", "song_id").values_list("song_id", "label_id", "weight", "song__artist_key")
    return [Correction(song_id, label_id, weight > 0, artist) for song_id, label_id, weight, artist in rows]


def rows_of_labels(tagger: LocalTagger) -> dict[int, list[int]]:
    """Map primary keys of the library's labels to rows of a tagger's label layer; merged labels have several."""
    by_key: defaultdict[str, list[int]] = defaultdict(list)
    for place, label in enumerate(tagger.labels):
        by_key[label_key(label.name)].append(place)
    places: defaultdict[int, list[int]] = defaultdict(list)
    for key, found in labels_by_key(by_key).items():
        places[found.pk] += by_key[key]
    return dict(places)


def count_by_label(corrections: Sequence[Correction], places: Mapping[int, object]) -> list[LabelOutcome]:
    """Count corrections by label, the most corrected first.

    Parameters
    ----------
    corrections : sequence of Correction
    places : mapping of int
        Its keys are the labels of the tagger's vocabulary; the others are new.
    """
    counts = {
        verdict: Counter(correction.label_id for correction in corrections if correction.yes is verdict)
        for verdict in (True, False)
    }
    labels = Label.objects.filter(pk__in={correction.label_id for correction in corrections})
    found = [
        LabelOutcome(pk, name, kind, counts[True][pk], counts[False][pk], new=pk not in places)
        for pk, name, kind in labels.values_list("pk", "name", "kind")
    ]
    return sorted(found, key=lambda taught: (-taught.yes - taught.no, taught.label))


def corrections_by_label(tagger: LocalTagger) -> list[LabelOutcome]:
    """Count corrections of songs with an embedding of a tagger's version by label, the most corrected first."""
    return count_by_label(corrections_with_embedding(tagger), rows_of_labels(tagger))


def without_embedding(tagger: LocalTagger) -> int:
    """Count corrections of songs with a file but without an embedding of a tagger's version."""
    return _of_curators().exclude(song__path="").exclude(song__embedding__model=tagger.embedding).count()


def artist_numbers(corrections: Sequence[Correction]) -> NDArray[np.int64]:
    """Assign numbers to artists, shape (n,): equal for one artist's corrections, unique where the artist is unknown."""
    numbers: dict[str, int] = {}
    known = [numbers.setdefault(correction.artist, len(numbers)) for correction in corrections]
    alone = range(len(corrections), 2 * len(corrections))
    return np.array(
        [one if row.artist else unique for row, one, unique in zip(corrections, known, alone, strict=True)],
        np.int64,
    )


def summary(taught: Sequence[LabelOutcome]) -> str:
    """Format the first few outcomes, and how many more there are."""
    more = len(taught) - _MOST_NAMED
    return ", ".join(map(str, taught[:_MOST_NAMED])) + (f" and {more} more" if more > 0 else "")
