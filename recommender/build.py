"""Building snapshots: from the database over the engine to files."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
from django.db import OperationalError

from . import changes, evidence, snapshot
from .engine.interface import Evidence, Progress, Recommender, TooLittleError, silent
from .engine.methods import METHODS
from .engine.sound import Sound
from .evidence import Catalogue
from .models import Snapshot
from .snapshot import Recommenders

logger = logging.getLogger(__name__)

STEPS = ["songs", "labels", "plays", "weights", "files"]
"""What a build goes through, in order."""

_SAY_AGAIN_S = 20.0


def build(kind: Snapshot.Kind = Snapshot.Kind.FULL, progress: Progress = silent) -> Snapshot:
    """Build everything anew and switch to it; whatever goes wrong, the old snapshot goes on serving.

    Raises
    ------
    OSError
        If the files cannot be written.
    """
    started = time.monotonic()
    read = changes.begin()
    try:
        recommenders, evidence_read = _fit(_with_sign_of_life(progress))
        progress("files")
        folder = snapshot.store(recommenders)
        figures = _figures(recommenders.catalogue, evidence_read)
        built = snapshot.switch(kind, folder, time.monotonic() - started, figures, read)
    finally:
        changes.end()
    try:
        snapshot.clean()
    except (OSError, OperationalError):
        logger.warning("Old snapshots could not be deleted; the next build tries again", exc_info=True)
    return built


def refresh(progress: Progress = silent) -> None:
    """Build the content arrays now if anything has changed since they were built."""
    row = snapshot.current_row()
    if row is None or changes.behind(row) or not snapshot.complete(row):
        build(Snapshot.Kind.CONTENT, progress)


def keep_up() -> None:
    """Build the content arrays if something has changed, the last build is long enough ago, and nobody is at it."""
    row = snapshot.current_row()
    if row is not None and snapshot.complete(row):
        wait = changes.wait(row)
        if wait is None or wait:
            return
    if not changes.somebody_builds():
        build(Snapshot.Kind.CONTENT)


def _fit(progress: Progress) -> tuple[Recommenders, Evidence]:
    catalogue, read = evidence.read(progress)
    progress("weights")
    methods: dict[str, Recommender] = {}
    for name, method in METHODS.items():
        with suppress(TooLittleError):
            methods[name] = method.fit(read, progress)
    return Recommenders(catalogue, methods, Sound.fit(read)), read


def _figures(catalogue: Catalogue, read: Evidence) -> dict[str, Any]:
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


def _with_sign_of_life(progress: Progress) -> Callable[[str], None]:
    """The same progress, which also tells other processes that this build is at work."""
    said_at = time.monotonic()

    def step(name: str) -> None:
        nonlocal said_at
        if time.monotonic() - said_at > _SAY_AGAIN_S:
            said_at = time.monotonic()
            changes.still_building()
        progress(name)

    return step
