"""Snapshots: arrays as immutable files, and the one row that says which of them counts.

A snapshot's files are complete in the storage called `snapshots` before one row switches to it, so that a reader
sees the old or the new and never a half. Readers map the files into memory: all processes of a host share one copy.
"""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import tempfile
import threading
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
from django.core.files import File
from django.core.files.storage import Storage, storages
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from numpy.typing import NDArray

from catalog.home import home

from .changes import Read
from .engine.content import Content
from .engine.cooccurrence import Cooccurrence
from .engine.interface import Part, Recommender
from .engine.methods import BEST_FIRST, PARTS, methods_of
from .engine.popularity import Popularity
from .engine.song_map import SongMap
from .engine.sound import Sound
from .evidence import Catalogue
from .models import Changes, Recomputation, Snapshot

logger = logging.getLogger(__name__)

KEPT = 3
"""How many snapshots of a kind stay after newer ones have taken their place."""

ORPHANED = timedelta(days=1)
"""A folder without a row belongs to a build at work, until it is older than this."""


@dataclass(frozen=True, eq=False)
class Recommenders:
    """The fitted recommenders of a snapshot, and which songs and labels their arrays are about.

    Attributes
    ----------
    catalogue : Catalogue
    parts : dict of Part
        Everything that has been fitted, by name; always content and popular.
    """

    catalogue: Catalogue
    parts: dict[str, Part]

    @cached_property
    def methods(self) -> dict[str, Recommender]:
        """Every method of recommending that has been fitted, by the name that people use."""
        return methods_of(self.parts)

    @property
    def content(self) -> Content:
        """The method that knows songs by their labels."""
        return cast(Content, self.parts["content"])

    @property
    def popular(self) -> Popularity:
        """The method that knows what is played."""
        return cast(Popularity, self.parts["popular"])

    @property
    def cooccurrence(self) -> Cooccurrence | None:
        """The method that knows what is played together, where it is fitted."""
        return cast("Cooccurrence | None", self.parts.get("cooccurrence"))

    @property
    def sound(self) -> Sound | None:
        """Which songs sound alike; None in a snapshot from before that was known."""
        return cast("Sound | None", self.parts.get("sound"))

    @property
    def map(self) -> SongMap | None:
        """Where songs lie by how they sound; None in a snapshot from before there was a map."""
        return cast("SongMap | None", self.parts.get("map"))

    @property
    def best(self) -> str:
        """The method to use where nobody names one."""
        return next(name for name in BEST_FIRST if name in self.methods)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All arrays, each by the name of its file."""
        parts: dict[str, Catalogue | Part] = {"catalogue": self.catalogue, **self.parts}
        return {f"{part}.{name}": array for part, one in parts.items() for name, array in one.arrays().items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Recommenders:
        """What `arrays` was called on.

        Raises
        ------
        KeyError
            If an array is missing.
        """
        parts: defaultdict[str, dict[str, NDArray[Any]]] = defaultdict(dict)
        for name, array in arrays.items():
            part, _, short = name.partition(".")
            parts[part][short] = array
        catalogue = Catalogue.from_arrays(parts["catalogue"])
        if missing := {"content", "popular"} - set(parts):
            raise KeyError(min(missing))
        return cls(catalogue, {name: PARTS[name].from_arrays(parts[name]) for name in PARTS if name in parts})


# --- Writing ------------------------------------------------------------------------------------


def store(recommenders: Recommenders) -> str:
    """Write all arrays into a new folder of the storage, and say its name; a failure leaves nothing behind."""
    folder = new_folder()
    try:
        store_arrays(folder, recommenders.arrays())
    except BaseException:
        delete(folder)
        raise
    return folder


def new_folder() -> str:
    """The name of a folder that nobody has used."""
    return f"{timezone.now():%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"


def store_arrays(folder: str, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays into a folder of the storage, each by the name of its file; what is there already is replaced.

    Raises
    ------
    OSError
        If a file cannot be written.
    """
    storage = storages["snapshots"]
    for name, array in arrays.items():
        storage.delete(f"{folder}/{name}.npy")
        _store_file(storage, f"{folder}/{name}.npy", array)


def stored_arrays(folder: str, part: str) -> dict[str, NDArray[Any]]:
    """The arrays of a folder whose names begin with a part's and a dot, by the rest of their names, mapped.

    Raises
    ------
    FileNotFoundError
        If the folder is gone.
    """
    before = f"{part}."
    return {
        name.removeprefix(before).removesuffix(".npy"): np.load(_one_file(folder, name), mmap_mode="r")
        for name in storages["snapshots"].listdir(folder)[1]
        if name.startswith(before)
    }


def delete_part(folder: str, part: str) -> None:
    """Delete the arrays of a part of a folder."""
    storage = storages["snapshots"]
    with suppress(FileNotFoundError):
        for name in storage.listdir(folder)[1]:
            if name.startswith(f"{part}."):
                storage.delete(f"{folder}/{name}")


def delete(folder: str) -> None:
    """Delete a folder of the storage."""
    _delete(storages["snapshots"], folder)


def _store_file(storage: Storage, name: str, array: NDArray[Any]) -> None:
    home().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=home()) as draft:
        np.save(draft, array, allow_pickle=False)
        draft.seek(0)
        storage.save(name, File(draft))
    with suppress(NotImplementedError), Path(storage.path(name)).open("rb") as stored:
        # The row that switches to these files must not reach the disk before they do.
        os.fsync(stored.fileno())


@transaction.atomic
def switch(
    kind: Snapshot.Kind,
    folder: str,
    seconds: float,
    figures: dict[str, Any],
    read: Read,
    methods: dict[str, Any] | None = None,
) -> Snapshot:
    """Make a stored folder the one that readers use, unless a build that has seen more was faster."""
    # One switch at a time.
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
        labels_read=read.labels,
        plays_read=read.plays,
        current=newest,
    )


def clean() -> None:
    """Delete what newer snapshots have replaced, but for the last few, and what builds that died left behind."""
    storage = storages["snapshots"]
    for kind in Snapshot.Kind:
        replaced = Snapshot.objects.filter(kind=kind, current=False).order_by("-version")
        for snapshot in replaced[KEPT:]:
            folder, _ = snapshot.folder, snapshot.delete()
            _delete(storage, folder)
    known = set(Snapshot.objects.values_list("folder", flat=True))
    known |= set(Recomputation.objects.values_list("folder", flat=True))
    for folder in set(_folders(storage)) - known:
        if _begun(storage, folder) < timezone.now() - ORPHANED:
            _delete(storage, folder)
    for draft in _drafts().glob("*"):
        if not Recomputation.objects.filter(folder=draft.name).exists():
            shutil.rmtree(draft, ignore_errors=True)


def _folders(storage: Storage) -> list[str]:
    try:
        return list(storage.listdir("")[0])
    except FileNotFoundError:
        return []


def _begun(storage: Storage, folder: str) -> Any:
    """When the first file of a folder was written; now, for an empty one."""
    _, files = storage.listdir(folder)
    return min((storage.get_modified_time(f"{folder}/{file}") for file in files), default=timezone.now())


def _delete(storage: Storage, folder: str) -> None:
    with suppress(FileNotFoundError):
        for file in storage.listdir(folder)[1]:
            storage.delete(f"{folder}/{file}")
        storage.delete(folder)


# --- Reading ------------------------------------------------------------------------------------

_loaded: dict[str, Recommenders] = {}
_loading = threading.Lock()


def current_row() -> Snapshot | None:
    """The snapshot that readers use: of the current ones, that which has seen most changes."""
    return _current_rows().first()


def _current_rows() -> QuerySet[Snapshot]:
    return Snapshot.objects.filter(current=True).order_by("-labels_read", "-version")


def current() -> Recommenders | None:
    """The recommenders that count now, in one small query; None before the first snapshot.

    They stay in memory until another snapshot has taken their place.
    """
    missing: OSError | None = None
    for _ in range(2):
        # Every page asks: what a row says of its methods and figures is not read for this.
        folder = _current_rows().values_list("folder", flat=True).first()
        if folder is None:
            return None
        if (ready := _loaded.get(folder)) is not None:
            return ready
        try:
            return _load_once(folder)
        except FileNotFoundError as error:
            # It may have been replaced and deleted since the row was read: look at the row again.
            missing = error
    logger.error("Snapshot without its files, until it is built again: %s", missing)
    return None


def load(snapshot: Snapshot) -> Recommenders | None:
    """The recommenders of any snapshot, beside those that count now; None where its files are gone."""
    if (ready := _loaded.get(snapshot.folder)) is not None:
        return ready
    try:
        return _load(snapshot.folder)
    except FileNotFoundError:
        return None


def complete(snapshot: Snapshot) -> bool:
    """Whether the files of a snapshot are where they should be."""
    try:
        _load_once(snapshot.folder)
    except FileNotFoundError:
        return False
    return True


def _load_once(folder: str) -> Recommenders:
    with _loading:
        if folder not in _loaded:
            ready = _load(folder)
            _loaded.clear()
            _loaded[folder] = ready
        return _loaded[folder]


def _load(folder: str) -> Recommenders:
    """Map the arrays of a folder into memory.

    Raises
    ------
    FileNotFoundError
        If the folder or one of its files is gone.
    """
    arrays = {
        # The mapped array as a plain one: the subclass is slower in every operation.
        path.stem: np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
        for path in _local_copy(folder).glob("*.npy")
    }
    try:
        return Recommenders.from_arrays(arrays)
    except KeyError as error:
        raise FileNotFoundError(f"{folder} has no array {error}") from error


def _one_file(folder: str, name: str) -> Path:
    """Where this host can map one file of a folder that is still being filled: where it lies, or a copy."""
    storage = storages["snapshots"]
    with suppress(NotImplementedError):
        return Path(storage.path(f"{folder}/{name}"))
    copy = _drafts() / folder / name
    if not copy.exists():
        copy.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=copy.parent, delete=False) as draft:
            with storage.open(f"{folder}/{name}") as stored:
                shutil.copyfileobj(stored, draft)
            Path(draft.name).replace(copy)
    return copy


def _drafts() -> Path:
    """Where this host has copies of what recomputations are fitted on, if the storage is elsewhere."""
    return home() / "snapshot-drafts"


def _local_copy(folder: str) -> Path:
    """Where this host can map the files of a folder: where they lie, or a copy."""
    storage = storages["snapshots"]
    with suppress(NotImplementedError):
        return Path(storage.path(folder))
    copies = home() / "snapshot-copies"
    copy = copies / folder
    if not copy.is_dir():
        copies.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=copies, prefix="."))
        try:
            for name in storage.listdir(folder)[1]:
                with storage.open(f"{folder}/{name}") as stored, (draft / name).open("wb") as file:
                    shutil.copyfileobj(stored, file)
            # Complete before it has its name. Where another process was faster, its copy is as good.
            with suppress(OSError):
                draft.rename(copy)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        for other in copies.glob("[!.]*"):
            if other != copy:
                shutil.rmtree(other, ignore_errors=True)
    return copy
