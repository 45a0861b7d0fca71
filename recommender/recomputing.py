"""A recomputation in parts, for as many workers as there are.

What is to be fitted on is read from the database once, and lies in the snapshot's folder for all; each part is fitted
by whoever takes it first, a long one in blocks that are joined by whoever comes when all are there; who finishes the
last one switches to the snapshot. The state is in the database: a worker that is killed loses its part to the next
one, and until the end the old snapshot goes on serving.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from numpy.typing import NDArray
from scipy.sparse import csr_array

from . import changes, evidence, snapshot
from .changes import Read
from .engine.cooccurrence import Cooccurrence
from .engine.interface import Evidence, InBlocks, Part, PlayMatrix, Progress, TooLittleError, silent
from .engine.methods import PARTS
from .engine.popularity import Popularity
from .engine.song_map import SongMap
from .evidence import Catalogue
from .models import Recomputation, RecomputationPart, Snapshot

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=10)
"""A worker that has not said for so long that it is at a part is dead."""

ATTEMPTS = 3
"""So many workers may die or fail at one part before the recomputation is given up."""

_EVIDENCE = "evidence"
_BLOCKS = "blocks"
_SAY_AGAIN_S = 20.0


def begin(progress: Progress = silent) -> Recomputation:
    """Read what there is to learn from, and lay it out for those who fit the parts.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    read = changes.begin()
    try:
        catalogue, everything = evidence.read(progress)
        everything = everything.with_places(last_places(catalogue))
        progress("files")
        return lay_out(catalogue, everything, read)
    finally:
        changes.end()


def lay_out(
    catalogue: Catalogue, everything: Evidence, read: Read, parts: Iterable[str] = tuple(PARTS)
) -> Recomputation:
    """Store what there is to learn from, and which parts are to be fitted on it.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    folder = snapshot.new_folder()
    try:
        own = {f"catalogue.{name}": array for name, array in catalogue.arrays().items()}
        laid_out = {f"{_EVIDENCE}.{name}": array for name, array in evidence_arrays(everything).items()}
        snapshot.store_arrays(folder, {**own, **laid_out})
        with transaction.atomic():
            recomputation = Recomputation.objects.create(
                folder=folder,
                figures=figures(catalogue, everything),
                labels_read=read.labels,
                plays_read=read.plays,
            )
            RecomputationPart.objects.bulk_create(
                RecomputationPart(recomputation=recomputation, name=name, block=block, blocks=blocks)
                for name in parts
                for blocks in [_blocks(name, everything)]
                for block in range(blocks + 1)
            )
    except BaseException:
        snapshot.delete(folder)
        raise
    return recomputation


def last_places(catalogue: Catalogue) -> NDArray[np.float32] | None:
    """Where the songs of a catalogue lie on the map that people see, NaN for those that do not; None without a map."""
    seen = snapshot.current()
    if seen is None or seen.map is None or not len(seen.map.songs):
        return None
    ids = seen.catalogue.song_ids[seen.map.songs]
    there = np.isin(ids, catalogue.song_ids)
    places = np.full((len(catalogue.song_ids), 2), np.nan, dtype=np.float32)
    places[catalogue.songs(ids[there])] = seen.map.places[there]
    return places


def _blocks(name: str, everything: Evidence) -> int:
    """How many blocks a part is fitted in; 0 where it is fitted as a whole."""
    kind = PARTS[name]
    blocks = kind.blocks(everything) if issubclass(kind, InBlocks) else 1
    return blocks if blocks > 1 else 0


def _free() -> QuerySet[RecomputationPart]:
    """The parts that are to be fitted now, and that nobody is at; what joins blocks is not before they are there."""
    blocks_to_do = RecomputationPart.objects.filter(
        recomputation=OuterRef("recomputation"), name=OuterRef("name"), block__gt=0, done=False
    )
    nobody = Q(taken_until=None) | Q(taken_until__lt=timezone.now())
    return RecomputationPart.objects.filter(nobody, done=False).exclude(Exists(blocks_to_do), block=0)


def take_part(of: Recomputation | None = None) -> RecomputationPart | None:
    """A part that nobody is at, now taken; None where there is none."""
    waiting = _free().select_related("recomputation")
    if of is not None:
        waiting = waiting.filter(recomputation=of)
    # What takes longest first: the others are done beside it.
    for part in sorted(waiting, key=lambda part: (part.recomputation_id, -list(PARTS).index(part.name), part.block)):
        taken = RecomputationPart.objects.filter(
            Q(taken_until=None) | Q(taken_until__lt=timezone.now()), pk=part.pk, done=False
        ).update(taken_until=timezone.now() + LEASE, attempts=part.attempts + 1)
        if taken:
            part.attempts += 1
            return part
    return None


def fit(part: RecomputationPart, progress: Progress = silent) -> None:
    """Fit a part that was taken, or one block of it, and store its arrays.

    Raises
    ------
    OSError
        If they cannot be written, or what it is fitted on is gone.
    """
    started = time.monotonic()
    try:
        arrays, about = _fitted(part, _with_sign_of_life(part, progress))
        snapshot.store_arrays(part.recomputation.folder, arrays)
    except BaseException:
        RecomputationPart.objects.filter(pk=part.pk).update(taken_until=None)
        raise
    about["seconds"] = time.monotonic() - started
    RecomputationPart.objects.filter(pk=part.pk).update(done=True, taken_until=None, figures=about)


def _fitted(part: RecomputationPart, progress: Progress) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """The arrays of a part or of a block of it, by the names of their files, and what is worth knowing of it."""
    folder, kind = part.recomputation.folder, PARTS[part.name]
    everything = evidence_of(snapshot.stored_arrays(folder, _EVIDENCE))
    try:
        if part.blocks and issubclass(kind, InBlocks):
            if part.block:
                counted = kind.fit_block(everything, part.block - 1, part.blocks, progress)
                return {f"{_file_of_block(part, part.block)}.{name}": counted[name] for name in counted}, {}
            blocks = [
                snapshot.stored_arrays(folder, _file_of_block(part, block)) for block in range(1, part.blocks + 1)
            ]
            fitted = kind.joined(everything, blocks, progress)
        else:
            fitted = kind.fit(everything, progress)
    except (TooLittleError, ModuleNotFoundError) as error:
        return {}, {"lacking": str(error)}
    return {f"{part.name}.{name}": array for name, array in fitted.arrays().items()}, described(fitted)


def _file_of_block(part: RecomputationPart, block: int) -> str:
    """What the names of a block's files begin with."""
    return f"{_BLOCKS}.{part.name}.{block}"


def finish(recomputation: Recomputation) -> Snapshot | None:
    """Switch to the snapshot if all its parts are done and nobody else has; None otherwise."""
    with transaction.atomic():
        locked = Recomputation.objects.select_for_update().filter(pk=recomputation.pk).first()
        if locked is None or locked.parts.filter(done=False).exists():
            return None
        for scaffolding in (_EVIDENCE, _BLOCKS):
            snapshot.delete_part(locked.folder, scaffolding)
        built = snapshot.switch(
            Snapshot.Kind.FULL,
            locked.folder,
            (timezone.now() - locked.started_at).total_seconds(),
            locked.figures,
            Read(locked.labels_read, locked.plays_read),
            _figures_of_parts(locked),
        )
        locked.delete()
    return built


def _figures_of_parts(recomputation: Recomputation) -> dict[str, Any]:
    """What is worth knowing of each part; where it was fitted in blocks, in how many, and the seconds of all."""
    parts = list(recomputation.parts.order_by("pk"))
    found: dict[str, Any] = {}
    for whole in (part for part in parts if not part.block):
        seconds = sum(part.figures["seconds"] for part in parts if part.name == whole.name)
        found[whole.name] = {**whole.figures, "seconds": seconds} | ({"blocks": whole.blocks} if whole.blocks else {})
    return found


def give_up(recomputation: Recomputation) -> None:
    """Forget a recomputation, and delete what it has written; the old snapshot goes on serving."""
    folder = recomputation.folder
    recomputation.delete()
    snapshot.delete(folder)


def work(progress: Progress = silent) -> bool:
    """Fit one part, or block of a part, that waits, and switch if it was the last; whether there was one.

    A part at which several workers have failed already ends its recomputation.
    """
    part = take_part()
    if part is None:
        for recomputation in Recomputation.objects.all():
            finish(recomputation)
        return False
    if part.attempts > ATTEMPTS:
        logger.error("The recomputation is given up: %s failed %d times", part, ATTEMPTS)
        give_up(part.recomputation)
        return True
    try:
        fit(part, progress)
    except OSError:
        logger.exception("%s could not be fitted", part)
        return True
    finish(part.recomputation)
    return True


def at_work() -> bool:
    """Whether a recomputation is under way."""
    return Recomputation.objects.exists()


def undone() -> int:
    """How many parts, or blocks of parts, are not fitted yet."""
    return RecomputationPart.objects.filter(done=False).count()


def somebody_can_help() -> bool:
    """Whether a part waits for a worker, or was left behind by one, or all are done and nobody has switched."""
    return _free().exists() or (at_work() and not undone())


# --- Evidence as arrays -------------------------------------------------------------------------


def evidence_arrays(everything: Evidence) -> dict[str, NDArray[Any]]:
    """Everything that parts are fitted on, by short names."""
    matrices: dict[str, Any] = {
        "tf": everything.term_frequencies,
        "played": everything.played,
        "sessions": everything.sessions,
    }
    arrays: dict[str, NDArray[Any]] = {}
    for name, matrix in matrices.items():
        if matrix is not None:
            arrays |= {f"{name}_{what}": getattr(matrix, what) for what in ("data", "indices", "indptr")}
            arrays[f"{name}_shape"] = np.array(matrix.shape)
    if everything.embeddings is not None:
        arrays["embeddings"] = everything.embeddings
    if everything.places is not None:
        arrays["places"] = everything.places
    return arrays


def evidence_of(arrays: Mapping[str, NDArray[Any]]) -> Evidence:
    """What `evidence_arrays` was called on.

    Raises
    ------
    FileNotFoundError
        If an array is missing.
    """

    def matrix(name: str) -> PlayMatrix:
        stored = tuple(np.asarray(arrays[f"{name}_{what}"]) for what in ("data", "indices", "indptr"))
        return csr_array(stored, shape=tuple(arrays[f"{name}_shape"].tolist()))

    try:
        tf: Any = matrix("tf")
        sessions = matrix("sessions") if "sessions_data" in arrays else None
        everything = Evidence(tf, matrix("played"), embeddings=arrays.get("embeddings"), sessions=sessions)
        return everything.with_places(arrays.get("places"))
    except KeyError as error:
        raise FileNotFoundError(f"what the snapshot is built from has no array {error}") from error


def figures(catalogue: Catalogue, read: Evidence) -> dict[str, Any]:
    """What a snapshot was built from, for the admin."""
    tf = read.term_frequencies
    return {
        "songs": len(catalogue.song_ids),
        "playable_songs": int(np.count_nonzero(catalogue.playable)),
        "labelled_songs": int(np.count_nonzero(np.diff(tf.indptr))),
        "labels": int(np.count_nonzero(np.bincount(tf.indices, minlength=tf.shape[1]))),
        "labels_on_songs": int(tf.nnz),
        "played_songs": int(np.count_nonzero(read.plays)),
        "plays": int(read.plays.sum()),
    }


def described(part: Part) -> dict[str, Any]:
    """What is worth knowing of a fitted part, for the admin."""
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


def _with_sign_of_life(part: RecomputationPart, progress: Progress) -> Progress:
    """The same progress, which also tells other workers that somebody is at this part."""
    said_at = time.monotonic()

    def step(name: str) -> None:
        nonlocal said_at
        if time.monotonic() - said_at > _SAY_AGAIN_S:
            said_at = time.monotonic()
            RecomputationPart.objects.filter(pk=part.pk).update(taken_until=timezone.now() + LEASE)
        progress(name)

    return step
