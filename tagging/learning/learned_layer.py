"""Train the label layer on curators' corrections and songs' stored embeddings; the result is a new local tagger.

Every training starts from the tagger that the one in use was first made from, and uses all current corrections. So
trainings do not accumulate, and a withdrawn correction has no effect on the next one.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catalog.home import models_dir
from catalog.models import SongEmbedding
from catalog.services.embeddings import embeddings_of
from tagging.taggers import local, registry
from tagging.taggers.registry import LocalTagger, TaggerError, TaggerLabel
from tagging.training.fitting import Corrections, EmbeddingStatistics, Row, fit_row

from .corrections import (
    Correction,
    LabelOutcome,
    artist_numbers,
    corrections_with_embedding,
    count_by_label,
    rows_of_labels,
    summary,
    without_embedding,
)

_MOST_SONGS_MEASURED = 20_000
# The operating point of labels that are new to the tagger.
NEW_POINT = 0.5
FEWEST_TO_COMPARE = 3
"""Fewest songs over which two taggers' scores are compared."""

# Operating points 0 and 1 have no finite log-odds.
_SMALLEST_POINT = 0.001

Report = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a training.

    Attributes
    ----------
    tagger : LocalTagger, optional
        None where no label was better than before.
    message : str
        The result as a sentence for people.
    figures : mapping
        Serializable as JSON; `labels` holds every `LabelOutcome` as a mapping.
    """

    tagger: LocalTagger | None
    message: str
    figures: Mapping[str, Any]


def base_tagger(of_all_versions: bool = False) -> LocalTagger:
    """Find the tagger that trainings start from: follow `base` from the tagger in use to the first.

    Parameters
    ----------
    of_all_versions : bool
        Follow `base` across versions of the network too, instead of to the first with the same embedding version.

    Raises
    ------
    TaggerError
        If no local tagger is in use.
    """
    family = registry.local_family()
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
    """Fit the label layer to all corrections, and write a new tagger if labels are better on held-out corrections.

    Parameters
    ----------
    name : str, optional
        The new tagger's name; `learned-1` and so on where it is None.
    report : callable, optional
        Called with the number of fitted labels, and of all.

    Raises
    ------
    TaggerError
        If no local tagger is in use, the name is invalid or taken, or the file cannot be written.
    """
    base = base_tagger()
    name = free_name(name)
    corrections, places = corrections_with_embedding(base), rows_of_labels(base)
    every = count_by_label(corrections, places)
    digest = digest_of(base, corrections)
    if (same := has_learned(digest)) is not None:
        return Result(None, same, {})
    worth = sum(taught.enough for taught in every)
    if not worth:
        return Result(None, too_few(every, base), figures_of(base, digest, every))
    fits = _Fits(base, corrections, places)
    taught: list[LabelOutcome] = []
    for one in every:
        taught.append(fits.fit(one) if one.enough else one)
        if report is not None:
            report(sum(other.enough for other in taught), worth)
    kept = [one for one in taught if one.kept]
    measured = [one for one in taught if one.after is not None]
    figures = figures_of(base, digest, taught)
    if not kept:
        return Result(None, f"Not better than {base.name} on held-out corrections: {summary(measured)}.", figures)
    message = f"Better than {base.name} on held-out corrections: {summary(kept)}."
    if left := [one for one in measured if not one.kept]:
        message += f" As it was, because it would not be better: {summary(left)}."
    return Result(fits.write(name, figures, f"ROC-AUC on held-out corrections: {summary(kept)}"), message, figures)


class _Fits:
    """The label layer of a new tagger, fitted label by label."""

    def __init__(self, base: LocalTagger, corrections: Sequence[Correction], places: Mapping[int, list[int]]) -> None:
        self._base, self._places = base, places
        self._corrections: defaultdict[int, list[Correction]] = defaultdict(list)
        for correction in corrections:
            self._corrections[correction.label_id].append(correction)
        self._ids, self._vectors = _some_embeddings(base.embedding, {correction.song_id for correction in corrections})
        self._library = EmbeddingStatistics.of(self._vectors)
        if base.file is None:
            raise registry.NotInstalled(f"the weights of {base.name} are not here")
        self._network = local.read_network(base.file, len(base.labels))
        weights, biases = local.label_layer(self._network)
        self._rows = [Row(w, float(b)) for w, b in zip(weights.astype(np.float64), biases, strict=True)]
        self._labels = list(base.labels)

    def fit(self, taught: LabelOutcome) -> LabelOutcome:
        """Fit one label, and keep it if it is better on held-out corrections."""
        of_label = self._corrections[taught.label_id]
        at = np.searchsorted(self._ids, [correction.song_id for correction in of_label])
        corrections = Corrections(
            self._vectors[at].astype(np.float64),
            np.array([correction.yes for correction in of_label]),
            artist_numbers(of_label),
        )
        # Merged labels have several rows, which are fitted alike; a new label adds a row.
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
            agreement=_agreement(old[0], fitted[0].row, np.delete(self._vectors, at, axis=0)),
        )

    def write(self, name: str, figures: Mapping[str, Any], score: str) -> LocalTagger:
        """Write the new tagger to the folder of models."""
        description = describe_trained(self._base, name, self._labels, "corrections of this library", score, figures)
        # float32 to float64 and back is exact: rows without corrections stay the same to the last bit.
        weights = np.stack([row.weights for row in self._rows]).astype(np.float32)
        biases = np.array([row.bias for row in self._rows], np.float32)
        network = local.with_labels(self._network, weights, biases)
        return local.write_weights(models_dir() / f"{name}{local.SUFFIX}", network, description)


def _some_embeddings(version: str, wanted: set[int]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Read the embeddings of the wanted songs, and of a random sample that describes the library's distribution."""
    ids = np.fromiter(SongEmbedding.objects.filter(model=version).values_list("pk", flat=True), np.int64)
    chosen = np.random.default_rng(0).permutation(ids)[:_MOST_SONGS_MEASURED]
    return embeddings_of(wanted.union(chosen.tolist()), version)


def _agreement(old: Row | None, new: Row, vectors: NDArray[np.float32]) -> float | None:
    """Correlate two rows' log-odds over songs; None for a new label, and as `correlation`."""
    if old is None:
        return None
    songs = vectors.astype(np.float64)
    return correlation(old.log_odds(songs), new.log_odds(songs))


def correlation(before: NDArray[np.floating], after: NDArray[np.floating]) -> float | None:
    """Correlate two scores of the same songs.

    Parameters
    ----------
    before, after : float, shape (n,)

    Returns
    -------
    float or None
        None where there are fewer than `FEWEST_TO_COMPARE` songs, or scores are constant.
    """
    if len(before) < FEWEST_TO_COMPARE or min(before.std(), after.std()) == 0:
        return None
    return float(np.corrcoef(before, after)[0, 1])


def describe_trained(
    base: LocalTagger,
    name: str,
    labels: Sequence[TaggerLabel],
    trained_on: str,
    score: str,
    figures: Mapping[str, Any],
) -> LocalTagger:
    """Describe a tagger that was trained from another one; its embedding version is still the base's."""
    return replace(
        base,
        name=name,
        labels=tuple(labels),
        source=f"{base.source}; {trained_on}",
        score=score,
        base=base.name,
        figures=figures,
        file=None,
    )


def log_odds_at(point: float) -> float:
    """Return an operating point's log-odds, finite also for 0 and 1."""
    from scipy.special import logit

    return float(logit(np.clip(point, _SMALLEST_POINT, 1 - _SMALLEST_POINT)))


def free_name(name: str | None) -> str:
    """Validate a new tagger's name, or choose the first free of `learned-1` and so on.

    Raises
    ------
    TaggerError
        If the name is invalid, or another tagger's.
    """
    family = registry.known()
    if name is None:
        return next(free for number in range(1, len(family) + 2) if (free := f"learned-{number}") not in family)
    if not local.is_name(name):
        raise TaggerError(f"a tagger cannot be called {name}: small letters, digits, dots and dashes")
    if name in family or (models_dir() / f"{name}{local.SUFFIX}").exists():
        raise TaggerError(f"there is a tagger called {name} already")
    return name


def digest_of(base: LocalTagger, corrections: Sequence[Correction], *how: object) -> str:
    """Digest a training's inputs: base tagger, corrections, and further settings."""
    verdicts = [(correction.label_id, correction.song_id, correction.yes) for correction in corrections]
    return hashlib.sha256(repr((base.name, base.embedding, verdicts, *how)).encode()).hexdigest()


def has_learned(digest: str) -> str | None:
    """Name the tagger that was trained with this digest, in a sentence; None where none was."""
    family = registry.local_family().items()
    if (same := next((name for name, one in family if one.figures.get("digest") == digest), None)) is None:
        return None
    rest = "" if same == registry.in_use() else ": it has only to be put to use"
    return f"{same} has learned from just these corrections{rest}."


def figures_of(base: LocalTagger, digest: str, every: Sequence[LabelOutcome]) -> dict[str, Any]:
    """Collect a training's figures, serializable as JSON."""
    return {
        "base": base.name,
        "digest": digest,
        "corrections": sum(taught.yes + taught.no for taught in every),
        "labels": [asdict(taught) for taught in every],
    }


def too_few(every: Sequence[LabelOutcome], base: LocalTagger) -> str:
    """Explain which corrections are missing."""
    missing = without_embedding(base)
    waiting = f" {missing} more are of songs that {base.name} has not heard yet." if missing else ""
    if not every:
        return f"There are no corrections to learn from.{waiting}"
    return f"Too few corrections to learn from: {summary(every)}.{waiting}"
