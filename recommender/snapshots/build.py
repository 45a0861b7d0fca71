"""Builds snapshots: full ones part by part, content ones in one go, between two full ones."""

from __future__ import annotations

import logging
import time

from django.db import OperationalError

from ..engine.interface import ModelPart, Progress, TrainingData, no_progress
from ..engine.methods import FAST_PARTS, METHODS, PARTS
from ..engine.song_map import QUICK, SongMap
from ..engine.sound_graph import QUICK as QUICK_PATHS
from ..engine.sound_graph import SoundGraph
from ..models import Snapshot, SnapshotBuild
from . import changes, current, parts, storage, training_data
from .bundle import ModelBundle
from .song_label_index import SongLabelIndex
from .training_data import training_figures

logger = logging.getLogger(__name__)

STEPS = ["songs", "labels", "plays", "files", *reversed(PARTS)]
"""The steps of a build, in order, as progress callbacks name them."""

QUICK_S = 10.0
"""A content build refits co-occurrence if the last fit took less than this."""

_POLL_S = 0.2


def build(kind: Snapshot.Kind = Snapshot.Kind.FULL, progress: Progress = no_progress) -> Snapshot:
    """Build a snapshot and switch to it; on any error the old snapshot stays current.

    A `CONTENT` build refits the fast parts and carries the others over from the last full snapshot.

    Raises
    ------
    OSError
        If the files cannot be written, or a worker has given up the build.
    """
    built = _full(progress) if kind is Snapshot.Kind.FULL else _content(progress)
    clean()
    return built


def refresh(progress: Progress = no_progress, method: str | None = None) -> None:
    """Run a content build now if anything has changed since the last build.

    Parameters
    ----------
    method : str, optional
        Runs a full build if this method was never fitted.
    """
    row = current.readable_row()
    if row is None or changes.behind(row) or current.lost_to_damage(row):
        row = build(Snapshot.Kind.CONTENT, progress)
    if method in METHODS and method not in FAST_PARTS and not Snapshot.objects.filter(kind=Snapshot.Kind.FULL).exists():
        build(Snapshot.Kind.FULL, progress)


def keep_up() -> None:
    """Run a content build if something has changed, the pause since the last one is over, and no build is running.

    What is damaged is not waited for: a content build follows at once, and a full one where the last full snapshot is
    the damaged one.
    """
    current.compare_checksums()
    row = current.readable_row()
    if row is not None and not current.lost_to_damage(row):
        wait = changes.wait(row)
        if wait is None or wait:
            return
    if changes.build_running():
        return
    build(Snapshot.Kind.CONTENT)
    if current.full_lost_to_damage() and not parts.build_in_progress():
        parts.begin()


def clean() -> None:
    """Delete old snapshots; files that cannot be deleted are retried after the next build."""
    try:
        current.clean()
    except (OSError, OperationalError):
        logger.warning("Old snapshots could not be deleted; the next build tries again", exc_info=True)


def _full(progress: Progress) -> Snapshot:
    """Fit every part in this process; workers may fit some of them meanwhile."""
    snapshot_build = parts.begin(progress)
    try:
        while SnapshotBuild.objects.filter(pk=snapshot_build.pk).exists():
            if not parts.fit_next_part(snapshot_build, progress):
                # Other workers hold the last parts.
                time.sleep(_POLL_S)
    except BaseException:
        parts.give_up(snapshot_build)
        raise
    built = Snapshot.objects.filter(folder=snapshot_build.folder).first()
    if built is None:
        raise OSError("another worker has given up this build; its log says why")
    return built


def _content(progress: Progress) -> Snapshot:
    """Refit the fast parts and carry the others over from the last full snapshot."""
    started = time.monotonic()
    with changes.reading() as read:
        index, data = training_data.read(progress)
        fitted: dict[str, ModelPart] = {}
        for name in FAST_PARTS:
            progress(name)
            fitted[name] = PARTS[name].fit(data, progress)
        if (full := current.last_full()) is not None:
            last, before = full
            fitted |= _carried_over(before, last, index, data, progress)
        progress("map")
        map_started = time.monotonic()
        fitted["map"] = _map(index, data, progress)
        map_seconds = time.monotonic() - map_started
        if "paths" not in fitted and data.embeddings is not None and data.n_songs <= QUICK_PATHS:
            fitted["paths"] = SoundGraph.fit(data, progress)
        bundle = ModelBundle(index, {name: fitted[name] for name in PARTS if name in fitted})
        progress("files")
        figures = {name: parts.part_figures(part) for name, part in fitted.items()}
        figures["map"]["seconds"] = map_seconds
        folder, files = storage.store(bundle.arrays())
        seconds = time.monotonic() - started
        return current.switch(
            Snapshot.Kind.CONTENT, folder, seconds, training_figures(index, data), read, figures, files
        )


def _carried_over(
    before: ModelBundle, last: Snapshot, index: SongLabelIndex, data: TrainingData, progress: Progress
) -> dict[str, ModelPart]:
    """The slow parts of a full snapshot, remapped to the current songs and labels."""
    mapping = index.mapping_from(before.index)
    carried: dict[str, ModelPart] = {}
    for name, part in before.parts.items():
        if name in FAST_PARTS or name == "map":
            continue
        progress(name)
        quick = name == "cooccurrence" and last.methods.get(name, {}).get("seconds", QUICK_S) < QUICK_S
        carried[name] = PARTS[name].fit(data, progress) if quick else part.refreshed(data, mapping)
    return carried


def _map(index: SongLabelIndex, data: TrainingData, progress: Progress) -> SongMap:
    """The current map with new songs added; a quick first layout if there is no map."""
    seen = current.bundle()
    if seen is None or seen.map is None:
        return SongMap.fit(data, progress, QUICK)
    return seen.map.refreshed(data, index.mapping_from(seen.index), progress)
