"""Evaluates all methods on this library's plays, and stores the figures."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.db.models import Max, Min
from django.utils import timezone
from numpy.typing import NDArray

from catalog.models import LabelAssignment, Play, PlayCount

from ..engine.evaluation.baselines import EACH_ALONE, Method, baselines, of_recommender
from ..engine.evaluation.choosing import Tried, tried
from ..engine.evaluation.comparison import Step, compare, no_steps
from ..engine.evaluation.own_labels import OwnLabels
from ..engine.evaluation.protocols import Listening, Protocol
from ..engine.evaluation.report import document
from ..engine.interface import Progress, ScoringPart, Vector, no_progress
from ..engine.methods import METHODS
from ..engine.two_tower import TwoTower
from ..models import Evaluation
from ..snapshots import current
from ..snapshots.training_data import Library, read_library, rows_as_array

KEPT = timedelta(days=90)
"""Evaluations are deleted after this time, except the newest of each protocol."""

HISTORY_DAYS = 30
"""Days of the evaluation history."""

_CHUNK = 20_000

# Parts evaluated alone, which the hybrid must beat.
_PARTS_ALONE: dict[str, type[ScoringPart]] = {"towers": TwoTower}

_SAME_FOR_ALL = {"popular"}
# Refitting per listener would take days.
_OWN_LABEL_GROUPS = {"content": EACH_ALONE, "labels_and_sound": 10, "latent": 10, "towers": 10, "hybrid": 10}


def methods() -> list[Method]:
    """All evaluated methods: baselines, methods of the engine, and single parts."""
    return baselines() + [
        of_recommender(
            name, method, same_for_all=name in _SAME_FOR_ALL, own_label_groups=_OWN_LABEL_GROUPS.get(name, 0)
        )
        for name, method in {**METHODS, **_PARTS_ALONE}.items()
    ]


def evaluate(protocol: Protocol, step: Step = no_steps) -> Evaluation:
    """Evaluate all methods on the current database, and store the figures.

    Parameters
    ----------
    protocol : Protocol
    step : callable
        Called with the current step and the share done, 0 to 1.

    Raises
    ------
    TooFewPlaysError
        If there are too few plays to hold out.
    """
    started = time.monotonic()
    used = current.current_row()
    library, listening = _read(lambda what: step(what, 0.0))
    own_labels = _own_labels(library, lambda what: step(what, 0.0))
    figures = document(compare(listening, protocol, methods(), own_labels=own_labels, step=step))
    stored = Evaluation.objects.create(
        protocol=protocol,
        # The snapshot may have been deleted meanwhile.
        snapshot=None if used is None else type(used).objects.filter(pk=used.pk).first(),
        snapshot_version=None if used is None else used.version,
        seconds=time.monotonic() - started,
        figures=figures,
    )
    old = Evaluation.objects.filter(protocol=protocol, created_at__lt=timezone.now() - KEPT)
    old.exclude(pk=stored.pk).delete()
    return stored


def settings_tried(splits: int = 1, progress: Progress = no_progress) -> Iterator[Tried]:
    """Search hyperparameters on inner splits of this library's plays.

    Parameters
    ----------
    splits : int
        Number of evaluation splits whose training parts are used.
    progress : callable

    Raises
    ------
    TooFewPlaysError
        If there are too few plays for two levels of splits.
    """
    _, listening = _read(progress)
    yield from tried(listening, splits=splits)


def _read(progress: Progress) -> tuple[Library, Listening]:
    """Read the training data with times of plays."""
    library = read_library(progress)
    return library, Listening(library.data, _first_played(library, progress))


def latest(protocol: Protocol) -> Evaluation | None:
    """The newest evaluation of a protocol."""
    return Evaluation.objects.filter(protocol=protocol).first()


@dataclass(frozen=True, slots=True)
class EvaluationRecord:
    """The main figures of one evaluation.

    Attributes
    ----------
    at : datetime
    maps, aucs : dict of str to float
        MAP and AUC by method.
    baselines : set of str
        Names of the baselines.
    """

    at: datetime
    maps: dict[str, float]
    aucs: dict[str, float]
    baselines: set[str]


def history(protocol: Protocol, days: int = HISTORY_DAYS) -> list[EvaluationRecord]:
    """The evaluations of the last days, oldest first."""
    since = timezone.now() - timedelta(days=days)
    found = Evaluation.objects.filter(protocol=protocol, created_at__gte=since).order_by("created_at", "pk")
    # Select the figures of methods only: whole documents of a month are megabytes.
    return [
        EvaluationRecord(
            at=at,
            maps={name: figures["map"] for name, figures in methods.items()},
            aucs={name: figures["auc"] for name, figures in methods.items() if "auc" in figures},
            baselines={name for name, figures in methods.items() if figures["baseline"]},
        )
        for at, methods in found.values_list("created_at", "figures__methods")
    ]


def _first_played(library: Library, progress: Progress) -> Vector:
    """Time of the first play of each listener and song, in the order of `Listening.first_played`.

    From play events; else the last play of a play count.
    """
    events = Play.objects.filter(skipped=False).order_by().values_list("user_id", "song_id").annotate(Min("played_at"))
    counts = PlayCount.objects.filter(last_played__isnull=False, count__gt=0).order_by()
    counted = counts.values_list("user_id", "song_id").annotate(Max("last_played"))
    played = library.data.played
    rows = np.repeat(np.arange(played.shape[0], dtype=np.int64), np.diff(played.indptr))
    place = rows * played.shape[1] + played.indices
    order = np.argsort(place)
    moments = np.full(len(place), np.nan)
    # Events override counts.
    for known in (counted, events):
        at, seconds = _placed(library, known.iterator(_CHUNK), progress)
        found = np.minimum(np.searchsorted(place, at, sorter=order), max(len(order) - 1, 0))
        there = place[order[found]] == at if len(order) else np.zeros(len(at), dtype=bool)
        moments[order[found[there]]] = seconds[there]
    return moments


def _own_labels(library: Library, progress: Progress) -> OwnLabels | None:
    """Labels given by listeners with plays; None if there are none."""
    rows = LabelAssignment.objects.order_by().values_list("user_id", "song_id", "label_id")
    given = rows_as_array(rows.iterator(_CHUNK), _GIVEN, progress, "labels given")
    index = library.index
    known = (library.listener_ids, index.song_ids, index.label_ids)
    given = given[
        np.all([np.isin(given[name], ids) for name, ids in zip(_GIVEN.names or (), known, strict=True)], axis=0)
    ]
    if not len(given):
        return None
    listeners = np.searchsorted(library.listener_ids, given["listener"])
    songs, labels = index.songs(given["song"]), index.labels(given["label"])
    return OwnLabels(listeners, songs, labels, library.imported, library.predicted, library.curated)


_GIVEN = np.dtype([("listener", np.int64), ("song", np.int64), ("label", np.int64)])
_MOMENT = np.dtype([("user", np.int64), ("song", np.int64), ("second", np.float64)])


def _placed(
    library: Library, known: Iterator[tuple[int, int, datetime]], progress: Progress
) -> tuple[NDArray[np.int64], Vector]:
    """Times by flat index, row x n_songs + column of the play matrix."""
    rows = ((user, song, at.timestamp()) for user, song, at in known)
    moments = rows_as_array(rows, _MOMENT, progress, "times")
    index = library.index
    moments = moments[np.isin(moments["song"], index.song_ids) & np.isin(moments["user"], library.listener_ids)]
    listeners = np.searchsorted(library.listener_ids, moments["user"]).astype(np.int64)
    return listeners * len(index.song_ids) + index.songs(moments["song"]), moments["second"]
