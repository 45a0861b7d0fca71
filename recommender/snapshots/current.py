"""Which snapshot is current: switching to a new one, loading it, deleting replaced ones.

A snapshot's files are complete in the storage before one database row switches to it, so readers see either the old
snapshot or the new one, never a mixture.
"""

from __future__ import annotations

import logging
import threading
import time
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils import timezone

from catalog.queries import first_row

from ..models import Changes, Snapshot, SnapshotBuild
from . import storage
from .bundle import ModelBundle
from .changes import Read

logger = logging.getLogger(__name__)

KEPT = 3
"""Replaced snapshots kept per kind."""

CHECKED_EVERY_S = 3600.0
"""Seconds after which a process of the worker compares the current snapshot with its checksums again."""

ORPHANED = timedelta(days=1)
"""A folder without a row may belong to a running build; after this age it is an orphan and is deleted."""

# `_current_rows`, without the JSON columns.
_CURRENT_FOLDER = f"""
    SELECT folder FROM {Snapshot._meta.db_table} WHERE "current" ORDER BY labels_read DESC, version DESC LIMIT 1
"""  # noqa: S608 (the name of a table)

_loaded: dict[str, ModelBundle] = {}
_loading = threading.Lock()
_checked: dict[str, float] = {}
"""When this process compares a folder with its checksums next, by `time.monotonic`."""


@transaction.atomic
def switch(
    kind: Snapshot.Kind,
    folder: str,
    seconds: float,
    figures: dict[str, Any],
    read: Read,
    methods: dict[str, Any] | None = None,
    files: storage.Manifest | None = None,
) -> Snapshot:
    """Make a stored folder the current snapshot of its kind, unless the current one has read more changes.

    Parameters
    ----------
    kind : Snapshot.Kind
    folder : str
        In the storage.
    seconds : float
        Duration of the build.
    figures : dict
        Counts of the training data, for the admin.
    read : Read
        The change counters when the training data was read.
    methods : dict, optional
        Figures of each part, for the admin.
    files : dict, optional
        The folder's manifest, by which damage is noticed.
    """
    # The row lock serializes switches.
    Changes.objects.select_for_update().get(pk=1)
    before = Snapshot.objects.filter(kind=kind, current=True).first()
    newest = before is None or (before.labels_read, before.plays_read) <= read
    if before is not None and newest:
        before.current = False
        before.save(update_fields=["current"])
    return Snapshot.objects.create(
        kind=kind,
        folder=folder,
        seconds=seconds,
        figures=figures,
        methods=methods or {},
        files=files or {},
        labels_read=read.labels,
        plays_read=read.plays,
        current=newest,
    )


def clean() -> None:
    """Delete replaced snapshots except the last `KEPT` of each kind, and folders left by builds that died."""
    for kind in Snapshot.Kind:
        replaced = Snapshot.objects.filter(kind=kind, current=False).order_by("-version")
        newest = Snapshot.objects.filter(kind=kind, damaged="").aggregate(version=Max("version"))["version"] or 0
        healed = replaced.exclude(damaged="").filter(version__lt=newest)
        for snapshot in {*replaced.filter(damaged="")[KEPT:], *healed}:
            folder, _ = snapshot.folder, snapshot.delete()
            storage.delete(folder)
    builds = set(SnapshotBuild.objects.values_list("folder", flat=True))
    known = builds | set(Snapshot.objects.values_list("folder", flat=True))
    for folder in set(storage.folders()) - known:
        if storage.oldest_file_time(folder) < timezone.now() - ORPHANED:
            storage.delete(folder)
    storage.delete_build_copies(builds)


def current_row() -> Snapshot | None:
    """The snapshot that readers use: the current one that has read the most changes."""
    return _current_rows().first()


def _current_rows() -> QuerySet[Snapshot]:
    return Snapshot.objects.filter(current=True).order_by("-labels_read", "-version")


def bundle() -> ModelBundle | None:
    """The models of the current snapshot, in one small query; None before the first snapshot.

    A snapshot with damaged files is withdrawn, and the one before it is read. The bundle is cached in memory until
    another snapshot becomes current.
    """
    found = _readable()
    return None if found is None else found[1]


def readable_row() -> Snapshot | None:
    """The current snapshot, after damaged ones are withdrawn; None where no files of any are there."""
    found = _readable()
    return None if found is None else Snapshot.objects.filter(folder=found[0]).first()


def compare_checksums() -> None:
    """Read the files of the current snapshots, and withdraw those that are not as they were written.

    A process does that once in `CHECKED_EVERY_S` for each. Sizes are compared whenever a snapshot is loaded.
    """
    while due := [row for row in _current_rows() if time.monotonic() >= _checked.get(row.folder, float("-inf"))]:
        for row in due:
            _checked[row.folder] = time.monotonic() + CHECKED_EVERY_S
            try:
                storage.check_contents(row.folder, row.files)
            except storage.DamagedFolderError as error:
                _withdraw_or_copy_again(row.folder, error)
            except FileNotFoundError as error:
                _withdraw_if_gone(row.folder, error)


def last_full() -> tuple[Snapshot, ModelBundle] | None:
    """The last full snapshot that can be read, without replacing the cached current one; damaged ones are withdrawn."""
    while (row := Snapshot.objects.filter(kind=Snapshot.Kind.FULL, current=True).first()) is not None:
        if (ready := _loaded.get(row.folder)) is not None:
            return row, ready
        try:
            return row, _load(row.folder)
        except storage.DamagedFolderError as error:
            _withdraw_or_copy_again(row.folder, error)
        except FileNotFoundError as error:
            if not _withdraw_if_gone(row.folder, error):
                return None
    return None


def lost_to_damage(row: Snapshot) -> bool:
    """Whether a snapshot is only read because a newer one is damaged."""
    return Snapshot.objects.filter(version__gt=row.version).exclude(damaged="").exists()


def full_lost_to_damage() -> bool:
    """Whether the last full snapshot is damaged."""
    last = Snapshot.objects.filter(kind=Snapshot.Kind.FULL).order_by("-version").first()
    return last is not None and bool(last.damaged)


def withdraw(folder: str, reason: str) -> None:
    """Mark a snapshot as damaged; the newest intact one of its kind becomes current in its place.

    Parameters
    ----------
    folder : str
    reason : str
        For the admin and the log.
    """
    with transaction.atomic():
        Changes.objects.get_or_create(pk=1)
        Changes.objects.select_for_update().get(pk=1)
        row = Snapshot.objects.filter(folder=folder, damaged="").first()
        if row is None:
            return
        was_current = row.current
        row.damaged, row.current = reason[:300], False
        row.save(update_fields=["damaged", "current"])
        if was_current:
            before = Snapshot.objects.filter(kind=row.kind, damaged="").order_by("-version").first()
            if before is not None:
                before.current = True
                before.save(update_fields=["current"])
    logger.error("Snapshot %s is damaged and no longer read, until a new one is built: %s", row.version, reason)


def _readable() -> tuple[str, ModelBundle] | None:
    """Folder and models of the first current snapshot whose files can be read; damaged ones are withdrawn."""
    missing: OSError | None = None
    raced = 0
    while raced < 2:
        row = first_row(_CURRENT_FOLDER)
        if row is None:
            break
        folder: str = row[0]
        if (ready := _loaded.get(folder)) is not None:
            return folder, ready
        try:
            return folder, _load_once(folder)
        except storage.DamagedFolderError as error:
            missing = error
            _withdraw_or_copy_again(folder, error)
        except FileNotFoundError as error:
            missing = error
            if not _withdraw_if_gone(folder, error):
                # It may have been replaced and deleted since the query: read the row again.
                raced += 1
    if missing is not None:
        logger.error("Snapshot without its files, until it is built again: %s", missing)
    return None


def _withdraw_or_copy_again(folder: str, error: OSError) -> None:
    """Withdraw a damaged snapshot; where only this host's copy was read, have it copied anew first."""
    _loaded.pop(folder, None)
    if not storage.forget_copy(folder):
        withdraw(folder, str(error))


def _withdraw_if_gone(folder: str, error: OSError) -> bool:
    """Withdraw a snapshot whose folder alone is gone; False where the storage has none at all, as while it is away."""
    if not storage.folders():
        return False
    there = Snapshot.objects.filter(folder=folder, damaged="").exists()
    if there:
        withdraw(folder, str(error))
    return there


def _manifest(folder: str) -> storage.Manifest:
    return Snapshot.objects.filter(folder=folder).values_list("files", flat=True).first() or {}


def _load_once(folder: str) -> ModelBundle:
    with _loading:
        if folder not in _loaded:
            ready = _load(folder)
            _loaded.clear()
            _loaded[folder] = ready
        return _loaded[folder]


def _load(folder: str) -> ModelBundle:
    """Memory-map a folder.

    Raises
    ------
    FileNotFoundError
        If the folder is gone.
    DamagedFolderError
        If one of its files is missing or damaged.
    """
    arrays = storage.load_arrays(folder, _manifest(folder))
    try:
        return ModelBundle.from_arrays(arrays)
    except (KeyError, ValueError, IndexError, TypeError) as error:
        raise storage.DamagedFolderError(f"the arrays of {folder} do not make a snapshot: {error!r}") from error
