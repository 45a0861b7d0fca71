"""The parts of a snapshot build: any number of workers fit them, each under a lease.

`begin` reads the training data once and stores it in the snapshot's folder. `fit_next_part` leases a free part (or one
block of a long part), fits it, and switches to the snapshot after the last one; the `recompute` command and Celery
workers both loop over it. All state is in the database: the part of a killed worker becomes free when its lease
expires, and the old snapshot stays current until the end.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from numpy.typing import NDArray

from catalog import leases
from catalog.leases import expired, heartbeat

from ..engine.cooccurrence import Cooccurrence
from ..engine.interface import BlockwisePart, ModelPart, Progress, TooLittleError, TrainingData, no_progress
from ..engine.methods import PARTS
from ..engine.popularity import Popularity
from ..engine.song_map import SongMap
from ..models import Snapshot, SnapshotBuild, SnapshotBuildPart
from . import changes, current, storage, training_data
from .bundle import index_arrays
from .changes import Read
from .song_label_index import SongLabelIndex
from .training_data import training_data_arrays, training_data_from_arrays, training_figures

logger = logging.getLogger(__name__)

ATTEMPTS = 3
"""Failed or killed attempts at one part before the build is given up."""

_TRAINING_DATA = "evidence"
_BLOCKS = "blocks"
"""Prefixes of the files that are deleted when the build is finished."""


def begin(progress: Progress = no_progress) -> SnapshotBuild:
    """Start a build: read the training data, store it, and create the parts.

    Raises
    ------
    OSError
        If the files cannot be written.
    """
    with changes.reading() as read:
        index, data = training_data.read(progress)
        data = data.with_places(_current_map_places(index))
        progress("files")
        return lay_out(index, data, read)


def lay_out(
    index: SongLabelIndex, data: TrainingData, read: Read, parts: Iterable[str] = tuple(PARTS)
) -> SnapshotBuild:
    """Store training data in a new folder and create the parts to be fitted on it.

    Raises
    ------
    OSError
        If the files cannot be written.
    """
    folder = storage.new_folder()
    with storage.deleted_on_failure(folder):
        stored = {f"{_TRAINING_DATA}.{name}": array for name, array in training_data_arrays(data).items()}
        storage.store_arrays(folder, stored)
        files = storage.store_arrays(folder, index_arrays(index))
        with transaction.atomic():
            snapshot_build = SnapshotBuild.objects.create(
                folder=folder,
                figures=training_figures(index, data),
                files=files,
                labels_read=read.labels,
                plays_read=read.plays,
            )
            SnapshotBuildPart.objects.bulk_create(
                SnapshotBuildPart(snapshot_build=snapshot_build, name=name, block=block, blocks=blocks)
                for name in parts
                for blocks in [_blocks(name, data)]
                for block in range(blocks + 1)
            )
    return snapshot_build


def _current_map_places(index: SongLabelIndex) -> NDArray[np.float32] | None:
    """The songs' places on the current map, shape (n_songs, 2), NaN for songs not on it; None without a map."""
    seen = current.bundle()
    if seen is None or seen.map is None or not len(seen.map.songs):
        return None
    ids = seen.index.song_ids[seen.map.songs]
    there = np.isin(ids, index.song_ids)
    places = np.full((len(index.song_ids), 2), np.nan, dtype=np.float32)
    places[index.songs(ids[there])] = seen.map.places[there]
    return places


def _blocks(name: str, data: TrainingData) -> int:
    """The number of blocks a part is fitted in; 0 for a part fitted as a whole."""
    kind = PARTS[name]
    blocks = kind.blocks(data) if issubclass(kind, BlockwisePart) else 1
    return blocks if blocks > 1 else 0


# --- Fitting parts ------------------------------------------------------------------------------


def fit_next_part(of: SnapshotBuild | None = None, progress: Progress = no_progress) -> bool:
    """Lease and fit one free part, then switch to the snapshot if it was the last; False if no part was free.

    With `of`, errors are raised. Without it, they are logged and the part is retried, until a part has failed
    `ATTEMPTS` times and its build is given up.

    Parameters
    ----------
    of : SnapshotBuild, optional
        Only parts of this build.

    Raises
    ------
    OSError
        With `of`, if files cannot be written or the training data is gone.
    """
    part = take_part(of)
    if part is None:
        # A worker may have died between fitting the last part and switching.
        for snapshot_build in [of] if of is not None else SnapshotBuild.objects.all():
            finish(snapshot_build)
        return False
    if part.attempts > ATTEMPTS:
        logger.error("The snapshot build is given up: %s failed %d times", part, ATTEMPTS)
        give_up(part.snapshot_build)
        return True
    progress(part.name)
    try:
        fit(part, progress)
    except OSError:
        if of is not None:
            raise
        logger.exception("%s could not be fitted", part)
        return True
    finish(part.snapshot_build)
    return True


def take_part(of: SnapshotBuild | None = None) -> SnapshotBuildPart | None:
    """Lease a free part; None if there is none. The parts that take longest come first, to run in parallel."""
    waiting = _free().select_related("snapshot_build")
    if of is not None:
        waiting = waiting.filter(snapshot_build=of)
    for part in sorted(waiting, key=lambda part: (part.snapshot_build_id, -list(PARTS).index(part.name), part.block)):
        # Another worker may have been faster: the filter makes the update atomic.
        still_free = SnapshotBuildPart.objects.filter(expired("taken_until"), pk=part.pk, done=False)
        if still_free.update(taken_until=timezone.now() + leases.LEASE, attempts=part.attempts + 1):
            part.attempts += 1
            return part
    return None


def _free() -> QuerySet[SnapshotBuildPart]:
    """Unfinished parts without a live lease; the whole of a part in blocks only after all its blocks."""
    open_blocks = SnapshotBuildPart.objects.filter(
        snapshot_build=OuterRef("snapshot_build"), name=OuterRef("name"), block__gt=0, done=False
    )
    unfinished = SnapshotBuildPart.objects.filter(expired("taken_until"), done=False)
    return unfinished.exclude(Exists(open_blocks), block=0)


def fit(part: SnapshotBuildPart, progress: Progress = no_progress) -> None:
    """Fit a leased part, or one block of it, and store its arrays.

    Raises
    ------
    OSError
        If the files cannot be written, or the training data is gone.
    """
    started = time.monotonic()
    # The number of attempts tells this lease from one that another worker took after it ran out.
    row = SnapshotBuildPart.objects.filter(pk=part.pk, attempts=part.attempts, done=False)

    def extend() -> int:
        return row.update(taken_until=timezone.now() + leases.LEASE)

    try:
        with heartbeat(extend):
            arrays, figures = _fitted(part, progress)
            if not extend():
                logger.warning("%s was taken over by another worker: what was fitted here is dropped", part)
                return
            files = storage.store_arrays(part.snapshot_build.folder, arrays)
    except BaseException:
        row.update(taken_until=None)
        raise
    figures["seconds"] = time.monotonic() - started
    row.update(done=True, taken_until=None, figures=figures, files=files)


def _fitted(part: SnapshotBuildPart, progress: Progress) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """The arrays of a fitted part or block by file name, and its figures."""
    folder, kind = part.snapshot_build.folder, PARTS[part.name]
    data = training_data_from_arrays(storage.load_prefixed_arrays(folder, _TRAINING_DATA))
    try:
        if part.blocks and issubclass(kind, BlockwisePart):
            if part.block:
                counted = kind.fit_block(data, part.block - 1, part.blocks, progress)
                return {f"{_block_prefix(part, part.block)}.{name}": counted[name] for name in counted}, {}
            prefixes = [_block_prefix(part, block) for block in range(1, part.blocks + 1)]
            fitted = kind.from_blocks(
                data, [storage.load_prefixed_arrays(folder, prefix) for prefix in prefixes], progress
            )
        else:
            fitted = kind.fit(data, progress)
    except (TooLittleError, ModuleNotFoundError) as error:
        return {}, {"lacking": str(error)}
    return {f"{part.name}.{name}": array for name, array in fitted.arrays().items()}, part_figures(fitted)


def _block_prefix(part: SnapshotBuildPart, block: int) -> str:
    return f"{_BLOCKS}.{part.name}.{block}"


def part_figures(part: ModelPart) -> dict[str, Any]:
    """Figures of a fitted part, stored with the snapshot for the admin."""
    if isinstance(part, Cooccurrence):
        return {
            "over": "sessions" if part.over_sessions else "listeners",
            "groups": part.n_groups,
            "pairs": len(part.neighbours),
            "nearest": part.nearest,
            "loss": part.loss,
        }
    if isinstance(part, SongMap):
        return {"songs": len(part.songs)}
    if isinstance(part, Popularity) and np.isfinite(part.rank_correlation):
        return {"rank_correlation": part.rank_correlation, "deviation": part.deviation}
    return {}


# --- Finishing a build --------------------------------------------------------------------------


def finish(snapshot_build: SnapshotBuild) -> Snapshot | None:
    """Switch to the snapshot if all parts are done; None if they are not, or another worker has switched."""
    with transaction.atomic():
        locked = SnapshotBuild.objects.select_for_update().filter(pk=snapshot_build.pk).first()
        if locked is None or locked.parts.filter(done=False).exists():
            return None
        for prefix in (_TRAINING_DATA, _BLOCKS):
            storage.delete_prefixed_arrays(locked.folder, prefix)
        built = current.switch(
            Snapshot.Kind.FULL,
            locked.folder,
            (timezone.now() - locked.started_at).total_seconds(),
            locked.figures,
            Read(locked.labels_read, locked.plays_read),
            _figures_by_part(locked),
            _files(locked),
        )
        locked.delete()
    return built


def _figures_by_part(snapshot_build: SnapshotBuild) -> dict[str, Any]:
    """The figures of each part; for a part in blocks, with their number and the sum of their seconds."""
    parts = list(snapshot_build.parts.order_by("pk"))
    found: dict[str, Any] = {}
    for whole in (part for part in parts if not part.block):
        seconds = sum(part.figures["seconds"] for part in parts if part.name == whole.name)
        found[whole.name] = {**whole.figures, "seconds": seconds} | ({"blocks": whole.blocks} if whole.blocks else {})
    return found


def _files(snapshot_build: SnapshotBuild) -> storage.Manifest:
    """The manifest of the finished folder: the index, and every part that is not a block of one."""
    files: storage.Manifest = dict(snapshot_build.files)
    for part in snapshot_build.parts.filter(block=0):
        files |= part.files
    return files


def give_up(snapshot_build: SnapshotBuild) -> None:
    """Delete a build and its files; the old snapshot stays current."""
    folder = snapshot_build.folder
    snapshot_build.delete()
    storage.delete(folder)


def build_in_progress() -> bool:
    """Whether there is an unfinished build."""
    return SnapshotBuild.objects.exists()


def unfinished_parts() -> int:
    """The number of parts and blocks that are not fitted yet."""
    return SnapshotBuildPart.objects.filter(done=False).count()


def work_available() -> bool:
    """Whether `fit_next_part` has something to do: a free part, or a complete build nobody has switched to."""
    return _free().exists() or (build_in_progress() and not unfinished_parts())
