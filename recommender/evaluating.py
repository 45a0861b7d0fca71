"""Measuring the methods on this library's own plays, and keeping the figures."""

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

from . import snapshot
from .engine.evaluation.baselines import EACH_ALONE, Method, baselines, of_recommender
from .engine.evaluation.choosing import Tried, tried
from .engine.evaluation.comparison import Step, compare, silent
from .engine.evaluation.own_labels import OwnLabels
from .engine.evaluation.protocols import Listening, Protocol
from .engine.evaluation.report import document
from .engine.interface import Progress, Scoring, Vector
from .engine.interface import silent as no_progress
from .engine.methods import METHODS
from .engine.towers import Towers
from .evidence import Library, read_library
from .models import Evaluation

KEPT = timedelta(days=90)
"""How long figures are kept; the newest of each protocol always."""

NIGHTS = 30
"""How many nights of figures are looked at together."""

_CHUNK = 20_000

# What is no method of its own, but a part that the hybrid must be better than.
_PARTS_ALONE: dict[str, type[Scoring]] = {"towers": Towers}

_SAME_FOR_ALL = {"popular"}
# Fitting anew for every listener alone would take days.
_OWN_LABEL_GROUPS = {"content": EACH_ALONE, "latent": 10, "towers": 10, "hybrid": 10}


def methods() -> list[Method]:
    """Everything that is measured: the baselines, every method of the engine, and the part that is none by itself."""
    return baselines() + [
        of_recommender(
            name, method, same_for_all=name in _SAME_FOR_ALL, own_label_groups=_OWN_LABEL_GROUPS.get(name, 0)
        )
        for name, method in {**METHODS, **_PARTS_ALONE}.items()
    ]


def evaluate(protocol: Protocol, step: Step = silent) -> Evaluation:
    """Measure all methods on what the database holds now, and keep the figures.

    Parameters
    ----------
    protocol : Protocol
    step : callable
        Told what is being done, and which part of all is done, 0 to 1.

    Raises
    ------
    TooFewPlaysError
        If there is too little to hold out.
    """
    started = time.monotonic()
    used = snapshot.current_row()
    library, listening = _read(lambda what: step(what, 0.0))
    own_labels = _own_labels(library, lambda what: step(what, 0.0))
    figures = document(compare(listening, protocol, methods(), own_labels=own_labels, step=step))
    stored = Evaluation.objects.create(
        protocol=protocol,
        # It may have been replaced and deleted in the meantime.
        snapshot=None if used is None else type(used).objects.filter(pk=used.pk).first(),
        snapshot_version=None if used is None else used.version,
        seconds=time.monotonic() - started,
        figures=figures,
    )
    old = Evaluation.objects.filter(protocol=protocol, created_at__lt=timezone.now() - KEPT)
    old.exclude(pk=stored.pk).delete()
    return stored


def settings_tried(splits: int = 1, progress: Progress = no_progress) -> Iterator[Tried]:
    """What methods may be fitted with, tried on inner splits of this library's plays.

    Parameters
    ----------
    splits : int
        The training parts of so many splits of an evaluation.
    progress : callable

    Raises
    ------
    TooFewPlaysError
        If there is too little to hold out twice.
    """
    _, listening = _read(progress)
    yield from tried(listening, splits=splits)


def _read(progress: Progress) -> tuple[Library, Listening]:
    """The database as methods see it."""
    library = read_library(progress)
    return library, Listening(library.evidence, _first_played(library, progress))


def latest(protocol: Protocol) -> Evaluation | None:
    """The newest figures of a protocol."""
    return Evaluation.objects.filter(protocol=protocol).first()


@dataclass(frozen=True, slots=True)
class Night:
    """What is looked at of one evaluation among many.

    Attributes
    ----------
    at : datetime
    maps, aucs : dict of str to float
        The MAP and the AUC of each method.
    baselines : set of str
        Which of them are only there to be beaten.
    """

    at: datetime
    maps: dict[str, float]
    aucs: dict[str, float]
    baselines: set[str]


def history(protocol: Protocol, nights: int = NIGHTS) -> list[Night]:
    """The figures of the last nights, oldest first."""
    since = timezone.now() - timedelta(days=nights)
    found = Evaluation.objects.filter(protocol=protocol, created_at__gte=since).order_by("created_at", "pk")
    # All figures of a month are some megabytes; those of the methods are a small part.
    return [
        Night(
            at=at,
            maps={name: figures["map"] for name, figures in methods.items()},
            aucs={name: figures["auc"] for name, figures in methods.items() if "auc" in figures},
            baselines={name for name, figures in methods.items() if figures["baseline"]},
        )
        for at, methods in found.values_list("created_at", "figures__methods")
    ]


def _first_played(library: Library, progress: Progress) -> Vector:
    """When each listener first played each of their songs, as `Listening` has it.

    The first event of listening, where there are any; else the moment that a count names as its last.
    """
    events = Play.objects.filter(skipped=False).order_by().values_list("user_id", "song_id").annotate(Min("played_at"))
    counts = PlayCount.objects.filter(last_played__isnull=False, count__gt=0).order_by()
    counted = counts.values_list("user_id", "song_id").annotate(Max("last_played"))
    played = library.evidence.played
    rows = np.repeat(np.arange(played.shape[0], dtype=np.int64), np.diff(played.indptr))
    place = rows * played.shape[1] + played.indices
    order = np.argsort(place)
    moments = np.full(len(place), np.nan)
    # What events say stands in the place of what counts say.
    for known in (counted, events):
        at, seconds = _placed(library, known.iterator(_CHUNK), progress)
        found = np.minimum(np.searchsorted(place, at, sorter=order), max(len(order) - 1, 0))
        there = place[order[found]] == at if len(order) else np.zeros(len(at), dtype=bool)
        moments[order[found[there]]] = seconds[there]
    return moments


def _own_labels(library: Library, progress: Progress) -> OwnLabels | None:
    """Who gave which labels, of those who play here; None where nobody knows of any."""
    rows = LabelAssignment.objects.order_by().values_list("user_id", "song_id", "label_id")

    def watched() -> Iterator[tuple[int, int, int]]:
        for number, row in enumerate(rows.iterator(_CHUNK)):
            if number % _CHUNK == 0:
                progress("labels given")
            yield row

    given = np.fromiter(watched(), dtype=_GIVEN)
    catalogue = library.catalogue
    known = (library.listener_ids, catalogue.song_ids, catalogue.label_ids)
    given = given[
        np.all([np.isin(given[name], ids) for name, ids in zip(_GIVEN.names or (), known, strict=True)], axis=0)
    ]
    if not len(given):
        return None
    listeners = np.searchsorted(library.listener_ids, given["listener"])
    songs, labels = catalogue.songs(given["song"]), catalogue.labels(given["label"])
    return OwnLabels(listeners, songs, labels, library.imported, library.heard, library.curated)


_GIVEN = np.dtype([("listener", np.int64), ("song", np.int64), ("label", np.int64)])
_MOMENT = np.dtype([("user", np.int64), ("song", np.int64), ("second", np.float64)])


def _placed(
    library: Library, known: Iterator[tuple[int, int, datetime]], progress: Progress
) -> tuple[NDArray[np.int64], Vector]:
    """Moments of listeners and songs, by row x number of songs + column of the plays."""

    def watched() -> Iterator[tuple[int, int, float]]:
        for number, (user, song, at) in enumerate(known):
            if number % _CHUNK == 0:
                progress("times")
            yield user, song, at.timestamp()

    moments = np.fromiter(watched(), dtype=_MOMENT)
    catalogue = library.catalogue
    moments = moments[np.isin(moments["song"], catalogue.song_ids) & np.isin(moments["user"], library.listener_ids)]
    rows = np.searchsorted(library.listener_ids, moments["user"]).astype(np.int64)
    return rows * len(catalogue.song_ids) + catalogue.songs(moments["song"]), moments["second"]
