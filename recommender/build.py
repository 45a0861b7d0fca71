"""Building snapshots: from the database over the engine to files."""

from __future__ import annotations

import logging
import time
from typing import Any

import numpy as np
from django.db import OperationalError

from . import changes, evidence, recomputing, snapshot
from .engine.interface import Evidence, Moved, Part, Progress, silent
from .engine.methods import AT_ONCE, METHODS, PARTS
from .engine.song_map import QUICK, SongMap
from .evidence import Catalogue
from .models import Snapshot
from .snapshot import Recommenders

logger = logging.getLogger(__name__)

STEPS = ["songs", "labels", "plays", "files", *reversed(PARTS)]
"""What a build goes through, in order."""

QUICK_S = 10.0
"""Co-occurrence is counted anew with the content where that took no longer than this."""

_SAY_AGAIN_S = 20.0


def build(kind: Snapshot.Kind = Snapshot.Kind.FULL, progress: Progress = silent) -> Snapshot:
    """Build anew and switch to it; whatever goes wrong, the old snapshot goes on serving.

    Of kind `CONTENT`, what takes long to fit is taken over from the last full snapshot.

    Raises
    ------
    OSError
        If the files cannot be written.
    """
    built = _full(progress) if kind is Snapshot.Kind.FULL else _content(progress)
    clean()
    return built


def refresh(progress: Progress = silent, method: str | None = None) -> None:
    """Build the content arrays now if anything has changed since they were built.

    Parameters
    ----------
    method : str, optional
        A method that is wanted: where it was never fitted, everything is built.
    """
    row = snapshot.current_row()
    if row is None or changes.behind(row) or not snapshot.complete(row):
        row = build(Snapshot.Kind.CONTENT, progress)
    if method in METHODS and method not in AT_ONCE and not Snapshot.objects.filter(kind=Snapshot.Kind.FULL).exists():
        build(Snapshot.Kind.FULL, progress)


def keep_up() -> None:
    """Build the content arrays if something has changed, the last build is long enough ago, and nobody is at it."""
    row = snapshot.current_row()
    if row is not None and snapshot.complete(row):
        wait = changes.wait(row)
        if wait is None or wait:
            return
    if not changes.somebody_builds():
        build(Snapshot.Kind.CONTENT)


def clean() -> None:
    """Delete what is not needed any more; what cannot be deleted now is next time."""
    try:
        snapshot.clean()
    except (OSError, OperationalError):
        logger.warning("Old snapshots could not be deleted; the next build tries again", exc_info=True)


def _full(progress: Progress) -> Snapshot:
    """Fit every part here, one after another; a worker that comes by may take one."""
    recomputation = recomputing.begin(progress)
    try:
        while (part := recomputing.take_part(recomputation)) is not None:
            progress(part.name)
            recomputing.fit(part, progress)
        while (built := recomputing.finish(recomputation)) is None:
            # Another worker is at the last part, or has switched already.
            if (done := Snapshot.objects.filter(folder=recomputation.folder).first()) is not None:
                return done
            if (part := recomputing.take_part(recomputation)) is not None:
                recomputing.fit(part, progress)
            time.sleep(0.2)
    except BaseException:
        recomputing.give_up(recomputation)
        raise
    return built


def _content(progress: Progress) -> Snapshot:
    """Fit what is fitted at once, and take the rest over from the last full snapshot."""
    started = time.monotonic()
    read = changes.begin()
    try:
        catalogue, everything = evidence.read(_with_sign_of_life(progress))
        last = Snapshot.objects.filter(kind=Snapshot.Kind.FULL, current=True).first()
        parts: dict[str, Part] = {}
        for name in AT_ONCE:
            progress(name)
            parts[name] = PARTS[name].fit(everything, _with_sign_of_life(progress))
        if last is not None and (before := snapshot.load(last)) is not None:
            parts |= _taken_over(before, last, catalogue, everything, _with_sign_of_life(progress))
        progress("map")
        begun = time.monotonic()
        parts["map"] = _map(catalogue, everything, _with_sign_of_life(progress))
        map_seconds = time.monotonic() - begun
        recommenders = Recommenders(catalogue, {name: parts[name] for name in PARTS if name in parts})
        progress("files")
        folder = snapshot.store(recommenders)
        return snapshot.switch(
            Snapshot.Kind.CONTENT,
            folder,
            time.monotonic() - started,
            recomputing.figures(catalogue, everything),
            read,
            {
                name: recomputing.described(part) | ({"seconds": map_seconds} if name == "map" else {})
                for name, part in parts.items()
            },
        )
    finally:
        changes.end()


def _taken_over(
    before: Recommenders, last: Snapshot, catalogue: Catalogue, everything: Evidence, progress: Progress
) -> dict[str, Part]:
    """The parts that take long to fit, over the songs and labels of today."""
    since = Moved(
        songs=_then(before.catalogue.song_ids, catalogue.song_ids),
        labels=_then(before.catalogue.label_ids, catalogue.label_ids),
        songs_then=len(before.catalogue.song_ids),
    )
    parts: dict[str, Part] = {}
    for name, part in before.parts.items():
        if name in AT_ONCE or name == "map":
            continue
        progress(name)
        quick = name == "cooccurrence" and last.methods.get(name, {}).get("seconds", QUICK_S) < QUICK_S
        parts[name] = PARTS[name].fit(everything, progress) if quick else part.refreshed(everything, since)
    return parts


def _map(catalogue: Catalogue, everything: Evidence, progress: Progress) -> SongMap:
    """The map that people see, with the songs that are new; a first one, laid out quickly, where there is none."""
    seen = snapshot.current()
    if seen is None or seen.map is None:
        return SongMap.fit(everything, progress, QUICK)
    since = Moved(
        songs=_then(seen.catalogue.song_ids, catalogue.song_ids),
        labels=_then(seen.catalogue.label_ids, catalogue.label_ids),
        songs_then=len(seen.catalogue.song_ids),
    )
    return seen.map.refreshed(everything, since, progress)


def _then(before: Any, now: Any) -> Any:
    """At which position of `before`, ascending, each of `now` stood; -1 for one that was not there."""
    if not len(before):
        return np.full(len(now), -1)
    at = np.minimum(np.searchsorted(before, now), len(before) - 1)
    return np.where(before[at] == now, at, -1)


def _with_sign_of_life(progress: Progress) -> Progress:
    """The same progress, which also tells other processes that this build is at work."""
    said_at = time.monotonic()

    def step(name: str) -> None:
        nonlocal said_at
        if time.monotonic() - said_at > _SAY_AGAIN_S:
            said_at = time.monotonic()
            changes.still_building()
        progress(name)

    return step
